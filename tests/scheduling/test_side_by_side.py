"""Two desks book at one place at one time, in two chairs: neither waits for the other."""

from __future__ import annotations

import asyncio
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.wishes import BookSeries
from services.scheduling.handlers.series.booking import book_series
from shared.messaging.outbox import KEY_LOCKS
from tests.scheduling.conftest import Clinic, every, unit_on


async def of_another_lock(clinic: Clinic, patient_id: str) -> str:
    """A patient whose events share no lock with those of the first: keys have few locks."""
    while True:
        other = await clinic.patient()
        if crc32(other.encode()) % KEY_LOCKS != crc32(patient_id.encode()) % KEY_LOCKS:
            return other


async def test_nobody_waits_for_who_books_another_chair_of_the_place(clinic: Clinic) -> None:
    first = await clinic.patient()
    other = await of_another_lock(clinic, first)
    wish = BookSeries.model_validate(clinic.wish(first, every(3, 6)))
    beside = BookSeries.model_validate(
        clinic.wish(other, every(3, 6), chair_id=await clinic.chair())
    )
    unit = unit_on(clinic.engine, clinic.clock)
    about_to_commit, go_on = asyncio.Event(), asyncio.Event()

    async def pause(_: AsyncConnection) -> None:
        about_to_commit.set()
        await go_on.wait()

    async def book_slowly() -> None:
        async with unit.transaction() as tx:
            booked = await book_series(wish, tx)
            assert isinstance(booked, SeriesAnswer), booked
            tx.at_end(pause)

    slowly = asyncio.create_task(book_slowly())
    await about_to_commit.wait()
    async with asyncio.timeout(10), unit.transaction() as tx:
        booked = await book_series(beside, tx)
        assert isinstance(booked, SeriesAnswer), booked
    assert not slowly.done()
    go_on.set()
    await slowly
