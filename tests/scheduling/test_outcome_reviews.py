"""What a form says of self-harm, and a series without response, wait for a person."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from sqlalchemy import text

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer
from tests.scheduling.forms import before, form, record


async def waiting(clinic: Clinic, patient_id: str, **how: object) -> Any:
    return (await clinic.get("/reviews", patient_id=patient_id, **how))["items"]


async def test_item_nine_raises_a_review_at_once_whatever_the_total(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    answer = await record(clinic, patient_id, form("phq9", 1, item_9=1))
    [raised] = answer["reviews"]
    assert raised["matter"] == "self_harm_item"
    assert await waiting(clinic, patient_id) == [raised]
    assert raised["acknowledged_at"] is None


async def test_a_high_total_without_item_nine_and_other_forms_raise_none(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    for wish in (form("phq9", 24), form("gad7", 21), form("pcl5", 80), form("nrs", 10)):
        assert (await record(clinic, patient_id, wish))["reviews"] == []
    assert await waiting(clinic, patient_id) == []


async def test_an_acknowledgement_keeps_who_when_and_what_was_done(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    [raised] = (await record(clinic, patient_id, form("phq9", 20, item_9=2)))["reviews"]
    path = f"/reviews/{raised['review_id']}/acknowledge"
    clinic.headers = bearer(Role.NURSE, subject="nurse-7")
    done = await clinic.post(path, {"done": "Spoke with her; safety plan renewed."})
    assert (done["acknowledged_by"], done["done"]) == (
        "nurse-7",
        "Spoke with her; safety plan renewed.",
    )
    assert done["acknowledged_at"] is not None
    assert await waiting(clinic, patient_id) == []
    assert await waiting(clinic, patient_id, open=False) == [done]
    assert await clinic.post(path, {"done": "Spoke with her; safety plan renewed."}) == done
    other = {"done": "Something else."}
    assert await clinic.refused(path, other) == [("acknowledged_already", "review_id")]
    clinic.headers = bearer(Role.NURSE, subject="nurse-8")
    assert await clinic.refused(path, {"done": done["done"]}) == [
        ("acknowledged_already", "review_id")
    ]
    [(sealed,)] = await clinic.rows(
        "SELECT done FROM reviews WHERE review_id = :id", id=raised["review_id"]
    )
    assert b"safety" not in bytes(sealed)


async def test_of_two_who_acknowledge_at_once_one_does(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    [raised] = (await record(clinic, patient_id, form("phq9", 9, item_9=3)))["reviews"]
    path = f"/reviews/{raised['review_id']}/acknowledge"
    answers = await asyncio.gather(
        *(clinic.send(path, {"done": f"Called, {n}."}) for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_a_withdrawn_form_leaves_its_review_for_a_person(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    answer = await record(clinic, patient_id, form("phq9", 9, item_9=3))
    await clinic.post(f"/outcomes/{answer['outcome_id']}/withdraw", {"why": "Mistyped."})
    assert len(await waiting(clinic, patient_id)) == 1


async def test_no_response_at_the_fourth_infusion_is_the_prescriber_s_once(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, visits = series["patient_id"], series["appointments"]
    await record(clinic, patient_id, form("phq9", 20))
    raised = []
    for visit in visits[:5]:
        clinic.be_there(visit)
        answer = await record(clinic, patient_id, form("phq9", 15, **before(visit)))
        raised.append([review["matter"] for review in answer["reviews"]])
        last = answer
        await clinic.infuse(visit)
    assert raised == [[], [], [], ["no_response"], []]
    [review] = await waiting(clinic, patient_id)
    [trend] = (await clinic.get(f"/series/{series['series_id']}/outcomes"))["trends"]
    assert trend["checkpoint"]["state"] == "no_response"
    assert trend["checkpoint"]["outcome_id"] == review["outcome_id"]
    # The judged form was mistyped: recorded anew, it asks nobody a second time.
    await clinic.post(f"/outcomes/{review['outcome_id']}/withdraw", {"why": "Mistyped."})
    again = form("phq9", 14, **before(visits[3]), taken_at=review["raised_at"])
    assert (await record(clinic, patient_id, again))["reviews"] == []
    assert last["reviews"] == []

    path = f"/reviews/{review['review_id']}/acknowledge"
    clinic.headers = bearer(Role.NURSE, subject="nurse-7")
    refused = await clinic.send(path, {"done": "Noted."})
    assert refused.status_code == 403
    assert refused.json()["violations"][0]["rule"] == "prescriber_needed"
    clinic.headers = bearer(Role.PRESCRIBER, subject="prescriber-1")
    await clinic.post(path, {"done": "Dose raised; two more infusions."})


async def test_a_baseline_that_is_recorded_late_asks_too(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, visits = series["patient_id"], series["appointments"]
    intake = clinic.clock.now().isoformat()
    for visit in visits[:3]:
        await clinic.infuse(visit)
    clinic.be_there(visits[3])
    judged = await record(clinic, patient_id, form("phq9", 15, **before(visits[3])))
    assert judged["reviews"] == []
    late = await record(clinic, patient_id, form("phq9", 20, taken_at=intake))
    [review] = late["reviews"]
    assert (review["matter"], review["outcome_id"]) == ("no_response", judged["outcome_id"])


async def test_a_response_that_is_withdrawn_asks_too(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, visits = series["patient_id"], series["appointments"]
    await record(clinic, patient_id, form("phq9", 20))
    for visit in visits[:3]:
        await clinic.infuse(visit)
    wrong = await record(clinic, patient_id, form("phq9", 5, **before(visits[3])))
    await clinic.infuse(visits[3])
    clinic.be_there(visits[4])
    await record(clinic, patient_id, form("phq9", 17, **before(visits[4])))
    assert await waiting(clinic, patient_id) == []
    await clinic.post(f"/outcomes/{wrong['outcome_id']}/withdraw", {"why": "Mistyped."})
    assert [each["matter"] for each in await waiting(clinic, patient_id)] == ["no_response"]


async def test_a_response_by_the_fourth_infusion_asks_nobody(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, visits = series["patient_id"], series["appointments"]
    await record(clinic, patient_id, form("phq9", 20))
    for visit in visits[:3]:
        await clinic.infuse(visit)
    clinic.be_there(visits[3])
    answer = await record(clinic, patient_id, form("phq9", 10, **before(visits[3])))
    assert answer["reviews"] == []


async def test_no_answer_and_no_figure_leaves_in_an_event(clinic: Clinic) -> None:
    """A course with every form says exactly what a course without any says."""

    async def course(*, forms: bool) -> list[str]:
        patient_id = await clinic.patient()
        if forms:
            await record(clinic, patient_id, form("phq9", 27, item_9=3))
            await record(clinic, patient_id, form("pcl5", 77))
        series = await clinic.series(
            patient_id=patient_id,
            starts=None,
            chair_id=await clinic.chair(),
        )
        if forms:
            visit = series["appointments"][0]
            answer = await record(clinic, patient_id, form("phq9", 23, item_9=1, **before(visit)))
            [review] = answer["reviews"]
            path = f"/reviews/{review['review_id']}/acknowledge"
            await clinic.post(path, {"done": "Canary sang."})
            await clinic.client.get(f"/patients/{patient_id}/outcomes.svg", headers=clinic.headers)
        return await clinic.kinds_said(patient_id)

    assert await course(forms=True) == await course(forms=False)
    async with clinic.engine.connect() as connection:
        said = (await connection.execute(text("SELECT headers, payload FROM outbox"))).all()
        work = (await connection.execute(text("SELECT payload FROM due_work"))).all()
        noted = (await connection.execute(text("SELECT to_jsonb(a) FROM audit_log a"))).all()
    everything = b"".join(
        [*(orjson.dumps(row.headers) + row.payload for row in said), repr(work).encode()]
    )
    for word in (b"phq", b"pcl", b"outcome", b"review", b"self_harm", b"Canary", b"band"):
        assert word not in everything
    for word in ("Canary", "self_harm", "severe"):
        assert word not in repr(noted)
