"""The visit types and the figures that plans are made by, each with its source and first day."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE visit_types (
    visit_type text NOT NULL,
    effective_from date NOT NULL,
    name text NOT NULL,
    booked_min smallint,
    recovery_min smallint NOT NULL,
    fasting_min smallint NOT NULL,
    no_drive_min smallint NOT NULL,
    ride_needed boolean NOT NULL,
    chair_needed boolean NOT NULL,
    start_every_min smallint NOT NULL,
    sources jsonb NOT NULL,
    CONSTRAINT pk_visit_types PRIMARY KEY (visit_type, effective_from),
    CONSTRAINT ck_visit_types_length CHECK
        (booked_min > 0 AND recovery_min >= 0 AND booked_min + recovery_min <= 720),
    CONSTRAINT ck_visit_types_rules CHECK (fasting_min >= 0 AND no_drive_min >= 0),
    CONSTRAINT ck_visit_types_grid CHECK (start_every_min BETWEEN 1 AND 240)
);
CREATE TABLE protocols (
    visit_type text NOT NULL,
    effective_from date NOT NULL,
    kind text NOT NULL,
    size_min smallint NOT NULL,
    size_max smallint NOT NULL,
    gap_min_days smallint NOT NULL,
    gap_advised_days smallint NOT NULL,
    gap_max_days smallint NOT NULL,
    weekly_advised smallint,
    weekly_cap smallint,
    course_advised_weeks smallint,
    sources jsonb NOT NULL,
    CONSTRAINT pk_protocols PRIMARY KEY (visit_type, effective_from),
    CONSTRAINT ck_protocols_size CHECK (0 < size_min AND size_min <= size_max AND size_max <= 20),
    CONSTRAINT ck_protocols_gaps CHECK (0 < gap_min_days AND gap_min_days <= gap_advised_days
        AND gap_advised_days <= gap_max_days AND gap_max_days <= 31),
    CONSTRAINT ck_protocols_weeks CHECK
        (weekly_advised > 0 AND weekly_cap > 0 AND course_advised_weeks > 0)
);
CREATE TABLE opening_hours (
    hours_id uuid NOT NULL,
    location_id uuid CONSTRAINT fk_opening_hours_location_id REFERENCES locations,
    visit_type text NOT NULL,
    effective_from date NOT NULL,
    windows jsonb NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_opening_hours PRIMARY KEY (hours_id),
    CONSTRAINT uq_opening_hours_location_id_visit_type_effective_from
        UNIQUE NULLS NOT DISTINCT (location_id, visit_type, effective_from)
);
CREATE TABLE rosters (
    roster_id uuid NOT NULL,
    location_id uuid NOT NULL CONSTRAINT fk_rosters_location_id REFERENCES locations,
    effective_from date NOT NULL,
    chairs_per_nurse smallint NOT NULL,
    shifts jsonb NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_rosters PRIMARY KEY (roster_id),
    CONSTRAINT uq_rosters_location_id_effective_from UNIQUE (location_id, effective_from),
    CONSTRAINT ck_rosters_chairs_per_nurse CHECK (chairs_per_nurse > 0)
);
CREATE TABLE closures (
    closure_id uuid NOT NULL,
    location_id uuid NOT NULL CONSTRAINT fk_closures_location_id REFERENCES locations,
    first_on date NOT NULL,
    last_on date NOT NULL,
    reason text NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT pk_closures PRIMARY KEY (closure_id),
    CONSTRAINT ck_closures_days CHECK (first_on <= last_on)
);
CREATE INDEX ix_closures_location_id ON closures (location_id, last_on)
"""

NO_LENGTH = "the FAQ names no length; the clinic records its own"
SAME_FOR_ALL = {
    "name": "FAQ: the treatments that it names",
    "recovery_min": "FAQ names none: the experience ends within minutes of stopping the IV",
    "start_every_min": "the house's grid of a quarter hour; the FAQ names none",
}
FASTING = "FAQ: no food for two hours prior, but liquids are fine"
NO_DRIVING = "FAQ: no driving for 6 hours after an infusion"
RIDE = "FAQ: you will need a ride to and from the infusion"
CAUTION = "; said of ketamine, kept for this until the clinic records its own"
NOT_NAMED = "the FAQ names no such rule for this"

KETAMINE = (
    {"fasting_min": 120, "no_drive_min": 360, "ride_needed": True, "chair_needed": True},
    {
        "fasting_min": FASTING,
        "no_drive_min": NO_DRIVING,
        "ride_needed": RIDE,
        "chair_needed": "an infusion is given in a chair",
    },
)
OTHER_DRUG = (KETAMINE[0], {name: source + CAUTION for name, source in KETAMINE[1].items()})
IN_CHAIR = (
    {"fasting_min": 0, "no_drive_min": 0, "ride_needed": False, "chair_needed": True},
    {
        "fasting_min": NOT_NAMED,
        "no_drive_min": NOT_NAMED,
        "ride_needed": NOT_NAMED,
        "chair_needed": "given at the clinic",
    },
)
TALK = (
    IN_CHAIR[0] | {"chair_needed": False},
    IN_CHAIR[1] | {"chair_needed": "a conversation: no drug is given"},
)
MOOD_LENGTH = "FAQ: intravenously over the course of 40-50 minutes"
PAIN_LENGTH = "FAQ: CRPS and pain infusions can last 4 hours"

VISIT_TYPES = (
    ("ketamine_mood", "Ketamine infusion for mood", 50, MOOD_LENGTH, KETAMINE),
    ("ketamine_pain", "Ketamine infusion for pain or CRPS", 240, PAIN_LENGTH, KETAMINE),
    ("ketamine_maintenance", "Maintenance (booster) infusion", 50, MOOD_LENGTH, KETAMINE),
    ("lidocaine", "Lidocaine infusion for pain", None, NO_LENGTH, OTHER_DRUG),
    ("scopolamine", "Scopolamine infusion", None, NO_LENGTH, OTHER_DRUG),
    ("scopolamine_beta_blocker", "Scopolamine and beta-blocker", None, NO_LENGTH, OTHER_DRUG),
    ("magnesium", "Magnesium", None, NO_LENGTH, OTHER_DRUG),
    ("dextromethorphan", "Dextromethorphan therapy", None, NO_LENGTH, OTHER_DRUG),
    ("nitrous", "Nitrous therapy", None, NO_LENGTH, OTHER_DRUG),
    ("low_level_laser", "Low-level laser light treatment", None, NO_LENGTH, IN_CHAIR),
    ("nad", "NAD+ infusion", None, NO_LENGTH, IN_CHAIR),
    ("amino_acids", "Injectable amino acids", None, NO_LENGTH, IN_CHAIR),
    ("vitamins", "IV vitamins, B12, CoQ10, IV B vitamins", None, NO_LENGTH, IN_CHAIR),
    ("preparation", "Preparation-integration session", None, NO_LENGTH, TALK),
    ("spray_consult", "Nasal spray consultation", None, NO_LENGTH, TALK),
    ("web_follow_up", "Web-based follow-up", None, NO_LENGTH, TALK),
    ("integration", "Integration therapy", None, NO_LENGTH, TALK),
)

INSERT_VISIT_TYPE = """
INSERT INTO visit_types (visit_type, effective_from, name, booked_min, recovery_min, fasting_min,
    no_drive_min, ride_needed, chair_needed, start_every_min, sources)
VALUES (:visit_type, '2020-01-01', :name, :booked_min, 0, :fasting_min, :no_drive_min,
    :ride_needed, :chair_needed, 15, CAST(:sources AS jsonb))
"""

PROTOCOLS = """
INSERT INTO protocols (visit_type, effective_from, kind, size_min, size_max, gap_min_days,
    gap_advised_days, gap_max_days, weekly_advised, weekly_cap, course_advised_weeks, sources)
VALUES ('ketamine_mood', '2020-01-01', 'mood', 6, 8, 2, 5, 7, 3, NULL, 3,
    '{"size_min": "FAQ: a total of six (6) sessions and up to 8 initial infusions",
      "size_max": "FAQ: a total of six (6) sessions and up to 8 initial infusions",
      "gap_min_days": "FAQ: spaced 2 to 5 days apart",
      "gap_advised_days": "FAQ: spaced 2 to 5 days apart",
      "gap_max_days": "FAQ: do not let more than 5-7 days go between initial infusions",
      "weekly_advised": "FAQ: spaced 2 to 5 days apart or twice to three times a week",
      "weekly_cap": "off: the FAQ joins its two rules with an or",
      "course_advised_weeks": "FAQ: generally, 6-8 infusions are needed over 2-3 weeks"}'),
    ('ketamine_pain', '2020-01-01', 'pain', 3, 5, 1, 1, 1, NULL, NULL, NULL,
    '{"size_min": "FAQ: CRPS and pain infusions span 3-5 days consecutively",
      "size_max": "FAQ: CRPS and pain infusions span 3-5 days consecutively",
      "gap_min_days": "FAQ: CRPS and pain infusions span 3-5 days consecutively",
      "gap_advised_days": "FAQ: CRPS and pain infusions span 3-5 days consecutively",
      "gap_max_days": "FAQ: CRPS and pain infusions span 3-5 days consecutively",
      "weekly_advised": "the FAQ names none for pain",
      "weekly_cap": "the FAQ names none for pain",
      "course_advised_weeks": "the FAQ names none for pain"}')
"""

HOURS = """
INSERT INTO opening_hours (hours_id, location_id, visit_type, effective_from, windows, source)
VALUES ('5b1f6f1e-0000-7000-8000-000000000101', NULL, 'preparation', '2020-01-01',
    '[{"weekday": 1, "from": "09:00", "until": "21:00"},
      {"weekday": 3, "from": "09:00", "until": "21:00"},
      {"weekday": 5, "from": "09:00", "until": "21:00"}]',
    'FAQ: initial preparation-integration sessions Monday, Wednesday, and Fridays from 9 A.M. to'
    ' 9 P.M.')
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    for visit_type, name, booked_min, length_source, (figures, sources) in VISIT_TYPES:
        op.execute(
            sa.text(INSERT_VISIT_TYPE).bindparams(
                visit_type=visit_type,
                name=name,
                booked_min=booked_min,
                sources=json.dumps(SAME_FOR_ALL | {"booked_min": length_source} | sources),
                **figures,
            )
        )
    op.execute(PROTOCOLS.replace(":", r"\:"))
    op.execute(HOURS.replace(":", r"\:"))
