"""A real Apache Kafka, brought by Maven, for machines without containers.

KRaft, one node, Java 17. What the distribution's scripts do is done here: format the storage once,
then run the server's class on the jars that `deploy/kafka/pom.xml` lays in one folder. It is for
development and tests: nothing is replicated and nothing is encrypted.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.kafka import topics as kafka_topics
from deploy.local import maven
from deploy.local.processes import end_process, free_port, last_lines, start_process

PROJECT = Path(__file__).parents[1] / "kafka"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"


class MavenKafka:
    """One broker. Stopping keeps its data; starting again serves them at the same address."""

    kind = "maven"
    is_real = True
    can_go_away = True

    def __init__(self, folder: Path) -> None:
        self._java = maven.find_java()
        self._libs = maven.fetch(PROJECT)
        self._folder = folder.absolute()
        self._log = folder / "kafka.log"
        self._config = self._folder / "server.properties"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder.mkdir(parents=True, exist_ok=True)
        places = {"port": self._port, "controller_port": free_port(), "folder": self._folder}
        text = (PROJECT / "server.properties").read_text()
        for name, value in places.items():
            text = text.replace("{" + name + "}", str(value))
        self._config.write_text(text)

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, formatting the storage on first use. Returns when the broker takes connections."""
        if self._process is not None:
            return
        if not (self._folder / "logs" / "meta.properties").exists():
            self._format()
        command = [*self._java_command("512m"), "kafka.Kafka", str(self._config)]
        self._process = start_process(command, log=self._log)
        self._wait_until_open()

    def stop(self) -> None:
        self._end(grace_s=20.0)

    def take_away(self) -> None:
        """Kill it, like a machine that lost its power. What it acknowledged stays on its disk."""
        self._end(grace_s=0.0)

    def bring_back(self) -> None:
        self.start()

    def freeze(self) -> None:
        """The broker holds every connection and answers nobody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make topics, name to partition count, and wait until they can be written to."""
        await kafka_topics.create(self.bootstrap_servers, topics)

    async def delete_topics(self, names: Iterable[str]) -> None:
        await kafka_topics.delete(self.bootstrap_servers, names)

    def _end(self, *, grace_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)  # a frozen one could not hear the next signal
            if grace_s == 0.0:
                process.kill()
            end_process(process, grace_s=grace_s)

    def _format(self) -> None:
        done = subprocess.run(  # noqa: S603  # Kafka's own tool
            [
                *self._java_command("128m"),
                *("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._config)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            told = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"Kafka's storage could not be formatted:\n{told}")

    def _java_command(self, heap: str) -> list[str]:
        return [
            self._java or "java",
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={PROJECT / 'log4j2.properties'}",
            "-cp",
            f"{self._libs}/*",
        ]

    def _wait_until_open(self, within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise RuntimeError(f"Kafka did not start:\n{last_lines(self._log)}")
