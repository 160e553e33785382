"""Commands about an installation elsewhere: what is wrong is said in a line, and ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from typer.testing import CliRunner, Result

from deploy.local.cli import app
from deploy.local.processes import free_port
from tests.support.serving import serving
from tests.support.topics import Topics

BILLING = "http://127.0.0.1:8002"
SECRET = "made-up-token-secret-for-tests-only"
NOTHING_PARKED = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _nothing_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICES", "KAFKA_BOOTSTRAP_SERVERS", "TOPIC_PREFIX", "TOKEN_SECRET"):
        monkeypatch.delenv(f"PRACTICE_{name}", raising=False)


def practice(*words: str) -> Result:
    """Run it. Whatever goes wrong must be told in a line and end with 1, without a traceback."""
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def refused(*words: str) -> str:
    told = practice(*words)
    assert told.exit_code == 1, told.output
    (line,) = told.output.splitlines()
    return line


async def beside(*words: str) -> Result:
    """Run it in a thread: it has a loop of its own, and ours serves what it asks."""
    return await asyncio.to_thread(practice, *words)


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("parked", "list"),
        ("parked", "show", NOTHING_PARKED),
        ("parked", "replay", NOTHING_PARKED, "--why", "to see"),
        ("parked", "discard", NOTHING_PARKED, "--why", "to see"),
        ("outbox", "replay", "--since", "2027-03-12T00:00:00Z"),
    ],
    ids=" ".join,
)
def test_with_no_service_named_there_is_nobody_to_ask(command: tuple[str, ...]):
    assert "--service: not given, so there is nobody to ask" in refused(
        "--kafka", "127.0.0.1:9092", *command
    )


@pytest.mark.parametrize(
    "command",
    [
        ("token", "ops"),
        ("parked", "list"),
        ("parked", "show", NOTHING_PARKED),
        ("outbox", "replay", "--since", "2027-03-12T00:00:00Z"),
        ("audit", "check"),
    ],
    ids=" ".join,
)
def test_what_needs_a_token_names_the_secret_that_is_missing(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    elsewhere = ("--service", f"billing={BILLING}")
    assert refused(*elsewhere, *command).startswith("PRACTICE_TOKEN_SECRET: not set")
    monkeypatch.setenv("PRACTICE_TOKEN_SECRET", "short")
    assert refused(*elsewhere, *command).startswith("PRACTICE_TOKEN_SECRET: must have at least 32")


def test_a_service_that_is_away_is_named_with_its_address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PRACTICE_TOKEN_SECRET", SECRET)
    url = f"http://127.0.0.1:{free_port()}"
    elsewhere = ("--service", f"billing={url}")
    assert refused(*elsewhere, "parked", "list") == (
        f"{url}/operations/parked cannot be reached (ConnectError)"
    )
    told = practice(*elsewhere, "check")
    assert told.exit_code == 1
    assert f"does not answer at {url}" in " ".join(told.output.split())


@pytest.mark.parametrize("service", ["billing", f"till={BILLING}", "billing=127.0.0.1:8002"])
def test_a_service_is_named_with_its_address(service: str):
    assert refused("--service", service, "check") == (
        f"--service {service}: expected NAME=URL with NAME one of scheduling, billing, pharmacy, "
        "notifications, such as billing=http://127.0.0.1:8002"
    )


def another(title: str) -> FastAPI:
    app = FastAPI(title=title)

    @app.get("/health/ready")
    async def ready() -> dict[str, Any]:
        return {"status": "ready", "checks": {"database": None}}

    return app


def a_page(_title: str) -> FastAPI:
    app = FastAPI()
    app.get("/health/ready")(lambda: HTMLResponse("<h1>It works!</h1>"))
    return app


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (another, "is pharmacy, not billing"),
        (a_page, "is no service of the practice"),
    ],
)
async def test_another_service_under_the_address_is_not_taken_for_it(
    make: Callable[[str], FastAPI], says: str
):
    async with serving(make("pharmacy · practice")) as url:
        told = await beside("--service", f"billing={url}", "check")
    assert told.exit_code == 1
    assert says in " ".join(told.output.split())


def with_a_refused_key(title: str) -> FastAPI:
    app = another(title)

    @app.get("/operations/refused-keys")
    async def refused_keys(request: Request) -> dict[str, Any]:
        assert request.headers["authorization"].startswith("Bearer ")
        return {"keys": [{"detail": "Stripe does not accept our key. Put the right one in."}]}

    return app


async def test_check_tells_of_a_key_that_a_vendor_does_not_accept(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PRACTICE_TOKEN_SECRET", SECRET)
    async with serving(with_a_refused_key("billing · practice")) as url:
        told = await beside("--service", f"billing={url}", "check")
    assert told.exit_code == 1
    said = " ".join(told.output.split())
    assert said == (
        "billing ready refused key Stripe does not accept our key. Put the right one in."
    )


async def test_a_refused_token_is_said_to_be_foreign_or_for_production(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PRACTICE_TOKEN_SECRET", SECRET)
    app = FastAPI()
    app.get("/operations/parked", status_code=401)(
        lambda: {"detail": "A valid bearer token is needed."}
    )
    async with serving(app) as url:
        told = await beside("--service", f"billing={url}", "parked", "list")
    assert told.exit_code == 1
    assert told.output.startswith("A valid bearer token is needed. Either PRACTICE_TOKEN_SECRET")
    assert "docs/runbook.md" in told.output


def test_events_need_a_kafka_to_be_named():
    assert refused("--service", f"billing={BILLING}", "events", "tail").startswith("--kafka: not")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:kafka", "--kafka 127.0.0.1:kafka: not an address like 127.0.0.1:9092"),
        ("127.0.0.1:1", "Kafka cannot be reached (KafkaConnectionError)"),
    ],
)
def test_a_kafka_that_is_not_there_is_one_line(address: str, says: str):
    assert refused("--kafka", address, "events", "tail") == says


async def test_a_prefix_that_no_topic_has_ends_with_the_prefixes_there_are(topics: Topics):
    told = await beside(
        "--kafka", topics.bootstrap_servers, "--topic-prefix", "nobodys.", "events", "tail"
    )
    assert told.exit_code == 1
    assert told.output.startswith("--topic-prefix 'nobodys.': Kafka at ")
    assert "has no topic nobodys.scheduling" in told.output
    assert "Prefixes seen there: " in told.output


def test_a_type_that_no_event_has_is_refused_before_anything_is_read():
    assert refused("--kafka", "127.0.0.1:1", "events", "tail", "--type", "CoffeeSpilt") == (
        "--type CoffeeSpilt: no event's type holds it; see `practice catalogue`"
    )


@pytest.mark.parametrize(
    "command",
    [
        (),
        *(("demo",), ("up",), ("check",), ("catalogue",), ("token",)),
        *(("events", "tail"), ("outbox", "replay"), ("audit", "check")),
        *(("parked", verb) for verb in ("list", "show", "replay", "discard")),
    ],
    ids=lambda words: " ".join(words) or "practice",
)
def test_every_commands_help_ends_with_examples_that_fit_80_columns(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    told = practice(*command, "--help")
    assert told.exit_code == 0
    usage, _examples, shown = told.output.partition("Examples")
    assert usage.strip()
    assert " ".join(("practice", *command)) in shown
    assert max(map(len, told.output.splitlines())) <= 80
