"""FHIR R4 bundles, read entry by entry: patients, what they were asked, and their visits.

A line is the entry's number. What is not understood of an entry is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from services.scheduling.rules.imports.layout import SOURCE, Record
from services.scheduling.rules.patients.intake import Concern
from shared.refusals import Broken

SERIES = "urn:practice:series"


def read_bundle(bundle: Any) -> Iterator[Record]:
    """Patients first: a visit may come before its patient in a bundle."""
    entries = _list(_get(bundle, "entry"))
    resources = [(n, _get(entry, "resource")) for n, entry in enumerate(entries, start=1)]
    asked = _screenings(resource for _, resource in resources)
    kinds = {"Patient": _patient, "Appointment": _visit}
    for wanted, read in kinds.items():
        for line, resource in resources:
            if _get(resource, "resourceType") == wanted:
                record = "patient" if wanted == "Patient" else "visit"
                fields, broken = read(resource)
                fields |= asked.get(fields["source_id"], {}) if record == "patient" else {}
                texts = {name: text for name, text in fields.items() if text}
                yield Record(line, record, texts, tuple(broken))


def _patient(resource: Any) -> tuple[dict[str, str], list[Broken]]:
    name, address = (_newest(_list(_get(resource, each))) for each in ("name", "address"))
    lines = [_text(line) for line in _list(_get(address, "line"))]
    return {
        "source_id": _text(_get(resource, "id")),
        "first_name": _text(_first(name, "given")),
        "last_name": _text(_get(name, "family")),
        "birth_date": _text(_get(resource, "birthDate")),
        "phone": _contact(resource, "phone"),
        "email": _contact(resource, "email"),
        "line1": lines[0] if lines else "",
        "line2": ", ".join(lines[1:]),
        "city": _text(_get(address, "city")),
        "state": _text(_get(address, "state")),
        "postal_code": _text(_get(address, "postalCode")),
    }, []


def _screenings(resources: Iterable[Any]) -> dict[str, dict[str, str]]:
    """What each patient answered to the questions of screening, by the patient's id; the last word.

    A `QuestionnaireResponse` asks them where its items have their names as `linkId`.
    """
    found: dict[str, dict[str, str]] = {}
    said = [each for each in resources if _get(each, "resourceType") == "QuestionnaireResponse"]
    for response in sorted(said, key=lambda each: _text(_get(each, "authored"))):
        patient = _text(_get(_get(response, "subject"), "reference")).removeprefix("Patient/")
        items = list(_list(_get(response, "item")))
        while items:
            item = items.pop()
            items += _list(_get(item, "item"))
            answer, question = _get(_first(item, "answer"), "valueBoolean"), _get(item, "linkId")
            if isinstance(answer, bool) and question in set(Concern):
                found.setdefault(patient, {})[question] = "yes" if answer else "no"
    return found


def _visit(resource: Any) -> tuple[dict[str, str], list[Broken]]:
    actors = [_get(each, "actor") for each in _list(_get(resource, "participant"))]
    by_kind = {_text(_get(actor, "reference")).partition("/")[0]: actor for actor in actors}
    series = [
        _text(_get(each, "value"))
        for each in _list(_get(resource, "identifier"))
        if _get(each, "system") == SERIES
    ]
    reasons = [_first(each, "coding") for each in _list(_get(resource, "reasonCode"))]
    clinician = _get(by_kind.get("Practitioner"), "identifier")
    patient = _text(_get(by_kind.get("Patient"), "reference"))
    broken = []
    if _get(resource, "status") != "booked":
        detail = "Only visits that are booked are imported; leave out those given or cancelled."
        broken.append(Broken("visit_status", detail, SOURCE, "status"))
    return {
        "source_id": _text(_get(resource, "id")),
        "patient_source_id": patient.removeprefix("Patient/"),
        "visit_type": _text(_get(_first(_first(resource, "serviceType"), "coding"), "code")),
        "starts_at": _text(_get(resource, "start")),
        "chair": _text(_get(by_kind.get("Location"), "display")),
        "series_source_id": series[0] if series else "",
        "clinician_npi": _text(_get(clinician, "value")),
        "diagnoses": ";".join(_text(_get(each, "code")) for each in reasons),
    }, broken


def _contact(resource: Any, system: str) -> str:
    of_system = [
        each for each in _list(_get(resource, "telecom")) if _get(each, "system") == system
    ]
    return _text(_get(_newest(of_system), "value"))


LAST = ("temp", "anonymous", "maiden", "billing", "old")
"""Of several names, addresses or numbers those of these uses are taken last, `old` last of all."""


def _newest(several: Sequence[Any]) -> Any:
    """The one that holds now: not an old one, nor one whose period has an end, while another is.

    Of the others the first, as the other system has them: a contact with a lower rank before.
    """

    def later(each: Any) -> tuple[int, bool, int]:
        use, rank = _text(_get(each, "use")), _get(each, "rank")
        has_ended = bool(_text(_get(_get(each, "period"), "end")))
        by_use = LAST.index(use) + 1 if use in LAST else 0
        return by_use, has_ended, rank if isinstance(rank, int) else len(several)

    return min(several, key=later, default=None)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any, name: str) -> Any:
    return next(iter(_list(_get(value, name))), None)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
