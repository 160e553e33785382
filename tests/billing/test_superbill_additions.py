"""What some insurers ask for besides is on superbills where somebody recorded it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from services.billing.rules.superbills.additions import (
    Additions,
    NamedProvider,
    OfClinic,
    OfClinician,
    OfPatient,
    Sex,
)
from services.billing.rules.superbills.building import build
from services.billing.rules.superbills.document import Issue, Superbill
from services.billing.rules.superbills.lint import lint
from shared.auth import Role
from shared.ids import new_id
from tests.billing.bills import code_book, paid, printed, superbill, wording, words_of
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT, infusion_record

ADDED = Additions(
    OfPatient(Sex.FEMALE, NamedProvider("Rae Referrer, MD", "1558598797")),
    OfClinician("207LP2900X", "VA", NamedProvider("Sue Pervisor, MD", "1234567893")),
    OfClinic("billing@clinic.example"),
)


def bill_with(added: Additions) -> Superbill:
    issue = Issue("SB-2026-000001", STOPPED_AT, wording())
    return build(infusion_record(), paid(), code_book(date(2026, 11, 23)), issue, added)


async def test_what_was_recorded_is_printed_beside_what_it_belongs_to():
    words = words_of(await printed(bill_with(ADDED)))
    for told in (
        "Born 05/17/1979, sex F",
        "Referred by Rae Referrer, MD, NPI 1558598797",
        "Taxonomy 207LP2900X",
        "License 0024-000001, VA",
        "Supervised by Sue Pervisor, MD, NPI 1234567893",
        "billing@clinic.example",
    ):
        assert told in words, told


async def test_a_patient_may_have_no_diagnosis_in_words():
    added = replace(ADDED, patient=OfPatient(tells_diagnoses=False))
    bill = bill_with(added)
    assert lint(bill, code_book(date(2026, 11, 23))) == []
    words = words_of(await printed(bill))
    assert "F33.2" in words
    assert "depress" not in words.lower()
    assert "depress" in words_of(await printed(superbill(40))).lower()


def test_nobody_supervises_themself():
    itself = NamedProvider("Testa Renderer", "1679576722")
    bill = bill_with(Additions(clinician=OfClinician(supervising=itself)))
    book = code_book(date(2026, 11, 23))
    assert [one.rule for one in lint(bill, book)] == ["supervises_itself"]


async def record(billing: Billing, path: str, wish: Any, role: Role = Role.BILLER) -> Any:
    return await billing.ask("POST", f"{path}/superbill-additions", wish, role=role)


async def test_superbills_to_come_say_what_was_recorded_last(billing: Billing):
    patient_id = new_id()
    await billing.set_fee()
    await billing.save_card(patient_id)
    event = billing.complete(patient_id)
    rendering = next(iter(billing.scheduling.records.values()))["rendering"]
    for sex in ("M", "F"):
        assert (await record(billing, f"/patients/{patient_id}", {"sex": sex})).is_success
    taxonomy = {"taxonomy": "207LP2900X"}
    path = f"/clinicians/{rendering['clinician_id']}"
    assert (await record(billing, path, taxonomy)).is_success
    await billing.hear(event)
    await billing.until_rest()

    [listed] = (await billing.told("GET", f"/patients/{patient_id}/superbills"))["items"]
    shown = (await billing.told("GET", f"/superbills/{listed['superbill_id']}"))["superbill"]
    assert shown["patient"]["sex"] == "F"
    assert shown["visits"][0]["rendering"]["taxonomy"] == "207LP2900X"
    added = await billing.told("GET", f"/patients/{patient_id}/superbill-additions")
    assert (added["sex"], added["referrer"]) == ("F", None)


async def test_a_referrers_npi_is_checked(billing: Billing):
    wish = {"referrer": {"name": "Rae Referrer", "npi": "1234567890"}}
    refused = await record(billing, f"/patients/{new_id()}", wish)
    assert refused.json()["violations"][0]["rule"] == "provider_npi"


async def test_the_desk_records_nothing_of_clinicians(billing: Billing):
    refused = await record(billing, f"/clinicians/{new_id()}", {}, role=Role.FRONT_DESK)
    assert refused.status_code == 403
