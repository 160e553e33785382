"""What was corrected and amended, signed, is written once."""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

MAY_CHANGE = {
    "end_corrections": ("why",),
    "dose_amendments": ("amended",),
    "series_corrections": ("corrected",),
    "transfers": ("handed_over",),
    "vitals_overrides": ("why",),
    "walk_outs": ("account", "called_at", "called_by", "settled_at"),
}
"""What is sealed comes first: only `reseal` writes it anew, under the newest key. After a walk-out
somebody calls, and says when nothing is owed any more."""


def upgrade() -> None:
    for table, (sealed, *noted) in MAY_CHANGE.items():
        columns = ", ".join(f"'{each}'" for each in (sealed, *noted))
        rest = f"- ARRAY[{columns}]"
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} FOR EACH ROW"
            f" WHEN (to_jsonb(old) {rest} IS DISTINCT FROM to_jsonb(new) {rest}"
            f" OR old.{sealed} IS DISTINCT FROM new.{sealed}"
            " AND current_setting('practice.reseals', true) IS DISTINCT FROM 'on')"
            " EXECUTE FUNCTION append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
