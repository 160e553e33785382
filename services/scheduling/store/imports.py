"""Imports, their rows, and what is on file here of another system."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, func, insert, or_, select, update
from sqlmodel import col

from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Chair, Clinician
from services.scheduling.tables.imports import Import, Imported, ImportRow
from shared.messaging import Transaction

ROWS: Table = ImportRow.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_LINE = (ROWS.c.line,)


async def find_import(tx: Transaction, import_id: UUID) -> Import | None:
    return await one(tx, select(Import).where(col(Import.import_id) == import_id), Import)


async def lock_import(tx: Transaction, import_id: UUID) -> Import | None:
    rows = select(Import).where(col(Import.import_id) == import_id)
    return await one(tx, rows.with_for_update(), Import)


async def read_by_clock(tx: Transaction, location_id: UUID) -> list[UUID]:
    """The imports of a place that may bring visits still, each held until the commit."""
    rows = select(col(Import.import_id)).where(
        col(Import.location_id) == location_id,
        col(Import.kind) != "patients",
        col(Import.state).in_(("checking", "checked", "applying")),
    )
    held = await tx.execute(rows.order_by(col(Import.import_id)).with_for_update())
    return list(held.scalars())


async def set_import_state(tx: Transaction, import_id: UUID, state: str) -> None:
    await tx.execute(update(Import).where(col(Import.import_id) == import_id).values(state=state))


async def add_rows(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Written at once: the gathered rows of `tx.insert` are arrays, which take no lists."""
    await tx.execute(insert(ImportRow), [dict(row) for row in rows])


def seal_row(tx: Transaction, import_id: UUID, line: int, content: dict[str, Any]) -> bytes:
    return seal(tx, {"line": line, "record": content}, "import_rows", "content", import_id)


def open_row(tx: Transaction, row: ImportRow) -> dict[str, Any]:
    """A row's record. Its line is sealed with it: a row is not opened in another's place."""
    assert row.content is not None, "only a row that was read is looked at again"
    opened = unseal(tx, row.content, "import_rows", "content", row.import_id)
    assert opened["line"] == row.line, "a row stands in its own place"
    record: dict[str, Any] = opened["record"]
    return record


async def rows_of_batch(
    tx: Transaction, import_id: UUID, batch_no: int, state: str
) -> list[ImportRow]:
    rows = select(ImportRow).where(
        col(ImportRow.import_id) == import_id,
        col(ImportRow.batch_no) == batch_no,
        col(ImportRow.state) == state,
    )
    return await every(tx, rows.order_by(col(ImportRow.line)), ImportRow)


async def change_row(tx: Transaction, row: ImportRow, **values: object) -> None:
    await tx.execute(
        update(ImportRow)
        .where(col(ImportRow.import_id) == row.import_id, col(ImportRow.line) == row.line)
        .values(**values)
    )


async def next_batch(tx: Transaction, import_id: UUID, after: int, state: str) -> int | None:
    """The next batch that has rows in this state."""
    rows = select(func.min(col(ImportRow.batch_no))).where(
        col(ImportRow.import_id) == import_id,
        col(ImportRow.batch_no) > after,
        col(ImportRow.state) == state,
    )
    found: int | None = (await tx.execute(rows)).scalar()
    return found


async def forget_contents(tx: Transaction, import_id: UUID) -> None:
    """What was imported stands in its own tables; the file's text has no further use."""
    await tx.execute(
        update(ImportRow).where(col(ImportRow.import_id) == import_id).values(content=None)
    )


async def counts(tx: Transaction, import_id: UUID) -> dict[str, int]:
    rows = (
        select(col(ImportRow.state), func.count().label("found"))
        .where(col(ImportRow.import_id) == import_id)
        .group_by(col(ImportRow.state))
    )
    return {row.state: row.found for row in await tx.execute(rows)}


def wrong_rows(import_id: UUID) -> Select[Any]:
    return select(ImportRow).where(
        col(ImportRow.import_id) == import_id, col(ImportRow.state) == "wrong"
    )


def advised_rows(import_id: UUID) -> Select[Any]:
    """Rows that are right, of which something is said all the same."""
    return select(ImportRow).where(
        col(ImportRow.import_id) == import_id,
        col(ImportRow.state).in_(("ready", "applied")),
        func.jsonb_array_length(col(ImportRow.problems)) > 0,
    )


async def imported(tx: Transaction, keys: Collection[UUID]) -> dict[UUID, UUID]:
    """What these keys stand for here, as far as it was imported."""
    rows = select(Imported).where(col(Imported.source_key).in_(keys))
    return {each.source_key: each.object_id for each in await every(tx, rows, Imported)}


async def coming_patients(tx: Transaction, import_id: UUID, keys: Collection[UUID]) -> set[UUID]:
    """Those of these patients that the same file brings."""
    rows = select(col(ImportRow.source_key)).where(
        col(ImportRow.import_id) == import_id,
        col(ImportRow.record) == "patient",
        col(ImportRow.state).in_(("ready", "applied", "known")),
        col(ImportRow.source_key).in_(keys),
    )
    return set((await tx.execute(rows)).scalars())


async def taken_by_file(
    tx: Transaction, import_id: UUID, resources: Collection[UUID], patient_key: UUID
) -> list[Slot]:
    """What visits of the same file take of these, as far as they were checked; as they would be."""
    rows = select(ImportRow).where(
        col(ImportRow.import_id) == import_id,
        col(ImportRow.state) == "ready",
        or_(col(ImportRow.takes).in_(resources), col(ImportRow.patient_key) == patient_key),
        col(ImportRow.takes).is_not(None),
    )
    return [
        Slot(row.starts_at, row.ends_at, row.takes, row.patient_key)
        for row in await every(tx, rows, ImportRow)
        if row.starts_at and row.ends_at and row.takes and row.patient_key
    ]


async def brings_other_series(
    tx: Transaction, import_id: UUID, patient_key: UUID, batch_no: int
) -> bool:
    """Whether the same file has brought another series of this patient, and it was right."""
    rows = (
        select(col(ImportRow.line))
        .join(Chair, col(Chair.chair_id) == col(ImportRow.takes))
        .where(
            col(ImportRow.import_id) == import_id,
            col(ImportRow.patient_key) == patient_key,
            col(ImportRow.batch_no) != batch_no,
            col(ImportRow.state) == "ready",
            col(ImportRow.record) == "visit",
        )
    )
    return (await tx.execute(rows.limit(1))).first() is not None


def note_imported(tx: Transaction, key: UUID, object_id: UUID) -> None:
    tx.insert(Imported, source_key=key, object_id=object_id, imported_at=tx.now)


async def chair_named(tx: Transaction, location_id: UUID, name: str) -> UUID | None:
    rows = select(col(Chair.chair_id)).where(
        col(Chair.location_id) == location_id, func.lower(col(Chair.name)) == name.lower()
    )
    found: UUID | None = (await tx.execute(rows)).scalars().first()
    return found


async def clinician_with_npi(tx: Transaction, npi: str) -> Clinician | None:
    rows = select(Clinician).where(col(Clinician.npi) == npi)
    found = await every(tx, rows.order_by(col(Clinician.clinician_id)).limit(1), Clinician)
    return found[0] if found else None
