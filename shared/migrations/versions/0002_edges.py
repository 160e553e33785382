"""The audit log and the idempotency keys of the HTTP edge."""

from __future__ import annotations

from alembic import op

from shared.audit import AUDIT_DDL
from shared.http.idempotency import IDEMPOTENCY_DDL

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*AUDIT_DDL, IDEMPOTENCY_DDL):
        op.execute(statement)
