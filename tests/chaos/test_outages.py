"""Kafka or PostgreSQL goes and comes back: nobody lends a hand, nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.kafka.topics import prefixed
from deploy.local import maven
from deploy.local.ground import Kafka
from deploy.local.kafka_embedded import EmbeddedKafka
from deploy.local.kafka_maven import MavenKafka
from deploy.local.postgres import EmbeddedPostgres
from tests.chaos.clinic import Billing, Clinic, infusions
from tests.support.eventually import eventually


@pytest.fixture(scope="module")
def kafka(kafka: Kafka, ground_folder: Path) -> Iterator[Kafka]:
    """A broker that may be taken away: the run's, or one more where the run's was given."""
    if kafka.can_go_away:
        yield kafka
        return
    folder = ground_folder / "kafka-that-goes"
    folder.mkdir()
    own = EmbeddedKafka(folder) if maven.missing() else MavenKafka(folder)
    own.start()
    yield own
    own.stop()


async def says(billing: Billing, check: str, words: str) -> None:
    assert words in (await billing.troubles()).get(check, "")


@pytest.mark.takes_kafka_away
async def test_kafka_goes_and_comes_back(clinic: Clinic, kafka: Kafka) -> None:
    billing = clinic.start()
    await billing.until_ready()
    before, meanwhile, after = infusions(5), infusions(20), infusions(5)
    await clinic.complete_infusions(before)
    await eventually(lambda: clinic.settled(before), within_s=20)

    for number, infusion in enumerate(meanwhile):
        if number == 10:
            kafka.take_away()  # some of what was said is sent by now and not acknowledged
        await billing.complete(*infusion)
    await eventually(lambda: says(billing, "consumer", "coordinator"), within_s=20)
    await eventually(lambda: says(billing, "relay", "kafka"), within_s=20)
    await eventually(lambda: len(clinic.party.asked) == 25)
    billing.stop(grace_s=15)
    assert not billing.died_by_kill

    successor = clinic.start()
    await eventually(lambda: says(successor, "consumer", "kafka cannot be reached"), within_s=20)
    kafka.bring_back()
    await clinic.complete_infusions(after)
    await successor.until_ready()
    everything = before + meanwhile + after
    await eventually(lambda: clinic.settled(everything), within_s=30)
    await clinic.heard_outside(everything)
    assert len(clinic.party.asked) == len(everything)
    successor.stop()


@pytest.mark.takes_kafka_away
@pytest.mark.real_kafka
async def test_kafka_holds_every_connection_and_answers_nobody(
    clinic: Clinic, kafka: Kafka
) -> None:
    if not isinstance(kafka, MavenKafka):
        pytest.skip("only a broker that runs as a process of ours can be frozen")
    billing = clinic.start()
    await billing.until_ready()
    meanwhile = infusions(5)
    kafka.freeze()
    try:
        for infusion in meanwhile:
            await billing.complete(*infusion)
        await eventually(lambda: says(billing, "relay", "kafka"), within_s=15)
        await eventually(lambda: says(billing, "consumer", "coordinator"), within_s=25)
    finally:
        kafka.thaw()
    await eventually(lambda: clinic.settled(meanwhile), within_s=30)
    await clinic.heard_outside(meanwhile)
    await billing.until_ready()
    billing.stop()


async def test_postgres_is_restarted_and_then_loses_its_power(
    kafka: Kafka, own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    prefix = f"c{uuid4().hex[:8]}."
    await kafka.create_topics(prefixed(prefix))
    database = await own_postgres.create_database("clinic")
    clinic = await Clinic.on(database, kafka.bootstrap_servers, prefix, tmp_path)
    try:
        billing = clinic.start()
        await billing.until_ready()
        everything = infusions(10)
        await clinic.complete_infusions(everything)
        for power_cut in (False, True):
            own_postgres.stop(kill=power_cut)
            await eventually(lambda: says(billing, "database", "cannot be reached"))
            more = infusions(10)
            await clinic.complete_infusions(more)
            everything.extend(more)
            await eventually(lambda: says(billing, "consumer", "waits for database"))
            own_postgres.start()
            await clinic.engine.dispose()  # the test's own connections are as dead as the process's
            await eventually(partial(clinic.settled, everything), within_s=30)
            await billing.until_ready()
        await clinic.heard_outside(everything)
        assert len(clinic.party.asked) == len(everything)
    finally:
        await clinic.close()
        await kafka.delete_topics(prefixed(prefix))
