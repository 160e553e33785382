"""The code systems that an exported superbill speaks, and the shapes that all its resources use."""

from __future__ import annotations

from typing import Any

from services.billing.rules.superbills.codebook import is_cpt
from services.billing.rules.superbills.document import Line

Json = dict[str, Any]

HL7 = "http://terminology.hl7.org/CodeSystem"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
NDC = "http://hl7.org/fhir/sid/ndc"
NPI = "http://hl7.org/fhir/sid/us-npi"
EIN = "urn:oid:2.16.840.1.113883.4.4"
TAXONOMY = "http://nucc.org/provider-taxonomy"
CURRENCIES = "urn:iso:std:iso:4217"
PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
NUMBERS = "urn:practice:superbill"


def coded(system: str, code: str, words: str | None = None) -> Json:
    concept: Json = {"coding": [{"system": system, "code": code}]}
    return concept if words is None else concept | {"text": words}


def service(line: Line) -> Json:
    return coded(CPT if is_cpt(line.code) else HCPCS, line.code, line.words)


def modifier(code: str) -> Json:
    """Those of CPT are two digits; those of HCPCS have a letter."""
    return coded(CPT if code.isdecimal() else HCPCS, code)


def money(cents: int, currency: str) -> Json:
    """FHIR's decimal is a number of JSON; two places of it are exact at any amount here."""
    return {"value": round(cents / 100, 2), "currency": currency}
