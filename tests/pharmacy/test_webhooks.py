"""Notices from strangers, recordings and the future change nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pharmacy.seals import holds, sealed_notices
from shared.clock import real_now
from tests.pharmacy.practice import OLD_WEBHOOK_SECRET, Case, Practice
from tests.support.outside_world import PHARMACY_WEBHOOK_SECRET, SIGNING_WEBHOOK_SECRET

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
AT = int(NOW.timestamp())


def seal(body: bytes, secret: str, at: int) -> str:
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mark}"


def notice(kind: str, reference: str, **changes: Any) -> bytes:
    event = {"specversion": "1.0", "id": f"evt_{uuid4().hex}", "source": "urn:x", "type": kind}
    return json.dumps(event | {"data": {"reference": reference}} | changes).encode()


async def _tell(
    practice: Practice, body: bytes, secret: str, *, late_s: int = 0, vendor: str = "pharmacy"
) -> httpx.Response:
    at = int(real_now().timestamp()) - late_s
    return await practice.http.post(
        f"{practice.url}/webhooks/{vendor}",
        content=body,
        headers={f"x-{vendor}-signature": seal(body, secret, at)},
    )


async def _kept(practice: Practice) -> int:
    [(count,)] = await practice.rows("SELECT count(*) FROM webhooks")
    return int(count)


@pytest.mark.parametrize(
    ("secret", "late_s"),
    [
        ("a stranger's guess", 0),
        (PHARMACY_WEBHOOK_SECRET, 301),
        (PHARMACY_WEBHOOK_SECRET, -301),
        (SIGNING_WEBHOOK_SECRET, 0),
    ],
    ids=["forged", "stale", "future", "another vendor's"],
)
async def test_a_notice_whose_seal_does_not_hold_changes_nothing(
    practice: Practice, secret: str, late_s: int
):
    case = await practice.sent()
    await practice.until_idle()
    before, kept = await practice.prescription(case), await _kept(practice)
    body = notice("pharmacy.order.rejected", str(case.prescription_id))

    refused = await _tell(practice, body, secret, late_s=late_s)

    assert refused.status_code == 400
    assert await _kept(practice) == kept
    assert await practice.prescription(case) == before
    assert (
        await practice.rows(
            "SELECT 1 FROM due_work WHERE key = :key", key=f"orders_told:{case.prescription_id}"
        )
        == []
    )


async def test_a_sealed_lie_is_not_believed_because_the_session_is_read(practice: Practice):
    case = await practice.awaiting_signature()
    [session] = await practice.sessions(case)
    body = notice("signing.session.signed", session["reference"])

    assert (
        await _tell(practice, body, SIGNING_WEBHOOK_SECRET, vendor="signing")
    ).status_code == 204
    await practice.until_idle()

    assert (await practice.prescription(case)).state == "awaiting_signature"
    assert practice.orders(case) == []


async def test_a_notice_is_kept_once_and_both_secrets_of_a_rotation_are_taken(practice: Practice):
    case = await practice.sent()
    await practice.until_idle()
    kept = await _kept(practice)
    body = notice("pharmacy.order.accepted", str(case.prescription_id))

    answers = [
        await _tell(practice, body, secret)
        for secret in (PHARMACY_WEBHOOK_SECRET, OLD_WEBHOOK_SECRET)
    ]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert await _kept(practice) == kept + 1


@pytest.mark.parametrize("reference", ["rx-of-somebody-else", str(Case().series_id)])
async def test_a_notice_about_nothing_of_ours_is_taken_and_left(practice: Practice, reference: str):
    for vendor, secret in (
        ("pharmacy", PHARMACY_WEBHOOK_SECRET),
        ("signing", SIGNING_WEBHOOK_SECRET),
    ):
        body = notice(f"{vendor}.something", reference)
        assert (await _tell(practice, body, secret, vendor=vendor)).status_code == 204
    await practice.until_idle()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=" + "0" * 64,
        f"t={AT}",
        f"t={AT},t={AT},v1={'0' * 64}",
        f"t={AT}.5,v1={'0' * 64}",
        "t=٣,v1=" + "0" * 64,
        "t=" + "9" * 400 + ",v1=" + "0" * 64,
        f"t={AT},v1=é",
        "=,=,=",
    ],
)
def test_a_seal_of_another_form_does_not_hold(header: str):
    assert not holds(b"{}", header, ["secret"], NOW)


@pytest.mark.parametrize("vendor", ["pharmacy", "signing"])
async def test_a_header_of_bytes_that_are_no_text_is_refused_in_words(
    practice: Practice, vendor: str
):
    body, at = notice(f"{vendor}.something", "rx"), str(int(real_now().timestamp())).encode()
    for header in (
        b"\xff\xfe",
        b"t=" + at + b",v1=\xff\x80",
        b"t=" + at + b",v1=" + "\u2603".encode(),
        b"t=" + at + b"\xb2,v1=abc",
    ):
        answer = await practice.http.post(
            f"{practice.url}/webhooks/{vendor}",
            content=body,
            headers=[(f"x-{vendor}-signature".encode(), header)],
        )
        assert answer.status_code == 400, header
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("pharmacy.order.shipped", {"id": "evt_\x00"}),
        ("pharmacy\x00", {}),
        ("pharmacy.order.shipped", {"data": {"reference": "rx\x00"}}),
        ("pharmacy.order.shipped", {"id": "x" * 3000}),
    ],
)
async def test_a_sealed_notice_of_what_cannot_be_kept_is_refused(
    practice: Practice, kind: str, changes: dict[str, Any]
):
    kept = await _kept(practice)
    answer = await _tell(practice, notice(kind, "rx", **changes), PHARMACY_WEBHOOK_SECRET)
    assert answer.status_code == 400
    assert await _kept(practice) == kept


@given(
    body=st.binary(max_size=60),
    late_s=st.integers(-1000, 1000),
    position=st.integers(0, 2000),
    secret=st.text(min_size=1, max_size=20),
)
def test_a_seal_holds_for_its_bytes_for_five_minutes_either_way(
    body: bytes, late_s: int, position: int, secret: str
):
    header = seal(body, secret, AT - late_s)
    assert holds(body, header, ["another", secret], NOW) == (abs(late_s) <= 300)
    assert not holds(body, header, [secret + "x"], NOW)
    if body:
        at = position % len(body)
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert not holds(changed, header, [secret], NOW)


def test_a_sender_that_rotates_may_seal_with_both_secrets():
    body = notice("pharmacy.order.shipped", "rx")
    old, new = seal(body, "old", AT), seal(body, "new", AT)
    header = f"{old},{new.split(',')[1]}"
    assert holds(body, header, ["new"], NOW)
    assert holds(body, header, ["old"], NOW)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"id": "x"}', b"\xff"])
def test_a_sealed_body_that_is_no_notice_is_not_understood(body: bytes):
    read = sealed_notices("x-pharmacy-signature", ["secret"], lambda: NOW)
    assert read(body, {"x-pharmacy-signature": seal(body, "secret", AT)}) is None
