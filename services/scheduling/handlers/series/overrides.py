"""A prescriber signs that a rule does not hold for a series, and why; everybody sees the list."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.overrides import (
    Extend,
    Hasten,
    Lengthen,
    OverrideAnswer,
    SignedAnswer,
    SignOverride,
)
from services.scheduling.handlers.series.ending import complete_if_done
from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.handlers.shown import count_not_lost, protocol_of, standing
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.series import course as series_rules
from services.scheduling.rules.series import overrides as rules
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.overrides import Signed
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits.life import COMING, GIVEN, HERE
from services.scheduling.store import Course
from services.scheduling.store import overrides as kept
from services.scheduling.tables import Series
from services.scheduling.tables.overrides import Override
from shared import audit
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def sign_override(
    series_id: UUID, wish: SignOverride, by: Actor, tx: Transaction
) -> OverrideAnswer | Refused:
    """Keep who lifts which rule of one series, how far and why. It holds from now on.

    More infusions may be signed for a completed series too, which is open again with that.
    """
    course = await store.lock_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    series = course.series
    location = await store.find_location(tx, series.location_id)
    assert location is not None, "a series has its place"
    policy = await store.policy_of(tx, series.location_id, series.visit_type)
    zone = ZoneInfo(location.zone)
    protocol = policy.protocol_at(series.booked_at, zone)
    completed = isinstance(wish, Extend) and series.state == SeriesState.COMPLETED
    state_broken = (
        await _broken_by_reopening(course, protocol, zone, tx)
        if completed
        else series_rules.broken_by_state(SeriesState(series.state), "have a rule lifted")
    )
    broken = [
        *state_broken,
        *_broken_by_wish(wish, series.infusions, protocol),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.OVERRIDE),
    ]
    if broken:
        return Refused.by_rules(broken, "The override is not signed")
    if completed:
        await store.reopen_series(tx, series_id)
    override = await kept.add_override(
        tx,
        series,
        wish.reason,
        rule=wish.rule,
        infusions=wish.infusions if isinstance(wish, Extend) else None,
        gap_min_days=wish.gap_min_days if isinstance(wish, Hasten) else None,
        gap_max_days=wish.gap_max_days if isinstance(wish, Lengthen) else None,
        clinician_id=wish.clinician_id,
        signed_by=by.subject,
    )
    look_at_gaps(series_id, tx)
    return _show(tx, override)


def _broken_by_wish(wish: SignOverride, infusions: int, protocol: InfusionProtocol) -> list[Broken]:
    """Whether what is signed lifts anything, and not too far."""
    match wish:
        case Extend():
            return rules.broken_by_extension(infusions, wish.infusions)
        case Hasten():
            return rules.broken_by_succession(protocol, wish.gap_min_days)
        case Lengthen():
            return rules.broken_by_lengthening(protocol, wish.gap_max_days)


async def _broken_by_reopening(
    course: Course, protocol: InfusionProtocol, zone: ZoneInfo, tx: Transaction
) -> list[Broken]:
    """Whether a completed series can be open again: it is the newest, and not long over."""
    last = max(visit.starts_at for visit in course.visits if visit.state in GIVEN)
    has_open = await store.has_open_series(tx, course.series.patient_id)
    days = (each.astimezone(zone).date() for each in (last, tx.now))
    return [
        *series_rules.broken_by_open_series(has_open=has_open),
        *rules.broken_by_lateness(protocol, *days),
    ]


async def withdraw_override(
    override_id: UUID, by: Actor, tx: Transaction
) -> OverrideAnswer | Refused:
    """Have the rule hold again, once nothing that is to come rests on the override.

    What was given under it was given. A series that waited for what it added is completed, if
    nothing else is to come. A treatment stands, and its start asks how near it is.
    """
    override = await kept.lock_override(tx, override_id)
    if override is None:
        return Refused.not_found("override", "override_id")
    broken = rules.broken_by_withdrawn(withdrawn=override.withdrawn_at is not None)
    if broken:
        return Refused.by_rules(broken, "The override is not withdrawn")
    if override.series_id is None:
        return _show(tx, await kept.withdraw_override(tx, override, by.subject))
    course = await store.find_course(tx, override.series_id)
    assert course is not None, "an override is of a series"
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    zone = ZoneInfo(location.zone)
    left = await kept.series_without(tx, course.series, override_id)
    broken = await _broken_by_resting(course, left, zone, tx)
    if broken:
        return Refused.by_rules(broken, "The override is not withdrawn")
    withdrawn = await kept.withdraw_override(tx, override, by.subject)
    look_at_gaps(override.series_id, tx)
    await complete_if_done(left, course.visits, zone, tx)
    return _show(tx, withdrawn)


async def _broken_by_resting(
    course: Course, left: Series, zone: ZoneInfo, tx: Transaction
) -> list[Broken]:
    """Which visits to come rest on what an override signs; `left` is the series without it."""
    to_come = [each for each in course.visits if each.state in (*COMING, *HERE)]
    broken = []
    if left.infusions < course.series.infusions:
        numbers = [each.sequence_no for each in to_come if each.sequence_no is not None]
        stand = count_not_lost(course.visits)
        broken += rules.broken_by_resting_size(left.infusions, stand, numbers)
    of = course.series
    if (left.gap_min_days, left.gap_max_days) != (of.gap_min_days, of.gap_max_days):
        policy = await store.policy_of(tx, left.location_id, left.visit_type)
        begun = {each.sequence_no or 0 for each in course.visits if each not in to_come}
        broken += rules.broken_by_resting_gaps(
            protocol_of(policy, left, zone), standing(course.visits, tx.now, zone), begun, zone
        )
    return broken


async def list_overrides(
    kind: Signed | None,
    series_id: UUID | None,
    patient_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[SignedAnswer] | Refused:
    """All that prescribers signed, the earliest first. Each patient shown is in the audit log."""

    def item(row: Row[Any]) -> SignedAnswer:
        audit.append(
            tx,
            reader,
            action="read",
            entity="override",
            entity_id=str(row.override_id),
            patient_id=row.patient_id,
        )
        why = kept.why_of(tx, row)
        shown = {**row._mapping, "reason": why["reason"], "outside": why.get("outside", [])}  # noqa: SLF001  # its public name
        return SignedAnswer.model_validate(shown)

    rows = kept.overrides_signed(kind, series_id, patient_id)
    return await page(tx, rows, by=kept.BY_SIGNED, asked=asked, item=item)


def _show(tx: Transaction, override: Override) -> OverrideAnswer:
    return OverrideAnswer(
        **override.model_dump(exclude={"reason"}), reason=kept.reason_of(tx, override)
    )
