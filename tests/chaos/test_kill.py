"""A process is killed between every two steps; what it was doing is done once all the same."""

from __future__ import annotations

import pytest

from tests.chaos.clinic import Billing, Clinic, infusions
from tests.chaos.steps import STEPS
from tests.support.eventually import eventually

REPEATS_A_CALL = {"call made, outcome not stored", "outcome written, not committed"}


async def running(clinic: Clinic) -> Billing:
    """The newest replica; the first one is started here."""
    billing = clinic.replicas[-1] if clinic.replicas else clinic.start()
    await billing.until_ready()
    return billing


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_killed_at_any_step_leaves_each_infusion_charged_once(
    clinic: Clinic, step: str
) -> None:
    done = infusions(4)
    billing = await running(clinic)
    await billing.arm(step)
    await clinic.complete_infusions(done)
    await eventually(lambda: billing.died_by_kill, within_s=15)

    successor = clinic.start()
    await eventually(lambda: clinic.settled(done), within_s=20)
    await clinic.heard_outside(done)

    calls = [clinic.party.asked[charge] for charge in await clinic.charges_of(done)]
    assert all(1 <= count <= 2 for count in calls)
    if step in REPEATS_A_CALL:
        assert 2 in calls
    assert len(clinic.party.asked) == await clinic.count("SELECT count(*) FROM charges")

    async def rests() -> None:
        _, answer = await successor.ask("/health/rest")
        assert answer["at_rest"], answer

    await eventually(rests)


@pytest.mark.real_kafka
async def test_a_replica_killed_in_mid_batch_leaves_its_patients_to_the_other(
    clinic: Clinic,
) -> None:
    first, second = await running(clinic), clinic.start()
    await second.until_ready()
    await eventually(first.until_ready)
    await first.arm("written, not committed", passage=2)
    done = infusions(160)
    for part in range(0, 160, 20):
        await clinic.complete_infusions(done[part : part + 20])
    await eventually(lambda: first.died_by_kill, within_s=15)
    await eventually(lambda: clinic.settled(done), within_s=30)
    await clinic.heard_outside(done)
    assert second.runs
    assert len(clinic.party.asked) == await clinic.count("SELECT count(*) FROM charges")
