"""The topics: one per producing service. Made here and nowhere else; no broker makes its own.

`python -m deploy.kafka.topics` makes those that are missing on a real cluster and stops when one
is there with another number of partitions: the key's partition would change under its consumers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

PARTITIONS = 6
TOPICS: dict[str, int] = dict.fromkeys(
    ("scheduling", "billing", "pharmacy", "notifications"), PARTITIONS
)
"""Topic name, before the prefix, to partition count."""

KEPT_MS = 14 * 24 * 3600 * 1000
"""How long Kafka keeps a record. The inboxes remember longer; `event_log` keeps for good."""


class TopicTrouble(Exception):
    """The cluster could not be given the topics. The message says which and why."""


def prefixed(prefix: str, topics: Mapping[str, int] | None = None) -> dict[str, int]:
    """The topics under the names that they bear on the cluster."""
    return {prefix + name: count for name, count in (topics or TOPICS).items()}


async def create(
    bootstrap_servers: str, topics: Mapping[str, int], *, replication_factor: int = 1
) -> None:
    """Make the topics that are missing. Refuses one that is there with other partitions."""
    settings = {
        "retention.ms": str(KEPT_MS),
        "cleanup.policy": "delete",
        "min.insync.replicas": str(max(1, replication_factor - 1)),
    }
    wanted = [
        NewTopic(name, count, replication_factor, topic_configs=settings)
        for name, count in topics.items()
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise TopicTrouble(f"topic {name}: {for_code(code).__name__}")
        await _wait_for_leaders(admin, topics)
    finally:
        await admin.close()


async def delete(bootstrap_servers: str, topics: Iterable[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics(list(topics))
    finally:
        await admin.close()


async def _wait_for_leaders(
    admin: AIOKafkaAdminClient, topics: Mapping[str, int], within_s: float = 15.0
) -> None:
    """Return when every partition of every topic can be written to."""
    async with asyncio.timeout(within_s):
        while True:
            led = True
            for told in await admin.describe_topics(list(topics)):
                name, partitions = told["topic"], told["partitions"]
                if partitions and len(partitions) != topics[name]:
                    raise TopicTrouble(
                        f"topic {name} has {len(partitions)} partitions, not {topics[name]}"
                    )
                led &= bool(partitions) and all(part["leader"] >= 0 for part in partitions)
            if led:
                return
            await asyncio.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication-factor", type=int, default=1)
    given = parser.parse_args()
    servers = os.environ.get("PRACTICE_KAFKA_BOOTSTRAP_SERVERS")
    if not servers:
        sys.exit("PRACTICE_KAFKA_BOOTSTRAP_SERVERS: not set")
    topics = prefixed(os.environ.get("PRACTICE_TOPIC_PREFIX", ""))
    try:
        asyncio.run(create(servers, topics, replication_factor=given.replication_factor))
    except TopicTrouble as trouble:
        sys.exit(str(trouble))


if __name__ == "__main__":
    main()
