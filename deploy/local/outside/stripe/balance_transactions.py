"""The balance, asked for: each movement of money, those of one payout, and their sums."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object

router = APIRouter()


@router.get("/balance_transactions")
async def list_balance_transactions(books: Practice, params: Given) -> Object:
    payout, expand = params.text("payout"), params.values("expand")
    if payout is not None:
        find(books.payouts, "payout", payout, param="payout")
    page = listed(
        books.balance_transactions,
        params,
        "/v1/balance_transactions",
        "type",
        "source",
        "currency",
        keep=lambda one: payout is None or books.paid_out.get(one["id"]) == payout,
    )
    return expanded(books, page, expand)


@router.get("/balance_transactions/{transaction_id}")
async def retrieve(books: Practice, transaction_id: str, params: Given) -> Object:
    found = find(books.balance_transactions, "balance transaction", transaction_id)
    return expanded(books, found, expansions(params))


@router.get("/balance")
async def retrieve_balance(books: Practice) -> Object:
    """What is there to be paid out, and what will be."""

    def sums(status: str) -> list[Object]:
        amount = sum(
            one["net"] for one in books.balance_transactions.values() if one["status"] == status
        )
        return [{"amount": amount, "currency": "usd", "source_types": {"card": amount}}]

    return {
        "object": "balance",
        "available": sums("available"),
        "livemode": False,
        "pending": sums("pending"),
    }
