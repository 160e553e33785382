"""Which codes an infusion of a drug has, which drug a type gives, what is blocked, and where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE drug_codes (
        drug_name text NOT NULL,
        effective_from date NOT NULL,
        push_code text NOT NULL,
        first_hour_code text NOT NULL,
        further_hour_code text NOT NULL,
        drug_code text NOT NULL,
        compounded_code text NOT NULL,
        is_compounded boolean NOT NULL,
        words text NOT NULL,
        place_of_service text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_drug_codes PRIMARY KEY (drug_name, effective_from)
    )
    """,
    """
    CREATE TABLE visit_type_drugs (
        visit_type text NOT NULL,
        effective_from date NOT NULL,
        drug_name text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_visit_type_drugs PRIMARY KEY (visit_type, effective_from)
    )
    """,
    """
    CREATE TABLE blocked_codes (
        code text NOT NULL,
        effective_from date NOT NULL,
        is_blocked boolean NOT NULL,
        words text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_blocked_codes PRIMARY KEY (code, effective_from)
    )
    """,
    """
    CREATE TABLE places_of_service (
        code text NOT NULL,
        effective_from date NOT NULL,
        is_offered boolean NOT NULL,
        is_telehealth boolean NOT NULL,
        words text NOT NULL,
        source text NOT NULL,
        recorded_at timestamptz NOT NULL,
        CONSTRAINT pk_places_of_service PRIMARY KEY (code, effective_from)
    )
    """,
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION append_only()"
        for table in ("drug_codes", "visit_type_drugs", "blocked_codes", "places_of_service")
    ),
)

# drug|from|push|first hour|further hour|drug|compounded|why|place|source
DRUGS = """
Ketamine, racemic|2009-01-01|96374|96365|96366|J3490|J7999|HCPCS has no code for ketamine; the \
drug is in the fee of the visit.|11|CPT: therapeutic infusions; HCPCS: drugs without a code
"""

# visit type|from|drug|source
TYPES = """
ketamine_mood|2009-01-01|Ketamine, racemic|the clinic's catalogue
ketamine_pain|2009-01-01|Ketamine, racemic|the clinic's catalogue
ketamine_maintenance|2009-01-01|Ketamine, racemic|the clinic's catalogue
"""

# code|from|what it stands for|source
BLOCKED = """
G2082|2020-01-01|Spravato (esketamine) only|CMS: esketamine nasal spray under its own program
G2083|2020-01-01|Spravato (esketamine) only|CMS: esketamine nasal spray under its own program
S0013|2021-01-01|Spravato (esketamine) only|HCPCS: esketamine, nasal spray
"""

# code|from|telehealth|words|source
PLACES = """
02|2022-01-01|yes|Telehealth, not in the patient's home|CMS: place of service codes
10|2022-01-01|yes|Telehealth in the patient's home|CMS: place of service codes
11|2009-01-01|no|Office|CMS: place of service codes
12|2009-01-01|no|Home|CMS: place of service codes
"""


def _rows(into: str, *values: str) -> sa.TextClause:
    """Insert one row for each line, in the order of its parts."""
    shown = ", ".join(values)
    return sa.text(
        f"INSERT INTO {into} SELECT {shown}, now() FROM regexp_split_to_table(:rows, E'\\n') AS r"
    )


def _text(part: int) -> str:
    return f"split_part(r, '|', {part})"


def _day(part: int) -> str:
    return f"{_text(part)}::date"


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    connection = op.get_bind()
    drug = _rows(
        "drug_codes",
        _text(1),
        _day(2),
        *map(_text, range(3, 8)),
        "false",
        *map(_text, range(8, 11)),
    )
    connection.execute(drug, {"rows": DRUGS.strip()})
    types = _rows("visit_type_drugs", _text(1), _day(2), _text(3), _text(4))
    connection.execute(types, {"rows": TYPES.strip()})
    blocked = _rows("blocked_codes", _text(1), _day(2), "true", _text(3), _text(4))
    connection.execute(blocked, {"rows": BLOCKED.strip()})
    places = _rows(
        "places_of_service", _text(1), _day(2), "true", f"{_text(3)} = 'yes'", _text(4), _text(5)
    )
    connection.execute(places, {"rows": PLACES.strip()})
