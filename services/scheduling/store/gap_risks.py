"""Gaps at risk: one row from when it is raised until it is mended."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduling.store.rows import every
from services.scheduling.tables import Location, Series
from services.scheduling.tables.waitlist import GapRisk
from shared.ids import new_id
from shared.messaging import Transaction

GAP_RISKS: Table = GapRisk.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_RAISED = (GAP_RISKS.c.raised_at, GAP_RISKS.c.risk_id)


async def raise_risk(
    tx: Transaction, series: Series, after_appointment_id: UUID, breaks_at: datetime
) -> bool:
    """Keep a risk, unless it is raised already. Says whether it is new."""
    row = insert(GapRisk).values(
        risk_id=new_id(),
        series_id=series.series_id,
        patient_id=series.patient_id,
        location_id=series.location_id,
        after_appointment_id=after_appointment_id,
        breaks_at=breaks_at,
        raised_at=tx.now,
    )
    added = await tx.execute(row.on_conflict_do_nothing().returning(col(GapRisk.risk_id)))
    return added.first() is not None


async def series_lacking(tx: Transaction, location_id: UUID) -> list[UUID]:
    """The open series of a place that lack an infusion or have a long gap, with nothing raised.

    Days are UTC's and the protocol the strictest: one too many is looked at, and none too few.
    """
    rows = await tx.execute(_LACKING, {"location_id": location_id})
    return list(rows.scalars())


_LACKING = text(
    """
    SELECT s.series_id
      FROM series AS s
     CROSS JOIN LATERAL (
        SELECT count(*) AS stand, count(*) FILTER (WHERE state <> 'aborted') AS counted,
               max(gap) AS longest
          FROM (SELECT state, lead(starts_at) OVER (ORDER BY starts_at) - starts_at AS gap
                  FROM appointments
                 WHERE series_id = s.series_id
                   AND location_id = :location_id
                   AND state NOT IN ('cancelled', 'no_show', 'sent_home')) AS visits) AS a
     WHERE s.location_id = :location_id
       AND s.state = 'booked'
       AND NOT EXISTS (SELECT FROM gap_risks AS r
                        WHERE r.series_id = s.series_id AND r.cleared_at IS NULL)
       AND a.stand > 0
       AND (a.counted < s.planned_infusions + s.extra_infusions
            OR a.longest > (SELECT make_interval(days => min(p.gap_max_days)) FROM protocols AS p
                             WHERE p.visit_type = s.visit_type))
     ORDER BY s.series_id
    """
)
"""Series by series, of those that are open: a place's past is not walked over at each booking."""


async def open_risks(tx: Transaction, series_id: UUID) -> list[GapRisk]:
    rows = select(GapRisk).where(
        col(GapRisk.series_id) == series_id, col(GapRisk.cleared_at).is_(None)
    )
    return await every(tx, rows, GapRisk)


async def clear_risk(tx: Transaction, risk_id: UUID) -> None:
    await tx.execute(
        update(GapRisk).where(col(GapRisk.risk_id) == risk_id).values(cleared_at=tx.now)
    )


def risks_raised(location_id: UUID | None) -> Select[Any]:
    """The gaps at risk now, each with its place's zone, to be shown a page at a time."""
    columns: list[Any] = [GapRisk, col(Location.zone)]
    rows = (
        select(*columns)
        .join(Location, col(Location.location_id) == col(GapRisk.location_id))
        .where(col(GapRisk.cleared_at).is_(None))
    )
    return rows if location_id is None else rows.where(col(GapRisk.location_id) == location_id)
