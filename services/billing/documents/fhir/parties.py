"""Whom a superbill names: patient, clinic, clinicians, payer, and the coverage they share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.billing.documents.fhir.terms import CARIN, EIN, HL7, NPI, TAXONOMY, Json, coded
from services.billing.rules.superbills.additions import NamedProvider, Sex
from services.billing.rules.superbills.document import RenderingProvider, Superbill, Visit

_GENDERS = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.UNKNOWN: "unknown"}

_RENDERS = coded(f"{HL7}/claimcareteamrole", "primary")
_SUPERVISES = coded(f"{HL7}/claimcareteamrole", "supervisor")
_REFERS = coded(f"{CARIN}/C4BBClaimCareTeamRole", "referring")


class Names:
    """Names of a bundle's entries: the same for the same superbill."""

    def __init__(self, superbill_id: UUID) -> None:
        self._of = superbill_id

    def url(self, name: str) -> str:
        return f"urn:uuid:{uuid5(self._of, name)}"

    def to(self, name: str) -> Json:
        return {"reference": self.url(name)}


def clinician(npi: str) -> str:
    """The name of a clinician's entry."""
    return f"clinician {npi}"


@dataclass(frozen=True, slots=True)
class Team:
    """Who had a part in the care, in the order in which the claim numbers them from 1."""

    members: tuple[tuple[str, RenderingProvider | NamedProvider], ...]

    @classmethod
    def of(cls, bill: Superbill) -> Team:
        rendering = [visit.rendering for visit in bill.visits]
        members: list[tuple[str, RenderingProvider | NamedProvider]] = [
            *(("renders", one) for one in rendering),
            *(("supervises", one.supervising) for one in rendering if one.supervising),
            *([("refers", bill.referrer)] if bill.referrer else []),
        ]
        return cls(tuple(dict.fromkeys(members)))

    def sequences(self, visit: Visit) -> list[int]:
        """Those of a visit: who rendered it, and who supervised that."""
        of_visit = (("renders", visit.rendering), ("supervises", visit.rendering.supervising))
        return [n for n, member in enumerate(self.members, 1) if member in of_visit]

    def resources(self, names: Names) -> list[Json]:
        """The claim's care team."""
        roles = {"renders": _RENDERS, "supervises": _SUPERVISES, "refers": _REFERS}
        team = []
        for n, (part, one) in enumerate(self.members, 1):
            member: Json = {
                "sequence": n,
                "provider": names.to(clinician(one.npi)),
                "role": roles[part],
            }
            if isinstance(one, RenderingProvider) and one.taxonomy is not None:
                member["qualification"] = coded(TAXONOMY, one.taxonomy)
            team.append(member)
        return team

    def practitioners(self) -> dict[str, Json]:
        """One entry for each person, by its name; who rendered is told more of."""
        found: dict[str, Json] = {}
        for _, one in self.members:
            found.setdefault(clinician(one.npi), _practitioner(one))
        return found


def _practitioner(one: RenderingProvider | NamedProvider) -> Json:
    person: Json = {
        "resourceType": "Practitioner",
        "identifier": [{"system": NPI, "value": one.npi}],
        "name": [{"text": one.name}],
    }
    if isinstance(one, NamedProvider):
        return person
    license_: Json = {
        "identifier": [{"value": one.license_number}],
        "code": {"text": one.credential},
    }
    if one.license_state is not None:
        license_["issuer"] = {"display": one.license_state}
    named = [{"text": f"{one.name}, {one.credential}"}]
    return person | {"name": named, "qualification": [license_]}


def patient(bill: Superbill) -> Json:
    one = bill.patient
    found: Json = {
        "resourceType": "Patient",
        "name": [{"use": "official", "text": one.name}],
        "telecom": [{"system": "phone", "value": one.phone}],
        "birthDate": one.birth_date.isoformat(),
        "address": [{"text": ", ".join(one.address)}],
    }
    return found if one.sex is None else found | {"gender": _GENDERS[one.sex]}


def clinic(bill: Superbill) -> Json:
    one = bill.entity
    reached = [{"system": "phone", "value": one.phone}]
    if one.email is not None:
        reached.append({"system": "email", "value": one.email})
    return {
        "resourceType": "Organization",
        "identifier": [{"system": NPI, "value": one.npi}, {"system": EIN, "value": one.ein}],
        "name": one.legal_name,
        "telecom": reached,
        "address": [{"text": ", ".join(one.address)}],
    }


def coverage(bill: Superbill, names: Names) -> Iterator[tuple[str, Json]]:
    """The plan where it is on record. FHIR asks for a coverage: else the patient is the payer."""
    covered: Json = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": names.to("patient"),
    }
    plan = bill.patient.insurance
    if plan is None:
        selfpay = coded(f"{HL7}/coverage-selfpay", "pay")
        yield "coverage", covered | {"type": selfpay, "payor": [names.to("patient")]}
        return
    covered |= {"subscriberId": plan.member_id, "payor": [names.to("payer")]}
    if plan.group_number is not None:
        group = coded(f"{HL7}/coverage-class", "group")
        covered["class"] = [{"type": group, "value": plan.group_number}]
    yield "coverage", covered
    yield "payer", {"resourceType": "Organization", "name": plan.payer}
