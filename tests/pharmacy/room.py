"""Pharmacy's deciders with a database, and no vendor near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.pharmacy.events import on
from services.pharmacy.handlers import drafting, following, signing
from services.pharmacy.values import Evidence, Session
from services.pharmacy.work import (
    OrdersFound,
    SeriesRedeemed,
    SessionSeen,
)
from shared.events.scheduling import SeriesCompleted, SeriesStopped
from shared.messaging import Work
from shared.messaging.transaction import UnitOfWork
from tests.pharmacy.practice import Case
from tests.pharmacy.test_rules import NOW
from tests.support import people


class Room:
    """Pharmacy's deciders with a database, and no vendor near."""

    def __init__(self, unit: UnitOfWork) -> None:
        self.unit = unit

    async def rows(self, query: str, **values: object) -> Sequence[Any]:
        async with self.unit.engine.begin() as connection:
            result = await connection.execute(text(query), values)
            return result.all() if result.returns_rows else []

    async def one(self, case: Case) -> Any:
        [row] = await self.rows(
            "SELECT * FROM prescriptions WHERE series_id = :id", id=case.series_id
        )
        return row

    async def said(self, case: Case) -> list[str]:
        rows = await self.rows(
            "SELECT headers->>'ce_type' AS kind FROM outbox WHERE key = :key ORDER BY seq",
            key=str(case.patient_id),
        )
        return [row.kind.removeprefix("pharmacy.Prescription") for row in rows]

    async def waiting(self, case: Case) -> set[str]:
        rows = await self.rows(
            "SELECT kind FROM due_work WHERE key LIKE :key AND state = 'waiting'",
            key=f"%{case.prescription_id}",
        )
        return {row.kind for row in rows}

    async def draft(self, **changes: Any) -> Case:
        """A prescription that is drafted and about to be shown."""
        case = await self.begin()
        await self.redeem(case, **changes)
        if (await self.one(case)).state == "drafted":
            await self.done(case)
        return case

    async def begin(self) -> Case:
        """A prescription whose patient and prescriber are not known yet."""
        case = Case()
        async with self.unit.transaction() as tx:
            await drafting.draft_for_series(
                SeriesCompleted(
                    patient_id=case.patient_id,
                    series_id=case.series_id,
                    prescriber_id=case.prescriber_id,
                    infusions_completed=6,
                    completed_at=tx.now,
                ),
                tx,
            )
        case.prescription_id = (await self.one(case)).prescription_id
        return case

    async def stop(self, case: Case) -> None:
        async with self.unit.transaction() as tx:
            await drafting.withdraw_for_series(
                SeriesStopped(
                    patient_id=case.patient_id,
                    series_id=case.series_id,
                    infusions_completed=6,
                    stopped_at=tx.now,
                ),
                tx,
            )

    async def discard(self, work: Work) -> None:
        """A person gives parked work up."""
        async with self.unit.transaction() as tx:
            await on.discards[work.kind].decide(work, tx)

    async def done(self, case: Case) -> None:
        """What waits has been done, as workers would."""
        await self.rows("DELETE FROM due_work WHERE key LIKE :key", key=f"%{case.prescription_id}")

    async def redeem(self, case: Case, *, redemption: int = 1, **changes: Any) -> None:
        ids = {"patient_id": case.patient_id, "clinician_id": case.prescriber_id}
        series = people.series(case.series_id, **(ids | changes))
        async with self.unit.transaction() as tx:
            await drafting.write_draft(
                SeriesRedeemed(
                    prescription_id=case.prescription_id, redemption=redemption, series=series
                ),
                tx,
            )

    async def showing(self, case: Case) -> Any:
        [row] = await self.rows(
            "SELECT * FROM signings WHERE prescription_id = :id AND state <> 'superseded'",
            id=case.prescription_id,
        )
        return row

    async def see(self, signing_id: UUID, session: Session | None) -> None:
        async with self.unit.transaction() as tx:
            await signing.record_session(SessionSeen(signing_id=signing_id, session=session), tx)

    async def sign(self, case: Case, **evidence: Any) -> None:
        showing = await self.showing(case)
        await self.see(showing.signing_id, signed(showing, **evidence))

    async def find(self, case: Case, *orders: Any) -> None:
        async with self.unit.transaction() as tx:
            await following.record_orders(
                OrdersFound(prescription_id=case.prescription_id, orders=orders), tx
            )


def signed(showing: Any, **changes: Any) -> Session:
    evidence = {
        "signature_id": f"sig_{showing.signing_id}",
        "signer_dea_number": "AB1234563",
        "signed_at": NOW,
        "factors": ("knowledge", "hard_token"),
        "sha256": showing.sha256,
    } | changes
    return Session(
        session_id=f"sess_{showing.signing_id}",
        status="signed",
        url="https://vendor.example/s",
        sha256=showing.sha256,
        signature=Evidence.model_validate(evidence),
    )
