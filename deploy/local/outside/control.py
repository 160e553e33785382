"""`/control`: what tests and the demo do to the world, and what they ask it. No vendor has this.

Here stand people of the outside world too: the patient who answers a text, the pharmacist who puts
an order on hold. Stripe's people, cardholders and their banks, are in `stripe/people.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.outside.faults import FaultOrder
from deploy.local.outside.pharmacy.orders import Status
from deploy.local.outside.settings import LocalUrl
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


@router.post("/pharmacy/orders/{order_id}/status")
async def pharmacist_says(world: TheWorld, order_id: str, says: PharmacistSays) -> dict[str, Any]:
    order = world.pharmacy.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    world.pharmacy.move(order, Status(says.status), world.clock.now(), says.reason)
    return order.shown()
