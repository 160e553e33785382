"""Dunning: what happens next to a charge that a card refused.

What the bank said decides (docs.stripe.com/declines/card): where the same card may pay later it is
tried again on the days that the policy in force names, and never more often than the card's network
lets anybody; where it may not, the patient is asked to pay on a page. When all that is done, a
person takes over. Nothing is tried and no page is sent at night, because both send a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.billing.rules.collecting.declines import DeclineCodes
from services.billing.rules.payments.pay_links import LinkReason, link_reason
from shared.events.billing import DeclineReason

DAY_BEGINS = time(8)
"""47 CFR 64.1200(c)(1): no calls before 8 a.m. at the called party's place."""

DAY_ENDS = time(21)
"""... and none after 9 p.m."""


LATE = timedelta(days=1)
"""A try that comes this much after its day is no longer of the plan, which counts in days."""


class Case(StrEnum):
    """What a policy is about. `pay_link` is a page on which nobody paid."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    TRY_AGAIN_LATER = "try_again_later"
    NEW_CARD = "new_card"
    PAY_LINK = "pay_link"


class Step(StrEnum):
    """What comes next, as it is kept."""

    TRY_CARD = "try_card"
    SEND_LINK = "send_link"
    GIVE_UP = "give_up"


class DunningState(StrEnum):
    GOING_ON = "going_on"
    GIVEN_UP = "given_up"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Policy:
    """In force on the day: when each next try comes, or each next page.

    Tries are counted from the first refusal, pages from the end of the page before.
    """

    case: Case
    after_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A charge's dunning so far: when it began, and how many tries and pages it has had."""

    began_at: datetime
    tries: int
    links: int


@dataclass(frozen=True, slots=True)
class Next:
    """The next step, when it is taken, and why a page is sent if one is."""

    step: Step
    at: datetime
    why: LinkReason | None = None


def case_of(reason: DeclineReason, codes: DeclineCodes) -> Case:
    """The policy that a refusal falls under. A bank that gives no reason is not asked again."""
    if reason is DeclineReason.INSUFFICIENT_FUNDS:
        return Case.INSUFFICIENT_FUNDS
    if reason is DeclineReason.DECLINED and codes.advice_code == "try_again_later":
        return Case.TRY_AGAIN_LATER
    return Case.NEW_CARD


def after_decline(
    course: Course,
    reason: DeclineReason,
    codes: DeclineCodes,
    policies: Mapping[Case, Policy],
    now: datetime,
    zone: ZoneInfo,
) -> Next:
    """What follows a refusal: the next try of the policy, or a page when they are used up.

    Where the last try came late, after a hold or an outage, those after it come as much later.
    """
    policy = policies.get(case_of(reason, codes))
    days = (0, *(() if policy is None else policy.after_days))
    if course.tries + 1 < len(days):
        last, following = days[course.tries : course.tries + 2]
        late = now - course.began_at - timedelta(days=last)
        at = course.began_at + timedelta(days=following)
        if late >= LATE:
            at = now + timedelta(days=following - last)
        return Next(Step.TRY_CARD, by_day(max(at, now), zone))
    return Next(Step.SEND_LINK, now, link_reason(reason) or LinkReason.NEW_CARD_NEEDED)


def after_link(
    course: Course, policies: Mapping[Case, Policy], now: datetime, zone: ZoneInfo
) -> Next:
    """What follows a page on which nobody paid: another one, or a person."""
    policy = policies.get(Case.PAY_LINK)
    days = () if policy is None else policy.after_days
    if course.links <= len(days):
        at = now + timedelta(days=days[course.links - 1])
        return Next(Step.SEND_LINK, by_day(at, zone), LinkReason.NEW_CARD_NEEDED)
    return Next(Step.GIVE_UP, now)


def by_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The same moment, or the next morning's opening where it falls in the night of `zone`."""
    local = moment.astimezone(zone)
    if DAY_BEGINS <= local.time() < DAY_ENDS:
        return moment
    day = local.date() + timedelta(days=1 if local.time() >= DAY_ENDS else 0)
    return datetime.combine(day, DAY_BEGINS, zone).astimezone(moment.tzinfo)
