"""Superbills: through the whole path, and typeset alone.

The whole path runs from the row of the first try at a card to the last document: payment, record
redeemed, superbill built, numbered and linted, superbill and receipt printed, both sealed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

import orjson
import typst

from bench.figures import Rate
from bench.load import infusions_completed
from bench.practice import Stage
from bench.sizes import Sizes
from services.billing.gateways.typesetting import TEMPLATES, Template, Typst
from shared.auth import Role
from shared.clock import real_now

AT_ONCE = 2

_ROUND = """
SELECT count(d.*) AS printed,
       extract(epoch FROM max(d.rendered_at) - min(a.created_at)) AS took_s,
       min(superbill_id::text) AS one
  FROM payment_attempts AS a
  LEFT JOIN superbills AS s USING (charge_id)
  LEFT JOIN superbill_documents AS d USING (superbill_id)
 WHERE a.created_at >= $1
"""


@dataclass(frozen=True, slots=True)
class Superbills:
    """Documents per second."""

    whole: Rate
    """Superbills with their receipts, from payment to print."""
    archived: Rate
    """PDF/A-3a and PDF/UA-1 with the JSON inside, two at a time."""
    one_at_a_time: Rate
    plain: Rate
    """The same template as a PDF of no standard, two at a time."""
    kb: float
    """Of one archived document."""


async def measure(
    stage: Stage, patients: Sequence[UUID], sizes: Sizes, step: Callable[[], object]
) -> Superbills:
    """The whole path, then the printing, round by round. `step` is called after each round."""
    whole: list[float] = []
    superbill_id = ""
    for _ in range(sizes.rounds):
        rate, superbill_id = await _whole(stage, patients, sizes.superbills)
        whole.append(rate)
        step()
    shown = await stage.desk.get("billing", f"/superbills/{superbill_id}", role=Role.BILLER)
    content = orjson.dumps(shown["superbill"])
    rates: tuple[list[float], list[float], list[float]] = ([], [], [])
    for _ in range(sizes.rounds):
        rates[0].append(await _print(_archived, content, sizes.superbills, AT_ONCE))
        rates[1].append(await _print(_archived, content, sizes.superbills, 1))
        rates[2].append(await _print(_plain, content, sizes.superbills, AT_ONCE))
        step()
    archived, one_at_a_time, plain = (Rate(tuple(found)) for found in rates)
    size = len(await _archived(content))
    return Superbills(Rate(tuple(whole)), archived, one_at_a_time, plain, size / 1024)


async def _whole(stage: Stage, patients: Sequence[UUID], count: int) -> tuple[float, str]:
    """Superbills per second of one round, and the id of one of them."""
    since = stage.practice.clock.now()
    events = list(infusions_completed(count, patients))
    for event in events:
        stage.records.keep(event)
    await stage.say(events)
    await stage.until_quiet()
    [found] = await stage.ask_billing(_ROUND, since)
    if found["printed"] != count:
        raise AssertionError(f"{count} infusions, and {found['printed']} superbills")
    return count / float(found["took_s"]), str(found["one"])


async def _archived(content: bytes) -> bytes:
    return await Typst().render(Template.SUPERBILL, content, issued_at=real_now())


async def _plain(content: bytes) -> bytes:
    return await asyncio.to_thread(_typeset, content)


def _typeset(content: bytes) -> bytes:
    told: dict[str, Any] = {"sys_inputs": {"content": content.decode()}, "root": TEMPLATES}
    pdf = typst.compile(
        TEMPLATES / f"{Template.SUPERBILL}.typ", format="pdf", ignore_system_fonts=True, **told
    )
    assert isinstance(pdf, bytes)
    return pdf


async def _print(
    typeset: Callable[[bytes], Any], content: bytes, count: int, at_once: int
) -> float:
    """Documents per second."""
    waiting = iter(range(count))

    async def printer() -> None:
        for _ in waiting:
            await typeset(content)

    began = perf_counter()
    await asyncio.gather(*(printer() for _ in range(at_once)))
    return count / (perf_counter() - began)
