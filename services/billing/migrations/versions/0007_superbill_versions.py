"""Superbills have versions, of a charge or of a month; what codes mean is kept from a day on.

The code tables begin with ICD-10-CM as CMS publishes it, as far as ketamine practice meets it, and
with the few service codes that the clinic bills or must never bill, in its own words.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE diagnosis_codes (
    code text NOT NULL,
    effective_from date NOT NULL,
    is_billable boolean NOT NULL,
    words text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_diagnosis_codes PRIMARY KEY (code, effective_from)
);
CREATE TABLE service_codes (
    code text NOT NULL,
    effective_from date NOT NULL,
    is_billable boolean NOT NULL,
    words text NOT NULL,
    requires text[] NOT NULL,
    excludes text[] NOT NULL,
    units_max smallint,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_service_codes PRIMARY KEY (code, effective_from),
    CONSTRAINT ck_service_codes_units_max CHECK (units_max > 0)
);
CREATE TRIGGER diagnosis_codes_append_only BEFORE UPDATE OR DELETE ON diagnosis_codes
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER service_codes_append_only BEFORE UPDATE OR DELETE ON service_codes
    FOR EACH ROW EXECUTE FUNCTION append_only();
ALTER TABLE superbills
    ADD COLUMN version smallint NOT NULL,
    ADD COLUMN replaces_id uuid
        CONSTRAINT fk_superbills_replaces_id REFERENCES superbills,
    ADD COLUMN reason text,
    ADD COLUMN month date,
    ADD COLUMN served_on date NOT NULL,
    ALTER COLUMN charge_id DROP NOT NULL,
    ALTER COLUMN infusion_id DROP NOT NULL,
    DROP CONSTRAINT uq_superbills_charge_id,
    DROP CONSTRAINT uq_superbills_number,
    ADD CONSTRAINT uq_superbills_charge_id_version UNIQUE (charge_id, version),
    ADD CONSTRAINT uq_superbills_patient_id_month_version UNIQUE (patient_id, month, version),
    ADD CONSTRAINT uq_superbills_number_version UNIQUE (number, version),
    ADD CONSTRAINT uq_superbills_replaces_id UNIQUE (replaces_id),
    ADD CONSTRAINT ck_superbills_about CHECK (
        num_nulls(charge_id, infusion_id) = 0 AND month IS NULL
        OR num_nulls(charge_id, infusion_id) = 2 AND month IS NOT NULL),
    ADD CONSTRAINT ck_superbills_replaces CHECK (
        (version = 1) = (replaces_id IS NULL) AND (replaces_id IS NULL) = (reason IS NULL)),
    ADD CONSTRAINT ck_superbills_reason CHECK (reason IN ('refund', 'record', 'visit'));
ALTER TABLE superbill_holds
    ADD COLUMN correction text,
    ADD CONSTRAINT ck_superbill_holds_correction CHECK (correction IN ('refund', 'record'));
ALTER TABLE superbill_documents ADD COLUMN receipt bytea NOT NULL;
DROP TRIGGER superbill_documents_append_only ON superbill_documents;
CREATE TRIGGER superbill_documents_append_only BEFORE UPDATE ON superbill_documents FOR EACH ROW
    WHEN (to_jsonb(old) - 'sealed' - 'receipt'
              IS DISTINCT FROM to_jsonb(new) - 'sealed' - 'receipt'
          OR current_setting('practice.reseals', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION append_only()
"""

# code|from|billable|words. A heading is listed so that it can be told from what is unknown; one
# that was billable once has a row from the day on which it was divided.
DIAGNOSES = """
A69.20|2015-10-01|yes|Lyme disease, unspecified
B02|2015-10-01|no|Zoster [herpes zoster]
B02.2|2015-10-01|no|Zoster with other nervous system involvement
B02.21|2015-10-01|yes|Postherpetic geniculate ganglionitis
B02.22|2015-10-01|yes|Postherpetic trigeminal neuralgia
B02.23|2015-10-01|yes|Postherpetic polyneuropathy
B02.24|2015-10-01|yes|Postherpetic myelitis
B02.29|2015-10-01|yes|Postherpetic nervous system involvement, other
F10|2015-10-01|no|Alcohol related disorders
F10.20|2015-10-01|yes|Alcohol dependence, uncomplicated
F10.21|2015-10-01|yes|Alcohol dependence, in remission
F11|2015-10-01|no|Opioid related disorders
F11.20|2015-10-01|yes|Opioid dependence, uncomplicated
F11.21|2015-10-01|yes|Opioid dependence, in remission
F14|2015-10-01|no|Cocaine related disorders
F14.20|2015-10-01|yes|Cocaine dependence, uncomplicated
F14.21|2015-10-01|yes|Cocaine dependence, in remission
F31|2015-10-01|no|Bipolar disorder
F31.0|2015-10-01|yes|Bipolar disorder, hypomanic
F31.1|2015-10-01|no|Bipolar disorder, current episode manic without psychotic features
F31.10|2015-10-01|yes|Bipolar disorder, manic without psychotic features, unspecified
F31.11|2015-10-01|yes|Bipolar disorder, manic without psychotic features, mild
F31.12|2015-10-01|yes|Bipolar disorder, manic without psychotic features, moderate
F31.13|2015-10-01|yes|Bipolar disorder, manic without psychotic features, severe
F31.2|2015-10-01|yes|Bipolar disorder, manic, severe, with psychotic features
F31.3|2015-10-01|no|Bipolar disorder, current episode depressed, mild or moderate severity
F31.30|2015-10-01|yes|Bipolar disorder, depressed, mild or moderate severity, unspecified
F31.31|2015-10-01|yes|Bipolar disorder, depressed, mild
F31.32|2015-10-01|yes|Bipolar disorder, depressed, moderate
F31.4|2015-10-01|yes|Bipolar disorder, depressed, severe, without psychotic features
F31.5|2015-10-01|yes|Bipolar disorder, depressed, severe, with psychotic features
F31.6|2015-10-01|no|Bipolar disorder, current episode mixed
F31.60|2015-10-01|yes|Bipolar disorder, mixed, unspecified
F31.61|2015-10-01|yes|Bipolar disorder, mixed, mild
F31.62|2015-10-01|yes|Bipolar disorder, mixed, moderate
F31.63|2015-10-01|yes|Bipolar disorder, mixed, severe, without psychotic features
F31.64|2015-10-01|yes|Bipolar disorder, mixed, severe, with psychotic features
F31.7|2015-10-01|no|Bipolar disorder, currently in remission
F31.70|2015-10-01|yes|Bipolar disorder, currently in remission, most recent episode unspecified
F31.73|2015-10-01|yes|Bipolar disorder, in partial remission, most recent episode manic
F31.75|2015-10-01|yes|Bipolar disorder, in partial remission, most recent episode depressed
F31.76|2015-10-01|yes|Bipolar disorder, in full remission, most recent episode depressed
F31.8|2015-10-01|no|Other bipolar disorders
F31.81|2015-10-01|yes|Bipolar II disorder
F31.89|2015-10-01|yes|Other bipolar disorder
F31.9|2015-10-01|yes|Bipolar disorder, unspecified
F32|2015-10-01|no|Depressive episode
F32.0|2015-10-01|yes|Major depressive disorder, single episode, mild
F32.1|2015-10-01|yes|Major depressive disorder, single episode, moderate
F32.2|2015-10-01|yes|Major depressive disorder, single episode, severe, without psychotic features
F32.3|2015-10-01|yes|Major depressive disorder, single episode, severe, with psychotic features
F32.4|2015-10-01|yes|Major depressive disorder, single episode, in partial remission
F32.5|2015-10-01|yes|Major depressive disorder, single episode, in full remission
F32.8|2015-10-01|yes|Other depressive episodes
F32.8|2016-10-01|no|Other depressive episodes
F32.81|2016-10-01|yes|Premenstrual dysphoric disorder
F32.89|2016-10-01|yes|Other specified depressive episodes
F32.9|2015-10-01|yes|Major depressive disorder, single episode, unspecified
F32.A|2021-10-01|yes|Depression, unspecified
F33|2015-10-01|no|Major depressive disorder, recurrent
F33.0|2015-10-01|yes|Major depressive disorder, recurrent, mild
F33.1|2015-10-01|yes|Major depressive disorder, recurrent, moderate
F33.2|2015-10-01|yes|Major depressive disorder, recurrent, severe, without psychotic features
F33.3|2015-10-01|yes|Major depressive disorder, recurrent, severe, with psychotic symptoms
F33.4|2015-10-01|no|Major depressive disorder, recurrent, in remission
F33.40|2015-10-01|yes|Major depressive disorder, recurrent, in remission, unspecified
F33.41|2015-10-01|yes|Major depressive disorder, recurrent, in partial remission
F33.42|2015-10-01|yes|Major depressive disorder, recurrent, in full remission
F33.8|2015-10-01|yes|Other recurrent depressive disorders
F33.9|2015-10-01|yes|Major depressive disorder, recurrent, unspecified
F34|2015-10-01|no|Persistent mood [affective] disorders
F34.1|2015-10-01|yes|Dysthymic disorder
F34.8|2015-10-01|yes|Other persistent mood [affective] disorders
F34.8|2016-10-01|no|Other persistent mood [affective] disorders
F34.81|2016-10-01|yes|Disruptive mood dysregulation disorder
F40|2015-10-01|no|Phobic anxiety disorders
F40.0|2015-10-01|no|Agoraphobia
F40.00|2015-10-01|yes|Agoraphobia, unspecified
F40.01|2015-10-01|yes|Agoraphobia with panic disorder
F40.1|2015-10-01|no|Social phobias
F40.10|2015-10-01|yes|Social phobia, unspecified
F40.11|2015-10-01|yes|Social phobia, generalized
F41|2015-10-01|no|Other anxiety disorders
F41.0|2015-10-01|yes|Panic disorder
F41.1|2015-10-01|yes|Generalized anxiety disorder
F41.3|2015-10-01|yes|Other mixed anxiety disorders
F41.8|2015-10-01|yes|Other specified anxiety disorders
F41.9|2015-10-01|yes|Anxiety disorder, unspecified
F42|2015-10-01|yes|Obsessive-compulsive disorder
F42|2016-10-01|no|Obsessive-compulsive disorder
F42.2|2016-10-01|yes|Mixed obsessional thoughts and acts
F42.3|2016-10-01|yes|Hoarding disorder
F42.4|2016-10-01|yes|Excoriation (skin-picking) disorder
F42.8|2016-10-01|yes|Other obsessive-compulsive disorder
F42.9|2016-10-01|yes|Obsessive-compulsive disorder, unspecified
F43|2015-10-01|no|Reaction to severe stress, and adjustment disorders
F43.0|2015-10-01|yes|Acute stress reaction
F43.1|2015-10-01|no|Post-traumatic stress disorder (PTSD)
F43.10|2015-10-01|yes|Post-traumatic stress disorder, unspecified
F43.11|2015-10-01|yes|Post-traumatic stress disorder, acute
F43.12|2015-10-01|yes|Post-traumatic stress disorder, chronic
F43.2|2015-10-01|no|Adjustment disorders
F43.20|2015-10-01|yes|Adjustment disorder, unspecified
F43.21|2015-10-01|yes|Adjustment disorder with depressed mood
F43.22|2015-10-01|yes|Adjustment disorder with anxiety
F43.23|2015-10-01|yes|Adjustment disorder with mixed anxiety and depressed mood
F43.8|2015-10-01|yes|Other reactions to severe stress
F43.8|2022-10-01|no|Other reactions to severe stress
F43.81|2022-10-01|yes|Prolonged grief disorder
F43.89|2022-10-01|yes|Other reactions to severe stress
F43.9|2015-10-01|yes|Reaction to severe stress, unspecified
F53|2015-10-01|yes|Mental disorders of the puerperium, not elsewhere classified
F53|2018-10-01|no|Mental disorders of the puerperium, not elsewhere classified
F53.0|2018-10-01|yes|Postpartum depression
G43|2015-10-01|no|Migraine
G43.0|2015-10-01|no|Migraine without aura
G43.009|2015-10-01|yes|Migraine without aura, not intractable, without status migrainosus
G43.019|2015-10-01|yes|Migraine without aura, intractable, without status migrainosus
G43.1|2015-10-01|no|Migraine with aura
G43.109|2015-10-01|yes|Migraine with aura, not intractable, without status migrainosus
G43.119|2015-10-01|yes|Migraine with aura, intractable, without status migrainosus
G43.7|2015-10-01|no|Chronic migraine without aura
G43.701|2015-10-01|yes|Chronic migraine without aura, not intractable, with status migrainosus
G43.709|2015-10-01|yes|Chronic migraine without aura, not intractable, without status migrainosus
G43.711|2015-10-01|yes|Chronic migraine without aura, intractable, with status migrainosus
G43.719|2015-10-01|yes|Chronic migraine without aura, intractable, without status migrainosus
G43.9|2015-10-01|no|Migraine, unspecified
G43.901|2015-10-01|yes|Migraine, unspecified, not intractable, with status migrainosus
G43.909|2015-10-01|yes|Migraine, unspecified, not intractable, without status migrainosus
G43.911|2015-10-01|yes|Migraine, unspecified, intractable, with status migrainosus
G43.919|2015-10-01|yes|Migraine, unspecified, intractable, without status migrainosus
G44.0|2015-10-01|no|Cluster headaches and other trigeminal autonomic cephalgias (TAC)
G44.001|2015-10-01|yes|Cluster headache syndrome, unspecified, intractable
G44.009|2015-10-01|yes|Cluster headache syndrome, unspecified, not intractable
G44.011|2015-10-01|yes|Episodic cluster headache, intractable
G44.019|2015-10-01|yes|Episodic cluster headache, not intractable
G44.021|2015-10-01|yes|Chronic cluster headache, intractable
G44.029|2015-10-01|yes|Chronic cluster headache, not intractable
G50.0|2015-10-01|yes|Trigeminal neuralgia
G54|2015-10-01|no|Nerve root and plexus disorders
G54.6|2015-10-01|yes|Phantom limb syndrome with pain
G54.7|2015-10-01|yes|Phantom limb syndrome without pain
G56.4|2015-10-01|no|Causalgia of upper limb
G56.40|2015-10-01|yes|Causalgia of unspecified upper limb
G56.41|2015-10-01|yes|Causalgia of right upper limb
G56.42|2015-10-01|yes|Causalgia of left upper limb
G57.7|2015-10-01|no|Causalgia of lower limb
G57.70|2015-10-01|yes|Causalgia of unspecified lower limb
G57.71|2015-10-01|yes|Causalgia of right lower limb
G57.72|2015-10-01|yes|Causalgia of left lower limb
G62.9|2015-10-01|yes|Polyneuropathy, unspecified
G89|2015-10-01|no|Pain, not elsewhere classified
G89.0|2015-10-01|yes|Central pain syndrome
G89.1|2015-10-01|no|Acute pain, not elsewhere classified
G89.11|2015-10-01|yes|Acute pain due to trauma
G89.12|2015-10-01|yes|Acute post-thoracotomy pain
G89.18|2015-10-01|yes|Other acute postprocedural pain
G89.2|2015-10-01|no|Chronic pain, not elsewhere classified
G89.21|2015-10-01|yes|Chronic pain due to trauma
G89.22|2015-10-01|yes|Chronic post-thoracotomy pain
G89.28|2015-10-01|yes|Other chronic postprocedural pain
G89.29|2015-10-01|yes|Other chronic pain
G89.3|2015-10-01|yes|Neoplasm related pain
G89.4|2015-10-01|yes|Chronic pain syndrome
G90|2015-10-01|no|Disorders of autonomic nervous system
G90.5|2015-10-01|no|Complex regional pain syndrome I (CRPS I)
G90.50|2015-10-01|yes|Complex regional pain syndrome I, unspecified
G90.51|2015-10-01|no|Complex regional pain syndrome I of upper limb
G90.511|2015-10-01|yes|Complex regional pain syndrome I of right upper limb
G90.512|2015-10-01|yes|Complex regional pain syndrome I of left upper limb
G90.513|2015-10-01|yes|Complex regional pain syndrome I of upper limb, bilateral
G90.519|2015-10-01|yes|Complex regional pain syndrome I of unspecified upper limb
G90.52|2015-10-01|no|Complex regional pain syndrome I of lower limb
G90.521|2015-10-01|yes|Complex regional pain syndrome I of right lower limb
G90.522|2015-10-01|yes|Complex regional pain syndrome I of left lower limb
G90.523|2015-10-01|yes|Complex regional pain syndrome I of lower limb, bilateral
G90.529|2015-10-01|yes|Complex regional pain syndrome I of unspecified lower limb
G90.59|2015-10-01|yes|Complex regional pain syndrome I of other specified site
G93.3|2015-10-01|yes|Postviral and related fatigue syndromes
G93.3|2022-10-01|no|Postviral and related fatigue syndromes
G93.32|2022-10-01|yes|Myalgic encephalomyelitis/chronic fatigue syndrome
M54.5|2015-10-01|yes|Low back pain
M54.5|2021-10-01|no|Low back pain
M54.50|2021-10-01|yes|Low back pain, unspecified
M79|2015-10-01|no|Other and unspecified soft tissue disorders, not elsewhere classified
M79.2|2015-10-01|yes|Neuralgia and neuritis, unspecified
M79.7|2015-10-01|yes|Fibromyalgia
R45.8|2015-10-01|no|Other symptoms and signs involving emotional state
R45.85|2015-10-01|no|Homicidal and suicidal ideations
R45.851|2015-10-01|yes|Suicidal ideations
R45.88|2021-10-01|yes|Nonsuicidal self-harm
R52|2015-10-01|yes|Pain, unspecified
R53.82|2015-10-01|yes|Chronic fatigue, unspecified
"""

# code|from|billable|requires one of|excludes|units a day|the clinic's words|source
SERVICES = """
96365|2009-01-01|yes||96374|1|Intravenous infusion for therapy, first hour|CPT: one initial code
96366|2009-01-01|yes|96365||8|Intravenous infusion for therapy, each further hour|CMS MUE table
96367|2009-01-01|yes|96365|||Intravenous infusion of a further drug, first hour|CPT: add-on to 96365
96368|2009-01-01|yes|96365||1|Second drug infused at the same time|CPT: add-on to 96365
96372|2009-01-01|yes||||Injection into muscle or under the skin|CPT
96374|2009-01-01|yes||96365|1|Intravenous push of a single drug, initial|CPT: one initial code
96375|2009-01-01|yes|96365 96374|||Intravenous push of a further drug|CPT: add-on to an initial code
J3490|2009-01-01|yes||||Drug without a code of its own|HCPCS level II
J7999|2016-01-01|yes||||Compounded drug without a code of its own|HCPCS level II
G2082|2020-01-01|no||||Spravato (esketamine) only|CMS: esketamine has its own codes
G2083|2020-01-01|no||||Spravato (esketamine) only|CMS: esketamine has its own codes
S0013|2021-01-01|no||||Spravato (esketamine) only|CMS: esketamine has its own codes
J2001|2009-01-01|no||||Lidocaine, not ketamine|HCPCS level II
"""

ROWS = """
INSERT INTO diagnosis_codes (code, effective_from, is_billable, words, recorded_at)
SELECT split_part(r, '|', 1), split_part(r, '|', 2)::date, split_part(r, '|', 3) = 'yes',
       split_part(r, '|', 4), now()
  FROM regexp_split_to_table('{diagnoses}', E'\\n') AS r;
INSERT INTO service_codes (code, effective_from, is_billable, requires, excludes, units_max, words,
                           source, recorded_at)
SELECT split_part(r, '|', 1), split_part(r, '|', 2)::date, split_part(r, '|', 3) = 'yes',
       string_to_array(split_part(r, '|', 4), ' '), string_to_array(split_part(r, '|', 5), ' '),
       nullif(split_part(r, '|', 6), '')::smallint, split_part(r, '|', 7),
       split_part(r, '|', 8), now()
  FROM regexp_split_to_table('{services}', E'\\n') AS r
"""


def upgrade() -> None:
    rows = ROWS.format(diagnoses=DIAGNOSES.strip(), services=SERVICES.strip())
    for statement in f"{STATEMENTS};{rows}".split(";"):
        op.execute(statement)
