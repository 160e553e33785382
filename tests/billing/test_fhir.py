"""A superbill for programs that speak FHIR R4: whole, valid, and of the same money."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from services.billing.documents.fhir.bundles import bundle
from services.billing.rules.charges.coverage import InsurancePlan
from services.billing.rules.superbills.additions import NamedProvider, Sex
from services.billing.rules.superbills.document import Replaced, Superbill
from shared.auth import Role
from shared.claims import DrugGiven
from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from tests.billing.bills import STOPPED_AT, superbill, superbill_of
from tests.billing.conftest import Billing
from tests.billing.records import infusion_record


def read(exported: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources of a bundle by kind, each as the models of `fhir.resources` read it."""
    get_fhir_model_class("Bundle").model_validate(exported)
    found = {}
    for entry in exported["entry"]:
        resource = entry["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        found[resource["resourceType"]] = resource
    return found


def test_the_claim_has_the_lines_of_the_superbill_and_points_at_its_diagnoses():
    bill = superbill(151)
    claim = read(bundle(bill, new_id()))["Claim"]
    items = [
        (
            item["productOrService"]["coding"][0]["code"],
            item["quantity"]["value"],
            item["net"]["value"],
            item["diagnosisSequence"],
            item["servicedDate"],
        )
        for item in claim["item"]
    ]
    assert items == [
        ("96365", 1, 133.0, [1, 2], "2026-11-23"),
        ("96366", 2, 266.0, [1, 2], "2026-11-23"),
        ("J3490", 1, 0.0, [1, 2], "2026-11-23"),
    ]
    assert claim["total"] == {"value": 399.0, "currency": "USD"}
    assert [one["diagnosisCodeableConcept"]["coding"][0]["code"] for one in claim["diagnosis"]] == [
        "F33.2",
        "F43.12",
    ]
    assert claim["payee"]["type"]["coding"][0]["code"] == "subscriber"


def test_the_invoice_is_balanced_and_of_the_same_money():
    found = read(bundle(superbill(91), new_id()))
    invoice = found["Invoice"]
    assert (invoice["status"], invoice["totalNet"]["value"]) == ("balanced", 399.0)
    prices = [line["priceComponent"][0]["amount"]["value"] for line in invoice["lineItem"]]
    assert sum(prices) == 399.0
    identifiers = [one["value"] for one in found["Organization"]["identifier"]]
    assert identifiers == ["1234567893", "54-1234567"]


def test_all_that_a_bundle_refers_to_is_in_it():
    exported = bundle(superbill(40), new_id())
    there = {entry["fullUrl"] for entry in exported["entry"]}

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return {one for each in value for one in references(each)}
        if not isinstance(value, dict):
            return set()
        own = {value["reference"]} if "reference" in value else set()
        return own | {one for each in value.values() for one in references(each)}

    assert references(exported["entry"]) <= there


def test_a_corrected_claim_names_the_one_before():
    before = Replaced(version=1, issued_on=STOPPED_AT.date(), reason="made up")
    claim = read(bundle(superbill_of(infusion_record(), replaces=before), new_id()))["Claim"]
    assert claim["related"][0]["claim"]["identifier"]["value"] == "SB-2026-000001/1"
    assert claim["identifier"][0]["value"] == "SB-2026-000001/2"


def test_each_code_is_named_by_its_system_and_a_month_by_its_days():
    bill = superbill(91)
    lines = (replace(bill.lines[0], modifiers=("25", "GY")), *bill.lines[1:])
    later = replace(bill.visits[0], date_of_service=date(2026, 11, 30))
    claim = read(bundle(replace(bill, lines=lines, visits=(later, bill.visits[0])), new_id()))[
        "Claim"
    ]
    systems = [item["productOrService"]["coding"][0]["system"] for item in claim["item"]]
    cpt, hcpcs = (
        "http://www.ama-assn.org/go/cpt",
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    )
    assert systems == [cpt, cpt, hcpcs]
    assert [one["coding"][0] for one in claim["item"][0]["modifier"]] == [
        {"system": cpt, "code": "25"},
        {"system": hcpcs, "code": "GY"},
    ]
    assert claim["billablePeriod"] == {"start": "2026-11-23", "end": "2026-11-30"}


def whole() -> Superbill:
    """All that a superbill may say: a plan, a referrer, a supervisor, an NDC."""
    drug = DrugGiven(
        name="Ketamine, racemic",
        route="intravenous",
        dose_ug=35_500,
        strength="50 mg/mL",
        ndc="00000-0000-11",
        ndc_unit="ML",
        ndc_quantity="0.71",
    )
    bill = superbill(40, drug=drug)
    plan = InsurancePlan("Made Up Mutual", "XYZ-000111", "G-77")
    supervising = NamedProvider("Testa Supervisor", "1234567893")
    rendering = replace(
        bill.visits[0].rendering,
        taxonomy="367500000X",
        license_state="VA",
        supervising=supervising,
    )
    return replace(
        bill,
        patient=replace(bill.patient, sex=Sex.FEMALE, insurance=plan),
        referrer=NamedProvider("Testa Referrer", "1558598797"),
        visits=(replace(bill.visits[0], rendering=rendering),),
    )


def test_a_claim_says_whose_plan_it_is_and_who_had_a_part_in_the_care():
    exported = bundle(whole(), new_id())
    found = read(exported)
    coverage, claim = found["Coverage"], found["Claim"]
    assert coverage["subscriberId"] == "XYZ-000111"
    assert [one["value"] for one in coverage["class"]] == ["G-77"]
    by_url = {one["fullUrl"]: one["resource"] for one in exported["entry"]}
    assert by_url[coverage["payor"][0]["reference"]]["name"] == "Made Up Mutual"
    assert found["Patient"]["gender"] == "female"
    team = [
        (
            member["role"]["coding"][0]["code"],
            by_url[member["provider"]["reference"]]["identifier"][0]["value"],
        )
        for member in claim["careTeam"]
    ]
    assert team == [
        ("primary", "1679576722"),
        ("supervisor", "1234567893"),
        ("referring", "1558598797"),
    ]
    assert {tuple(item["careTeamSequence"]) for item in claim["item"]} == {(1, 2)}
    assert claim["careTeam"][0]["qualification"]["coding"][0]["code"] == "367500000X"
    rendered = by_url[claim["careTeam"][0]["provider"]["reference"]]
    [license_] = rendered["qualification"]
    assert license_["identifier"][0]["value"] == "0024-000001"
    assert license_["issuer"]["display"] == "VA"


def test_a_claim_says_what_ran_by_which_clock_and_what_was_paid():
    claim = read(bundle(whole(), new_id()))["Claim"]
    [*_, drug] = claim["item"]
    [detail] = drug["detail"]
    assert detail["productOrService"]["coding"][0]["code"] == "00000000011"
    assert detail["productOrService"]["text"] == "Ketamine, racemic, 50 mg/mL, 35.5 mg, intravenous"
    assert detail["quantity"] == {"value": 0.71, "unit": "ML"}
    clock, payment = claim["supportingInfo"]
    assert drug["informationSequence"] == [clock["sequence"]]
    assert clock["timingPeriod"] == {
        "start": "2026-11-23T14:00:00-05:00",
        "end": "2026-11-23T14:40:00-05:00",
    }
    assert (payment["valueQuantity"]["value"], payment["timingDate"]) == (399.0, "2026-11-23")
    assert payment["code"]["text"] == "CareCredit, CC-118834"


def test_without_a_plan_the_patient_is_the_payer():
    exported = bundle(superbill(40), new_id())
    by_url = {one["fullUrl"]: one["resource"] for one in exported["entry"]}
    coverage = read(exported)["Coverage"]
    assert by_url[coverage["payor"][0]["reference"]]["resourceType"] == "Patient"
    assert "gender" not in read(exported)["Patient"]


async def test_the_export_is_served_to_who_bills(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [told] = await billing.said(SuperbillIssued)
    path = f"/superbills/{told.superbill_id}/fhir"
    answer = await billing.ask("GET", path)
    assert answer.headers["content-type"] == "application/fhir+json"
    assert read(answer.json())["Claim"]["total"]["value"] == 399.0
    assert (await billing.ask("GET", path, role=Role.NURSE)).status_code == 403
    assert (await billing.ask("GET", f"/superbills/{new_id()}/fhir")).status_code == 404
