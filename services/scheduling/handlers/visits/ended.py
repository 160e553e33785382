"""A drip is over and what ran of it is known: it is said, and its series looked at."""

from __future__ import annotations

from services.scheduling import store
from services.scheduling.handlers.series.ending import complete_series_if_done
from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import HeldVisit
from services.scheduling.tables import Appointment
from shared.events.scheduling import InfusionAborted, InfusionCompleted
from shared.messaging import Transaction


async def say_completed(held: HeldVisit, tx: Transaction, **values: object) -> Appointment:
    """Something ran, to its end. The last infusion completes its series."""
    visit = await store.change_visit(tx, held.visit, ran=True, **values)
    tx.publish(InfusionCompleted.model_validate(visit.model_dump()))
    await _look_at_course(held, visit, tx)
    return visit


async def say_aborted(
    held: HeldVisit, reason: str, tx: Transaction, **values: object
) -> Appointment:
    """The drip did not run to its end, or not at all: the series is one infusion short."""
    visit = await store.change_visit(
        tx,
        held.visit,
        state=VisitState.ABORTED,
        abort_reason=store.seal_abort(tx, held.visit.appointment_id, reason),
        **values,
    )
    tx.publish(InfusionAborted.model_validate(visit.model_dump()))
    await _look_at_course(held, visit, tx)
    return visit


async def settle_dose(held: HeldVisit, reason: str | None, tx: Transaction, *, ran: bool) -> None:
    """What ran of a drip that is over is on record: only now is it known what it was.

    Of one in which nothing ran the series lacks an infusion, whatever the nurse had said.
    """
    visit = held.visit
    if visit.state == VisitState.ABORTED:
        visit = await store.change_visit(tx, visit, ran=ran)
        await _look_at_course(held, visit, tx)
    elif not ran:
        await say_aborted(held, reason or "Nothing ran.", tx, ran=False)
    elif visit.ran is None:
        await say_completed(held, tx)


async def _look_at_course(held: HeldVisit, visit: Appointment, tx: Transaction) -> None:
    """What becomes of the series once a drip of it has ended."""
    await complete_series_if_done(held, visit, tx)
    if held.course is not None:
        look_at_gaps(held.course.series.series_id, tx)
