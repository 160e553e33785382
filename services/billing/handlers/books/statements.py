"""Statements: a patient's account read from the ledger, addressed, printed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel

from services.billing.documents.spreadsheets import csv_file, plain
from services.billing.gateways.typesetting import Template, Typesetter
from services.billing.handlers.charges.fees import Day
from services.billing.handlers.listing import as_item
from services.billing.rules.as_printed import address_lines, as_dialled
from services.billing.rules.books import statements as rules
from services.billing.rules.books.reports import begin_of, end_of
from services.billing.rules.books.statements import Account, Addressee, Letterhead, Statement
from services.billing.rules.clinic import CLINIC_ZONE, clinic_day
from services.billing.store import statements as store
from services.billing.store.statements import Kept, Unprinted
from services.billing.tables import PatientStatement
from services.billing.work import (
    AddressStatement,
    RenderStatement,
    StatementAddressed,
    StatementRendered,
)
from shared.claims import ClaimCheck
from shared.errors import Poison
from shared.http.desk import Document
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class AccountShown(BaseModel):
    """A patient's account over some days, as the ledger has it."""

    patient_id: UUID
    account: Account


async def show_account(
    patient_id: UUID, since: date, until: date | None, tx: Transaction
) -> AccountShown | Refused:
    """What a statement of these days says. A patient who was never charged has an empty one."""
    last = until or clinic_day(tx.now)
    if broken := rules.broken_by_span(since, last, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    account = await _account(patient_id, since, last, CLINIC_ZONE, tx)
    return AccountShown(patient_id=patient_id, account=account)


async def account_csv(
    patient_id: UUID, since: date, until: date | None, tx: Transaction
) -> Document | Refused:
    """The same as a table. References stay in the other forms: people type them."""
    shown = await show_account(patient_id, since, until, tx)
    if isinstance(shown, Refused):
        return shown
    account = shown.account
    forward = plain(account.forward_cents)
    rows: list[list[object]] = [
        [account.since, "balance_forward", "Balance forward", "", "", forward]
    ]
    rows += [
        [
            one.on,
            one.kind,
            one.words,
            one.charge_id or "",
            plain(one.amount_cents),
            plain(one.balance_cents),
        ]
        for one in account.entries
    ]
    return csv_file(
        f"statement-{account.since}-to-{account.until}.csv",
        ["day", "kind", "description", "charge_id", "amount", "balance"],
        rows,
        patient_id=patient_id,
    )


async def _account(
    patient_id: UUID, since: date, until: date, zone: ZoneInfo, tx: Transaction
) -> Account:
    begins, before = begin_of(since, zone), end_of(until, zone)
    return rules.account_of(
        since,
        until,
        await store.forward(tx, patient_id, begins),
        await store.moved(tx, patient_id, begins, before),
        await store.held(tx, patient_id, before),
        zone,
    )


class AskStatement(BaseModel):
    """Of which days, and which of the clinic's places sends it. Until today if not told."""

    since: Day
    until: Day | None = None
    location_id: UUID


class StatementListed(BaseModel):
    """A statement that was asked for. With `ready_at` its document is there."""

    statement_id: UUID
    patient_id: UUID
    since: date
    until: date
    asked_by: str
    asked_at: datetime
    ready_at: datetime | None


async def ask_statement(
    patient_id: UUID, wish: AskStatement, by: str, tx: Transaction
) -> StatementListed | Refused:
    """Have a statement addressed and printed."""
    until = wish.until or clinic_day(tx.now)
    if broken := rules.broken_by_span(wish.since, until, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    if not await store.knows(tx, patient_id):
        return Refused.by_rules([rules.UNKNOWN_PATIENT])
    listed = StatementListed(
        statement_id=new_id(),
        patient_id=patient_id,
        since=wish.since,
        until=until,
        asked_by=by,
        asked_at=tx.now,
        ready_at=None,
    )
    tx.insert(PatientStatement, location_id=wish.location_id, **listed.model_dump())
    statement_id = listed.statement_id
    tx.do(AddressStatement(statement_id=statement_id), key=f"address-statement:{statement_id}")
    return listed


async def address_statement(kept: Kept, claims: ClaimCheck) -> StatementAddressed:
    return StatementAddressed(
        statement_id=kept.statement_id,
        patient=await claims.patient(kept.patient_id, purpose="statement"),
        location=await claims.location(kept.location_id, purpose="statement"),
    )


async def draft_statement(addressed: StatementAddressed, tx: Transaction) -> None:
    """Read the account, and seal what will be printed."""
    kept = await store.lock(tx, addressed.statement_id)
    if kept is None or kept.content is not None:
        return
    patient, location = addressed.patient, addressed.location
    zone = ZoneInfo(location.zone)
    if patient.patient_id != kept.patient_id:
        raise Poison("claim_of_another")
    statement = Statement(
        title=rules.TITLE,
        issued_on=tx.now.astimezone(zone).date(),
        clinic=Letterhead(
            location.legal_name, as_dialled(location.phone), address_lines(location.address)
        ),
        patient=Addressee(
            f"{patient.first_name} {patient.last_name}", address_lines(patient.address)
        ),
        account=await _account(kept.patient_id, kept.since, kept.until, zone, tx),
        notice=rules.NOTICE,
    )
    content = orjson.dumps(statement, default=str)  # asyncpg's UUID is a subclass, which it refuses
    await store.note_content(tx, kept.statement_id, content)
    tx.do(
        RenderStatement(statement_id=kept.statement_id),
        key=f"print-statement:{kept.statement_id}",
    )


async def render_statement(unprinted: Unprinted, typesetter: Typesetter) -> StatementRendered:
    pdf = await typesetter.render(
        Template.STATEMENT, unprinted.content, issued_at=unprinted.asked_at
    )
    return StatementRendered(statement_id=unprinted.statement_id, pdf=pdf)


async def keep_statement(rendered: StatementRendered, tx: Transaction) -> None:
    """With its document the statement is ready."""
    kept = await store.lock(tx, rendered.statement_id)
    if kept is not None and kept.document is None:
        await store.note_document(tx, rendered.statement_id, rendered.pdf)


async def list_statements(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[StatementListed] | Refused:
    """A patient's statements, oldest first."""
    rows = store.of_patient(patient_id)
    return await page(tx, rows, by=store.BY_ASKING, asked=asked, item=as_item(StatementListed))


async def fetch_document(statement_id: UUID, tx: Transaction) -> Document | Refused:
    """The PDF, as it was printed."""
    kept = await store.find(tx, statement_id)
    if kept is None or kept.document is None:
        return Refused.not_found("statement")
    return Document(
        content=store.open_document(tx, statement_id, kept.document),
        media_type="application/pdf",
        name=f"statement-{kept.since}-to-{kept.until}.pdf",
        patient_id=kept.patient_id,
    )
