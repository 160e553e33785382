"""What did happen: the truth of the outside world first, then what the services answer.

The vendors' books cannot be talked away by the code under test. The services' answers must agree
with them.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.client import Practice
from deploy.local.demo.expected import Message, Money
from deploy.local.demo.people import People
from deploy.local.demo.world import texts_in
from deploy.local.export.records import Patient
from shared.auth import Role
from shared.events.notifications import Channel, Purpose


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A text or mail that reached the patient."""

    at: datetime
    channel: Channel
    body: str


@dataclass(slots=True)
class Superbill:
    """A superbill as billing shows it, and where its document was put."""

    number: str
    total_cents: int
    lines_cents: int
    paid_cents: int
    balance_cents: int
    path: Path


@dataclass(slots=True)
class Happened:
    """One patient's part of the truth."""

    patient: Patient
    refused_starts: list[tuple[str, str]] = field(default_factory=list)
    infusions: int = 0
    charges: int = 0
    unpaid: int = 0
    stripe_paid: list[Money] = field(default_factory=list)
    stripe_declined: list[Money] = field(default_factory=list)
    outside_paid: int = 0
    superbills: list[Superbill] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    prescriptions: list[str] = field(default_factory=list)
    orders: int = 0
    estimates: list[int] = field(default_factory=list)


async def look(
    people: People, practice: Practice, truth: dict[str, Any], folder: Path
) -> dict[str, Happened]:
    """Everything about every patient. Superbills are put into `folder`, as PDF and JSON."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    found = {key: Happened(patient) for key, patient in people.clinic.patients.items()}
    for happened in found.values():
        _vendors(happened, people, truth)
    await asyncio.gather(
        *(_services(happened, people, practice, folder) for happened in found.values())
    )
    return found


async def parked(practice: Practice) -> list[str]:
    """What waits for a person in any service: nothing, where all went well."""
    return [
        f"{service}: {item['what']} {item['type_name']}: {item['reason']}"
        for service in practice.state.services
        async for item in practice.items(service, "/operations/parked", role=Role.OPS)
    ]


def _vendors(happened: Happened, people: People, truth: dict[str, Any]) -> None:
    patient = happened.patient
    customers = {card.customer for card in people.confirmed.get(patient.patient, [])}
    for charge in truth["stripe"]["charges"]:
        if charge["customer"] in customers:
            at = datetime.fromtimestamp(charge["created"], UTC)
            paid = charge["status"] == "succeeded"
            tries = happened.stripe_paid if paid else happened.stripe_declined
            tries.append(Money(at, charge["amount"] - charge["amount_refunded"]))
    happened.orders = sum(
        _is_for(order["form"]["patient"], patient) for order in truth["pharmacy"]["orders"]
    )
    happened.notes = sorted(
        [
            Note(text.at, Channel.SMS, text.body)
            for text in texts_in(truth)
            if text.to == patient.phone
        ]
        + [
            Note(datetime.fromisoformat(mail["received_at"]), Channel.EMAIL, mail["text"])
            for mail in truth["mail"]
            if patient.email in mail["recipients"]
        ]
    )


def _is_for(form: dict[str, Any], patient: Patient) -> bool:
    return (form["first_name"], form["last_name"], form["birth_date"]) == (
        patient.first_name,
        patient.last_name,
        patient.birth_date.isoformat(),
    )


async def _services(happened: Happened, people: People, practice: Practice, folder: Path) -> None:
    patient = happened.patient
    patient_id = people.ids.get(("patient", patient.patient))
    if patient_id is None:
        return
    visits = {visit for visit, _rule in people.refused_starts}
    happened.refused_starts = [
        refused
        for refused in people.refused_starts
        if people.clinic.series[people.clinic.visits[refused[0]].series].patient == patient.patient
    ]
    assert len(happened.refused_starts) <= len(visits)
    for series in people.clinic.series_of(patient):
        series_id = people.ids.get(("series", series.series))
        if series_id is not None:
            shown = await practice.get("scheduling", f"/series/{series_id}", role=Role.NURSE)
            happened.infusions += sum(
                one["state"] in {"completed", "discharged"} for one in shown["appointments"]
            )
    of_patient = f"/patients/{patient_id}"
    async for charge in practice.items("billing", f"{of_patient}/charges", role=Role.BILLER):
        happened.charges += 1
        happened.unpaid += charge["state"] != "paid"
        happened.outside_paid += charge["state"] == "paid" and charge["tender"] != "card"
    async for one in practice.items("billing", f"{of_patient}/superbills", role=Role.BILLER):
        happened.superbills.append(await _superbill(practice, one["superbill_id"], folder))
    async for one in practice.items("billing", f"{of_patient}/estimates", role=Role.BILLER):
        path = f"/estimates/{one['estimate_id']}"
        await _keep_document(practice, path, folder / f"{one['number']}.pdf")
        happened.estimates.append(one["total_cents"])
    async for rx in practice.items(
        "pharmacy", "/prescriptions", role=Role.PRESCRIBER, patient_id=patient_id
    ):
        happened.prescriptions.append(rx["state"])
    async for message in practice.items("notifications", f"{of_patient}/messages", role=Role.NURSE):
        if message["state"] == "sent":
            at = datetime.fromisoformat(message["sent_at"])
            happened.messages.append(Message(at, Purpose(message["purpose"])))


async def _superbill(practice: Practice, superbill_id: str, folder: Path) -> Superbill:
    path = f"/superbills/{superbill_id}"
    shown = (await practice.get("billing", path, role=Role.BILLER))["superbill"]
    target = folder / f"{shown['number']}.pdf"
    await _keep_document(practice, path, target)
    data = target.with_suffix(".json")
    await asyncio.to_thread(data.write_text, json.dumps(shown, indent=2) + "\n")
    return Superbill(
        number=shown["number"],
        total_cents=shown["total_cents"],
        lines_cents=sum(line["charge_cents"] for line in shown["lines"]),
        paid_cents=sum(payment["amount_cents"] for payment in shown["payments"]),
        balance_cents=shown["balance_cents"],
        path=target,
    )


async def _keep_document(practice: Practice, path: str, target: Path) -> None:
    document = await practice.document("billing", f"{path}/pdf", role=Role.BILLER)
    if not document.startswith(b"%PDF-"):
        raise ValueError(f"{target.stem} is not a PDF")
    await asyncio.to_thread(target.write_bytes, document)
