"""The pharmacy's addresses under `/pharmacy/v1`, open to whoever has its API key."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.outside.pharmacy.order import OrderForm
from deploy.local.outside.pharmacy.orders import Order
from deploy.local.outside.world import TheWorld, World, same


def _with_key(world: TheWorld, x_api_key: Annotated[str, Header()] = "") -> World:
    if not same(x_api_key, world.settings.pharmacy_key):
        raise HTTPException(401, "x-api-key is missing or wrong")
    return world


Partner = Annotated[World, Depends(_with_key)]
router = APIRouter(prefix="/pharmacy/v1/orders")


class Cancellation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=120)]


def _find(world: World, order_id: str) -> Order:
    order = world.pharmacy.orders.get(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return order


@router.post("", status_code=201)
async def take_order(world: Partner, form: OrderForm, response: Response) -> dict[str, Any]:
    order = world.pharmacy.take(form)
    response.headers["location"] = f"/pharmacy/v1/orders/{order.order_id}"
    return order.shown()


@router.get("")
async def find_orders(
    world: Partner, reference: Annotated[str, Query(min_length=1, max_length=64)]
) -> dict[str, Any]:
    """All orders with our reference, oldest first."""
    return {"orders": [order.shown() for order in world.pharmacy.by_reference(reference)]}


@router.get("/{order_id}")
async def read_order(world: Partner, order_id: str) -> dict[str, Any]:
    return _find(world, order_id).shown()


@router.post("/{order_id}/cancel")
async def cancel_order(
    world: Partner, order_id: str, cancellation: Cancellation, response: Response
) -> dict[str, Any]:
    """200 `accepted`, or 409 `denied` once it is shipped or over."""
    order = _find(world, order_id)
    accepted = world.pharmacy.cancel(order, cancellation.reason)
    if not accepted:
        response.status_code = 409
    return {"cancellation": "accepted" if accepted else "denied", **order.shown()}
