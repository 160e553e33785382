"""Expected beside happened, line by line, and in words what is missing or too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from deploy.local.demo.expected import Expected, Message, Money
from deploy.local.demo.happened import Happened, Note
from deploy.local.demo.phrases import CHANNELS, PURPOSES, words
from shared.events.notifications import Channel
from shared.money import dollars

ON_TIME = timedelta(minutes=1)
"""How far from its moment something may be; the clock stands while the practice works."""

T = TypeVar("T")
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing about one patient, or about the practice."""

    about: str
    what: str
    expected: str
    happened: str
    wrong: tuple[str, ...] = ()


def compare(expected: Expected, happened: Happened, zone: ZoneInfo) -> list[Line]:
    """Everything about one patient."""
    name = expected.patient.name

    def line(what: str, wanted: str, found: str, wrong: Iterable[str] = ()) -> Line:
        said = tuple(wrong) or (() if wanted == found else (f"{what}: {found}, not {wanted}",))
        return Line(name, what, wanted, found, said)

    paid = _missing_and_extra(expected.card_payments, happened.stripe_paid, _same_money)
    declined = _missing_and_extra(expected.declines, happened.stripe_declined, _same_money)
    lines = [
        line("infusions completed", str(expected.infusions), str(happened.infusions)),
        line("charges", str(expected.charges), str(happened.charges)),
        line("charges left unpaid", str(expected.unpaid), str(happened.unpaid)),
        line(
            "paid at Stripe",
            _sum(expected.card_payments),
            _sum(happened.stripe_paid),
            _money_words("card payment", paid, zone),
        ),
        line(
            "declined at Stripe",
            str(len(expected.declines)),
            str(len(happened.stripe_declined)),
            _money_words("declined try", declined, zone),
        ),
        line("paid otherwise", str(len(expected.outside_payments)), str(happened.outside_paid)),
        line("estimates", _amounts(expected.estimates), _amounts(happened.estimates)),
        _superbills(name, expected, happened),
        line(
            "starts refused",
            _rules(expected.refused_starts),
            _rules(happened.refused_starts),
        ),
        line("prescriptions", _words(expected.prescriptions), _words(happened.prescriptions)),
        line("pharmacy orders", str(expected.orders), str(happened.orders)),
        *(_messages(name, channel, expected, happened, zone) for channel in Channel),
    ]
    told = {"prescriptions", "pharmacy orders"}  # that there is none is a story of its own
    return [
        one for one in lines if one.wrong or one.what in told or one.expected not in {"0", "none"}
    ]


def nothing_parked(found: Sequence[str]) -> Line:
    """Whatever goes wrong outside, nothing is left for a person to mend."""
    wrong = tuple(f"parked in {what}" for what in found)
    return Line("The practice", "waits for a person", "none", str(len(found) or "none"), wrong)


def _superbills(name: str, expected: Expected, happened: Happened) -> Line:
    wanted, found = (
        sorted(expected.superbills),
        sorted(bill.total_cents for bill in happened.superbills),
    )
    wrong = [
        f"superbill {bill.number} does not add up: lines {dollars(bill.lines_cents)}, "
        f"total {dollars(bill.total_cents)}, paid {dollars(bill.paid_cents)}, "
        f"balance {dollars(bill.balance_cents)}"
        for bill in happened.superbills
        if not bill.lines_cents == bill.total_cents == bill.paid_cents or bill.balance_cents
    ]
    if wanted != found:
        wrong.append(f"superbills: {_amounts(found)}, not {_amounts(wanted)}")
    return Line(name, "superbills", _amounts(wanted), _amounts(found), tuple(wrong))


def _messages(
    name: str, channel: Channel, expected: Expected, happened: Happened, zone: ZoneInfo
) -> Line:
    """What notifications says it sent, and what the carrier and the mail server took."""
    wanted = [message for message in expected.messages if message.channel is channel]
    said = [message for message in happened.messages if message.channel is channel]
    taken = [note for note in happened.notes if note.channel is channel]
    kind = CHANNELS[channel]
    wrong = []
    missing, extra = _missing_and_extra(wanted, said, _same_message)
    wrong += [f"{kind} missing: {_message(message, zone)}" for message in missing]
    wrong += [f"{kind} too much: {_message(message, zone)}" for message in extra]
    unheard, unasked = _missing_and_extra(wanted, taken, _same_note)
    wrong += [
        f"{kind} never arrived: {_message(message, zone)}"
        for message in unheard
        if message not in missing
    ]
    wrong += [f"{kind} arrived unasked: {_at(note.at, zone)}" for note in unasked if not extra]
    return Line(name, f"{kind}s to the patient", str(len(wanted)), str(len(taken)), tuple(wrong))


def _missing_and_extra(
    wanted: Sequence[T], found: Sequence[F], same: Callable[[T, F], bool]
) -> tuple[list[T], list[F]]:
    """What of `wanted` has no counterpart in `found`, and what of `found` nobody wanted."""
    left = list(found)
    missing = []
    for one in wanted:
        match = next((other for other in left if same(one, other)), None)
        if match is None:
            missing.append(one)
        else:
            left.remove(match)
    return missing, left


def _same_money(wanted: Money, found: Money) -> bool:
    return wanted.amount_cents == found.amount_cents and _close(wanted.at, found.at)


def _same_message(wanted: Message, found: Message) -> bool:
    return wanted.purpose is found.purpose and _close(wanted.at, found.at)


def _same_note(wanted: Message, found: Note) -> bool:
    return _close(wanted.at, found.at) and wanted.says in found.body


def _close(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= ON_TIME


def _money_words(what: str, found: tuple[list[Money], list[Money]], zone: ZoneInfo) -> list[str]:
    missing, extra = found
    return [
        f"{what} {kind}: {dollars(one.amount_cents)} at {_at(one.at, zone)}"
        for kind, several in (("missing", missing), ("too much", extra))
        for one in several
    ]


def _message(message: Message, zone: ZoneInfo) -> str:
    return f"{PURPOSES[message.purpose]}, {_at(message.at, zone)}"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %b %-d %H:%M}"


def _sum(money: Sequence[Money]) -> str:
    return _amounts([one.amount_cents for one in money])


def _amounts(cents: Sequence[int]) -> str:
    return f"{len(cents)} = {dollars(sum(cents))}" if cents else "none"


def _words(codes: Sequence[str]) -> str:
    return ", ".join(sorted(map(words, codes))) or "none"


def _rules(refused: Sequence[tuple[str, str]]) -> str:
    counted = Counter(words(rule) for _visit, rule in refused)
    return _words([f"{rule} ({count})" if count > 1 else rule for rule, count in counted.items()])
