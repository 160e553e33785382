"""Twilio's addresses under `/sms/2010-04-01`, with its errors and its pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from deploy.local.outside.settings import LOOPBACK
from deploy.local.outside.sms.network import Text
from deploy.local.outside.world import TheWorld, World, same

router = APIRouter(prefix="/sms/2010-04-01/Accounts/{account_sid}")
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_LONGEST_BODY = 1600
_LONGEST_PAGE = 1000

_BAD_TO = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' number is not currently reachable using this 'From'."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for this region."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
_BAD_FROM = {
    "+15005550000": (21606, "The 'From' phone number provided is not owned by your account."),
    "+15005550001": (21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (21606, "The 'From' phone number provided is not owned by your account."),
    "+15005550008": (21611, "The 'From' number has exceeded its queue of messages."),
}

_UNUSED = (0, "")


class TwilioProblem(Exception):
    """An error answer."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


async def answer_problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, TwilioProblem)
    return JSONResponse(problem.body, problem.status)


def _signed_in(request: Request, world: TheWorld, account_sid: str) -> World:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user = password = ""
    known = user == account_sid == world.settings.sms_account_sid
    if scheme.lower() != "basic" or not known or not same(password, world.settings.sms_auth_token):
        raise TwilioProblem(401, 20003, "Authenticate")
    return world


Account = Annotated[World, Depends(_signed_in)]


def _refusal(form: Mapping[str, str]) -> tuple[int, str] | None:
    """Twilio's code and words for what is wrong with a message, if anything is."""
    to, body, service = form.get("To", ""), form.get("Body", ""), form.get("MessagingServiceSid")
    sender = form.get("From") or service or ""
    callback = form.get("StatusCallback")
    checks = (
        (not to, 21604, "A 'To' phone number is required."),
        (not sender, 21603, "A 'From' phone number is required."),
        (not body, 21602, "Message body is required."),
        (len(body) > _LONGEST_BODY, 21617, "The body exceeds the 1600 character limit."),
        (to in _BAD_TO, *_BAD_TO.get(to, _UNUSED)),
        (sender in _BAD_FROM, *_BAD_FROM.get(sender, _UNUSED)),
        (not _E164.fullmatch(to), 21211, f"Invalid 'To' Phone Number: {to}"),
        (
            service is None and not _E164.fullmatch(sender),
            21212,
            f"Invalid 'From' Phone Number: {sender}",
        ),
        (
            bool(callback) and urlsplit(callback).hostname not in LOOPBACK,
            21609,
            "The 'StatusCallback' URL is not on this machine.",
        ),
    )
    return next(((code, message) for wrong, code, message in checks if wrong), None)


@router.post("/Messages.json", status_code=201)
async def send_text(world: Account, request: Request) -> dict[str, Any]:
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    refusal = _refusal(form)
    if refusal is not None:
        raise TwilioProblem(400, *refusal)
    service = form.get("MessagingServiceSid")
    to, sender = form["To"], form.get("From") or service or ""
    if world.sms.has_stopped(sender=sender, to=to):
        raise TwilioProblem(400, 21610, "Attempt to send to unsubscribed recipient")
    return world.sms.take(
        sender=sender,
        to=to,
        body=form["Body"],
        messaging_service_sid=service,
        status_url=form.get("StatusCallback") or None,
    ).shown()


@router.get("/Messages.json")
async def list_texts(world: Account, request: Request, account_sid: str) -> dict[str, Any]:
    """Newest first, by `To`, `From`, `DateSent`, `DateSent<` and `DateSent>` (both inclusive)."""
    query = request.query_params
    size = max(1, min(_number(query, "PageSize", 50), _LONGEST_PAGE))
    page = _number(query, "Page", 0)
    found = [text for text in reversed(world.sms.texts.values()) if _matches(text, query)]
    shown = found[page * size : (page + 1) * size]
    path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"

    def at(number: int) -> str:
        kept = {name: value for name, value in query.items() if name != "Page"}
        return f"{path}?{urlencode(kept | {'PageSize': str(size), 'Page': str(number)})}"

    return {
        "messages": [text.shown() for text in shown],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + len(shown) - 1,
        "uri": at(page),
        "first_page_uri": at(0),
        "next_page_uri": at(page + 1) if len(found) > (page + 1) * size else None,
        "previous_page_uri": at(page - 1) if page else None,
    }


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise TwilioProblem(400, 20001, f"Invalid {name}: {text}")
    return int(text)


def _matches(text: Text, query: Mapping[str, str]) -> bool:
    day = timedelta(days=1)
    at = text.sent_at or text.created_at
    on, until, since = query.get("DateSent"), query.get("DateSent<"), query.get("DateSent>")
    return (
        query.get("To") in {None, text.to}
        and query.get("From") in {None, text.sender}
        and (on is None or _moment(on) <= at < _moment(on) + day)
        and (until is None or at <= _moment(until))
        and (since is None or at >= _moment(since))
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TwilioProblem(400, 20001, f"Invalid date: {text}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@router.get("/Messages/{sid}.json")
async def read_text(world: Account, sid: str) -> dict[str, Any]:
    text = world.sms.texts.get(sid)
    if text is None:
        raise TwilioProblem(
            404, 20404, f"The requested resource /Messages/{sid}.json was not found"
        )
    return text.shown()


@router.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
async def unknown(world: Account, path: str) -> Response:
    del world
    raise TwilioProblem(404, 20404, f"The requested resource /{path} is not simulated")
