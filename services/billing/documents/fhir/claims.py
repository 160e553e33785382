"""The claim that a superbill is, for whoever the patient hands it in to."""

from __future__ import annotations

from datetime import date

from services.billing.documents.fhir.parties import Names, Team
from services.billing.documents.fhir.terms import (
    CURRENCIES,
    HL7,
    ICD,
    NDC,
    NUMBERS,
    PLACES,
    Json,
    coded,
    modifier,
    money,
    service,
)
from services.billing.rules.superbills.document import Drug, Line, Payment, Refund, Superbill
from services.billing.rules.superbills.wording import Standing

_STATUSES = {
    Standing.PAID: "active",
    Standing.REDUCED: "active",
    Standing.REFUNDED: "cancelled",
    Standing.OWED: "draft",
}


def claim(bill: Superbill, names: Names) -> Json:
    """It asks for what is left of the charge, and is no active one where it is not to be handed in.

    Supporting information has the clock of each visit first, and then the money that moved.
    """
    team = Team.of(bill)
    days = sorted(visit.date_of_service for visit in bill.visits)
    pointers = {one.pointer: n for n, one in enumerate(bill.diagnoses, 1)}
    found: Json = {
        "resourceType": "Claim",
        "identifier": [{"system": NUMBERS, "value": f"{bill.number}/{bill.version}"}],
        "status": _STATUSES[bill.standing],
        "type": coded(f"{HL7}/claim-type", "professional"),
        "use": "claim",
        "patient": names.to("patient"),
        "billablePeriod": {"start": days[0].isoformat(), "end": days[-1].isoformat()},
        "created": bill.issued_on.isoformat(),
        "provider": names.to("clinic"),
        "priority": coded(f"{HL7}/processpriority", "normal"),
        "payee": {"type": coded(f"{HL7}/payeetype", "subscriber")},  # no assignment of benefits
        "careTeam": team.resources(names),
        "supportingInfo": [
            {"sequence": n, **one} for n, one in enumerate([*_clocks(bill), *_money(bill)], 1)
        ],
        "diagnosis": [
            {
                "sequence": pointers[one.pointer],
                "diagnosisCodeableConcept": coded(ICD, one.code, one.words),
            }
            for one in bill.diagnoses
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": names.to("coverage")}],
        "item": [
            _item(n, line, team.sequences(bill.visits[line.visit_no - 1]), pointers, bill.currency)
            for n, line in enumerate(bill.lines, 1)
        ],
        "total": money(bill.total_cents - bill.reduced_cents, bill.currency),
    }
    if bill.replaces is not None:
        before = {"system": NUMBERS, "value": f"{bill.number}/{bill.replaces.version}"}
        prior = coded(f"{HL7}/ex-relatedclaimrelationship", "prior")
        found["related"] = [{"claim": {"identifier": before}, "relationship": prior}]
    return found


def _item(n: int, line: Line, members: list[int], pointers: dict[str, int], currency: str) -> Json:
    item: Json = {
        "sequence": n,
        "careTeamSequence": members,
        "diagnosisSequence": [pointers[one] for one in line.pointers],
        "informationSequence": [line.visit_no],
        "productOrService": service(line),
        "servicedDate": line.date_of_service.isoformat(),
        "locationCodeableConcept": coded(PLACES, line.place_of_service),
        "quantity": {"value": line.units},
        "net": money(line.charge_cents - line.reduced_cents, currency),
    }
    if line.modifiers:  # FHIR has no empty lists
        item["modifier"] = [modifier(one) for one in line.modifiers]
    if line.drug is not None:
        item["detail"] = [_drug(line.drug)]
    return item


def _drug(drug: Drug) -> Json:
    """The drug in words, and its NDC in eleven digits without dashes where it is on record."""
    parts = (drug.name, drug.strength, drug.dose, drug.route)
    product: Json = {"text": ", ".join(part for part in parts if part is not None)}
    if drug.ndc is None or drug.ndc_quantity is None:
        return {"sequence": 1, "productOrService": product}
    product["coding"] = [{"system": NDC, "code": drug.ndc.replace("-", "")}]
    quantity = {"value": float(drug.ndc_quantity), "unit": drug.ndc_unit}
    return {"sequence": 1, "productOrService": product, "quantity": quantity}


def _clocks(bill: Superbill) -> list[Json]:
    category = coded(f"{HL7}/claiminformationcategory", "info")
    return [
        {
            "category": category,
            "code": {"text": "Session" if visit.infusion_min is None else "Infusion"},
            "timingPeriod": {
                "start": visit.started_at.isoformat(),
                "end": visit.stopped_at.isoformat(),
            },
        }
        for visit in bill.visits
    ]


def _money(bill: Superbill) -> list[Json]:
    return [
        *(_moved("Paid by the patient", one.paid_on, one, bill) for one in bill.payments),
        *(_moved("Refunded", one.refunded_on, one, bill) for one in bill.refunds),
    ]


def _moved(words: str, on: date, one: Payment | Refund, bill: Superbill) -> Json:
    return {
        "category": coded(f"{HL7}/claiminformationcategory", "other", words),
        "code": {"text": f"{one.method}, {one.reference}"},
        "timingDate": on.isoformat(),
        "valueQuantity": {
            "value": round(one.amount_cents / 100, 2),
            "unit": bill.currency,
            "system": CURRENCIES,
            "code": bill.currency,
        },
    }
