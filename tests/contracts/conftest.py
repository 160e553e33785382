"""The golden records, read as Kafka would deliver them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from deploy.catalogue.contracts import EXAMPLES, ROOT


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden record."""

    type_name: str
    version: int
    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.type_name}-{self.version}"

    def record(self, **more: object) -> ConsumerRecord[Any, Any]:
        """The record that a consumer gets; `more` is added to the value."""
        return ConsumerRecord(
            topic=self.type_name.partition(".")[0],
            partition=0,
            offset=0,
            timestamp=0,
            timestamp_type=0,
            key=self.key.encode(),
            value=json.dumps(self.value | more).encode(),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=[(name, text.encode()) for name, text in self.headers.items()],
        )


def golden_records(root: Path = ROOT) -> Iterator[Golden]:
    for path in sorted((root / EXAMPLES).glob("*/*.json")):
        yield Golden(path.parent.name, int(path.stem), **json.loads(path.read_text()))
