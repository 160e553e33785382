"""FHIR's envelopes: a page of a search's answer, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.scheduling.documents.fhir import Json

RULES = "urn:practice:rule"


def bundle(
    found: Sequence[Json],
    *,
    base: str,
    url: str,
    following: str | None = None,
    total: int | None = None,
) -> Json:
    """A page at `url`; `following` is where the next one is, `base` where resources are read."""
    links = [{"relation": "self", "url": url}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    answer: Json = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if total is not None:
        answer["total"] = total
    if found:  # FHIR has no empty lists
        answer["entry"] = [_entry(each, base) for each in found]
    return answer


def _entry(resource: Json, base: str) -> Json:
    """What is only proposed, or only said, is nowhere to be read and has no address."""
    kind = resource["resourceType"]
    entry: Json = {
        "resource": resource,
        "search": {"mode": "outcome" if kind == "OperationOutcome" else "match"},
    }
    if "id" in resource:
        entry["fullUrl"] = f"{base}/{kind}/{resource['id']}"
    return entry


def outcome(issues: Iterable[tuple[str, str, str | None, str]], severity: str = "error") -> Json:
    """What went wrong: for each issue its FHIR code, the house's rule, the field, the words."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": severity,
                "code": code,
                "details": {"coding": [{"system": RULES, "code": rule}], "text": text},
                "diagnostics": f"{field}: {text}" if field else text,
            }
            for code, rule, field, text in issues
        ],
    }
