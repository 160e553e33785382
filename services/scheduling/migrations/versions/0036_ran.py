"""Of an infusion that is over it is kept whether anything ran."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE appointments ADD COLUMN ran boolean;
UPDATE appointments SET ran = true WHERE state IN ('completed', 'recovering', 'discharged')
    AND infusion_id IS NOT NULL;
UPDATE appointments AS a SET ran = d.given IS NOT NULL FROM doses AS d
    WHERE d.appointment_id = a.appointment_id AND a.state = 'aborted';
ALTER TABLE appointments ADD CONSTRAINT ck_appointments_ran CHECK
    ((ran IS NULL OR stopped_at IS NOT NULL AND infusion_id IS NOT NULL)
     AND (ran IS NOT FALSE OR state = 'aborted') AND (state <> 'discharged' OR ran IS TRUE));
INSERT INTO visit_passages (from_state, to_state)
    VALUES ('completed', 'aborted'), ('recovering', 'aborted')
"""


def upgrade() -> None:
    # What was completed before was told when its drip stopped, and is not told again.
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
