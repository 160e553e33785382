"""Kafka and PostgreSQL in containers, where a container engine answers.

Only tests ask for them, so `testcontainers` may be absent; then no engine answers.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.kafka import topics as kafka_topics
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
_SECRET = "container-of-a-test-run"  # noqa: S105  # the container is reached from here alone
_INSIDE = 9092
_FAMILIES = {"unix": socket.AF_UNIX}


def engine_answers() -> bool:
    """Whether a container engine is there; asked for two seconds at most."""
    if importlib.util.find_spec("testcontainers") is None:
        return False
    address = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    try:
        with socket.socket(_FAMILIES.get(address.scheme, socket.AF_INET)) as engine:
            engine.settimeout(2.0)
            at = address.path if address.scheme == "unix" else (address.hostname, address.port)
            engine.connect(at)
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in engine.recv(64)
    except (OSError, TypeError):
        return False


def _container(image: str) -> Any:
    with warnings.catch_warnings():  # its own deprecations are not ours to mend
        warnings.simplefilter("ignore")
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415  # as above

        return DockerContainer(image)


class ContainerKafka:
    """Apache Kafka in a container, one node, on a port of the loopback chosen beforehand."""

    kind = "container"
    is_real = True
    can_go_away = True

    def __init__(self) -> None:
        port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self._container = _container(KAFKA_IMAGE).with_bind_ports(_INSIDE, ("127.0.0.1", port))
        for name, value in {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "LISTENERS": f"PLAINTEXT://:{_INSIDE},CONTROLLER://:9093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
            "AUTO_CREATE_TOPICS_ENABLE": "false",
        }.items():
            self._container.with_env(f"KAFKA_{name}", value)

    def start(self) -> None:
        self._container.start()
        _wait_until_open(self.bootstrap_servers)

    def stop(self) -> None:
        self._container.stop()

    def take_away(self) -> None:
        self._container.get_wrapped_container().kill()

    def bring_back(self) -> None:
        self._container.get_wrapped_container().start()
        _wait_until_open(self.bootstrap_servers)

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        await kafka_topics.create(self.bootstrap_servers, topics)

    async def delete_topics(self, names: Iterable[str]) -> None:
        await kafka_topics.delete(self.bootstrap_servers, names)


class ContainerPostgres(Postgres):
    """PostgreSQL in a container, on a port of the loopback."""

    kind = "container"

    def __init__(self) -> None:
        port = free_port()
        super().__init__(f"postgresql://postgres:{_SECRET}@127.0.0.1:{port}/postgres")
        self._container = (
            _container(POSTGRES_IMAGE)
            .with_bind_ports(5432, ("127.0.0.1", port))
            .with_env("POSTGRES_PASSWORD", _SECRET)
            .with_command("postgres -c max_connections=300 -c timezone=UTC")
        )
        self._address = f"127.0.0.1:{port}"

    def start(self) -> None:
        """The image starts a server on its socket alone before the one that listens."""
        self._container.start()
        _wait_until_open(self._address)

    def stop(self) -> None:
        self._container.stop()


def _wait_until_open(address: str, within_s: float = 60.0) -> None:
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + within_s
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=1.0) as probe:
                probe.settimeout(0.3)  # a port that the engine holds for a dead end closes at once
                try:
                    if probe.recv(1) == b"":
                        raise OSError("closed")
                except TimeoutError:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the container at {address} does not answer") from None
            time.sleep(0.1)
