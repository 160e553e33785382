"""The edge: every answer is explained, correlated and bounded, and repeats nothing it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import ClientDisconnect

from shared.auth import Role, public
from shared.claims import Email
from shared.errors import Poison, Retry
from shared.http import health
from shared.http.app import MAX_BODY_BYTES
from shared.http.health import health_routes
from shared.telemetry import Metrics
from shared.written import A_DAY
from tests.platform.conftest import Lines, bearer

CANARY = "Testa Canary +1 202-555-0147"
PUBLIC = [public("a test")]
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    amount_cents: Annotated[int, Field(ge=1)] = 1
    size: Literal[Size.SMALL, Size.LARGE] = Size.SMALL
    by_name: dict[str, int] = {}  # Pydantic copies it
    phone: str = ""
    mail: Email | None = None
    born: Annotated[date, Field(ge=date(1900, 1, 1)), A_DAY] | None = None
    weekday: Annotated[int, Field(le=7)] = 1
    code: Annotated[str, Field(pattern="^[a-z]{1,3}$")] | None = None

    @field_validator("phone")
    @classmethod
    def _quotes(cls, phone: str) -> str:
        if phone:
            raise ValueError(f"{phone} is no phone")  # a careless validator
        return phone


async def test_no_span_but_ours_is_written_even_where_a_library_would_find_a_provider(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(written))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    await web.get("/echo", params={"phone": CANARY})
    assert written.get_finished_spans() == ()
    provider.shutdown()


@pytest.fixture
def probing(app: FastAPI) -> FastAPI:
    router = APIRouter()

    @router.post("/wish", dependencies=PUBLIC)
    async def wish(wish: Wish) -> dict[str, int]:
        return {"amount_cents": wish.amount_cents}

    @router.get("/wish", dependencies=PUBLIC)
    async def wishes() -> list[str]:
        return []

    @router.get("/fails/{how}", dependencies=PUBLIC)
    async def fails(how: str) -> None:
        raise {
            "retry": Retry("busy", CANARY),
            "poison": Poison("bad", CANARY),
            "bug": KeyError(CANARY),
            "gone": PoolTimeoutError(CANARY),
            "file": FileNotFoundError(CANARY),
            "teapot": HTTPException(418, "A short, safe text."),
        }[how]

    @router.get("/echo", dependencies=PUBLIC)
    async def echo(request: Request) -> dict[str, str]:
        return {
            "correlation_id": str(request.state.correlation_id),
            "traceparent": request.state.traceparent,
        }

    @router.post("/raw", dependencies=PUBLIC)
    async def raw(request: Request) -> int:
        return len(await request.body())

    app.include_router(router)
    return app


@pytest.fixture
async def web(probing: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=probing)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"pet": {"kind": CANARY}}, "pet", "'cat', 'dog'"),
        ({"amount_cents": CANARY}, "amount_cents", "no whole number"),
        ({"amount_cents": 0}, "amount_cents", "at least 1"),
        ({"size": CANARY}, "size", "right would be 'small' or 'large'"),
        ({"by_name": {CANARY: CANARY}}, "by_name.?", "no whole number"),
        ({CANARY: 1}, "?", "not permitted"),
        ({"phone": CANARY}, "phone", "not acceptable"),
        ([CANARY], None, "named fields"),
        ({"mail": CANARY}, "mail", "right would be an address such as ada@example.org"),
        ({"born": "1899-01-01"}, "born", "Right would be at least 1900-01-01."),
        ({"weekday": 8}, "weekday", "Right would be at most 7."),
        ({"code": CANARY}, "code", "the API's document has its pattern"),
    ],
)
async def test_an_invalid_request_is_told_what_would_be_right_and_not_what_it_said(
    web: httpx.AsyncClient, body: Any, field: str | None, says: str
) -> None:
    answer = await web.post("/wish", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    [violation] = answer.json()["violations"]
    assert violation.get("field") == field
    assert says in violation["detail"]
    assert "Canary" not in answer.text


async def test_a_number_of_thousands_of_digits_is_a_problem_that_says_what_would_be_right(
    web: httpx.AsyncClient,
) -> None:
    body = '{"amount_cents": ' + "9" * 5000 + "}"
    answer = await web.post("/wish", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    [violation] = answer.json()["violations"]
    assert (violation["rule"], "fewer digits" in violation["detail"]) == ("json_invalid", True)


async def test_what_is_not_json_is_a_problem_that_does_not_quote_it(web: httpx.AsyncClient) -> None:
    answer = await web.post(
        "/wish", content=f'{{"phone": {CANARY}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation.get("field")) == ("json_invalid", None)
    assert "Canary" not in answer.text


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_not_sent_as_json_is_told_which_header_is_right(
    web: httpx.AsyncClient, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await web.post("/wish", content=b'{"amount_cents": 1}', headers=headers)
    assert answer.status_code == 415
    [violation] = answer.json()["violations"]
    assert violation["field"] == "Content-Type"
    assert "Content-Type: application/json" in violation["detail"]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        *(("retry", 503), ("gone", 503), ("poison", 500), ("bug", 500), ("file", 500)),
        *(("teapot", 418), ("x", 500)),
    ],
)
async def test_every_failure_is_a_problem_with_its_correlation_and_without_its_text(
    web: httpx.AsyncClient, how: str, status: int
) -> None:
    answer = await web.get(f"/fails/{how}")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["correlation_id"] == answer.headers["X-Correlation-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert "Canary" not in answer.text


async def test_unknown_paths_and_methods_are_problems_too(web: httpx.AsyncClient) -> None:
    for answer, status in (
        (await web.get("/nowhere"), 404),
        (await web.delete("/wish"), 405),
        (await web.request("BREW", "/wish"), 405),
    ):
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_another_method_is_told_all_that_a_path_has(web: httpx.AsyncClient) -> None:
    """Each method of a path is a route of its own, and the first one knows only itself."""
    answer = await web.delete("/wish")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


async def test_a_given_correlation_id_is_kept_and_any_other_text_is_not(
    web: httpx.AsyncClient,
) -> None:
    mine = str(UUID(int=5))
    kept = await web.get("/echo", headers={"X-Correlation-Id": mine})
    assert kept.json()["correlation_id"] == kept.headers["X-Correlation-Id"] == mine
    other = await web.get("/echo", headers={"X-Correlation-Id": CANARY})
    assert UUID(other.headers["X-Correlation-Id"]).version == 7
    assert "Canary" not in other.text + str(other.headers)


async def test_a_given_trace_goes_on_and_a_made_up_one_does_not(web: httpx.AsyncClient) -> None:
    given = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    assert TRACE in (await web.get("/echo", headers=given)).json()["traceparent"]
    hostile = {"traceparent": f"00-{CANARY:<32}-b7ad6b7169203331-01"}
    assert "Canary" not in (await web.get("/echo", headers=hostile)).text


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 50_000):
        yield b"x" * 50_000


async def test_a_body_has_a_limit_whether_its_length_is_announced_or_not(
    web: httpx.AsyncClient,
) -> None:
    assert (await web.post("/raw", content=b"x" * MAX_BODY_BYTES)).json() == MAX_BODY_BYTES
    assert (await web.post("/raw", content=_chunks(MAX_BODY_BYTES))).json() == MAX_BODY_BYTES
    for answer in (
        await web.post("/raw", content=b"x" * (MAX_BODY_BYTES + 1)),
        await web.post("/raw", content=_chunks(MAX_BODY_BYTES + 100_000)),
        await web.post("/raw", content=b"x", headers={"content-length": "9" * 30}),
        await web.post("/raw", content=b"x", headers={"content-length": "-1"}),
    ):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        [violation] = answer.json()["violations"]
        assert (violation["rule"], "in parts" in violation["detail"]) == ("body_size", True)


async def test_an_answer_that_breaks_halfway_is_broken_off(
    app: FastAPI, web: httpx.AsyncClient
) -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError(CANARY)

    app.mount("/half", half)
    with pytest.raises(KeyError):
        await web.get("/half/x")


@pytest.mark.parametrize("path", ["/raw", "/wish"])
async def test_a_caller_who_hangs_up_halfway_is_no_fault_of_ours(
    web: httpx.AsyncClient, lines: Lines, path: str
) -> None:
    async def breaks_off() -> AsyncIterator[bytes]:
        yield b"{"
        raise ClientDisconnect

    answer = await web.post(path, content=breaks_off(), headers={"Content-Type": "text/json"})
    assert answer.status_code == 400
    assert [line["event"] for line in lines.all()] == ["request"]


async def test_requests_are_counted_by_template_and_never_by_what_was_typed(
    app: FastAPI, web: httpx.AsyncClient, metrics: Metrics
) -> None:
    nested = APIRouter()
    nested.get("/{visit_id}", dependencies=PUBLIC)(lambda visit_id: visit_id)
    app.include_router(nested, prefix="/v1/visits")
    await web.get("/fails/bug")
    await web.get(f"/v1/visits/{CANARY}")
    await web.get(f"/{CANARY}")
    await web.request(CANARY.split(maxsplit=1)[0], "/echo")
    counted = {
        tuple(sample.labels.values())
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "practice_http_requests_total"
    }
    assert counted == {
        ("GET", "/fails/{how}", "500"),
        ("GET", "/v1/visits/{visit_id}", "200"),
        ("GET", "(none)", "404"),
        ("OTHER", "/echo", "405"),
    }


async def test_readiness_says_which_check_is_wrong_and_why(
    app: FastAPI, web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_LIMIT_S", 0.05)
    wrong: dict[str, str | None] = {"database": None}

    async def database() -> str | None:
        return wrong["database"]

    async def hanging() -> str | None:
        await asyncio.sleep(5)
        return None

    async def broken() -> str | None:
        raise KeyError(CANARY)

    async def sample() -> None: ...

    checks = {"database": database}
    app.include_router(health_routes(checks, Metrics(), sample))
    assert (await web.get("/health/live")).json() == {"status": "alive"}
    ready = await web.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": None})

    wrong["database"] = "the database cannot be reached"
    checks |= {"relay": hanging, "consumer": broken}
    ready = await web.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {
        "status": "not ready",
        "checks": {
            "database": "the database cannot be reached",
            "relay": "no answer within 0 s",
            "consumer": "the check itself failed: KeyError",
        },
    }
    page = await web.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    assert "practice_outbox_rows 0.0" in page.text


async def test_the_api_document_says_who_may_call_and_how_refusals_look(app: FastAPI) -> None:
    document = app.openapi()
    assert document is app.openapi()
    order, patient = (
        document["paths"]["/orders"]["post"],
        document["paths"]["/patients/{patient_id}"],
    )
    assert order["x-roles"] == ["front_desk"]
    assert order["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert set(order["responses"]) == {"201", "400", "401", "403", "409", "422", "default"}
    assert set(patient["get"]["responses"]) == {"200", "401", "403", "422", "default"}
    assert list(order["responses"]["409"]["content"]) == ["application/problem+json"]
    created = order["responses"]["201"]["content"]["application/json"]["schema"]
    assert created == {"$ref": "#/components/schemas/Placed"}
    [key] = [found for found in order["parameters"] if found["name"] == "Idempotency-Key"]
    assert key["required"]
    assert "Idempotency-Key" not in json.dumps(patient)
    assert {"Problem", "Violation"} <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in json.dumps(document)


async def test_each_operation_has_a_name_to_read_and_says_in_words_who_may_call_it(
    probing: FastAPI,
) -> None:
    paths = probing.openapi()["paths"]
    order, patient = paths["/orders"]["post"], paths["/patients/{patient_id}"]["get"]
    assert (order["operationId"], patient["operationId"]) == ("place", "read")
    assert order["description"] == (
        "Order a chair.\n\nIt is taken at once.\n\nFor these roles: front_desk."
    )
    assert patient["description"] == "For these roles: nurse."
    assert paths["/echo"]["get"]["description"] == "For anyone: a test."


async def test_two_operations_of_one_name_are_refused(app: FastAPI) -> None:
    @app.get("/other", name="place", dependencies=PUBLIC)
    async def other() -> None: ...

    with pytest.raises(LookupError, match="two operations are called place"):
        app.openapi()


async def test_what_a_route_refuses_fits_the_document(
    app: FastAPI, client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    document = app.openapi()
    problem = document["components"]["schemas"]["Problem"]
    refused = await client.post(
        "/orders",
        json={"chair": "taken"},
        headers=bearer(Role.FRONT_DESK) | {"Idempotency-Key": "k"},
    )
    assert set(refused.json()) <= set(problem["properties"])
    assert set(problem["required"]) <= set(refused.json())
