"""A token is taken only as we sign it, and a route is closed unless it says who may call it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from starlette.routing import Mount

from shared.auth import (
    AUDIENCE,
    ISSUER,
    Actor,
    Policy,
    Role,
    Tokens,
    allow,
    assert_closed,
    development_token,
    policies,
    public,
)
from shared.clock import real_now
from shared.db import create_engine
from shared.errors import Misconfigured
from shared.telemetry import Metrics
from tests.platform.conftest import SECRET, app_of, bearer

TOKENS = Tokens(SECRET)
NURSE = Actor("staff-7", frozenset({Role.NURSE, Role.FRONT_DESK}))


def signed(*, key: str = SECRET, alg: str = "HS256", without: str = "", **changed: Any) -> str:
    now = int(real_now().timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "staff-7",
        "roles": ["nurse"],
        "iat": now,
        "exp": now + 60,
    } | changed
    claims.pop(without, None)
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


def test_a_token_of_ours_speaks_for_its_actor() -> None:
    actor = TOKENS.actor(TOKENS.sign(NURSE, valid_for=timedelta(minutes=1)))
    assert actor == NURSE
    assert actor.role == "front_desk+nurse"


@pytest.mark.parametrize(
    "token",
    [
        signed(key="another-secret-" * 3),
        signed(iss="somebody"),
        signed(aud="another-api"),
        signed(exp=int(real_now().timestamp()) - 3600),
        signed(nbf=int(real_now().timestamp()) + 3600),
        signed(roles=["nurse", "king"]),
        signed(roles=None),
        signed(roles="nurse"),
        signed(sub=7),
        signed(alg="HS512"),
        *(signed(locations=damaged) for damaged in (None, "everywhere", ["Old Town"], [7], 7)),
        *(signed(without=claim) for claim in ("iss", "aud", "sub", "exp", "roles")),
    ],
)
def test_a_token_that_is_not_signed_as_ours_speaks_for_nobody(token: str) -> None:
    assert TOKENS.actor(token) is None


def test_a_token_says_where_its_holder_works() -> None:
    place = uuid4()
    bound = replace(NURSE, locations=frozenset({place}))
    assert TOKENS.actor(TOKENS.sign(bound, valid_for=timedelta(minutes=1))) == bound
    [nowhere, everywhere] = [TOKENS.actor(signed(locations=[])), TOKENS.actor(signed())]
    assert nowhere is not None
    assert nowhere.locations == frozenset()
    assert everywhere is not None
    assert everywhere.locations is None


def test_a_token_that_claims_to_need_no_signature_speaks_for_nobody() -> None:
    _, claims, _ = signed().split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    assert TOKENS.actor(f"{header}.{claims}.") is None


@given(st.text(max_size=80), st.integers(0, 2))
def test_a_token_with_a_foreign_part_speaks_for_nobody(noise: str, part: int) -> None:
    parts = signed().split(".")
    if parts[part] != noise:
        parts[part] = noise
        assert TOKENS.actor(".".join(parts)) is None
    assert TOKENS.actor(noise) is None


def test_production_has_no_development_tokens() -> None:
    with pytest.raises(Misconfigured, match="PRACTICE_ENV"):
        development_token(SECRET, env="production", subject="x", roles={Role.OPS})


def test_a_development_token_speaks_for_nobody_in_production() -> None:
    token = development_token(SECRET, env="development", subject="x", roles={Role.OPS})
    assert Tokens(SECRET, env="production").actor(token) is None
    assert Tokens(SECRET).actor(token) is None
    assert Tokens(SECRET, env="development").actor(token) == Actor("x", frozenset({Role.OPS}))


async def nothing() -> None: ...


def app_with(*routers: APIRouter, prefix: str = "") -> FastAPI:
    app = FastAPI(redoc_url=None)
    for router in routers:
        app.include_router(router, prefix=prefix)
    return app


def router_with(path: str, *dependencies: Any) -> APIRouter:
    router = APIRouter()
    router.get(path, dependencies=list(dependencies))(nothing)
    return router


def test_each_route_is_listed_with_its_full_path_and_what_it_declares() -> None:
    inner = router_with("/{visit_id}", allow(Role.NURSE))
    outer = APIRouter(prefix="/visits")
    outer.include_router(inner, prefix="/of")
    app = app_with(outer, router_with("/live", public("probes")), prefix="/v1")
    assert policies(app) == {
        "GET /v1/visits/of/{visit_id}": Policy(frozenset({Role.NURSE})),
        "GET /v1/live": Policy(frozenset(), public_because="probes"),
    }
    assert_closed(app)


def test_roles_declared_where_a_router_is_included_count_for_its_routes() -> None:
    app = FastAPI(redoc_url=None)
    app.include_router(router_with("/a"), dependencies=[allow(Role.OPS)])
    assert policies(app)["GET /a"] == Policy(frozenset({Role.OPS}))


def test_an_app_with_a_silent_route_does_not_start() -> None:
    app = app_with(router_with("/open", public("why")), router_with("/forgotten"), prefix="/v1")
    with pytest.raises(Misconfigured, match="declare no roles: GET /v1/forgotten"):
        assert_closed(app)


def test_a_service_with_a_silent_route_is_not_even_put_together(metrics: Metrics) -> None:
    engine = create_engine("postgresql+asyncpg://nobody@/nothing")
    app_of(router_with("/open", public("why")), engine=engine, metrics=metrics)
    with pytest.raises(Misconfigured, match="declare no roles: GET /forgotten"):
        app_of(router_with("/forgotten"), engine=engine, metrics=metrics)


@pytest.mark.parametrize("kind", ["mount", "websocket", "plain"])
def test_what_cannot_declare_roles_keeps_the_app_from_starting(kind: str) -> None:
    app = FastAPI(redoc_url=None)
    if kind == "mount":
        app.router.routes.append(Mount("/files", app=PlainTextResponse("x")))
    elif kind == "websocket":
        app.websocket("/files")(nothing)
    else:
        app.add_route("/files", lambda _: PlainTextResponse("x"))
    with pytest.raises(Misconfigured, match="/files"):
        assert_closed(app)


def test_a_route_that_declares_twice_keeps_the_app_from_starting() -> None:
    app = app_with(router_with("/a", public("open"), allow(Role.OPS)))
    with pytest.raises(Misconfigured, match="more than once"):
        assert_closed(app)


def test_a_route_that_allows_no_role_is_a_mistake() -> None:
    with pytest.raises(Misconfigured):
        allow()


async def test_a_route_that_slips_in_after_the_start_is_closed(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    app.include_router(router_with("/late", public("open")), prefix="/v1")
    app.include_router(router_with("/silent"), prefix="/v1")
    assert (await client.get("/v1/late")).status_code == 200
    answer = await client.get("/v1/silent", headers=bearer(*Role))
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic bnVyc2U6eA=="}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": f"Bearer {signed(key='another-secret-' * 3)}"}, 401),
        (bearer(Role.NURSE), 403),
        (bearer(), 403),
    ],
)
async def test_a_route_is_closed_to_whoever_lacks_the_role(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/orders", json={"chair": "a"}, headers=headers)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
