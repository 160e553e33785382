"""One bundle with the claim, the invoice, and whom they are about.

The bundle is whole: what it refers to is in it, under names that mean nothing outside.
"""

from __future__ import annotations

from uuid import UUID

from services.billing.documents.fhir import parties
from services.billing.documents.fhir.claims import claim
from services.billing.documents.fhir.invoices import invoice
from services.billing.documents.fhir.parties import Names, Team
from services.billing.documents.fhir.terms import NUMBERS, Json
from services.billing.rules.superbills.document import Superbill

MEDIA_TYPE = "application/fhir+json"


def bundle(bill: Superbill, superbill_id: UUID) -> Json:
    """The claim and the invoice that a superbill is, and whom they refer to."""
    names = Names(superbill_id)
    entries: list[tuple[str, Json]] = [
        ("claim", claim(bill, names)),
        ("invoice", invoice(bill, names)),
        ("patient", parties.patient(bill)),
        ("clinic", parties.clinic(bill)),
        *parties.coverage(bill, names),
        *Team.of(bill).practitioners().items(),
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": NUMBERS, "value": f"{bill.number}/{bill.version}"},
        "entry": [{"fullUrl": names.url(name), "resource": one} for name, one in entries],
    }
