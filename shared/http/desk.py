"""The desk: where one person's request is decided, once, in one transaction.

`decide` claims the request's `Idempotency-Key`, runs the decider, keeps its answer under the key,
appends to the audit log and commits, all in the same transaction. The same request again gets the
kept answer, which is a read and noted as one; another request under a used key is refused. A
refusal rolls everything back and is not kept, so the same key may be tried again when what stood
in the way is gone. Nobody comes to the desk with something of a location where they do not work
(`shared.http.reach`): that is refused and noted before the request is looked at any further.

A route stays short, and its return type is the API's documentation:

    @router.post("/series", dependencies=[allow(Role.FRONT_DESK)])
    async def book_series(wish: BookSeries, desk: AtDesk) -> SeriesBooked:
        return await desk.decide(handlers.book_series, wish)

where the decider is `async def book_series(wish: BookSeries, tx: Transaction) -> SeriesBooked |
Refused`. It may be run again when a race is lost, so it touches nothing but `tx`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, TypeVarTuple, cast
from uuid import UUID

import structlog
from fastapi import Depends, Request, Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.exc import DBAPIError

from shared import audit
from shared.auth import Actor, effective_route
from shared.db import RACE_STATES, sqlstate
from shared.http.idempotency import Claim, Kept, UsedOtherwise, well_formed
from shared.http.known_queries import assert_known
from shared.http.problems import Declined, Refused, refusal
from shared.http.reach import Reach
from shared.http.said_once import assert_said_once
from shared.messaging.transaction import Transaction, UnitOfWork
from shared.refusals import API_DOCUMENT
from shared.vault import Vault

log = structlog.get_logger(__name__)

NO_KEY = Refused.because(
    "idempotency_key",
    "This needs an Idempotency-Key header of 1 to 200 visible ASCII characters.",
    field="Idempotency-Key",
    source=API_DOCUMENT,
    status=400,
    title="The request is not understood",
)

TRIES = 6
UNIQUE_VIOLATION = "23505"
EXCLUSION_VIOLATION = "23P01"
LOCK_TIMEOUT = "55P03"
_RUN_AGAIN = RACE_STATES | {UNIQUE_VIOLATION, EXCLUSION_VIOLATION}


@dataclass(frozen=True, slots=True)
class Document:
    """A file as its reader finds it, and whom it is about where that is one patient."""

    content: bytes
    media_type: str
    name: str
    patient_id: UUID | None = None


T = TypeVar("T", bound=BaseModel)
R = TypeVar("R", bound="BaseModel | list[Any]")
A = TypeVar("A")
Given = TypeVarTuple("Given")

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


class _About(BaseModel):
    """Whom a kept answer is about, where it says so."""

    patient_id: UUID | None = None


class _Stop(Exception):
    """Leaves the transaction so that it rolls back."""

    def __init__(self, response: Response) -> None:
        self.response = response


class Desk:
    """One request: who asks, under which key, and the unit of work that decides it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.correlation_id: UUID = request.state.correlation_id
        self._request = request
        self._unit: UnitOfWork = request.app.state.unit
        self._vault: Vault = request.app.state.vault
        self._traceparent: str | None = request.state.traceparent
        self._route = effective_route(request.scope)
        self._ids = _ids_in(request.path_params)
        self._hash = hashlib.sha256(
            f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        ).digest()

    @property
    def actor(self) -> Actor:
        """Who asks; set by the route's `allow(...)`."""
        actor: Actor = self._request.state.actor
        return actor

    async def decide(
        self,
        decide: Callable[[*Given, Transaction], Awaitable[T | Refused]],
        *given: *Given,
        status: int | None = None,
        patient_id: UUID | None = None,
        purpose: str | None = None,
    ) -> T:
        """Run a decider with what it is given, and answer.

        What comes back is the whole response, under the type of the decider's answer: a route
        returns it untouched. `status` is the route's `status_code`, else 201 for a POST. A lost
        race is run again; the last loss is a 409.
        """
        claim = self._claim()
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep((0.5 + secrets.randbelow(100) / 100) * 0.01 * 2**attempt)
            try:
                return cast(
                    "T",
                    await self._decide_once(decide, given, claim, status, patient_id, purpose),
                )
            except _Stop as stop:
                return cast("T", stop.response)
            except DBAPIError as error:
                state = sqlstate(error)
                if state == LOCK_TIMEOUT:
                    break
                if state not in _RUN_AGAIN or (
                    attempt == TRIES - 1 and state == UNIQUE_VIOLATION  # that is no race
                ):
                    raise
                log.info("race_run_again", sqlstate=state, attempts=attempt + 1)
        refused = Refused.because(
            "race_lost",
            "Others are changing the same things. Look again and retry.",
            source="the house's limit on how often a request that lost a race is run again",
        )
        return cast("T", refusal(refused, self.correlation_id))

    async def _decide_once(
        self,
        decide: Callable[[*Given, Transaction], Awaitable[T | Refused]],
        given: tuple[*Given],
        claim: Claim | None,
        status: int | None,
        patient_id: UUID | None,
        purpose: str | None,
    ) -> Response:
        status = status or self._route.status_code or (201 if self._is_post else 200)
        async with self._unit.transaction(
            correlation_id=self.correlation_id, traceparent=self._traceparent
        ) as tx:
            if claim is not None and (kept := await self._make(claim, tx)) is not None:
                about = _About.model_validate_json(kept.content)
                self._note(tx, "read", about, patient_id, purpose)
                return _json(kept.content, kept.status, {"Idempotent-Replayed": "true"})
            answer = await decide(*given, tx)
            if isinstance(answer, Refused):
                raise _Stop(refusal(answer, self.correlation_id))
            content = answer.model_dump_json(by_alias=True).encode()
            if claim is not None:
                await claim.keep(tx, self._vault, status, content)
            self._note(tx, "write", answer, patient_id, purpose)
        return _json(content, status)

    async def read(
        self,
        read: Callable[[*Given, Transaction], Awaitable[R | Refused]],
        *given: *Given,
        patient_id: UUID | None = None,
        purpose: str | None = None,
    ) -> R:
        """Read patient data; who read it is in the audit log before the answer leaves."""
        answer = await self._noted(read, *given, patient_id=patient_id, purpose=purpose)
        if isinstance(answer, Refused):
            return cast("R", refusal(answer, self.correlation_id))
        return cast("R", _json(_ANY.dump_json(answer, by_alias=True), 200))

    async def document(
        self,
        read: Callable[[*Given, Transaction], Awaitable[Document | Refused]],
        *given: *Given,
        purpose: str | None = None,
    ) -> Response:
        """Read a file; audited as `read` is."""
        answer = await self._noted(read, *given, purpose=purpose)
        if isinstance(answer, Refused):
            return refusal(answer, self.correlation_id)
        return Response(
            answer.content,
            media_type=answer.media_type,
            headers={"Content-Disposition": f'inline; filename="{answer.name}"'},
        )

    async def _noted(
        self,
        read: Callable[[*Given, Transaction], Awaitable[A]],
        *given: *Given,
        patient_id: UUID | None = None,
        purpose: str | None = None,
    ) -> A:
        async with self._unit.transaction(
            correlation_id=self.correlation_id, traceparent=self._traceparent
        ) as tx:
            answer = await read(*given, tx)
            self._note(tx, "read", answer, patient_id, purpose)
        return answer

    async def keep_within_reach(self) -> None:
        """Raises `Declined` where the request names what is at another location, and notes it.

        In a transaction of its own: nothing that has a location ever changes it.
        """
        locations = self.actor.locations
        if locations is None:
            return
        reach: Reach = self._request.app.state.reach
        async with self._unit.transaction(
            correlation_id=self.correlation_id, traceparent=self._traceparent
        ) as tx:
            broken = await reach.broken_by(tx, self._request, locations)
            if not broken:
                return
            refused = Refused.by_rules(broken, "Of another location")
            refused = refused.model_copy(update={"status": 403})
            action = "read" if only_reads(self._route) else "write"
            self._note(tx, action, refused, None, None)
        raise Declined(refused)

    @property
    def _is_post(self) -> bool:
        return self._request.method == "POST"

    def _claim(self) -> Claim | None:
        key = self._request.headers.get("Idempotency-Key")
        if key is None and not self._is_post:
            return None
        if key is None or not well_formed(key):
            raise Declined(NO_KEY)
        return Claim(self.actor.subject, key, self._hash)

    async def _make(self, claim: Claim, tx: Transaction) -> Kept | None:
        """Claim the key, or find the answer that was given under it before."""
        made = await claim.make(tx, self._vault)
        if not isinstance(made, UsedOtherwise):
            return made
        refused = Refused.because(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new one.",
            field="Idempotency-Key",
            source="draft-ietf-httpapi-idempotency-key-header, 2.2: a key is of one request",
            status=422,
        )
        raise _Stop(refusal(refused, self.correlation_id))

    def _note(
        self,
        tx: Transaction,
        action: str,
        answer: Any,
        patient_id: UUID | None,
        purpose: str | None,
    ) -> None:
        about = patient_id or self._ids.get("patient_id") or getattr(answer, "patient_id", None)
        refused = isinstance(answer, Refused)
        audit.append(
            tx,
            self.actor,
            action=action,
            entity=f"{self._request.method} {self._route.path_format}",
            entity_id=str(list(self._ids.values())[-1]) if self._ids else None,
            patient_id=about,
            purpose=purpose,
            outcome="refused" if refused else "ok",
            details={"code": answer.violations[0].rule} if refused and answer.violations else None,
        )


def only_reads(route: Any) -> bool:
    """A GET, or a route whose class says so: FHIR searches by POST too."""
    of_class = getattr(getattr(route, "original_route", route), "only_reads", False)
    return bool(of_class) or set(route.methods or ()) <= {"GET", "HEAD"}


def _ids_in(path_params: dict[str, Any]) -> dict[str, UUID]:
    """The ids in a path. Whatever else stands there was typed by somebody and is not noted."""
    ids = {}
    for name, value in path_params.items():
        try:
            ids[name] = UUID(str(value))
        except ValueError:
            continue
    return ids


def _json(content: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status_code=status, media_type="application/json", headers=headers)


async def at_desk(request: Request) -> Desk:
    """The desk of one request; routes ask for it as `AtDesk`."""
    assert_known(request, effective_route(request.scope))
    body = await request.body()
    if "json" in request.headers.get("Content-Type", ""):
        assert_said_once(body)
    desk = Desk(request, body)
    await desk.keep_within_reach()
    return desk


AtDesk = Annotated[Desk, Depends(at_desk)]
"""For a route's signature: the desk at which its request is decided.

Needs an `allow(...)` among the route's `dependencies`, which are looked at first.
"""
