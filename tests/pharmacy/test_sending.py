"""Exactly one order, whatever happens to the calls: the pharmacy has no idempotency."""

from __future__ import annotations

import pytest

from tests.pharmacy.practice import Practice
from tests.support import leases
from tests.support.eventually import eventually
from tests.support.service_process import ServiceProcess

SEND = "POST /v1/orders"


async def test_three_times_503_and_then_a_lost_answer_leave_one_order(practice: Practice):
    """No notice helps: what finds the order is the look-up before the next send."""
    practice.world.fault("pharmacy", "drop", "pharmacy.order.received")
    practice.world.fault("pharmacy", "status_before", SEND, times=3, status=503)
    practice.world.fault("pharmacy", "lost_answer", SEND)
    case = await practice.awaiting_signature()
    await practice.sign(case)

    await practice.until(case, "sent")
    await practice.until_idle()

    assert len(practice.orders(case)) == 1
    assert practice.left_faults() == []
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionSigned", "PrescriptionSent")


async def test_a_pharmacy_that_takes_the_order_and_hangs_has_one_order(practice: Practice):
    practice.world.fault("pharmacy", "drop", "pharmacy.order.received")
    practice.world.fault("pharmacy", "hang", SEND, seconds=8)
    case = await practice.awaiting_signature()
    await practice.sign(case)

    await practice.until(case, "sent", within_s=30)
    await practice.until_idle()

    assert len(practice.orders(case)) == 1


@pytest.mark.real_kafka
async def test_two_replicas_that_both_send_leave_one_order_to_be_filled(
    practice: Practice, replica: ServiceProcess
):
    """The first request is under way when its lease runs out, and the order is sent again."""
    practice.world.fault("pharmacy", "slow", SEND, ms=4500)
    case = await practice.awaiting_signature()
    await practice.sign(case)
    await eventually(lambda: not practice.left_faults())  # whoever claims it early sends nothing
    assert await leases.run_out(practice.engine, "SendOrder")
    await practice.until(case, "sent", within_s=30)

    async def one_left() -> None:
        assert len(practice.orders(case)) == 2, "this test is about a race that happens"
        assert len(practice.live_orders(case)) == 1

    await eventually(one_left, within_s=20)
    await practice.until_idle()
    row = await practice.prescription(case)
    assert row.order_id == practice.live_orders(case)[0]["order_id"]
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionSigned", "PrescriptionSent")


@pytest.mark.real_kafka
async def test_a_replica_killed_while_it_sends_leaves_one_order(
    practice: Practice, replica: ServiceProcess
):
    practice.world.fault("pharmacy", "slow", SEND, times=2, ms=1500)
    first, other = await practice.awaiting_signature(), await practice.awaiting_signature()
    await practice.sign(first)
    await practice.sign(other)
    await practice.until(first, "signed")
    replica.kill()
    await leases.run_out(practice.engine)

    await practice.until(first, "sent", within_s=30)
    await practice.until(other, "sent", within_s=30)
    await practice.until_idle()

    assert len(practice.live_orders(first)) == len(practice.live_orders(other)) == 1


async def test_a_twin_is_cancelled_as_soon_as_the_pharmacy_speaks_of_it(practice: Practice):
    case = await practice.sent()
    kept = (await practice.prescription(case)).order_id
    twin = await practice.send_a_twin(case)

    await practice.until_idle()

    statuses = {order["order_id"]: order["status"] for order in practice.orders(case)}
    assert statuses == {kept: "received", twin: "cancelled"}
    assert (await practice.prescription(case)).state == "sent"


async def test_a_twin_of_which_nothing_was_heard_is_cancelled_within_the_hour(practice: Practice):
    practice.world.fault("pharmacy", "drop", "pharmacy.order.*", times=4)
    case = await practice.sent()
    twin = await practice.send_a_twin(case)
    await practice.until_idle()
    assert len(practice.live_orders(case)) == 2

    await practice.step(hours=1)
    await practice.until_idle()

    assert [o["status"] for o in practice.orders(case) if o["order_id"] == twin] == ["cancelled"]


async def test_a_twin_that_is_in_the_post_is_parked_for_a_person(practice: Practice):
    practice.world.fault("pharmacy", "drop", "pharmacy.order.*", times=20)
    case = await practice.sent()
    await practice.until_idle()
    await practice.send_a_twin(case)
    await practice.step(days=2)

    async def parked() -> None:
        rows = await practice.rows(
            "SELECT error_code FROM due_work WHERE state = 'parked' AND kind = 'CancelTwin'"
            " AND payload->>'prescription_id' = :id",
            id=str(case.prescription_id),
        )
        assert [row.error_code for row in rows] == ["twin_not_cancelled"]

    await eventually(parked, within_s=20)


async def test_an_order_that_the_pharmacy_refuses_is_refused_with_its_reason(practice: Practice):
    case = await practice.awaiting_signature()
    practice.world.fault("pharmacy", "status_before", SEND, status=422)
    await practice.sign(case)

    row = await practice.until(case, "refused")
    await practice.until_idle()

    assert row.reason == "pharmacy_refused_422"
    assert practice.orders(case) == []
    await practice.until_said(
        case, "PrescriptionDrafted", "PrescriptionSigned", "PrescriptionRefused"
    )


async def test_a_refusal_of_a_repetition_does_not_undo_the_order_that_arrived(practice: Practice):
    """The first try arrives while the second is judged: `duplicate`, says the pharmacy."""
    case = await practice.awaiting_signature()
    practice.world.fault("pharmacy", "status_after", SEND, status=409)
    await practice.sign(case)

    await practice.until(case, "sent")
    await practice.until_idle()

    assert len(practice.orders(case)) == 1
    assert (await practice.said(case))[-1] == "PrescriptionSent"


async def test_a_key_that_is_not_accepted_yet_refuses_no_prescription(practice: Practice):
    case = await practice.awaiting_signature()
    practice.world.fault("pharmacy", "status_before", "*/v1/orders", times=2, status=401)
    await practice.sign(case)

    await practice.until(case, "sent")

    assert len(practice.orders(case)) == 1


async def test_what_was_changed_after_the_signature_is_never_sent(practice: Practice):
    case = await practice.awaiting_signature()
    await practice.tamper(case, quantity="15")
    await practice.sign(case)

    async def parked() -> None:
        rows = await practice.rows(
            "SELECT error_code FROM due_work WHERE state = 'parked' AND kind = 'SendOrder'"
            " AND payload->>'prescription_id' = :id",
            id=str(case.prescription_id),
        )
        assert [row.error_code for row in rows] == ["changed_since_signing"]

    await eventually(parked)
    assert practice.orders(case) == []
