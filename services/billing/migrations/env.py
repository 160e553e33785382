"""Runs a migration chain on the connection that `shared.db.migrate` hands over."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=given["target_metadata"],
    version_table=given["version_table"],
    transactional_ddl=True,
)
context.run_migrations()
