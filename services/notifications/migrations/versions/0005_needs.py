"""A visit is kept with what it asks of its patient, and no longer with its type."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE appointments ADD ride_needed boolean, ADD fasting_min integer")
    op.execute(
        "UPDATE appointments SET ride_needed = visit_type IN ('ketamine_mood', 'ketamine_pain'),"
        " fasting_min = CASE WHEN visit_type IN ('ketamine_mood', 'ketamine_pain') THEN 120"
        " ELSE 0 END"
    )
    op.execute(
        "ALTER TABLE appointments ALTER ride_needed SET NOT NULL,"
        " ALTER fasting_min SET NOT NULL, DROP visit_type"
    )
