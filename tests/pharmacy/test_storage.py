"""What the database itself holds to, and that no patient stands in it in the clear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from re import findall

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from services.pharmacy.tables import Base
from shared.db import create_engine, drift, migrate
from shared.ids import new_id
from tests.pharmacy.practice import Practice
from tests.support.people import CANARY


@pytest.fixture(scope="module")
async def migrated(module_database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(module_database.url)
    await migrate(engine, "pharmacy", Base.metadata)
    await migrate(engine, "pharmacy", Base.metadata)
    yield engine
    await engine.dispose()


async def test_the_migrated_database_and_the_tables_in_code_agree(migrated: AsyncEngine):
    assert await drift(migrated, Base.metadata) == []


async def test_the_formulary_names_a_source_for_every_figure_and_its_sums_are_right(
    migrated: AsyncEngine,
):
    async with migrated.connect() as connection:
        [item] = (await connection.execute(text("SELECT * FROM formulary"))).all()
        [partner] = (await connection.execute(text("SELECT * FROM partner_pharmacies"))).all()

    assert (item.schedule, item.refills, item.days_supply) == ("C-III", 0, 30)
    figures = {"drug", "schedule", "strength", "quantity", "days_supply", "sig", "refills"}
    assert figures <= item.sources.keys()
    assert all(item.sources.values())
    assert partner.source
    sprays, spray_ml, spray_mg = findall(r"Use (\d+) sprays \(([\d.]+) mL, (\d+) mg", item.sig)[0]
    strength_mg = Decimal(item.strength.split()[0])
    assert Decimal(spray_ml) * strength_mg == Decimal(spray_mg)
    weeks = Decimal(item.days_supply) / 7
    assert int(sprays) * Decimal(spray_ml) * 2 * weeks <= Decimal(item.quantity)
    [ingredient] = item.ingredients
    assert Decimal(ingredient["quantity"]) == strength_mg * Decimal(item.quantity)


_INSERT = """
    INSERT INTO prescriptions (prescription_id, series_id, patient_id, prescriber_id, started_at,
                               content, state, drafted_at, signed_at, sent_at, order_id)
    VALUES (gen_random_uuid(), :series_id, gen_random_uuid(), gen_random_uuid(), now(),
            '', {state}, {drafted}, {signed}, {sent}, {order_id})
"""


@pytest.mark.parametrize(
    "wrong",
    [
        {"sent": "now()", "order_id": "'ord_1'", "state": "'sent'"},
        {"signed": "now()", "drafted": "NULL"},
        {"sent": "now()", "signed": "now()"},
        {"state": "'lost'"},
        {"state": "'refused'"},
    ],
    ids=["sent unsigned", "signed undrafted", "sent without an order", "unknown", "no reason"],
)
async def test_the_database_refuses_a_life_that_cannot_be(
    migrated: AsyncEngine, wrong: dict[str, str]
):
    right = {
        "state": "'drafted'",
        "drafted": "now()",
        "signed": "NULL",
        "sent": "NULL",
        "order_id": "NULL",
    }
    async with migrated.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(
                text(_INSERT.format(**(right | wrong))), {"series_id": new_id()}
            )


async def test_a_series_has_one_prescription_whoever_writes(migrated: AsyncEngine):
    values = {"state": "'drafted'", "drafted": "now()", "signed": "NULL", "sent": "NULL"}
    statement = text(_INSERT.format(**values, order_id="NULL"))
    given = {"series_id": new_id()}
    async with migrated.connect() as connection:
        await connection.execute(statement, given)
        with pytest.raises(IntegrityError, match="uq_prescriptions_series_id"):
            await connection.execute(statement, given)


async def test_a_patient_stands_nowhere_in_the_clear(practice: Practice):
    case = await practice.sent()
    await practice.step(days=5)
    await practice.until(case, "delivered")
    await practice.until_idle()

    tables = await practice.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    kept = {
        row.table_name: str(await practice.rows(f"SELECT * FROM {row.table_name}"))
        for row in tables
    }
    metrics = (await practice.http.get(f"{practice.url}/metrics")).text
    for canary in CANARY:
        assert canary not in practice.printed()
        assert canary not in metrics
        assert [name for name, rows in kept.items() if canary in rows] == []
    assert str(case.patient_id) in kept["prescriptions"], "this test looks where it should"
