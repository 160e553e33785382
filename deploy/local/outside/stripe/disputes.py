"""Disputes, asked for and answered. Who opens and decides them is in `dispute_course.py`."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.dispute_course import OPEN, UNANSWERED, decide, submit
from deploy.local.outside.stripe.dispute_evidence import take_evidence
from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object

router = APIRouter(prefix="/disputes")


@router.get("")
async def list_disputes(books: Practice, params: Given) -> Object:
    expand = params.values("expand")
    page = listed(books.disputes, params, "/v1/disputes", "charge", "payment_intent")
    return expanded(books, page, expand)


@router.get("/{dispute_id}")
async def retrieve(books: Practice, dispute_id: str, params: Given) -> Object:
    return expanded(books, find(books.disputes, "dispute", dispute_id), expansions(params))


@router.post("/{dispute_id}")
async def update(books: Practice, dispute_id: str, params: Given) -> Object:
    """Add evidence and, unless `submit` is false, send it to the bank. That is done once."""
    dispute = find(books.disputes, "dispute", dispute_id)
    evidence = take_evidence(books, params, dispute["evidence"])
    sends = params.flag("submit") if params.has("submit") else evidence != dispute["evidence"]
    metadata, expand = params.metadata(), params.values("expand")
    params.done()
    changes = sends or evidence != dispute["evidence"]
    if changes and dispute["status"] not in UNANSWERED:
        raise invalid(f"This dispute is {dispute['status']}: it takes no more evidence.")
    dispute["evidence"] = evidence
    dispute["metadata"] = dispute["metadata"] | metadata
    dispute["evidence_details"]["has_evidence"] = any(evidence.values())
    if sends:
        submit(books, dispute)
    books.emit("charge.dispute.updated", dispute)
    return expanded(books, dispute, expand)


@router.post("/{dispute_id}/close")
async def close(books: Practice, dispute_id: str, params: Given) -> Object:
    """Give in: the dispute is lost."""
    dispute = find(books.disputes, "dispute", dispute_id)
    expand = params.values("expand")
    params.done()
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed.")
    decide(books, dispute, "lost")
    return expanded(books, dispute, expand)
