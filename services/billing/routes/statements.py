"""What a patient was charged and paid, over some days: as JSON, as CSV, and printed."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.billing.handlers.books import statements
from services.billing.handlers.books.statements import AccountShown, AskStatement, StatementListed
from services.billing.routes.desk import DESK
from services.billing.routes.reports import Day, a_file
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])

Until = Annotated[
    date | None,
    Query(
        description="today if left out",
        ge=date(2000, 1, 1),
        lt=date(2100, 1, 1),
        json_schema_extra={"pattern": "^20"},  # JSON Schema has no word for first and last days
    ),
]


@router.get("/patients/{patient_id}/account", dependencies=DESK)
async def show_account(
    patient_id: UUID, desk: AtDesk, since: Day, until: Until = None
) -> AccountShown:
    """What a patient was charged, paid, was given back, and owed after each, over some days."""
    return await desk.read(statements.show_account, patient_id, since, until, purpose="payment")


@router.get(
    "/patients/{patient_id}/account.csv",
    dependencies=DESK,
    **a_file("text/csv", "A row for each entry"),
)
async def fetch_account(
    patient_id: UUID, desk: AtDesk, since: Day, until: Until = None
) -> Response:
    """The same as a table."""
    return await desk.document(statements.account_csv, patient_id, since, until, purpose="payment")


@router.post("/patients/{patient_id}/statements", dependencies=DESK)
async def ask_statement(patient_id: UUID, wish: AskStatement, desk: AtDesk) -> StatementListed:
    """Have an itemised statement of some days printed for a patient."""
    return await desk.decide(statements.ask_statement, patient_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/statements", dependencies=DESK)
async def list_statements(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[StatementListed]:
    """The statements that were printed for a patient."""
    return await desk.read(statements.list_statements, patient_id, asked, purpose="payment")


@router.get(
    "/statements/{statement_id}/pdf",
    dependencies=DESK,
    **a_file("application/pdf", "The document as printed"),
)
async def fetch_statement(statement_id: UUID, desk: AtDesk) -> Response:
    """A statement as a PDF."""
    return await desk.document(statements.fetch_document, statement_id, purpose="payment")
