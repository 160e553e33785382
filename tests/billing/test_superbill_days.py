"""Two visits on one day: each has its own lines, clock and clinician, and codes that may meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.billing.documents.fhir.bundles import bundle
from services.billing.rules.superbills import lint
from services.billing.rules.superbills.document import Issue, Superbill
from services.billing.rules.superbills.months import gather
from services.billing.rules.superbills.receipts import receipt_of
from services.billing.rules.superbills.sessions import Documented, build_session
from shared.claims import ConsultRecord, DrugGiven
from shared.events.billing import SuperbillCorrected, SuperbillIssued
from shared.events.scheduling import InfusionCompleted, PatientDischarged
from shared.ids import new_id
from tests.billing.bills import code_book, paid, printed, superbill_of, wording, words_of
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT, infusion_record
from tests.billing.test_sessions import consult, record_code, set_consult_fee
from tests.support.claim_check import infusion_path

TODAY = STOPPED_AT.date()
BOOK = code_book(TODAY)
LATER = STOPPED_AT + timedelta(minutes=120)
ISSUE = Issue("SB-2026-000002", LATER, wording())


def session(*modifiers: str) -> Superbill:
    """A conversation of 50 minutes with another clinician, after the infusion of the day."""
    visit = infusion_record()
    record = ConsultRecord(
        appointment_id=new_id(),
        patient=visit.patient,
        rendering=visit.rendering.model_copy(update={"name": "Testa Talker", "npi": "1558598797"}),
        location=visit.location,
        visit_type="spray_consult",
        diagnoses=visit.diagnoses,
        started_at=LATER - timedelta(minutes=50),
        ended_at=LATER,
    )
    return build_session(record, Documented("99214", modifiers, "11"), paid(at=LATER), BOOK, ISSUE)


def month_of_both(*modifiers: str) -> Superbill:
    bills = [session(*modifiers), superbill_of(infusion_record())]
    return gather(bills, "2026-11", replace(ISSUE, number="SB-2026-000003"), LATER.date())


async def test_a_months_document_explains_each_visit_of_a_day_once_and_under_its_own_clock():
    month = month_of_both("25")
    assert [(line.visit_no, line.code) for line in month.lines] == [
        (1, "96365"),
        (1, "J3490"),
        (2, "99214"),
    ]
    explained = words_of(await printed(month)).partition("FOLLOW FROM THE CLOCK")[2]
    infusion, talk = explained.split("session from")
    assert "Testa Renderer" in infusion
    assert "Testa Talker" in talk
    assert explained.count("40 minutes of drip") == infusion.count("40 minutes of drip") == 1
    assert explained.count("Documented by the clinician") == 1
    assert "Documented by the clinician" in talk


def test_each_line_of_a_claim_names_the_clinician_who_rendered_it():
    by_url = {
        one["fullUrl"]: one["resource"] for one in bundle(month_of_both("25"), new_id())["entry"]
    }
    [claim] = [one for one in by_url.values() if one["resourceType"] == "Claim"]
    npis = {
        one["sequence"]: by_url[one["provider"]["reference"]]["identifier"][0]["value"]
        for one in claim["careTeam"]
    }
    rendered_by = [npis[item["careTeamSequence"][0]] for item in claim["item"]]
    assert rendered_by == ["1679576722", "1679576722", "1558598797"]


def test_a_receipt_of_two_visits_on_a_day_counts_each_once():
    assert [
        one.amount_cents for one in receipt_of(month_of_both("25"), wording().receipt).care
    ] == [39900, 39900]


def test_an_office_visit_on_the_day_of_an_infusion_has_modifier_25():
    assert [one.rule for one in lint.lint(month_of_both(), BOOK)] == ["separate_evaluation"]
    assert lint.lint(month_of_both("25"), BOOK) == []
    assert lint.lint(session(), BOOK) == []
    infusion = superbill_of(infusion_record())
    for later, earlier in ((session(), infusion), (infusion, session())):
        found = lint.lint(later, BOOK, earlier.lines)
        assert [one.rule for one in found] == ["separate_evaluation"]


async def held(billing: Billing) -> list[tuple[str, list[str]]]:
    listed = (await billing.told("GET", "/superbills/held"))["items"]
    return [(one["charge_id"], [each["rule"] for each in one["blocked_by"]]) for one in listed]


async def test_the_later_of_two_superbills_of_a_day_waits_for_modifier_25(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await set_consult_fee(billing)
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient), consult(billing, patient))
    await billing.until_rest()
    [talk] = [one for one in await billing.charges(patient) if one["service"] == "session"]

    assert (await record_code(billing, talk, code="99214")).is_success
    await billing.until_rest()
    assert await held(billing) == [(talk["charge_id"], ["separate_evaluation"])]

    assert (await record_code(billing, talk, code="99214", modifiers=["25"])).is_success
    await billing.until_rest()
    assert await held(billing) == []
    assert len(await billing.said(SuperbillIssued)) == 2
    ask = {"month": f"{billing.clock.now():%Y-%m}"}
    gathered = await billing.told("POST", f"/patients/{patient}/superbills", ask)
    assert len(gathered["gathers"]) == 2


def discharged(billing: Billing, event: InfusionCompleted) -> PatientDischarged:
    """The patient of an infusion leaves now."""
    return PatientDischarged(
        patient_id=event.patient_id,
        appointment_id=event.appointment_id,
        infusion_id=event.infusion_id,
        location_id=event.location_id,
        discharged_at=billing.clock.now(),
        no_drive_until=billing.clock.now() + timedelta(hours=6),
    )


async def test_an_infusion_whose_drug_nobody_recorded_names_none_and_waits_for_the_discharge(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, drug=None)
    await billing.hear(event)
    await billing.until_rest()
    [waiting] = await billing.rows("SELECT rules FROM superbill_holds")
    assert waiting.rules == ["drug_missing"]
    assert await held(billing) == [], "the discharge mends it, and nobody else can"

    drug = DrugGiven(name="Ketamine, racemic", route="intravenous", dose_ug=35_000)
    record: dict[str, Any] = billing.scheduling.records[infusion_path(event.infusion_id)]
    record["drug"] = drug.model_dump(mode="json")
    await billing.hear(discharged(billing, event))
    await billing.until_rest()

    assert await held(billing) == []
    [told] = await billing.said(SuperbillIssued)
    bill = (await billing.told("GET", f"/superbills/{told.superbill_id}"))["superbill"]
    assert bill["lines"][-1]["drug"]["dose"] == "35 mg"
    assert await billing.said(SuperbillCorrected) == []


async def test_a_visit_that_nobody_discharges_is_on_the_list_hours_later(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, drug=None))
    await billing.until_rest()
    billing.step(lint.DISCHARGED_WITHIN - timedelta(seconds=1))
    assert await held(billing) == []
    billing.step(timedelta(seconds=1))
    charge = await billing.only_charge(patient)
    assert await held(billing) == [(charge["charge_id"], ["drug_missing"])]


async def test_a_discharge_without_a_dose_is_on_the_list_at_once(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, drug=None, appointment_id=await billing.book(patient))
    await billing.hear(event)
    await billing.until_rest()
    assert await held(billing) == []
    await billing.hear(discharged(billing, event))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    assert await held(billing) == [(charge["charge_id"], ["drug_missing"])]


async def test_what_a_person_can_mend_is_listed_before_the_discharge_too(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, drug=None, ein="07-1234567"))
    await billing.until_rest()
    [(_, rules)] = await held(billing)
    assert sorted(rules) == ["clinic_ein", "drug_missing"]
