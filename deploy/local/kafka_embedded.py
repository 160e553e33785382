"""A Kafka broker for a machine that has none: librdkafka's in-process cluster, in its own process.

It speaks the Kafka protocol on a loopback port and keeps nothing when it ends. Its limits: one
member per consumer group, no admin API for topics (they are named at start), no transactions.
Run as `python -m deploy.local.kafka_embedded --port-file FILE --topics a:6,b:6`.
"""

from __future__ import annotations

import argparse
import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

import confluent_kafka

from deploy.local.processes import end_process, last_lines, start_process

_PRODUCER = 0
_REBALANCE_DELAY_MS = 50


def _library() -> ctypes.CDLL:
    """The librdkafka that the confluent-kafka wheel carries."""
    folder = Path(confluent_kafka.__file__).parent
    for place in (folder.parent / "confluent_kafka.libs", folder / ".dylibs"):
        for found in sorted(place.glob("librdkafka*")):
            return ctypes.CDLL(str(found))
    raise RuntimeError("the confluent-kafka wheel carries no librdkafka on this platform")


def serve(port_file: Path, topics: dict[str, int]) -> None:
    """Start the cluster, write its address to `port_file`, and stay until told to end."""
    rd = _library()
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(rd, name).restype = ctypes.c_void_p
    rd.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    error = ctypes.create_string_buffer(512)
    client = rd.rd_kafka_new(_PRODUCER, ctypes.c_void_p(rd.rd_kafka_conf_new()), error, len(error))
    if not client:
        raise RuntimeError(f"librdkafka: {error.value.decode()}")
    cluster = ctypes.c_void_p(rd.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), 1))
    rd.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, _REBALANCE_DELAY_MS)
    for topic, partitions in topics.items():
        rd.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1)
    draft = port_file.with_suffix(".new")
    draft.write_bytes(rd.rd_kafka_mock_cluster_bootstraps(cluster))
    draft.rename(port_file)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    rd.rd_kafka_mock_cluster_destroy(cluster)


class EmbeddedKafka:
    """The broker process. A new start is a new, empty broker on another port."""

    def __init__(self, folder: Path, topics: dict[str, int]) -> None:
        self._folder = folder
        self._topics = topics
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap_servers = ""

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        port_file = self._folder / "kafka.address"
        port_file.unlink(missing_ok=True)
        log = self._folder / "kafka.log"
        topics = ",".join(f"{name}:{count}" for name, count in self._topics.items())
        self._process = start_process(
            [
                sys.executable,
                "-m",
                "deploy.local.kafka_embedded",
                "--port-file",
                str(port_file),
                "--topics",
                topics,
            ],
            log=log,
        )
        deadline = time.monotonic() + 20.0
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the embedded broker did not start:\n{last_lines(log)}")
            time.sleep(0.02)
        self.bootstrap_servers = port_file.read_text()

    def stop(self) -> None:
        if self._process is not None:
            end_process(self._process)
            self._process = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--topics", required=True, help="name:partitions, separated by commas")
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    topics = dict(pair.rsplit(":", 1) for pair in given.topics.split(","))
    serve(given.port_file, {name: int(count) for name, count in topics.items()})


if __name__ == "__main__":
    main()
