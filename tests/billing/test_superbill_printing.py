"""A superbill is wrong before it is printed: its correction waits, and its news comes second."""

from __future__ import annotations

from sqlalchemy import text

from shared.events.billing import PaymentCaptured, SuperbillCorrected, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually


async def test_a_correction_waits_for_the_version_that_is_being_printed(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    tried = "SELECT 1 FROM due_work WHERE kind = 'ReissueSuperbill' AND attempts > 0"

    async with billing.service.runtime.engine.begin() as printer:  # nothing printed is kept
        await printer.execute(text("LOCK TABLE superbill_documents IN EXCLUSIVE MODE"))
        await billing.hear(billing.complete(patient))
        await eventually(lambda: billing.said(PaymentCaptured), within_s=20)
        await eventually(lambda: billing.rows("SELECT 1 FROM superbills"), within_s=20)
        [charge] = await billing.charges(patient)
        path = f"/payments/{charge['payments'][0]['payment_id']}/refunds"
        await billing.told("POST", path, {"amount_cents": 100, "reason": "courtesy"})
        await eventually(lambda: billing.rows(tried), within_s=20)

        async def waits() -> None:
            [row] = await billing.rows(
                "SELECT state, error_code FROM due_work WHERE kind = 'ReissueSuperbill'"
            )
            assert (row.state, row.error_code) == ("resting", "superbill_being_printed")

        await eventually(waits, within_s=20)
        assert len(await billing.rows("SELECT 1 FROM superbills")) == 1
    await billing.until_rest()

    assert await billing.parked() == []
    [first], [second] = await billing.said(SuperbillIssued), await billing.said(SuperbillCorrected)
    assert second.replaces_id == first.superbill_id
    told = await billing.rows(
        "SELECT headers->>'ce_type' AS kind FROM outbox"
        " WHERE headers->>'ce_type' LIKE 'billing.Superbill%' ORDER BY seq"
    )
    assert [row.kind for row in told] == [SuperbillIssued.type_name, SuperbillCorrected.type_name]
