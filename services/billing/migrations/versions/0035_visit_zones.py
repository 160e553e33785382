"""A visit is known by the day of its own place: its zone, and where it is."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE visits ADD COLUMN zone text, ADD COLUMN location_id uuid",
    """
    UPDATE visits AS v SET zone = c.zone
      FROM series_visits AS s JOIN estimate_courses AS c ON c.course_id = s.series_id
     WHERE s.appointment_id = v.appointment_id
    """,
    """
    CREATE INDEX ix_visits_location_id ON visits (location_id, starts_at) WHERE zone IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
