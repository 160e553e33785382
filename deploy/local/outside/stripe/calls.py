"""What every endpoint asks for: who calls, with which parameters, on which books."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from fastapi import Depends, Request

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.errors import StripeProblem, invalid
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params, nested
from deploy.local.outside.world import same, world_of

_EXPANDS = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "failure_balance_transaction",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "setup_intent",
        "source",
    }
)


def _books(request: Request) -> Books:
    return world_of(request).stripe


def _key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    return key


def _unauthorized(message: str) -> StripeProblem:
    return StripeProblem(401, "invalid_request_error", message)


def is_secret(request: Request) -> bool:
    """Whether the practice itself calls. Refuses a key that is neither of the account's two."""
    key = _key(request)
    settings = world_of(request).settings
    if not key:
        raise _unauthorized("You did not provide an API key.")
    if same(key, settings.stripe_key):
        return True
    if same(key, settings.stripe_publishable_key):
        return False
    raise _unauthorized("Invalid API Key provided.")


def _from_practice(request: Request) -> Books:
    if not is_secret(request):
        raise StripeProblem(
            403,
            "invalid_request_error",
            "This API call cannot be made with a publishable API key.",
            code="secret_key_required",
        )
    return _books(request)


def _from_anyone(request: Request) -> Books:
    is_secret(request)
    return _books(request)


async def _params(request: Request) -> Params:
    if request.method == "POST":
        return Params(nested((await request.body()).decode()))
    return Params(nested(request.url.query))


Practice = Annotated[Books, Depends(_from_practice)]
"""The books, for a caller with the secret key."""
Anyone = Annotated[Books, Depends(_from_anyone)]
"""The books, for the practice or for a patient's browser with the publishable key."""
IsSecret = Annotated[bool, Depends(is_secret)]
Given = Annotated[Params, Depends(_params)]


def check_client(intent: Object, params: Params, *, secret: bool) -> None:
    """A browser proves with the client secret that it was given this intent."""
    given = params.text("client_secret")
    if not secret and given != intent["client_secret"]:
        raise invalid("The client_secret provided does not match.", param="client_secret")


def expansions(params: Params) -> list[str]:
    """What a call that takes nothing else wants expanded."""
    expand = params.values("expand")
    params.done()
    return expand


def expanded(books: Books, found: Object, expand: list[str]) -> Object:
    """A copy with the named references replaced by what they refer to, to any depth."""
    shown: dict[str, Any] = dict(found)
    for path in expand:
        first, _, rest = path.partition(".")
        if first == "data":
            shown["data"] = [expanded(books, item, [rest]) for item in shown.get("data", [])]
            continue
        if first not in _EXPANDS or first not in shown:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        value = shown[first]
        if isinstance(value, str):
            value = books.named(value)
        if value is not None:
            shown[first] = expanded(books, value, [rest] if rest else [])
    return shown
