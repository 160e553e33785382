"""The claim check over real HTTP: who asks, what for, and what every answer comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from deploy.local.processes import free_port
from shared.auth import Actor, Role, Tokens
from shared.claims import SchedulingClaims
from shared.errors import Poison, PracticeError, Retry
from shared.ids import new_id
from tests.platform.conftest import SECRET
from tests.support.serving import serving

CANARY = "Testa Canary"
ADDRESS = {
    "line1": "1 Made-up Street", "city": "Springfield", "state": "IL", "postal_code": "62701"
}  # fmt: skip
PATIENT = {
    "patient_id": "01a210d2-2d5c-754a-9ffb-bdef40ad9511",
    "first_name": "Testa",
    "last_name": "Canary",
    "birth_date": "1980-01-02",
    "phone": "+12025550147",
    "email": "testa.canary@example.test",
    "address": ADDRESS,
}
CLINICIAN = {
    "clinician_id": "01a210d2-2e84-7526-91b9-31a66650b4da",
    "name": "Prescriba Canary",
    "credential": "MD",
    "npi": "1234567893",
    "license_number": "IL-1",
    "dea_number": None,
    "phone": "+12025550148",
    "address": ADDRESS,
}
LOCATION = {
    "location_id": "01a210d2-2e84-7526-91b9-31aafa62c0fe",
    "name": "Main Street",
    "zone": "America/Chicago",
    "legal_name": "Made-up Clinic LLC",
    "ein": "12-3456789",
    "npi": "1234567893",
    "phone": "+12025550149",
    "address": ADDRESS,
}
INFUSION = {
    "infusion_id": "01a210d2-2e84-7526-91b9-31a8f372a101",
    "patient": PATIENT,
    "rendering": CLINICIAN,
    "location": LOCATION,
    "visit_type": "ketamine_mood",
    "diagnoses": ["F33.1"],
    "started_at": "2026-11-02T14:00:00Z",
    "stopped_at": "2026-11-02T14:40:00Z",
}
SERIES = {
    "series_id": "01a210d2-2e84-7526-91b9-31a66650b4db",
    "patient": PATIENT,
    "prescriber": CLINICIAN,
    "location": LOCATION,
}


class Scheduling:
    """What stands at the other end: answers as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = PATIENT
        self.headers: dict[str, str] = {}
        self.slow_s = 0.0
        self.asked: list[tuple[str, str | None, Actor | None]] = []
        self.app = FastAPI()

        @self.app.get("/{path:path}")
        async def answer(path: str, request: Request) -> Response:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            actor = Tokens(SECRET).actor(token)
            self.asked.append((path, request.query_params.get("purpose"), actor))
            await asyncio.sleep(self.slow_s)
            if actor is None:
                return Response(status_code=401)
            if isinstance(self.body, bytes):
                return Response(self.body, self.status, self.headers)
            return JSONResponse(self.body, self.status, self.headers)


@pytest.fixture
def scheduling() -> Scheduling:
    return Scheduling()


@pytest.fixture
async def url(scheduling: Scheduling) -> AsyncIterator[str]:
    async with serving(scheduling.app) as url:
        yield url


@asynccontextmanager
async def billing(url: str, secret: str = SECRET) -> AsyncIterator[SchedulingClaims]:
    """Billing's gateway to scheduling."""
    claims = SchedulingClaims(url, service="billing", token_secret=secret)
    async with claims._client:
        yield claims


@pytest.fixture
async def claims(url: str) -> AsyncIterator[SchedulingClaims]:
    async with billing(url) as claims:
        yield claims


@pytest.mark.parametrize(
    ("kind", "path", "record"),
    [
        ("patient", "patients", PATIENT),
        ("location", "locations", LOCATION),
        ("infusion", "infusions", INFUSION),
        ("series", "series", SERIES),
    ],
)
async def test_an_id_is_redeemed_by_a_named_service_for_a_named_purpose(
    claims: SchedulingClaims,
    scheduling: Scheduling,
    kind: str,
    path: str,
    record: dict[str, Any],
) -> None:
    scheduling.body = record | {"a_field_we_do_not_know": 1}
    wanted = UUID(record[f"{kind}_id"])
    found = await getattr(claims, kind)(wanted, purpose="superbill")
    assert found.model_dump(mode="json", exclude_none=True) == _without_nulls(record)
    service = Actor("billing", frozenset({Role.SERVICE}))
    assert scheduling.asked == [(f"internal/{path}/{wanted}", "superbill", service)]


def _without_nulls(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {name: _without_nulls(value) for name, value in record.items() if value is not None}


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (404, {}, Poison, "claim_unknown"),
        (422, {}, Poison, "claim_unknown"),
        (200, b"{ not json " + CANARY.encode(), Poison, "claim_not_understood"),
        (200, PATIENT | {"phone": CANARY}, Poison, "claim_not_understood"),
        (200, {"patient_id": PATIENT["patient_id"]}, Poison, "claim_not_understood"),
        (401, {}, Retry, "scheduling_refuses_token"),
        (403, {}, Retry, "scheduling_refuses"),
        (500, CANARY.encode(), Retry, "scheduling_refuses"),
        (503, {}, Retry, "scheduling_refuses"),
    ],
)
async def test_what_scheduling_answers_comes_to_now_later_or_never(
    claims: SchedulingClaims,
    scheduling: Scheduling,
    status: int,
    body: Any,
    error: type[PracticeError],
    code: str,
) -> None:
    scheduling.status, scheduling.body = status, body
    with pytest.raises(error) as raised:
        await claims.patient(new_id(), purpose="reminder")
    assert raised.value.code == code
    assert CANARY not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


async def test_a_token_goes_nowhere_but_to_scheduling(
    claims: SchedulingClaims, scheduling: Scheduling
) -> None:
    elsewhere = Scheduling()
    async with serving(elsewhere.app) as other:
        scheduling.status, scheduling.headers = 307, {"Location": other}
        with pytest.raises(Retry, match="scheduling_refuses"):
            await claims.patient(new_id(), purpose="reminder")
    assert elsewhere.asked == []


async def test_a_service_with_another_secret_is_refused_and_tries_again_later(
    url: str, scheduling: Scheduling
) -> None:
    async with billing(url, "another-secret-" * 3) as stranger:
        with pytest.raises(Retry, match="scheduling_refuses"):
            await stranger.patient(new_id(), purpose="reminder")
    assert [actor for *_, actor in scheduling.asked] == [None]


async def test_scheduling_that_is_slow_or_away_is_asked_again_later(
    claims: SchedulingClaims, scheduling: Scheduling
) -> None:
    claims._client.timeout = 0.1
    scheduling.slow_s = 0.3
    with pytest.raises(Retry, match="scheduling_unreachable"):
        await claims.patient(new_id(), purpose="reminder")
    async with billing(f"http://127.0.0.1:{free_port()}") as away:
        with pytest.raises(Retry, match="scheduling_unreachable"):
            await away.patient(new_id(), purpose="reminder")


async def test_an_answer_that_breaks_off_is_asked_for_again_later() -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, billing(address) as claims:
        with pytest.raises(Retry, match="scheduling_unreachable"):
            await claims.patient(new_id(), purpose="reminder")
