"""Records that aiokafka cannot decode: a header's name that is no UTF-8.

aiokafka raises on such a record and never gets past it: Kafka hands out whole batches, so that a
fetch from any later offset meets it again. A batch on which aiokafka's reader raises is read here
once more, with what is no text in a name replaced; the seam then parks the record for its name,
and its neighbours are decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex, overload

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record._protocols import DefaultRecordProtocol
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = slice(8, 12)
"""Where a batch says how many bytes follow these."""


def mend_reader() -> None:
    """Have every consumer of this process read on where aiokafka's own reader cannot."""
    fetcher.MemoryRecords = Fetched


class Fetched:
    """aiokafka's reader of what a fetch brought, which hands out batches that can be read twice."""

    def __init__(self, raw: bytes) -> None:
        self._raw = memoryview(raw)
        self._batches = MemoryRecords(raw)
        self.size_in_bytes = self._batches.size_in_bytes
        self.has_next = self._batches.has_next

    def next_batch(self) -> Batch:
        end = _LENGTH.stop + int.from_bytes(self._raw[_LENGTH])
        raw, self._raw = self._raw[:end], self._raw[end:]
        return Batch(self._batches.next_batch(), raw)


class Batch:
    """A batch as aiokafka reads it, or with its names mended where aiokafka cannot."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[DefaultRecordProtocol]:
        try:
            yield from self._batch
        except (UnicodeDecodeError, CorruptRecordException):  # as its C and its Python reader say
            yield from _mended(self._raw)  # aiokafka passes over those that it has had already

    def __next__(self) -> DefaultRecordProtocol:
        """The way in which aiokafka looks into control batches."""
        found: DefaultRecordProtocol = next(self._batch)
        return found


def _mended(raw: memoryview) -> Iterator[DefaultRecordProtocol]:
    batch = _DefaultRecordBatchPy(raw)
    records: Iterator[DefaultRecordProtocol] = iter(batch)  # decompresses it
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001  # the names are decoded from its slices
    return records


class _Lenient(bytearray):
    """Bytes whose every slice decodes."""

    @overload
    def __getitem__(self, at: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytearray: ...
    def __getitem__(self, at: SupportsIndex | slice) -> int | bytearray:
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)
