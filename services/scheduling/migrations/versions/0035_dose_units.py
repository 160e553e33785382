"""A drug's dose has the unit that the catalogue names for it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

UNITS = {
    "ketamine_mood": "mg",
    "ketamine_pain": "mg",
    "ketamine_maintenance": "mg",
    "lidocaine": "mg",
    "scopolamine": "mcg",
    "scopolamine_beta_blocker": "mL",
    "magnesium": "g",
    "dextromethorphan": "mg",
    "nitrous": "L",
    "nad": "mg",
    "amino_acids": "mL",
    "vitamins": "mL",
}
SOURCE = "the FAQ names none; as the drug is usually measured, until a prescriber says otherwise"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE visit_types ADD COLUMN dose_unit text"
        " CONSTRAINT ck_visit_types_dose_unit"
        " CHECK (dose_unit IN ('mcg', 'mg', 'g', 'mL', 'L', 'IU'))"
    )
    for visit_type, unit in UNITS.items():
        _give(unit, "visit_type = :visit_type", visit_type=visit_type)
    _give("mg", "dose_unit IS NULL AND dose_needed")
    op.execute(
        "UPDATE visit_types SET sources = sources || jsonb_build_object('dose_unit',"
        " 'nothing that is measured is given') WHERE dose_unit IS NULL"
    )
    op.execute("ALTER TABLE visit_types DROP CONSTRAINT ck_visit_types_drug")
    op.execute("ALTER TABLE visit_types DROP CONSTRAINT ck_visit_types_dose")
    op.execute(
        "ALTER TABLE visit_types ADD CONSTRAINT ck_visit_types_drug CHECK (drug IS NOT NULL OR"
        " route IS NULL AND NOT is_controlled AND gap_min_days IS NULL AND NOT dose_needed AND"
        " dose_unit IS NULL), ADD CONSTRAINT ck_visit_types_dose CHECK"
        " ((dose_needed OR NOT is_controlled) AND (dose_unit IS NOT NULL OR NOT dose_needed))"
    )


def _give(unit: str, which: str, **values: str) -> None:
    source = json.dumps({"dose_unit": SOURCE})
    op.execute(
        sa.text(
            "UPDATE visit_types SET dose_unit = :unit, sources = sources || CAST(:source AS jsonb)"
            f" WHERE drug IS NOT NULL AND {which}"
        ).bindparams(unit=unit, source=source, **values)
    )
