"""What stands between services and their charges."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.charges.gates import Gate
from services.billing.rules.charges.pricing import Service
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.store.coverage import unseal
from shared.messaging import Transaction

_LOCK_SERIES = text(
    """
    SELECT FROM estimate_courses
     WHERE course_id IN (SELECT series_id FROM series_visits
                          WHERE appointment_id = ANY(:appointments))
     ORDER BY course_id FOR UPDATE
    """
).bindparams(bindparam("appointments", type_=ARRAY(PG_UUID)))

_GATES = text(
    """
    SELECT s.series_id, e.total_cents, c.charged_cents, m.margin_cents,
           o.course_id IS NOT NULL AND o.ended_at IS NULL AS goes_on, p.coverage_id, p.sealed
      FROM (SELECT i.*, (i.started_at AT TIME ZONE coalesce(v.zone, :zone))::date AS day
              FROM unnest(:appointments, :patients, :starts)
                   WITH ORDINALITY AS i (appointment_id, patient_id, started_at, n)
              LEFT JOIN visits AS v USING (appointment_id)) AS i
      LEFT JOIN series_visits AS s ON s.appointment_id = i.appointment_id
      LEFT JOIN estimate_courses AS o ON o.course_id = s.series_id
      LEFT JOIN LATERAL (
               SELECT e.total_cents
                 FROM estimates AS e JOIN estimate_documents AS d USING (estimate_id)
                 JOIN estimate_courses AS k USING (course_id)
                WHERE s.series_id IN (k.course_id, k.booked_as) AND e.expires_on >= i.day
                ORDER BY k.course_id = s.series_id DESC, e.version DESC, d.issued_at DESC
                LIMIT 1) AS e ON true
      LEFT JOIN LATERAL (
               SELECT sum(c.amount_cents) AS charged_cents
                 FROM series_visits AS v JOIN charges AS c USING (appointment_id)
                WHERE v.series_id = s.series_id AND e.total_cents IS NOT NULL) AS c ON true
      LEFT JOIN LATERAL (
               SELECT margin_cents FROM estimate_margins
                WHERE effective_from <= i.day ORDER BY effective_from DESC LIMIT 1) AS m ON true
      LEFT JOIN LATERAL (
               SELECT coverage_id, sealed FROM patient_coverages AS p
                WHERE p.patient_id = i.patient_id AND p.effective_from <= i.day
                ORDER BY effective_from DESC, recorded_at DESC, coverage_id DESC LIMIT 1) AS p
             ON true
     ORDER BY i.n
    """
).bindparams(
    bindparam("appointments", type_=ARRAY(PG_UUID)),
    bindparam("patients", type_=ARRAY(PG_UUID)),
    bindparam("starts", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("zone", CLINIC_ZONE.key, type_=TEXT),
)


async def read_gates(tx: Transaction, services: Sequence[Service]) -> list[Gate]:
    """The gate of each service, in one statement for them all, as if it came alone.

    Their series are locked before: until the commit nobody else charges one of them.
    """
    appointments: list[UUID] = [one.appointment_id for one in services]
    await tx.execute(_LOCK_SERIES, {"appointments": appointments})
    rows = await tx.execute(
        _GATES,
        {
            "appointments": appointments,
            "patients": [one.patient_id for one in services],
            "starts": [one.started_at for one in services],
        },
    )
    return [
        Gate(
            series_id=row.series_id,
            estimated_cents=row.total_cents,
            charged_cents=row.charged_cents or 0,
            margin_cents=row.margin_cents or 0,
            series_goes_on=row.goes_on,
            coverage=row.coverage_id and unseal(tx, row.coverage_id, row.sealed),
        )
        for row in rows
    ]
