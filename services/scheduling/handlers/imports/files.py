"""Imports: a file is read whole, checked batch by batch, and applied when somebody says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select

from services.scheduling import store
from services.scheduling.forms.imports import (
    ApplyImport,
    ImportAnswer,
    ImportedPatient,
    ImportedVisit,
    OpenImport,
    Read,
    RowProblem,
    RowProblems,
    read_record,
)
from services.scheduling.handlers.imports import same_people, visits
from services.scheduling.handlers.patients import intake
from services.scheduling.import_keys import ImportKeys
from services.scheduling.rules.imports import rows as rules
from services.scheduling.rules.imports import same_people as same_rules
from services.scheduling.rules.imports.files import read_file
from services.scheduling.rules.imports.layout import Record
from services.scheduling.store import imports as kept
from services.scheduling.tables.imports import Import, ImportRow
from services.scheduling.work import ApplyImportBatch, CheckImportBatch, ForgetImport
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken

PATIENTS_AT_ONCE = 100
"""How many patients one transaction takes; of visits it takes one series, or one session."""

KEPT = timedelta(days=7)
"""How long the text of a file waits, sealed, for somebody to apply it: no figure of care."""

_NAMES_PATIENT = {"patient": "source_id", "visit": "patient_source_id"}
"""By which column a record says whose it is."""

STATES = ("waiting", "ready", "known", "wrong", "applied")


async def open_import(
    wish: OpenImport, by: Actor, keys: ImportKeys, tx: Transaction
) -> ImportAnswer | Refused:
    """Keep a file's records and have them checked. Nothing of it is on file yet."""
    location = await store.keep_location(tx, wish.location_id)
    if location is None:
        return Refused.not_found("location", "location_id")
    records = read_file(wish.kind, wish.content)
    if isinstance(records, Broken):
        return Refused.by_rules([records], "The file is not imported")
    named = [each.source_id for each in wish.same_people]
    in_file = {each.fields.get(_NAMES_PATIENT[each.record], "") for each in records}
    broken = same_rules.broken_by_naming(named, in_file)
    if broken:
        return Refused.by_rules(broken, "The file is not imported")
    import_id = new_id()
    tx.insert(
        Import,
        import_id=import_id,
        kind=wish.kind,
        location_id=wish.location_id,
        state="checking",
        made_at=tx.now,
        made_by=by.subject,
    )
    zone = ZoneInfo(location.zone)
    read = [(each, read_record(each, zone, wish.people)) for each in records]
    await kept.add_rows(tx, _rows(tx, import_id, read, wish.source, keys))
    await _go_on(tx, import_id, -1, "waiting")
    tx.do(ForgetImport(import_id=import_id), due=tx.now + KEPT)
    return await _show(await _found(tx, import_id), tx)


async def forget_import(work: ForgetImport, tx: Transaction) -> None:
    """Drop the text of a file that was looked at and never applied."""
    import_ = await _found(tx, work.import_id)
    if import_.state in {"checking", "checked"}:
        await _lapse(import_.import_id, tx)


async def forget_read_by_zone(location_id: UUID, tx: Transaction) -> None:
    """Drop what was read by a place's clock and is not on file yet: its zone is another now."""
    for import_id in await kept.read_by_clock(tx, location_id):
        await _lapse(import_id, tx)


async def _lapse(import_id: UUID, tx: Transaction) -> None:
    tx.cancel(f"import:{import_id}")
    await kept.set_import_state(tx, import_id, "lapsed")
    await kept.forget_contents(tx, import_id)


def _rows(
    tx: Transaction,
    import_id: UUID,
    records: Sequence[tuple[Record, Read | list[Broken]]],
    source: str,
    keys: ImportKeys,
) -> list[dict[str, Any]]:
    """The rows of a file: what is of one batch has its number, what is of no form is wrong."""
    rows: list[dict[str, Any]] = []
    seen: set[UUID] = set()
    people: dict[bytes, int] = {}
    batches: dict[object, int] = {}
    for n, (record, read) in enumerate(records):
        batch: object = ("patients", n // PATIENTS_AT_ONCE)
        row: dict[str, Any] = {
            "import_id": import_id,
            "line": record.line,
            "record": record.record,
            "source_key": None,
            "patient_key": None,
            "content": None,
            "state": "wrong",
        }
        if record.record == "visit":
            batch = ("series", record.fields.get("series_source_id") or n)
        if isinstance(read, list):
            row["problems"] = [rules.as_problem(each) for each in read]
        else:
            row["source_key"] = keys.key(source, record.record, read.source_id)
            if isinstance(read, ImportedVisit):
                row["record"] = "treatment" if read.is_treatment else "visit"
                row["patient_key"] = keys.key(source, "patient", read.patient_source_id)
            row["problems"] = [rules.as_problem(rules.twice())] if row["source_key"] in seen else []
            seen.add(row["source_key"])
        if not row["problems"] and not isinstance(read, list):
            row["state"] = "waiting"
            if isinstance(read, ImportedPatient):
                first = people.setdefault(read.person, record.line)
                is_said = read.card.same_name_is_another_person or read.is_patient is not None
                same = [] if first == record.line or is_said else [rules.same_person(first)]
                row["problems"] = [rules.as_problem(each) for each in same]
            row["content"] = kept.seal_row(tx, import_id, record.line, read.model_dump(mode="json"))
        rows.append(row | {"batch_no": batches.setdefault(batch, len(batches))})
    return rows


async def _go_on(tx: Transaction, import_id: UUID, after: int, state: str) -> None:
    """Leave the next batch to be done, or say that all are."""
    batch_no = await kept.next_batch(tx, import_id, after, state)
    if batch_no is not None:
        work = CheckImportBatch if state == "waiting" else ApplyImportBatch
        tx.do(work(import_id=import_id, batch_no=batch_no), key=f"import:{import_id}")
    elif state == "waiting":
        await kept.set_import_state(tx, import_id, "checked")
    else:
        counts = await kept.counts(tx, import_id)
        done = counts.get("applied", 0) + counts.get("known", 0) > 0
        await kept.set_import_state(tx, import_id, "applied" if done else "not_applied")
        await kept.forget_contents(tx, import_id)


async def check_batch(work: CheckImportBatch, tx: Transaction) -> None:
    """Judge a batch by what is on file now, and change nothing of it."""
    import_ = await _found(tx, work.import_id)
    if import_.state == "lapsed":
        return
    rows = await kept.rows_of_batch(tx, work.import_id, work.batch_no, "waiting")
    fresh = await _without_known(rows, tx)
    if fresh and fresh[0].record == "patient":
        for row in fresh:
            patient = ImportedPatient.model_validate(kept.open_row(tx, row))
            broken = (
                await intake.broken_by_intake(patient.card, tx)
                if patient.is_patient is None
                else await same_people.broken_by_patient(patient, None, tx)
            )
            await _judged(tx, row, [rules.of_patient(each) for each in broken])
    elif fresh:
        await visits.check(import_, work.batch_no, _visits(fresh, tx), tx)
    await _go_on(tx, work.import_id, work.batch_no, "waiting")


async def apply_batch(work: ApplyImportBatch, tx: Transaction) -> None:
    """Put a batch on file, as staff would one by one; what stands in the way by now is wrong."""
    import_ = await _found(tx, work.import_id)
    if import_.state == "lapsed":
        return
    rows = await kept.rows_of_batch(tx, work.import_id, work.batch_no, "ready")
    fresh = await _without_known(rows, tx)
    if fresh and fresh[0].record == "patient":
        for row in fresh:
            await _register(row, tx)
    elif fresh:
        await visits.apply(import_, work.batch_no, _visits(fresh, tx), tx)
    await _go_on(tx, work.import_id, work.batch_no, "ready")


async def _register(row: ImportRow, tx: Transaction) -> None:
    patient = ImportedPatient.model_validate(kept.open_row(tx, row))
    if patient.is_patient is not None:
        broken = await same_people.link(row, patient, tx)
        if broken:
            await _judged(tx, row, broken)
        return
    answer = await intake.register_patient(patient.card, None, tx)
    if isinstance(answer, Refused):
        said = answer.violations
        broken = [Broken(v.rule, v.detail, v.source or "", v.field) for v in said]
        await _judged(tx, row, [rules.of_patient(each) for each in broken])
        return
    assert row.source_key is not None, "a row that was read has its key"
    kept.note_imported(tx, row.source_key, answer.patient_id)
    await kept.change_row(tx, row, state="applied")


async def _without_known(rows: Sequence[ImportRow], tx: Transaction) -> list[ImportRow]:
    """The rows that were not imported before; the others are marked as known."""
    known = await kept.imported(tx, {row.source_key for row in rows if row.source_key})
    for row in rows:
        known_as = known.get(row.source_key) if row.source_key else None
        if known_as is None:
            continue
        broken = await _known_as_another(row, known_as, tx) if row.record == "patient" else []
        if broken:
            await _judged(tx, row, broken)
        else:
            await kept.change_row(tx, row, state="known")
    return [row for row in rows if row.source_key not in known]


async def _known_as_another(row: ImportRow, known_as: UUID, tx: Transaction) -> list[Broken]:
    patient = ImportedPatient.model_validate(kept.open_row(tx, row))
    if patient.is_patient is None:
        return []
    return await same_people.broken_by_patient(patient, known_as, tx)


def _visits(rows: Sequence[ImportRow], tx: Transaction) -> list[tuple[ImportRow, ImportedVisit]]:
    read: list[tuple[ImportRow, ImportedVisit]] = [
        (row, ImportedVisit.model_validate(kept.open_row(tx, row))) for row in rows
    ]
    return sorted(read, key=lambda each: each[1].starts_at)


async def _judged(tx: Transaction, row: ImportRow, broken: Sequence[Broken]) -> None:
    """A row is right where nothing was found of it, neither in its file nor on file here."""
    problems = [*row.problems, *(rules.as_problem(each) for each in broken)]
    await kept.change_row(tx, row, state="wrong" if problems else "ready", problems=problems)


async def apply_import(
    import_id: UUID, wish: ApplyImport, tx: Transaction
) -> ImportAnswer | Refused:
    """Have what was checked put on file."""
    if await kept.find_import(tx, import_id) is None:
        return Refused.not_found("import", "import_id")
    import_ = await _found(tx, import_id)
    counts = await kept.counts(tx, import_id)
    if import_.state in {"applying", "applied", "not_applied"}:
        return await _show(import_, tx)
    broken = rules.broken_by_applying(
        import_.state,
        right=counts.get("ready", 0) + counts.get("known", 0),
        wrong=counts.get("wrong", 0),
        skip_wrong=wish.skip_wrong,
    )
    if broken:
        return Refused.by_rules(broken, "The import is not applied")
    await kept.set_import_state(tx, import_id, "applying")
    await _go_on(tx, import_id, -1, "ready")
    return await _show(await _found(tx, import_id), tx)


async def _found(tx: Transaction, import_id: UUID) -> Import:
    """An import, held; before it its place, by whose clock its times are read."""
    named = await kept.find_import(tx, import_id)
    assert named is not None, "work is left for an import that is kept"
    await store.keep_location(tx, named.location_id)
    import_ = await kept.lock_import(tx, import_id)
    assert import_ is not None, "work is left for an import that is kept"
    return import_


async def read_import(import_id: UUID, tx: Transaction) -> ImportAnswer | Refused:
    import_ = await kept.find_import(tx, import_id)
    if import_ is None:
        return Refused.not_found("import", "import_id")
    return await _show(import_, tx)


async def _show(import_: Import, tx: Transaction) -> ImportAnswer:
    counts = dict.fromkeys(STATES, 0) | await kept.counts(tx, import_.import_id)
    return ImportAnswer(**import_.model_dump(), **counts, total=sum(counts.values()))


async def list_problems(
    import_id: UUID, asked: Paging, tx: Transaction
) -> Page[RowProblems] | Refused:
    """The wrong rows by line, each with all that is wrong in it."""
    return await _told(import_id, kept.wrong_rows(import_id), asked, tx)


async def list_advice(
    import_id: UUID, asked: Paging, tx: Transaction
) -> Page[RowProblems] | Refused:
    """The rows by line that come in although a booking of the same would be refused."""
    return await _told(import_id, kept.advised_rows(import_id), asked, tx)


async def _told(
    import_id: UUID, rows: Select[Any], asked: Paging, tx: Transaction
) -> Page[RowProblems] | Refused:
    if await kept.find_import(tx, import_id) is None:
        return Refused.not_found("import", "import_id")

    def item(row: Row[Any]) -> RowProblems:
        return RowProblems(line=row.line, problems=[RowProblem(**each) for each in row.problems])

    return await page(tx, rows, by=kept.BY_LINE, asked=asked, item=item)
