"""What another system's files say, and how a clinic brings them in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from services.scheduling.events import on
from shared.messaging import UnitOfWork, duework
from shared.vault import Vault
from tests.scheduling.conftest import (
    ADDRESS,
    CLINICIAN,
    PATIENT,
    VAULT_KEYS,
    Clinic,
)

Row = dict[str, str]


def sheet(rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def person(n: int = 1, **fields: str) -> Row:
    card = {name: text for name, text in PATIENT.items() if name != "address"}
    return {"source_id": f"p{n}"} | card | ADDRESS | {"line2": "", "concerns": ""} | fields


def visit(clinic: Clinic, n: int, at: datetime | str, **fields: str) -> Row:
    return {
        "source_id": f"v{n}",
        "patient_source_id": "p1",
        "visit_type": "ketamine_mood",
        "starts_at": at if isinstance(at, str) else at.isoformat(),
        "chair": "Chair 1",
        "series_source_id": "s1",
        "clinician_npi": CLINICIAN["npi"],
        "diagnoses": "F33.1; F41.1",
    } | fields


@pytest.fixture
async def elsewhere(clinic: Clinic) -> Clinic:
    """A clinic with a Chair 1, and a word of its own for the other system."""
    clinic.chair_id = await clinic.chair(name="Chair 1")
    return clinic


def source_of(clinic: Clinic) -> str:
    """Tests share a database: the ids of each are those of another system."""
    return "old_" + clinic.location_id.replace("-", "")[-12:]


async def finish(clinic: Clinic) -> None:
    """Have all that is due done, as the workers do."""
    unit = UnitOfWork(clinic.engine, clinic.clock, on, vault=Vault(VAULT_KEYS))
    while True:
        async with unit.transaction() as tx:
            kinds = ["CheckImportBatch", "ApplyImportBatch", "ForgetImport"]
            taken = await duework.take(tx.connection, kinds, now=clinic.clock.now(), limit=1)
            for leased in taken:
                handler = on.timers[leased.kind]
                await handler.decide(handler.work(**leased.payload), tx)
        if not taken:
            return


EVERYBODY = [f"p{n}" for n in range(1, 301)]


def wish_for(clinic: Clinic, kind: str, content: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "source": source_of(clinic),
        "location_id": clinic.location_id,
        "content": content,
    }


async def look(
    clinic: Clinic,
    kind: str,
    content: str,
    *,
    other_people: Sequence[str] = EVERYBODY,
    same_people: Mapping[str, str] | None = None,
) -> Any:
    """The dry run. All whom a test brings have one name, and are different people."""
    same = same_people or {}
    wish = wish_for(clinic, kind, content) | {
        "other_people": [each for each in other_people if each not in same],
        "same_people": [
            {"source_id": source_id, "patient_id": patient_id}
            for source_id, patient_id in same.items()
        ],
    }
    opened = await clinic.post("/imports", wish)
    assert opened["state"] == "checking"
    await finish(clinic)
    return await clinic.get(f"/imports/{opened['import_id']}")


async def bring(clinic: Clinic, kind: str, content: str, **how: object) -> Any:
    """The dry run, and what it found put on file."""
    found = await look(clinic, kind, content)
    await put_on_file(clinic, found, **how)
    return await clinic.get(f"/imports/{found['import_id']}")


async def put_on_file(clinic: Clinic, found: dict[str, Any], **how: object) -> Any:
    await clinic.post(f"/imports/{found['import_id']}/apply", how)
    await finish(clinic)
    return await clinic.get(f"/imports/{found['import_id']}")


def tally(found: dict[str, Any]) -> dict[str, int]:
    states = ("waiting", "ready", "known", "wrong", "applied")
    return {state: found[state] for state in states if found[state]}


async def problems(clinic: Clinic, found: dict[str, Any]) -> list[tuple[int, str, str]]:
    listed = await clinic.get(f"/imports/{found['import_id']}/problems")
    return [
        (row["line"], each["column"], each["rule"])
        for row in listed["items"]
        for each in row["problems"]
    ]


async def advice(clinic: Clinic, found: dict[str, Any]) -> list[tuple[int, str, str]]:
    listed = await clinic.get(f"/imports/{found['import_id']}/advice")
    return [
        (row["line"], each["column"], each["rule"])
        for row in listed["items"]
        for each in row["problems"]
    ]


async def patients_on_file(clinic: Clinic) -> int:
    [row] = await clinic.rows("SELECT count(*) AS n FROM patients")
    return int(row.n)


def bundle(*resources: dict[str, Any]) -> str:
    entries = [{"resource": each} for each in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


FHIR_PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Canary", "given": ["Testa"]}],
    "birthDate": "1980-02-29",
    "telecom": [
        {"system": "phone", "value": "202-555-0147"},
        {"system": "email", "value": "testa.canary@example.test"},
    ],
    "address": [
        {
            "line": ["1 Made Up Street"],
            "city": "Alexandria",
            "state": "VA",
            "postalCode": "22314",
        }
    ],
}


def fhir_visit(n: int, at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": f"v{n}",
        "identifier": [{"system": "urn:practice:series", "value": "s1"}],
        "status": "booked",
        "serviceType": [{"coding": [{"code": "ketamine_mood"}]}],
        "reasonCode": [{"coding": [{"code": "F33.1"}]}],
        "start": at.isoformat(),
        "participant": [
            {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
            {"actor": {"reference": "Location/1", "display": "Chair 1"}, "status": "accepted"},
            {
                "actor": {
                    "reference": "Practitioner/1",
                    "identifier": {"value": CLINICIAN["npi"]},
                },
                "status": "accepted",
            },
        ],
    } | fields
