"""Who may do what: signed tokens, closed roles, and routes that are closed unless they say so.

Holds no sign-in and no per-object rule: a token says at which locations its holder works, and what
is of another one is refused where a request is decided (`shared.http.reach`).

Full sign-in comes from an OpenID provider later; its tokens carry the same claims. Until then an
issuer for development signs those of people. Production refuses that issuer, whoever has the
secret, so there only services speak: to each other, with tokens that they sign themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.clock import real_now
from shared.errors import Misconfigured

ISSUER = "practice"
DEVELOPMENT_ISSUER = "practice-development"
AUDIENCE = "practice-api"
ALGORITHM = "HS256"


class Role(StrEnum):
    FRONT_DESK = "front_desk"
    NURSE = "nurse"
    PRESCRIBER = "prescriber"
    BILLER = "biller"
    PHARMACY_LIAISON = "pharmacy_liaison"
    OPS = "ops"
    AUDITOR = "auditor"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `subject` is an id, never a name; without `locations` it works at all of them."""

    subject: str
    roles: frozenset[Role]
    locations: frozenset[UUID] | None = None

    @property
    def role(self) -> str:
        """The roles as one word for the audit log."""
        return "+".join(sorted(self.roles))


class Tokens:
    """Verifies the bearer tokens of one installation. Unless told otherwise it is production."""

    def __init__(self, secret: str, *, env: str = "production") -> None:
        issuers = [ISSUER] if env == "production" else [ISSUER, DEVELOPMENT_ISSUER]
        self._key = OctKey.import_key(secret)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(real_now().timestamp()),
            leeway=30,
            iss={"essential": True, "values": issuers},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
        )

    def actor(self, token: str) -> Actor | None:
        """The actor that a token speaks for; `None` when it is not valid now."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            self._claims.validate(decoded.claims)
            roles = frozenset(Role(role) for role in decoded.claims["roles"])
            locations = _locations_in(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return Actor(subject=str(decoded.claims["sub"]), roles=roles, locations=locations)

    def sign(self, actor: Actor, *, valid_for: timedelta, issuer: str = ISSUER) -> str:
        """A token for an actor; services sign their own for the calls they make to each other."""
        issued = int(real_now().timestamp())
        claims: dict[str, Any] = {
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": actor.subject,
            "roles": sorted(actor.roles),
            "iat": issued,
            "exp": issued + int(valid_for.total_seconds()),
        }
        if actor.locations is not None:
            claims["locations"] = sorted(str(each) for each in actor.locations)
        return jwt.encode({"alg": ALGORITHM}, claims, self._key)


def _locations_in(claims: dict[str, Any]) -> frozenset[UUID] | None:
    """Where a token's holder works; the claim is absent where that is everywhere.

    Raises for one that is there and is no list of ids: it must not come to mean everywhere.
    """
    if "locations" not in claims:
        return None
    return frozenset(UUID(each) for each in claims["locations"])


def development_token(
    secret: str,
    *,
    env: str,
    subject: str,
    roles: set[Role],
    locations: frozenset[UUID] | None = None,
) -> str:
    """A token for trying things out, valid for a day; production takes none of its issuer.

    Raises `Misconfigured` where `env` is production.
    """
    if env == "production":
        raise Misconfigured("PRACTICE_ENV: production has no development tokens")
    return Tokens(secret).sign(
        Actor(subject, frozenset(roles), locations),
        valid_for=timedelta(days=1),
        issuer=DEVELOPMENT_ISSUER,
    )


_bearer = HTTPBearer(auto_error=False, scheme_name="bearer")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route declares: the roles that may call it, or why anyone may."""

    roles: frozenset[Role]
    public_because: str | None = None


def _with_policy(check: Callable[..., Awaitable[Any]], policy: Policy) -> Any:
    check.policy = policy  # type: ignore[attr-defined]  # read by `_declared`
    return Depends(check)


def allow(*roles: Role) -> Any:
    """A route dependency: only these roles may call it. Yields the `Actor`."""
    if not roles:
        raise Misconfigured("a route allows no role at all")

    async def check(request: Request, bearer: Bearer) -> Actor:
        tokens: Tokens = request.app.state.tokens
        actor = tokens.actor(bearer.credentials) if bearer is not None else None
        if actor is None:
            raise HTTPException(
                401,
                "A valid bearer token is needed.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not actor.roles & set(roles):
            needed = ", ".join(sorted(roles))
            raise HTTPException(403, f"This needs one of these roles: {needed}.")
        request.state.actor = actor
        return actor

    return _with_policy(check, Policy(frozenset(roles)))


def public(because: str) -> Any:
    """A route dependency: anyone may call it, for a reason that is written down."""

    async def check() -> None:
        return None

    return _with_policy(check, Policy(frozenset(), public_because=because))


async def closed_unless_declared(request: Request) -> None:
    """The app's own dependency: a route that slipped in without a policy answers 403."""
    route = effective_route(request.scope)
    if not _declared(route):
        raise HTTPException(403, "This is closed: it does not say who may call it.")


def effective_route(scope: MutableMapping[str, Any]) -> Any:
    """The route that a request met, with the prefixes and dependencies of its inclusion."""
    included = scope.get("fastapi", {}).get("effective_route_context")
    return included or scope.get("route")


def _declared(route: Any) -> list[Policy]:
    dependant = getattr(route, "dependant", None)
    return [
        policy
        for dependency in getattr(dependant, "dependencies", ())
        if (policy := getattr(dependency.call, "policy", None)) is not None
    ]


_OF_THE_DOCS = {"/openapi.json", "/docs", "/docs/oauth2-redirect"}


def policies(app: FastAPI) -> dict[str, Policy | None]:
    """Each route, as `METHOD /path`, with what it declares; `None` where it is silent."""
    found: dict[str, Policy | None] = {}
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute):
            if route.path not in _OF_THE_DOCS:  # a mount, a socket: nothing that can declare
                found[f"* {route.path}"] = None
            continue
        declared = _declared(route)
        for method in sorted(route.methods or ()):
            name = f"{method} {route.path}"
            if len(declared) > 1:
                raise Misconfigured(f"{name} declares more than once who may call it")
            found[name] = declared[0] if declared else None
    return found


def assert_closed(app: FastAPI) -> None:
    """Refuse to start while a route does not say who may call it."""
    silent = sorted(name for name, policy in policies(app).items() if policy is None)
    if silent:
        raise Misconfigured(f"routes that declare no roles: {', '.join(silent)}")
