"""A bank may decide a dispute another way afterwards: won and lost follow each other."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

STATEMENTS = (
    "DROP TRIGGER disputes_one_way ON disputes",
    """
    CREATE TRIGGER disputes_one_way BEFORE UPDATE ON disputes FOR EACH ROW
        WHEN ((OLD.state IN ('won', 'lost') AND NEW.state NOT IN ('won', 'lost'))
              OR (OLD.state NOT IN ('won', 'lost')
                  AND array_position(ARRAY['inquiry', 'inquiry_answered', 'inquiry_closed',
                                           'needs_response', 'under_review', 'won', 'lost'],
                                     NEW.state)
                    < array_position(ARRAY['inquiry', 'inquiry_answered', 'inquiry_closed',
                                           'needs_response', 'under_review', 'won', 'lost'],
                                     OLD.state)))
        EXECUTE FUNCTION disputes_go_one_way()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
