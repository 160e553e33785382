"""Payouts, asked for: what went to the practice's bank, and when it arrives."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.listing import find, listed, within
from deploy.local.outside.stripe.objects import Object

router = APIRouter(prefix="/payouts")


@router.get("")
async def list_payouts(books: Practice, params: Given) -> Object:
    expand, arriving = params.values("expand"), within(params, "arrival_date")
    page = listed(books.payouts, params, "/v1/payouts", "status", keep=arriving)
    return expanded(books, page, expand)


@router.get("/{payout_id}")
async def retrieve(books: Practice, payout_id: str, params: Given) -> Object:
    return expanded(books, find(books.payouts, "payout", payout_id), expansions(params))
