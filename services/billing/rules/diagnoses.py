"""ICD-10-CM codes that ketamine practice meets, with words for the reader of a superbill.

The code set is public (CMS, FY 2027, in force since 2026-10-01). A code that is not listed is
printed without words; a heading, which no payer takes, is refused.
"""

from __future__ import annotations

WORDS = {
    "B02.29": "Postherpetic nervous system involvement, other",
    "F31.4": "Bipolar disorder, depressed, severe, without psychotic features",
    "F31.81": "Bipolar II disorder",
    "F32.1": "Major depressive disorder, single episode, moderate",
    "F32.2": "Major depressive disorder, single episode, severe, without psychotic features",
    "F32.A": "Depression, unspecified",
    "F33.1": "Major depressive disorder, recurrent, moderate",
    "F33.2": "Major depressive disorder, recurrent, severe, without psychotic features",
    "F33.9": "Major depressive disorder, recurrent, unspecified",
    "F41.0": "Panic disorder",
    "F41.1": "Generalized anxiety disorder",
    "F42.2": "Mixed obsessional thoughts and acts",
    "F42.9": "Obsessive-compulsive disorder, unspecified",
    "F43.10": "Post-traumatic stress disorder, unspecified",
    "F43.11": "Post-traumatic stress disorder, acute",
    "F43.12": "Post-traumatic stress disorder, chronic",
    "G54.6": "Phantom limb syndrome with pain",
    "G89.4": "Chronic pain syndrome",
    "G90.50": "Complex regional pain syndrome I, unspecified",
    "M79.7": "Fibromyalgia",
    "R45.851": "Suicidal ideations",
}

HEADINGS = frozenset(
    {"B02", "B02.2", "F31", "F31.8", "F32", "F33", "F41", "F42", "F43", "F43.1", "G43", "G54",
     "G89", "G89.2", "G90", "G90.5", "G90.51", "G90.52", "M79", "R45", "R45.8", "R45.85"}
)  # fmt: skip
"""Categories of those codes: they name a group and bill nothing."""


def words_for(code: str) -> str | None:
    return WORDS.get(code)


def is_heading(code: str) -> bool:
    return code in HEADINGS
