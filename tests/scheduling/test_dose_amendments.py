"""A mistake in the record of a dose is corrected by a later entry, and never erased."""

from __future__ import annotations

from typing import Any

from tests.scheduling.conftest import Clinic, every

LOT = {"lot": "LOT-0002"}


def amended(clinic: Clinic, **fields: object) -> dict[str, Any]:
    said = {"lot": "LOT-0001", "drawn_ug": 35_000, "given_ug": 35_000}
    signed = {"clinician_id": clinic.clinician_id, "reason": "The vial was another one."}
    return said | signed | fields


async def over(clinic: Clinic) -> dict[str, Any]:
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.infuse(visit)
    return dict(visit)


def path(visit: dict[str, Any]) -> str:
    return f"/appointments/{visit['appointment_id']}/dose/amendments"


async def witness(clinic: Clinic, visit: dict[str, Any], who: str) -> Any:
    asks, clinic.headers = clinic.headers, clinic.as_staff(who)
    answer = await clinic.step(visit, "dose/witness")
    clinic.headers = asks
    return answer


async def test_a_wrong_lot_is_amended_and_stays_readable(clinic: Clinic) -> None:
    visit = await over(clinic)
    assert await clinic.refused(path(visit), amended(clinic, **LOT)) == [
        ("dose_not_recorded", "appointment_id")
    ]
    await clinic.give(visit)
    assert await clinic.refused(path(visit), amended(clinic)) == [
        ("amendment_empty", "appointment_id")
    ]
    other = await clinic.clinician(npi="1245319599")
    assert await clinic.refused(path(visit), amended(clinic, **LOT, clinician_id=other)) == [
        ("signer_is_another", "clinician_id")
    ]
    answer = await clinic.post(path(visit), amended(clinic, **LOT))
    assert answer["lot"] == "LOT-0002"
    chart = await clinic.get(f"/appointments/{visit['appointment_id']}/chart")
    assert chart["dose"] == answer
    [entry] = answer["amendments"]
    assert (entry["before"]["lot"], entry["before"]["given_ug"]) == ("LOT-0001", 35_000)
    assert (entry["reason"], entry["signed_by"]) == ("The vial was another one.", clinic.subject)
    await clinic.post(path(visit), amended(clinic, lot="LOT-0003"))
    again = await clinic.post(path(visit), amended(clinic, **LOT))
    assert [each["before"]["lot"] for each in again["amendments"]] == [
        "LOT-0001",
        "LOT-0002",
        "LOT-0003",
    ]
    await clinic.discharge(visit, dosed=True)
    assert (await clinic.post(path(visit), amended(clinic, lot="LOT-0004")))["lot"] == "LOT-0004"
    kinds = await clinic.kinds_said(visit["patient_id"])
    assert kinds.count("InfusionCompleted") == 1


async def test_another_amount_has_its_waste_witnessed_anew(clinic: Clinic) -> None:
    visit = await over(clinic)
    await clinic.give(visit, drawn_ug=40_000)
    await witness(clinic, visit, "witness-1")
    same = await clinic.post(path(visit), amended(clinic, **LOT, drawn_ug=40_000))
    assert same["witnessed_by"] == "witness-1"
    answer = await clinic.post(path(visit), amended(clinic, **LOT, drawn_ug=50_000))
    assert (answer["wasted_ug"], answer["witnessed_by"]) == (15_000, None)
    assert answer["amendments"][-1]["before"]["witnessed_by"] == "witness-1"
    assert (await witness(clinic, visit, "witness-2"))["witnessed_by"] == "witness-2"
    anew = amended(clinic, **LOT, drawn_ug=50_000, witness_anew=True, reason="Not their name.")
    assert (await clinic.post(path(visit), anew))["witnessed_by"] is None
    assert (await witness(clinic, visit, "witness-3"))["witnessed_by"] == "witness-3"


async def waits(clinic: Clinic) -> list[str]:
    found = await clinic.get("/unwitnessed-waste", location_id=clinic.location_id)
    assert all("witness it" in each["do"] for each in found["items"])
    return [each["appointment_id"] for each in found["items"]]


async def test_amended_waste_waits_on_a_list_for_its_witness_after_the_patient_has_gone(
    clinic: Clinic,
) -> None:
    visit = await over(clinic)
    await clinic.give(visit)
    assert await waits(clinic) == []
    await clinic.discharge(visit, dosed=True)
    await clinic.post(path(visit), amended(clinic, drawn_ug=40_000))
    assert await waits(clinic) == [visit["appointment_id"]]
    await witness(clinic, visit, "witness-1")
    assert await waits(clinic) == []


async def test_more_than_the_ceiling_is_recorded_and_said(clinic: Clinic) -> None:
    visit = await over(clinic)
    await clinic.give(visit)
    much = amended(clinic, drawn_ug=200_000, given_ug=200_000)
    assert await clinic.refused(path(visit), much) == [("dose_off_plan", "given_ug")]
    answer = await clinic.post(path(visit), much | {"off_plan_reason": "Made up."})
    assert answer["given_ug"] == 200_000
    [entry] = answer["amendments"]
    assert entry["past_limits"]
    reviews = (await clinic.get("/reviews"))["items"]
    assert "dose_above_ceiling" in {each["matter"] for each in reviews}


async def test_what_cannot_be_or_was_told_is_not_amended(clinic: Clinic) -> None:
    visit = await over(clinic)
    await clinic.give(visit)
    more = amended(clinic, given_ug=36_000, off_plan_reason="Made up.")
    assert await clinic.refused(path(visit), more) == [("dose_above_drawn", "given_ug")]
    none = amended(clinic, given_ug=0, off_plan_reason="Made up.")
    assert await clinic.refused(path(visit), none) == [("dose_ran_told", "given")]
