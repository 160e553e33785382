"""Reports for the accountant, as JSON, as CSV and as pictures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from services.billing.handlers.books import reports
from services.billing.handlers.books.reports import AgedReceivables, Revenue
from services.billing.rules.books.reports import Month
from shared.auth import Role, allow
from shared.http.desk import AtDesk

router = APIRouter(tags=["reports"], dependencies=[allow(Role.OPS, Role.BILLER)])


def a_file(media_type: str, what: str) -> dict[str, Any]:
    """How the API's document says that a route answers with a file."""
    answer = {200: {"description": what, "content": {media_type: {}}}}
    return {"response_class": Response, "responses": answer}


_THIS_CENTURY: dict[str, Any] = {
    "ge": date(2000, 1, 1),
    "lt": date(2100, 1, 1),
    "json_schema_extra": {"pattern": "^20"},  # JSON Schema has no word for first and last days
}
AsOf = Annotated[date | None, Query(description="today if left out", **_THIS_CENTURY)]
MonthName = Annotated[str | None, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Day = Annotated[date, Query(**_THIS_CENTURY)]


def _months(since: MonthName = None, until: MonthName = None) -> tuple[Month | None, Month | None]:
    """The months of the query; the last twelve if it names none."""
    return _month(since), _month(until)


def _month(name: str | None) -> Month | None:
    return None if name is None else Month(int(name[:4]), int(name[5:]))


Months = Annotated[tuple[Month | None, Month | None], Depends(_months)]


@router.get("/reports/aged-receivables")
async def show_aged_receivables(desk: AtDesk, as_of: AsOf = None) -> AgedReceivables:
    """What patients owed at the end of a day, by age and by debtor."""
    return await desk.read(reports.aged_receivables, as_of, purpose="payment")


@router.get("/reports/aged-receivables.csv", **a_file("text/csv", "Every debtor"))
async def fetch_aged_receivables(desk: AtDesk, as_of: AsOf = None) -> Response:
    """The same as a table, every debtor in it."""
    return await desk.document(reports.aged_receivables_csv, as_of, purpose="payment")


@router.get("/reports/aged-receivables.svg", **a_file("image/svg+xml", "The picture"))
async def draw_aged_receivables(desk: AtDesk, as_of: AsOf = None) -> Response:
    """The same as a picture."""
    return await desk.document(reports.aged_receivables_plot, as_of, purpose="payment")


@router.get("/reports/revenue")
async def show_revenue(desk: AtDesk, months: Months) -> Revenue:
    """What was earned by month and kind of visit, and what of it was given up."""
    return await desk.read(reports.revenue, *months, purpose="payment")


@router.get("/reports/revenue.csv", **a_file("text/csv", "A row for each month and kind of visit"))
async def fetch_revenue(desk: AtDesk, months: Months) -> Response:
    """The same as a table."""
    return await desk.document(reports.revenue_csv, *months, purpose="payment")


@router.get("/reports/revenue.svg", **a_file("image/svg+xml", "The picture"))
async def draw_revenue(desk: AtDesk, months: Months) -> Response:
    """The same as a picture."""
    return await desk.document(reports.revenue_plot, *months, purpose="payment")


@router.get("/ledger/journal.csv", **a_file("text/csv", "Every transfer, in the order of posting"))
async def fetch_journal(desk: AtDesk, since: Day, until: Day) -> Response:
    """What was posted from one day to another, both included, for the accountant's books."""
    return await desk.document(reports.journal_csv, since, until, purpose="payment")
