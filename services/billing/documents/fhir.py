"""A superbill as FHIR R4 (4.0.1): one bundle with the claim, the invoice, and whom they are about.

The bundle is whole: what it refers to is in it, under names that mean nothing outside. Drug and
clock stand on the superbill alone.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from services.billing.rules.superbills.codebook import is_cpt
from services.billing.rules.superbills.document import Line, Superbill

Json = dict[str, Any]

MEDIA_TYPE = "application/fhir+json"

_TERMS = "http://terminology.hl7.org/CodeSystem"
_CPT = "http://www.ama-assn.org/go/cpt"
_HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_NPI = "http://hl7.org/fhir/sid/us-npi"
_EIN = "urn:oid:2.16.840.1.113883.4.4"
_PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_NUMBERS = "urn:practice:superbill"


def bundle(bill: Superbill, superbill_id: UUID) -> Json:
    """The claim and the invoice that a superbill is, and whom they refer to."""
    names = _Names(superbill_id)
    clinicians = list(dict.fromkeys(visit.rendering for visit in bill.visits))
    entries: list[tuple[str, Json]] = [
        ("claim", _claim(bill, names)),
        ("invoice", _invoice(bill, names)),
        ("patient", _patient(bill)),
        ("clinic", _clinic(bill)),
        ("coverage", _coverage(names)),
        *(
            (
                f"clinician {one.npi}",
                {
                    "resourceType": "Practitioner",
                    "identifier": [{"system": _NPI, "value": one.npi}],
                    "name": [{"text": f"{one.name}, {one.credential}"}],
                },
            )
            for one in clinicians
        ),
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": _NUMBERS, "value": f"{bill.number}/{bill.version}"},
        "entry": [{"fullUrl": names.url(name), "resource": one} for name, one in entries],
    }


class _Names:
    """Names of a bundle's entries: the same for the same superbill."""

    def __init__(self, superbill_id: UUID) -> None:
        self._of = superbill_id

    def url(self, name: str) -> str:
        return f"urn:uuid:{uuid5(self._of, name)}"

    def to(self, name: str) -> Json:
        return {"reference": self.url(name)}


def _claim(bill: Superbill, names: _Names) -> Json:
    team = list(dict.fromkeys(visit.rendering for visit in bill.visits))
    of_day = {visit.date_of_service: team.index(visit.rendering) + 1 for visit in bill.visits}
    pointers = {one.pointer: n for n, one in enumerate(bill.diagnoses, 1)}
    claim: Json = {
        "resourceType": "Claim",
        "identifier": [{"system": _NUMBERS, "value": f"{bill.number}/{bill.version}"}],
        "status": "active",
        "type": _coded(f"{_TERMS}/claim-type", "professional"),
        "use": "claim",
        "patient": names.to("patient"),
        "created": bill.issued_on.isoformat(),
        "provider": names.to("clinic"),
        "priority": _coded(f"{_TERMS}/processpriority", "normal"),
        "payee": {"type": _coded(f"{_TERMS}/payeetype", "subscriber")},  # no assignment of benefits
        "careTeam": [
            {"sequence": n, "provider": names.to(f"clinician {one.npi}")}
            for n, one in enumerate(team, 1)
        ],
        "diagnosis": [
            {
                "sequence": pointers[one.pointer],
                "diagnosisCodeableConcept": _coded(_ICD, one.code, one.words),
            }
            for one in bill.diagnoses
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": names.to("coverage")}],
        "item": [
            _item(n, line, of_day[line.date_of_service], pointers, bill.currency)
            for n, line in enumerate(bill.lines, 1)
        ],
        "total": _money(bill.total_cents, bill.currency),
    }
    if bill.replaces is not None:
        before = {"system": _NUMBERS, "value": f"{bill.number}/{bill.replaces.version}"}
        prior = _coded(f"{_TERMS}/ex-relatedclaimrelationship", "prior")
        claim["related"] = [{"claim": {"identifier": before}, "relationship": prior}]
    return claim


def _item(n: int, line: Line, member: int, pointers: dict[str, int], currency: str) -> Json:
    item: Json = {
        "sequence": n,
        "careTeamSequence": [member],
        "diagnosisSequence": [pointers[one] for one in line.pointers],
        "productOrService": _service(line),
        "servicedDate": line.date_of_service.isoformat(),
        "locationCodeableConcept": _coded(_PLACES, line.place_of_service),
        "quantity": {"value": line.units},
        "net": _money(line.charge_cents, currency),
    }
    if line.modifiers:  # FHIR has no empty lists
        item["modifier"] = [{"coding": [{"code": one}]} for one in line.modifiers]
    return item


def _invoice(bill: Superbill, names: _Names) -> Json:
    net_cents = bill.total_cents - bill.reduced_cents
    return {
        "resourceType": "Invoice",
        "identifier": [{"system": _NUMBERS, "value": f"{bill.number}/{bill.version}"}],
        "status": "balanced" if bill.balance_cents == 0 else "issued",
        "subject": names.to("patient"),
        "date": bill.issued_on.isoformat(),
        "issuer": names.to("clinic"),
        "lineItem": [
            {
                "sequence": n,
                "chargeItemCodeableConcept": _service(line),
                "priceComponent": [
                    {
                        "type": "base",
                        "factor": line.units,
                        "amount": _money(line.charge_cents, bill.currency),
                    }
                ],
            }
            for n, line in enumerate(bill.lines, 1)
        ],
        "totalNet": _money(net_cents, bill.currency),
        "totalGross": _money(net_cents, bill.currency),
        "note": [{"text": bill.notice}],
    }


def _patient(bill: Superbill) -> Json:
    one = bill.patient
    return {
        "resourceType": "Patient",
        "name": [{"use": "official", "text": one.name}],
        "telecom": [{"system": "phone", "value": one.phone}],
        "birthDate": one.birth_date.isoformat(),
        "address": [{"text": ", ".join(one.address)}],
    }


def _clinic(bill: Superbill) -> Json:
    one = bill.entity
    return {
        "resourceType": "Organization",
        "identifier": [{"system": _NPI, "value": one.npi}, {"system": _EIN, "value": one.ein}],
        "name": one.legal_name,
        "telecom": [{"system": "phone", "value": one.phone}],
        "address": [{"text": ", ".join(one.address)}],
    }


def _coverage(names: _Names) -> Json:
    """FHIR asks for one: the patient paid, and hands the claim to whom they choose."""
    return {
        "resourceType": "Coverage",
        "status": "active",
        "type": _coded(f"{_TERMS}/coverage-selfpay", "pay"),
        "beneficiary": names.to("patient"),
        "payor": [names.to("patient")],
    }


def _service(line: Line) -> Json:
    return _coded(_CPT if is_cpt(line.code) else _HCPCS, line.code, line.words)


def _coded(system: str, code: str, words: str | None = None) -> Json:
    concept: Json = {"coding": [{"system": system, "code": code}]}
    return concept if words is None else concept | {"text": words}


def _money(cents: int, currency: str) -> Json:
    """FHIR's decimal is a number of JSON; two places of it are exact at any amount here."""
    return {"value": round(cents / 100, 2), "currency": currency}
