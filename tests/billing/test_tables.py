"""The database keeps billing's promises, whoever writes; tables and migration agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from services.billing.tables import Base
from shared.db import create_engine, drift
from shared.ids import new_id

AT = "'2026-11-23T14:00Z'"


@pytest.fixture
async def engine(migrated: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(migrated.url, pool_size=2)
    yield engine
    await engine.dispose()


async def write(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def charge(charge_id: UUID, infusion_id: UUID, fee_id: UUID, state: str = "'open', NULL") -> str:
    return (
        "INSERT INTO charges (charge_id, patient_id, service, infusion_id, appointment_id, fee_id,"
        " amount_cents, tender, posted_at, state, paid_at) VALUES"
        f" ('{charge_id}', '{new_id()}', 'infusion', '{infusion_id}', '{new_id()}', '{fee_id}',"
        " 39900, 'card',"
        f" {AT}, {state})"
    )


def attempt(charge_id: UUID, card_id: UUID, state: str) -> str:
    decided = "NULL" if state == "pending" else AT
    reason = "'declined'" if state == "declined" else "NULL"
    return (
        "INSERT INTO payment_attempts (attempt_id, charge_id, card_id, amount_cents, state, reason,"
        f" created_at, decided_at) VALUES ('{new_id()}', '{charge_id}', '{card_id}', 39900,"
        f" '{state}', {reason}, {AT}, {decided})"
    )


@pytest.fixture
async def ids(engine: AsyncEngine) -> dict[str, UUID]:
    """A fee, a patient with a card, and one charge."""
    ids = {name: new_id() for name in ("fee", "patient", "setup", "card", "charge", "infusion")}
    fee, patient, setup, card = (ids[name] for name in ("fee", "patient", "setup", "card"))
    await write(
        engine,
        f"INSERT INTO fees VALUES ('{fee}', 'ketamine_mood', 39900, '2026-01-01', 1, {AT}, {AT})",
        f"INSERT INTO customers VALUES ('{patient}', 'cus_made_up', {AT})",
        f"INSERT INTO card_setups VALUES ('{setup}', '{patient}', 'saved', 'seti', NULL, {AT}, 1)",
        f"INSERT INTO cards VALUES ('{card}', '{patient}', '{setup}', 'pm_made_up', {AT}, {AT})",
        charge(ids["charge"], ids["infusion"], ids["fee"]),
    )
    return ids


async def test_the_tables_in_code_are_those_of_the_migration(engine: AsyncEngine):
    assert await drift(engine, Base.metadata) == []


async def test_an_infusion_has_one_charge(engine: AsyncEngine, ids: dict[str, UUID]):
    with pytest.raises(DBAPIError, match="uq_charges_infusion_id"):
        await write(engine, charge(new_id(), ids["infusion"], ids["fee"]))


async def test_a_charge_has_one_try_under_way(engine: AsyncEngine, ids: dict[str, UUID]):
    await write(engine, attempt(ids["charge"], ids["card"], "declined"))
    await write(engine, attempt(ids["charge"], ids["card"], "declined"))
    await write(engine, attempt(ids["charge"], ids["card"], "pending"))
    with pytest.raises(DBAPIError, match="uq_payment_attempts_under_way"):
        await write(engine, attempt(ids["charge"], ids["card"], "pending"))


@pytest.mark.parametrize(
    ("sums", "state"),
    [
        ("paid_cents = 39901", "paid"),
        ("paid_cents = 20000, forgiven_cents = 20000", "paid"),
        ("paid_cents = -1", "open"),
        ("paid_cents = 39900", "open"),
        ("paid_cents = 39900", "closed"),
        ("paid_cents = 10000", "open"),
        ("paid_cents = 10000", "paid"),
        ("forgiven_cents = 39900", "paid"),
        ("forgiven_cents = 10000", "partly_paid"),
    ],
)
async def test_no_more_is_taken_for_a_charge_than_it_costs_and_its_state_is_what_its_sums_say(
    engine: AsyncEngine, ids: dict[str, UUID], sums: str, state: str
):
    paid_at = AT if state == "paid" else "NULL"
    with pytest.raises(DBAPIError, match=r"ck_charges_(sums|standing)"):
        await write(engine, f"UPDATE charges SET {sums}, state = '{state}', paid_at = {paid_at}")


@pytest.mark.parametrize("state", ["'paid', NULL", f"'open', {AT}", "'owed', NULL"])
async def test_a_charge_says_when_it_was_paid_if_and_only_if_it_was(
    engine: AsyncEngine, ids: dict[str, UUID], state: str
):
    with pytest.raises(DBAPIError, match="ck_charges"):
        await write(engine, charge(new_id(), new_id(), ids["fee"], state))


async def test_a_fee_is_not_less_than_nothing(engine: AsyncEngine):
    with pytest.raises(DBAPIError, match="ck_fees_amount"):
        await write(
            engine,
            "INSERT INTO fees VALUES"
            f" ('{new_id()}', 'ketamine_mood', -1, '2026-01-01', 1, {AT}, {AT})",
        )
