"""The invoice that a superbill is: what was charged, what was given up of it, what is left."""

from __future__ import annotations

from services.billing.documents.fhir.parties import Names
from services.billing.documents.fhir.terms import NUMBERS, Json, money, service
from services.billing.rules.superbills.document import Line, Superbill


def invoice(bill: Superbill, names: Names) -> Json:
    """Its lines sum to its total."""
    net_cents = bill.total_cents - bill.reduced_cents
    return {
        "resourceType": "Invoice",
        "identifier": [{"system": NUMBERS, "value": f"{bill.number}/{bill.version}"}],
        "status": "balanced" if bill.balance_cents == 0 else "issued",
        "subject": names.to("patient"),
        "date": bill.issued_on.isoformat(),
        "issuer": names.to("clinic"),
        "lineItem": [
            {
                "sequence": n,
                "chargeItemCodeableConcept": service(line),
                "priceComponent": _prices(line, bill.currency),
            }
            for n, line in enumerate(bill.lines, 1)
        ],
        "totalNet": money(net_cents, bill.currency),
        "totalGross": money(net_cents, bill.currency),
        "note": [{"text": bill.notice}],
    }


def _prices(line: Line, currency: str) -> list[Json]:
    """A deduction is below nothing, so that components sum to what is left of a line."""
    prices: list[Json] = [
        {"type": "base", "factor": line.units, "amount": money(line.charge_cents, currency)}
    ]
    if line.reduced_cents:
        prices.append({"type": "deduction", "amount": money(-line.reduced_cents, currency)})
    return prices
