"""The forms: items, ranges, bands and what a change means, each figure with its source.

A figure that changes is a new `Scale` with the next version, added to `SCALES`; the one that it
replaces stays, because scores that it made are on file.
"""

from __future__ import annotations

from services.scheduling.rules.outcomes.forms import Band, Cluster, Instrument, Scale

PHQ9 = Scale(
    instrument=Instrument.PHQ9,
    version=1,
    name="PHQ-9",
    items=9,
    highest=3,
    bands=(
        Band("minimal", 0),
        Band("mild", 5),
        Band("moderate", 10),
        Band("moderately_severe", 15),
        Band("severe", 20),
    ),
    judged_from=10,
    meaningful=5,
    source="PHQ-9: nine items from 0 to 3 over the last two weeks (Kroenke 2001)",
)
"""Depression over the last two weeks.

Items, range 0-27, bands at 5, 10, 15 and 20, and a case from 10 (sensitivity and specificity 88 %):
Kroenke, Spitzer, Williams, J Gen Intern Med 2001;16:606. A fall is judged from a case on, as trials
do that enrol from 10. A change of 5 points: Löwe et al., Med Care 2004;42:1194.
"""

GAD7 = Scale(
    instrument=Instrument.GAD7,
    version=1,
    name="GAD-7",
    items=7,
    highest=3,
    bands=(Band("minimal", 0), Band("mild", 5), Band("moderate", 10), Band("severe", 15)),
    judged_from=10,
    meaningful=4,
    source="GAD-7: seven items from 0 to 3 over the last two weeks (Spitzer 2006)",
)
"""Anxiety over the last two weeks.

Items, range 0-21, bands at 5, 10 and 15, a case from 10: Spitzer et al., Arch Intern Med
2006;166:1092. A change of 4 points: Toussaint et al., J Affect Disord 2020;265:395.
"""

PCL5 = Scale(
    instrument=Instrument.PCL5,
    version=1,
    name="PCL-5",
    items=20,
    highest=4,
    bands=(Band("below_cut", 0), Band("probable_ptsd", 31)),
    judged_from=31,
    meaningful=15,
    clusters=(
        Cluster("b_intrusion", 1, 5, needed=1),
        Cluster("c_avoidance", 6, 7, needed=1),
        Cluster("d_cognition_mood", 8, 14, needed=2),
        Cluster("e_arousal", 15, 20, needed=2),
    ),
    endorsed_from=2,
    source="PCL-5: twenty items from 0 to 4 over the last month (National Center for PTSD)",
)
"""Post-traumatic stress over the last month, by DSM-5.

Items, range 0-80, clusters, the provisional criteria (an item counts from 2, "moderately"; B and C
need one, D and E two) and a cut between 31 and 33: Weathers et al. 2013, National Center for PTSD.
The cut is taken at its lower end, so that fewer are missed. There are no empirical severity ranges,
so there are no more bands. A change of 15 points is reliable: Marx et al., Psychol Assess
2022;34:197, whose second sample found 18; Blanchard et al., J Trauma Stress 2023;36:1102 found 9 to
12 in primary care, and 5 or fewer not reliable.
"""

NRS = Scale(
    instrument=Instrument.NRS,
    version=1,
    name="pain NRS",
    items=1,
    highest=10,
    bands=(Band("none", 0), Band("mild", 1), Band("moderate", 4), Band("severe", 7)),
    judged_from=4,
    meaningful=2,
    source="NRS-11: pain as one whole number, 0 none to 10 the worst imaginable",
)
"""Pain now, as one number.

Range 0-10 and bands at 1, 4 and 7: Canadian Physiotherapy Association, NRS-11 (for chronic
musculoskeletal pain Boonstra et al., Front Psychol 2016;7:1466 found 6 and 8, varying by patient).
A change of 2 points: Farrar et al., Pain 2001;94:149.
"""

SCALES = (PHQ9, GAD7, PCL5, NRS)


def newest(instrument: Instrument) -> Scale:
    """The version that scores what comes in now."""
    return max(
        (each for each in SCALES if each.instrument is instrument), key=lambda each: each.version
    )


def scale_of(instrument: Instrument, version: int) -> Scale | None:
    """The version that made a score; None for a Creyos summary, which is no scale of ours."""
    return next(
        (each for each in SCALES if (each.instrument, each.version) == (instrument, version)), None
    )
