"""A prescriber signs that a rule does not hold for a series, and why; everybody sees the list."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.overrides import Extend, OverrideAnswer, SignOverride
from services.scheduling.handlers.gap_risks import look_at_gaps
from services.scheduling.handlers.whole_plans import broken_by_prescriber
from services.scheduling.rules import overrides as rules
from services.scheduling.rules import series as series_rules
from services.scheduling.rules.series import SeriesState
from services.scheduling.store import overrides as kept
from services.scheduling.tables.overrides import Override
from shared import audit
from shared.auth import Actor
from shared.events.scheduling import VisitType
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def sign_override(
    series_id: UUID, wish: SignOverride, by: Actor, tx: Transaction
) -> OverrideAnswer | Refused:
    """Keep who lifts which rule of one series, how far and why. It holds from now on."""
    course = await store.lock_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    series = course.series
    location = await store.find_location(tx, series.location_id)
    assert location is not None, "a series has its place"
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    protocol = policy.protocol_on(series.booked_at.astimezone(ZoneInfo(location.zone)).date())
    broken = [
        *series_rules.broken_by_state(SeriesState(series.state), "have a rule lifted"),
        *(
            rules.broken_by_extension(series.infusions, wish.infusions)
            if isinstance(wish, Extend)
            else rules.broken_by_succession(protocol, wish.gap_min_days)
        ),
        *await broken_by_prescriber(
            tx, wish.clinician_id, VisitType(series.visit_type), "clinician_id"
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The override is not signed")
    override = await kept.add_override(
        tx,
        series,
        wish.reason,
        rule=wish.rule,
        infusions=wish.infusions if isinstance(wish, Extend) else None,
        gap_min_days=None if isinstance(wish, Extend) else wish.gap_min_days,
        clinician_id=wish.clinician_id,
        signed_by=by.subject,
    )
    look_at_gaps(series_id, tx)
    return _show(tx, override)


async def withdraw_override(
    override_id: UUID, by: Actor, tx: Transaction
) -> OverrideAnswer | Refused:
    """Have the rule hold again. What was booked under the override stands."""
    override = await kept.lock_override(tx, override_id)
    if override is None:
        return Refused.not_found("override", "override_id")
    broken = rules.broken_by_withdrawn(withdrawn=override.withdrawn_at is not None)
    if broken:
        return Refused.by_rules(broken, "The override is not withdrawn")
    look_at_gaps(override.series_id, tx)
    return _show(tx, await kept.withdraw_override(tx, override, by.subject))


async def list_overrides(
    series_id: UUID | None,
    patient_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[OverrideAnswer] | Refused:
    """Overrides, the earliest first. Each patient shown is in the audit log."""

    def item(row: Row[tuple[object, ...]]) -> OverrideAnswer:
        override = Override.model_validate(row, from_attributes=True)
        audit.append(
            tx,
            reader,
            action="read",
            entity="override",
            entity_id=str(override.override_id),
            patient_id=override.patient_id,
        )
        return _show(tx, override)

    rows = kept.overrides_signed(series_id, patient_id)
    return await page(tx, rows, by=kept.BY_SIGNED, asked=asked, item=item)


def _show(tx: Transaction, override: Override) -> OverrideAnswer:
    return OverrideAnswer(
        **override.model_dump(exclude={"reason"}), reason=kept.reason_of(tx, override)
    )
