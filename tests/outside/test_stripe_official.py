"""Stripe's official mock objects to what Stripe would not take or say.

What our Stripe granted in any other test here, and in billing's, is put to it when the test ends.
"""

from __future__ import annotations

import base64
import copy
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from tests.outside.stripe_calls import charge_params, save_card
from tests.support.openapi import OpenApi
from tests.support.outside_world import OutsideWorld
from tests.support.stripe_mock import OfficialStripe

Call = dict[str, Any]


@pytest.fixture
def official(official_stripe: OfficialStripe | None) -> OfficialStripe:
    if official_stripe is None:
        pytest.skip("Stripe's official mock is not to be had here")
    return official_stripe


@pytest.fixture
async def payment(stripe_client: stripe.StripeClient, world: OutsideWorld) -> Call:
    """The call with which a saved card was charged."""
    customer, card = await save_card(stripe_client)
    await stripe_client.v1.payment_intents.create_async(charge_params(customer, card))
    return world.stripe_calls()[-1]


def test_a_call_that_stripe_takes_and_answers_so_is_not_objected_to(
    official: OfficialStripe, payment: Call
):
    assert payment["path"] == "/v1/payment_intents"
    assert official.objections([payment]) == []


def _with(call: Call, **parameters: str) -> Call:
    body = base64.b64decode(call["body"]) + f"&{urlencode(parameters)}".encode()
    return call | {"body": base64.b64encode(body).decode()}


@pytest.mark.parametrize(
    "parameters",
    [{"colour": "red"}, {"metadata[x][y]": "z"}, {"off_session": "sometimes"}],
)
def test_a_parameter_that_stripe_does_not_take_is_objected_to(
    official: OfficialStripe, payment: Call, parameters: dict[str, str]
):
    (objection,) = official.objections([_with(payment, **parameters)])
    assert objection.startswith("POST /v1/payment_intents: refused:")


def _change(answer: dict[str, Any], path: list[str], value: object) -> None:
    for name in path[:-1]:
        answer = answer[name]
    answer[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "objection"),
    [
        (["colour"], "red", "payment_intent.colour is unknown"),
        (["amount"], "39900", "payment_intent.amount is '39900', not integer"),
        (["amount"], True, "payment_intent.amount is True, not integer"),
        (["livemode"], None, "payment_intent.livemode is null"),
        (["latest_charge", "paid"], "yes", "payment_intent.latest_charge.paid is 'yes'"),
        (["latest_charge", "outcome", "mood"], "x", "payment_intent.latest_charge.outcome.mood"),
        (["payment_method_types"], [1], "payment_intent.payment_method_types[0] is 1"),
        (["status"], "paid", "payment_intent.status is 'paid', not one of"),
    ],
)
def test_an_answer_that_stripe_does_not_give_is_objected_to(
    official: OfficialStripe, payment: Call, path: list[str], value: object, objection: str
):
    wrong = copy.deepcopy(payment)
    _change(wrong["answer"], path, value)
    (told,) = official.objections([wrong])
    assert told.startswith(f"POST /v1/payment_intents: {objection}")


def test_a_missing_field_and_an_unknown_address_are_objected_to(
    official: OfficialStripe, payment: Call
):
    short = copy.deepcopy(payment)
    del short["answer"]["latest_charge"]["amount"]
    assert official.objections([short]) == [
        "POST /v1/payment_intents: payment_intent.latest_charge.amount is missing"
    ]
    elsewhere = payment | {"path": "/v1/payments"}
    assert official.objections([elsewhere]) == ["POST /v1/payments: there is no such address"]


def test_an_address_is_read_word_by_word_before_it_is_read_as_an_id():
    def answers(name: str) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{name}"}
        return {
            "get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
        }

    api = OpenApi({"paths": {"/v1/x/{id}": answers("one"), "/v1/x/search": answers("found")}})

    assert api.answer_schema("GET", "/v1/x/search") == {"$ref": "#/components/schemas/found"}
    assert api.answer_schema("GET", "/v1/x/x_1") == {"$ref": "#/components/schemas/one"}
    assert api.answer_schema("POST", "/v1/x/x_1") is None
