"""The evidence of a dispute: texts, and documents that were uploaded before."""

from __future__ import annotations

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.listing import find
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params

_LONGEST_TEXT = 20_000
_LONGEST_TOGETHER = 150_000
"""docs.stripe.com/api/disputes/update"""

TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
DOCUMENTS = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)


def no_evidence() -> Object:
    return dict.fromkeys(sorted(TEXTS + DOCUMENTS)) | {"enhanced_evidence": {}}


def take_evidence(books: Books, params: Params, evidence: Object) -> Object:
    """What a call adds to the evidence; the rest stays."""
    given = params.group("evidence") or Params({})
    added: Object = {}
    for name in TEXTS:
        if given.has(name):
            added[name] = given.text(name, longest=_LONGEST_TEXT)
    for name in DOCUMENTS:
        if given.has(name):
            added[name] = _document(books, given, name)
    given.done()
    taken = evidence | added
    if sum(len(taken[name] or "") for name in TEXTS) > _LONGEST_TOGETHER:
        raise invalid("The evidence's texts have at most 150,000 characters.", param="evidence")
    return taken


def _document(books: Books, given: Params, name: str) -> str | None:
    file_id = given.text(name)
    if file_id is None:
        return None
    upload = find(books.uploads, "file upload", file_id, param=f"evidence[{name}]")
    if upload["purpose"] != "dispute_evidence":
        raise invalid(
            f"The file {file_id} was not uploaded as dispute_evidence.", param=f"evidence[{name}]"
        )
    return file_id
