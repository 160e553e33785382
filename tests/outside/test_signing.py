"""A prescription before its prescriber: shown, signed with two factors, vouched for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.outside.conftest import Ear
from tests.outside.orders import displayed, order
from tests.outside.seals import opened
from tests.support.outside_world import (
    PHARMACY_KEY,
    SIGNING_KEY,
    SIGNING_KNOWLEDGE,
    SIGNING_TOKEN_CODE,
    SIGNING_WEBHOOK_SECRET,
    OutsideWorld,
)

KEY = {"x-api-key": SIGNING_KEY}
FACTORS = {"knowledge": SIGNING_KNOWLEDGE, "token_code": SIGNING_TOKEN_CODE}


async def _open(http: httpx.AsyncClient, world: OutsideWorld, **changes: Any) -> httpx.Response:
    body = {"reference": "rx-1", "prescription": displayed(**changes)}
    return await http.post(f"{world.signing_url}/v1/sessions", json=body, headers=KEY)


async def test_the_same_prescription_twice_is_one_session(
    http: httpx.AsyncClient, world: OutsideWorld
):
    first, second = await _open(http, world), await _open(http, world)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    found = await http.get(
        f"{world.signing_url}/v1/sessions", params={"reference": "rx-1"}, headers=KEY
    )
    assert found.json()["sessions"] == [first.json()]


async def test_another_prescription_under_the_same_reference_is_refused(
    http: httpx.AsyncClient, world: OutsideWorld
):
    await _open(http, world)
    assert (await _open(http, world, quantity="15 mL")).status_code == 409
    assert len(world.state()["signing"]["sessions"]) == 1


async def test_two_factors_sign_and_the_vendor_vouches_for_the_exact_content(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(signing=ear.url)
    session = (await _open(http, world)).json()

    signed = await http.post(
        f"{world.signing_url}/v1/sessions/{session['session_id']}/sign", json=FACTORS
    )
    await world.until_rest()

    assert signed.status_code == 200
    (heard,) = ear.heard
    event, _ = opened(heard, "x-signing-signature", SIGNING_WEBHOOK_SECRET)
    assert event["type"] == "signing.session.signed"
    evidence = event["data"]["signature"]
    canonical = json.dumps(
        displayed(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    assert evidence["sha256"] == hashlib.sha256(canonical).hexdigest()
    assert evidence["signer_dea_number"] == "AB1234563"
    assert evidence["factors"] == ["knowledge", "hard_token"]
    assert evidence == signed.json()["signature"]

    taken = await http.post(
        f"{world.pharmacy_url}/v1/orders",
        json=order(signature=evidence),
        headers={"x-api-key": PHARMACY_KEY},
    )
    assert taken.status_code == 201
    (held,) = world.state()["pharmacy"]["orders"]
    assert held["signature_known_to_vendor"] is True


@pytest.mark.parametrize(
    "wrong", [{"knowledge": "a guess"}, {"token_code": "000000"}, {"knowledge": "ä guess"}]
)
async def test_one_wrong_factor_signs_nothing(
    http: httpx.AsyncClient, world: OutsideWorld, wrong: dict[str, str]
):
    session_id = (await _open(http, world)).json()["session_id"]

    refused = await http.post(
        f"{world.signing_url}/v1/sessions/{session_id}/sign", json=FACTORS | wrong
    )

    assert refused.status_code == 403
    (held,) = world.state()["signing"]["sessions"]
    assert (held["status"], held["signature"], held["wrong_tries"]) == ("open", None, 1)


async def test_a_declined_prescription_cannot_be_signed_any_more(
    http: httpx.AsyncClient, world: OutsideWorld, ear: Ear
):
    world.notify(signing=ear.url)
    session_id = (await _open(http, world)).json()["session_id"]
    address = f"{world.signing_url}/v1/sessions/{session_id}"

    await http.post(f"{address}/decline", json=FACTORS)
    again = await http.post(f"{address}/sign", json=FACTORS)
    await world.until_rest()

    assert again.status_code == 409
    (heard,) = ear.heard
    event, _ = opened(heard, "x-signing-signature", SIGNING_WEBHOOK_SECRET)
    assert event["type"] == "signing.session.declined"
    assert event["data"]["signature"] is None


async def test_a_prescription_that_hides_what_the_law_wants_shown_is_refused(
    http: httpx.AsyncClient, world: OutsideWorld
):
    refused = await _open(http, world, dea_number="")
    assert refused.status_code == 422
    assert "dea_number" in refused.json()["violations"][0]["reason"]


async def test_a_prescriber_reads_the_notice_and_signs_on_the_page(
    http: httpx.AsyncClient, world: OutsideWorld
):
    session = (await _open(http, world, patient_name="Testa <b>Canary</b>")).json()

    page = await http.get(session["url"])
    assert "you are legally signing the prescription(s)" in page.text
    assert "Testa &lt;b&gt;Canary&lt;/b&gt;" in page.text
    wrong = await http.post(session["url"], data=FACTORS | {"decision": "sign", "knowledge": "x"})
    assert wrong.status_code == 403
    assert "do not match" in wrong.text
    signed = await http.post(session["url"], data=FACTORS | {"decision": "sign"})

    assert signed.status_code == 303
    (held,) = world.state()["signing"]["sessions"]
    assert held["status"] == "signed"
    after = await http.get(session["url"])
    assert "<form" not in after.text


async def test_a_stranger_without_the_key_opens_no_session(
    http: httpx.AsyncClient, world: OutsideWorld
):
    body = {"reference": "rx-1", "prescription": displayed()}
    answer = await http.post(f"{world.signing_url}/v1/sessions", json=body)
    assert answer.status_code == 401
