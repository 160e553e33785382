"""The units of a prepaid package: what each costs, which is used next, which go back.

What is paid ahead is owed to the patient until a visit is completed, which earns the price of one
unit. What was not used goes back at the same price, and never expires
(docs/decisions/16-prepaid-packages.md).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Unit:
    """One visit of a package that was bought. The first is number 1."""

    purchase_id: UUID
    number: int
    value_cents: int


@dataclass(frozen=True, slots=True)
class Wants:
    """Whose visit it is, and of which kind: what a unit has to be of to pay it."""

    patient_id: UUID
    visit_type: str


def unit_cents(price_cents: int, units: int, number: int) -> int:
    """The price over the count, in whole cents. The last unit has what is left over as well."""
    each, rest = divmod(price_cents, units)
    return each + rest if number == units else each


def in_turn(
    free: Iterable[tuple[Wants, Unit]], wanted: Sequence[Wants | None]
) -> list[Unit | None]:
    """The unit that pays each service: the first free one of its patient and kind, each once.

    `free` is in the order in which units are used. `None` is a service that uses none.
    """
    waiting: defaultdict[Wants, deque[Unit]] = defaultdict(deque)
    for of, unit in free:
        waiting[of].append(unit)
    return [waiting[of].popleft() if of is not None and waiting[of] else None for of in wanted]


def refundable_cents(free: Sequence[Unit]) -> tuple[int, ...]:
    """What may go back: the last unit, the last two, and so on, each at its own price."""
    return tuple(accumulate(unit.value_cents for unit in _from_the_last(free)))


def units_that_go_back(free: Sequence[Unit], amount_cents: int) -> list[Unit]:
    """The units that an amount of `refundable_cents` is for."""
    return _from_the_last(free)[: refundable_cents(free).index(amount_cents) + 1]


def _from_the_last(free: Sequence[Unit]) -> list[Unit]:
    return sorted(free, key=lambda unit: -unit.number)
