"""Self-booking: staff make links, and whoever holds a link books by it.

There is no cookie and no sign-in: the link itself is the leave, and it stands in the address that
the form is sent to. Another site that makes a browser send a form knows no link, so there is
nothing to forge (CSRF).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError, WithJsonSchema
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from services.scheduling.booking_links import BookingLinks
from services.scheduling.documents import booking_page
from services.scheduling.documents.calendar_file import MEDIA_TYPE
from services.scheduling.handlers.calendars import calendar_document
from services.scheduling.handlers.sessions import links as booking_links
from services.scheduling.handlers.sessions import self_booking
from services.scheduling.handlers.sessions.links import LinkAnswer, MakeLink
from services.scheduling.handlers.sessions.self_booking import Booked, Closed, Missed, Offer
from services.scheduling.routes.calendars import CALENDAR
from services.scheduling.rules.booking_links import LinkState
from shared.auth import Role, allow, public
from shared.db import RACE_STATES, sqlstate
from shared.events import Moment
from shared.http.desk import EXCLUSION_VIOLATION, AtDesk
from shared.http.problems import unexpected
from shared.messaging import Transaction, UnitOfWork

BY_LINK = public("whoever holds a signed link is taken for its patient, as with a ticket")
TRIES = 3

staff = APIRouter(tags=["booking links"], dependencies=[allow(Role.FRONT_DESK)])


def _links(request: Request) -> BookingLinks:
    links: BookingLinks = request.app.state.booking_links
    return links


@staff.post("/patients/{patient_id}/booking-links")
async def make_link(patient_id: UUID, wish: MakeLink, desk: AtDesk, request: Request) -> LinkAnswer:
    """Leave for a patient to book one session; `path` goes into the message to the patient."""
    return await desk.decide(booking_links.make_link, patient_id, wish, desk.actor, _links(request))


@staff.get("/booking-links/{link_id}")
async def read_link(link_id: UUID, desk: AtDesk, request: Request) -> LinkAnswer:
    return await desk.read(booking_links.read_link, link_id, _links(request))


@staff.post("/booking-links/{link_id}/revoke")
async def revoke_link(link_id: UUID, desk: AtDesk, request: Request) -> LinkAnswer:
    return await desk.decide(booking_links.revoke_link, link_id, _links(request))


class PageRoute(APIRoute):
    """Says on a page that an address is no link of ours, or that something is wrong with us."""

    refusal_content: ClassVar[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_with_a_page(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError:
                return _page(booking_page.closed_page(Closed()), 404)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001  # logged there, as of any route
                told = await unexpected(request, error)
                return _page(booking_page.fault_page(), told.status_code, dict(told.headers))

        return answer_with_a_page


public_pages = APIRouter(
    prefix="/book",
    tags=["booking page"],
    route_class=PageRoute,
    default_response_class=HTMLResponse,
    dependencies=[BY_LINK],
)

Token = Annotated[str, Path(max_length=200)]

_A_MOMENT = WithJsonSchema({"type": "string", "format": "date-time"})
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def _moment(sent: str) -> datetime | None:
    """The time that a form was sent with. Only a page of ours sends one that can be read."""
    try:
        return _MOMENT.validate_python(sent)
    except ValidationError:
        return None


@public_pages.get("/{token}")
async def show_page(
    token: Token, request: Request, day: Annotated[str | None, Query(max_length=2000)] = None
) -> Response:
    """The free times of a day, or the session that was booked."""
    shown = await _at(request, token, self_booking.show)
    return _shown(shown, day, request)


@public_pages.head("/{token}", include_in_schema=False)
async def look_at_page(token: Token, request: Request) -> Response:
    """What a program asks that looks whether a link in a message is good."""
    return await show_page(token, request)


@public_pages.post(
    "/{token}",
    status_code=303,
    response_class=RedirectResponse,
    responses={200: {"description": "Booked before", "content": {"text/html": {}}}},
)
async def book_session(
    token: Token, request: Request, starts_at: Annotated[str, _A_MOMENT, Form()] = ""
) -> Response:
    """Book a time. Sent twice, it books once."""
    chosen = _moment(starts_at)
    shown = await _at(request, token, self_booking.book, chosen)
    if isinstance(shown, Booked) and chosen is None:
        return _page(booking_page.booked_page(shown, _here(request)), 422)
    if isinstance(shown, Booked) and not shown.another:
        return RedirectResponse(_here(request), 303)
    return _shown(shown, _day_of(chosen, shown), request)


def _day_of(at: datetime | None, shown: Offer | Booked | Closed) -> str | None:
    """Whose time is gone chooses among those of the same day first."""
    if at is None or not isinstance(shown, Offer):
        return None
    try:
        return str(at.astimezone(shown.session.zone).date())
    except OverflowError:  # at the end of all days, which only a program sends
        return None


@public_pages.get("/{token}/calendar.ics", responses=CALENDAR, response_class=Response)
async def session_calendar(token: Token, request: Request) -> Response:
    """The session that was booked, for the patient's calendar."""

    async def calendar(signed: Any, tx: Transaction) -> Response:
        shown = await self_booking.show(signed, tx)
        if not isinstance(shown, Booked):
            return _page(booking_page.closed_page(Closed()), 404)
        document = await calendar_document([shown.visit], tx)
        disposition = f'attachment; filename="{document.name}"'
        return Response(
            document.content, media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition}
        )

    found = await _at(request, token, calendar)
    return found if isinstance(found, Response) else _shown(found, None, request)


async def _at(
    request: Request, token: str, decide: Callable[..., Coroutine[Any, Any, Any]], *given: Any
) -> Any:
    """What a link's holder asks, decided in a transaction. A lost race is run again."""
    signed = _links(request).read(token)
    if signed is None:
        return Closed()
    unit: UnitOfWork = request.app.state.unit
    state = request.state
    for attempt in range(TRIES):
        try:
            async with unit.transaction(
                correlation_id=state.correlation_id, traceparent=state.traceparent
            ) as tx:
                return await decide(signed, *given, tx)
        except DBAPIError as error:
            lost = sqlstate(error) in RACE_STATES | {EXCLUSION_VIOLATION}
            if not lost or attempt == TRIES - 1:
                raise
    raise AssertionError


def _here(request: Request) -> str:
    """The link's own address, as seen from its site."""
    return request.url.path


def _shown(shown: Offer | Booked | Closed, day: str | None, request: Request) -> Response:
    match shown:
        case Offer():
            status = _AGAIN[shown.missed]
            return _page(booking_page.offer_page(shown, day, _here(request)), status)
        case Booked():
            status = 409 if shown.another else 200
            return _page(booking_page.booked_page(shown, _here(request)), status)
        case Closed():
            gone = shown.state in {LinkState.EXPIRED, LinkState.REVOKED}
            return _page(booking_page.closed_page(shown), 410 if gone else 404)


_AGAIN = {None: 200, Missed.TAKEN: 409, Missed.TOO_SOON: 409, Missed.NONE_CHOSEN: 422}


def _page(html: str, status: int, told: Mapping[str, str] | None = None) -> Response:
    """A page; of a problem that it is shown for it keeps when to come again."""
    kept = {name: value for name, value in (told or {}).items() if name == "retry-after"}
    return HTMLResponse(html, status, headers=kept | booking_page.HEADERS)
