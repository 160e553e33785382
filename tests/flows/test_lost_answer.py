"""Story 6: the pharmacy answers 503 three times, takes the order, and loses the answer."""

from __future__ import annotations

from shared.events import pharmacy
from tests.flows.conftest import Story

PATIENT = "faye"


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    await story.nothing_is_left_over()


async def test_everything_that_was_to_go_wrong_did(story: Story):
    done = {fault["kind"]: fault["done"] for fault in story.truth["faults"]}
    assert done == {"status_before": 3, "lost_answer": 1}


async def test_the_timeline_tells_what_went_wrong_in_words(story: Story):
    told = [" ".join(line.split()) for line in story.printed.splitlines()]
    signed = next(at for at, line in enumerate(told) if "signs the prescription" in line)
    assert told[signed + 1 : signed + 4] == [
        "the pharmacy answers 503 and does nothing, 3 times",
        "the pharmacy does what it is asked, and the answer is lost, once",
        "PrescriptionSigned → PrescriptionSent",
    ]
    assert "status_before" not in story.printed


async def test_exactly_one_order_exists_there(story: Story):
    (order,) = story.truth["pharmacy"]["orders"]
    rows = await story.rows("pharmacy", "SELECT prescription_id FROM prescriptions")
    assert [str(one) for (one,) in rows] == [order["reference"]]


async def test_the_prescription_is_sent_once_and_reaches_the_patient(story: Story):
    assert len(story.said(pharmacy.PrescriptionSent)) == 1
    assert len(story.said(pharmacy.PrescriptionDelivered)) == 1
