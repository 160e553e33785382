"""`/control`: what tests and the demo do to the world, and what they ask it. No vendor has this.

Here stand the people of the outside world too: the patient who answers a text or proves to the
bank who they are, the issuer that stops trusting a card, the pharmacist who puts an order on
hold.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.outside.faults import FaultOrder
from deploy.local.outside.pharmacy.orders import Status
from deploy.local.outside.settings import LocalUrl
from deploy.local.outside.stripe.cards import BY_DECLINE_CODE
from deploy.local.outside.stripe.checkout_payments import answer_bank
from deploy.local.outside.stripe.errors import StripeProblem
from deploy.local.outside.world import TheWorld

router = APIRouter(prefix="/control")


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Targets(_Asked):
    """Where the practice listens. What is left out stays as it is; null is nobody."""

    stripe: LocalUrl | None = None
    stripe_thin: LocalUrl | None = None
    pharmacy: LocalUrl | None = None
    signing: LocalUrl | None = None
    sms_inbound: LocalUrl | None = None
    sms_status: LocalUrl | None = None


class Reply(_Asked):
    """A patient's text to the clinic."""

    sender: Annotated[str, Field(alias="from", pattern=r"^\+[1-9][0-9]{7,14}$")]
    to: str
    body: Annotated[str, Field(max_length=1600)]


class IssuerSays(_Asked):
    """What a card's issuer answers from now on; null is what the test card does by itself."""

    decline_code: str | None


class Authentication(_Asked):
    """How the cardholder fares when the bank asks who they are."""

    outcome: Literal["passes", "fails"]


class PharmacistSays(_Asked):
    """A step the pharmacy takes by hand."""

    status: Literal[Status.ON_HOLD, Status.REJECTED, Status.ACCEPTED]
    reason: Annotated[str, Field(min_length=1, max_length=120)] | None = None


@router.get("/state")
async def state(world: TheWorld) -> dict[str, Any]:
    return world.state()


@router.get("/rest")
async def rest(world: TheWorld) -> dict[str, Any]:
    return world.rest()


@router.post("/reset", status_code=204)
async def reset(world: TheWorld) -> Response:
    await world.reset()
    return Response(status_code=204)


@router.get("/faults")
async def faults(world: TheWorld) -> dict[str, Any]:
    return {"faults": world.faults.shown()}


@router.post("/faults", status_code=201)
async def add_fault(world: TheWorld, order: FaultOrder) -> dict[str, Any]:
    return world.faults.add(order).shown()


@router.delete("/faults/{fault_id}", status_code=204)
async def remove_fault(world: TheWorld, fault_id: int) -> Response:
    if not world.faults.remove(fault_id):
        raise HTTPException(404, f"no fault {fault_id}")
    return Response(status_code=204)


@router.patch("/targets")
async def set_targets(world: TheWorld, targets: Targets) -> dict[str, Any]:
    given = targets.model_dump(exclude_unset=True)
    for name, url in given.items():
        match name:
            case "stripe":
                world.stripe.webhook_url = url
            case "stripe_thin":
                world.stripe.thin_webhook_url = url
            case "pharmacy":
                world.pharmacy.webhook_url = url
            case "signing":
                world.signing.webhook_url = url
            case "sms_inbound":
                world.sms.inbound_url = url
            case _:
                world.sms.status_url = url
    return {
        "stripe": world.stripe.webhook_url,
        "stripe_thin": world.stripe.thin_webhook_url,
        "pharmacy": world.pharmacy.webhook_url,
        "signing": world.signing.webhook_url,
        "sms_inbound": world.sms.inbound_url,
        "sms_status": world.sms.status_url,
    }


@router.get("/mail")
async def mails(world: TheWorld, to: str | None = None) -> dict[str, Any]:
    """Every mail, or those to one address."""
    found = [mail for mail in world.mail.mails.values() if to is None or to in mail.recipients]
    return {"mails": [mail.shown() for mail in found]}


@router.post("/sms/replies", status_code=201)
async def reply(world: TheWorld, reply: Reply) -> dict[str, Any]:
    return world.sms.receive(sender=reply.sender, to=reply.to, body=reply.body).shown()


@router.put("/stripe/payment_methods/{method_id}/issuer")
async def issuer_says(world: TheWorld, method_id: str, says: IssuerSays) -> dict[str, Any]:
    file = world.stripe.files.get(method_id)
    if file is None:
        raise HTTPException(404, f"no payment method {method_id}")
    if says.decline_code is not None and says.decline_code not in BY_DECLINE_CODE:
        raise HTTPException(422, f"decline_code must be one of {', '.join(BY_DECLINE_CODE)}")
    file.issuer_now_says = BY_DECLINE_CODE[says.decline_code] if says.decline_code else None
    return {"payment_method": method_id, "issuer_now_says": says.decline_code}


@router.post("/stripe/intents/{intent_id}/authenticate")
async def authenticate(world: TheWorld, intent_id: str, how: Authentication) -> dict[str, Any]:
    """The cardholder answers the bank about an intent that requires action."""
    books = world.stripe
    intent = books.setup_intents.get(intent_id) or books.payment_intents.get(intent_id)
    if intent is None or intent["status"] != "requires_action":
        raise HTTPException(409, "no such intent that waits for its cardholder")
    # the browser sees a refusal; the practice learns of it by webhook
    with contextlib.suppress(StripeProblem):
        answer_bank(books, intent, passes=how.outcome == "passes")
    return intent


@router.post("/pharmacy/orders/{order_id}/status")
async def pharmacist_says(world: TheWorld, order_id: str, says: PharmacistSays) -> dict[str, Any]:
    order = world.pharmacy.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    world.pharmacy.move(order, Status(says.status), world.clock.now(), says.reason)
    return order.shown()
