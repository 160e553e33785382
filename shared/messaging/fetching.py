"""Fetching batches, so that a partition that cannot be read stops no other and never spins.

FastStream starts its loop anew on most errors, at once, and keeps the old task; aiokafka gives no
sign of the partition that failed, and has moved past what it read of others beside it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError

log = structlog.get_logger(__name__)

Records = tuple[ConsumerRecord[Any, Any], ...]

REST_S = 2.0
"""How long a partition, or a consumer, that failed is left alone."""

CAREFUL_S = 30.0
"""How long after a failure each partition is still read by itself."""


class Fetching:
    """Reads all partitions at once; each by itself while one of them fails."""

    def __init__(
        self,
        fetch: Callable[[AIOKafkaConsumer], Awaitable[Records]],
        *,
        max_records: int,
        timeout_ms: int,
    ) -> None:
        self._fetch = fetch
        self._max_records = max_records
        self._timeout_ms = timeout_ms
        self._astray = False
        self._careful_until = 0.0
        self._rests_until: dict[TopicPartition, float] = {}
        self._failing: dict[TopicPartition | None, str] = {}

    @property
    def trouble(self) -> str | None:
        """The error with which a partition, or all of them, cannot be read."""
        return next(iter(self._failing.values()), None)

    async def next(self, consumer: AIOKafkaConsumer) -> Records:
        """The next batch; none, after a pause, where there is none to be had."""
        try:
            if self._astray:
                await _seek_to_committed(consumer)
                self._astray = False
            if monotonic() < self._careful_until:
                found = await self._one_by_one(consumer)
            else:
                self._failing.clear()  # nothing has failed for long enough
                found = await self._fetch(consumer)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001  # logged and said in `trouble`
            self._failed(None, error)
            self._astray = True
            await asyncio.sleep(REST_S)
            return ()
        self._failing.pop(None, None)
        return found

    async def _one_by_one(self, consumer: AIOKafkaConsumer) -> Records:
        assigned = list(consumer.assignment())
        for gone in self._failing.keys() - {None, *assigned}:
            del self._failing[gone]
        random.shuffle(assigned)  # so that none is always the last
        for partition in assigned:
            if monotonic() < self._rests_until.get(partition, 0.0):
                continue
            try:
                found = await consumer.getmany(
                    partition, timeout_ms=self._timeout_ms, max_records=self._max_records
                )
            except ConsumerStoppedError:
                raise
            except Exception as error:  # noqa: BLE001  # as above
                self._failed(partition, error)
                self._rests_until[partition] = monotonic() + REST_S
                continue
            if records := tuple(found.get(partition, ())):
                self._failing.pop(partition, None)
                return records
        await asyncio.sleep(self._timeout_ms / 1000)
        return ()

    def _failed(self, partition: TopicPartition | None, error: Exception) -> None:
        self._failing[partition] = type(error).__name__
        self._careful_until = monotonic() + CAREFUL_S
        log.error("records_not_fetched", error_type=type(error).__name__, exc_info=error)


async def _seek_to_committed(consumer: AIOKafkaConsumer) -> None:
    """Go back for what was read beside a failure and came to nobody.

    Everything taken is committed before the next batch is fetched. aiokafka's own way leaves a
    partition without a committed offset where it is.
    """
    for partition in consumer.assignment():
        offset = await consumer.committed(partition)
        if offset is None:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, offset)
