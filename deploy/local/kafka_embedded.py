"""A Kafka broker for a machine that has none: librdkafka's in-process cluster, in its own process.

It speaks the Kafka protocol on a loopback port and keeps everything in memory, about 5 MB per
partition. It cannot hold two members of one consumer group, and has no admin API for topics and no
transactions; what needs those needs a real Kafka.

`python -m deploy.local.kafka_embedded` prints its address as one line, then obeys lines on its
standard input, answering each with one line: `topic NAME PARTITIONS`, `down`, `up`. It ends when
its input does, so it never outlives whoever started it.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import confluent_kafka

from deploy.local.processes import end_process, last_lines, start_process

BROKER = 1
_PRODUCER = 0
_REBALANCE_DELAY_MS = 50
_START_WITHIN_S = 20.0
_TOPIC_EXISTS = 36


def _library() -> ctypes.CDLL:
    """The librdkafka that the confluent-kafka wheel carries, its functions declared."""
    folder = Path(confluent_kafka.__file__).parent
    places = (folder.parent / "confluent_kafka.libs", folder / ".dylibs")
    files = [found for place in places for found in sorted(place.glob("librdkafka*"))]
    if not files:
        raise RuntimeError("the confluent-kafka wheel carries no librdkafka on this platform")
    library = ctypes.CDLL(str(files[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, answer, *arguments in (
        ("rd_kafka_conf_new", pointer),
        ("rd_kafka_new", pointer, number, pointer, text, ctypes.c_size_t),
        ("rd_kafka_mock_cluster_new", pointer, pointer, number),
        ("rd_kafka_mock_cluster_bootstraps", text, pointer),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, pointer, ctypes.c_int32),
        ("rd_kafka_mock_topic_create", number, pointer, text, number, number),
        ("rd_kafka_mock_broker_set_down", number, pointer, ctypes.c_int32),
        ("rd_kafka_mock_broker_set_up", number, pointer, ctypes.c_int32),
    ):
        function = getattr(library, str(name))
        function.restype, function.argtypes = answer, arguments
    return library


class Cluster:
    """librdkafka's cluster of one broker, in this process."""

    def __init__(self) -> None:
        self._rd: Any = _library()
        error = ctypes.create_string_buffer(512)
        client = self._rd.rd_kafka_new(_PRODUCER, self._rd.rd_kafka_conf_new(), error, len(error))
        if not client:
            raise RuntimeError(f"librdkafka: {error.value.decode()}")
        self._cluster = self._rd.rd_kafka_mock_cluster_new(client, 1)
        self._rd.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, _REBALANCE_DELAY_MS)

    @property
    def bootstrap_servers(self) -> str:
        return bytes(self._rd.rd_kafka_mock_cluster_bootstraps(self._cluster)).decode()

    def obey(self, order: str) -> str:
        """Carry out one order; the answer is `done`, or says why not."""
        match order.split():
            case ["topic", name, partitions]:
                code = self._rd.rd_kafka_mock_topic_create(
                    self._cluster, name.encode(), int(partitions), 1
                )
                code = 0 if code == _TOPIC_EXISTS else code
            case ["down"]:
                code = self._rd.rd_kafka_mock_broker_set_down(self._cluster, BROKER)
            case ["up"]:
                code = self._rd.rd_kafka_mock_broker_set_up(self._cluster, BROKER)
            case _:
                return f"not an order: {order.strip()}"
        return "done" if code == 0 else f"librdkafka error {code}"


class EmbeddedKafka:
    """The broker process. A new start is a new, empty broker at another address."""

    kind = "embedded"
    is_real = False
    can_go_away = True

    def __init__(self, folder: Path) -> None:
        self._log = folder / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = threading.Lock()
        self.bootstrap_servers = ""

    def start(self) -> None:
        """Start it. Returns when it takes connections."""
        self._process = start_process(
            [sys.executable, "-m", "deploy.local.kafka_embedded"],
            log=self._log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.bootstrap_servers = self._read_line()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_process(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    @property
    def has_died(self) -> bool:
        """Whether it ended without being asked to."""
        return self._process is not None and self._process.poll() is not None

    def take_away(self) -> None:
        """Close every connection and take no new one; what was produced stays."""
        self._order("down")

    def bring_back(self) -> None:
        self._order("up")

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make topics, name to partition count. One that is there stays as it is."""
        for name, partitions in topics.items():
            self._order(f"topic {name} {partitions}")

    async def delete_topics(self, names: Iterable[str]) -> None:
        """They stay until the broker ends: librdkafka keeps what it once made."""

    def _order(self, order: str) -> None:
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the embedded broker is not running")
        with self._one_at_a_time:
            self._process.stdin.write(order.encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read_line()
        if answer != "done":
            raise RuntimeError(f"the embedded broker: {order}: {answer}")

    def _read_line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        timer = threading.Timer(_START_WITHIN_S, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self.stop()
            raise RuntimeError(f"the embedded broker ended:\n{last_lines(self._log)}")
        return line.decode().strip()


def main() -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    cluster = Cluster()
    print(cluster.bootstrap_servers, flush=True)  # noqa: T201  # the protocol of this program
    for order in sys.stdin:
        print(cluster.obey(order), flush=True)  # noqa: T201  # as above


if __name__ == "__main__":
    main()
