"""A real Apache Kafka, brought by Maven, for machines without containers.

KRaft, one node, Java 17. What the distribution's scripts do is done here: format the storage once,
then run the server class on the jars that `deploy/kafka/pom.xml` lays in one folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from deploy.local.processes import end_process, free_port, last_lines, start_process

PROJECT = Path(__file__).parents[1] / "kafka"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
JAVA_AT_LEAST = 17


def available() -> bool:
    """Whether this machine has Maven and a Java that Kafka 4 runs on."""
    return shutil.which("mvn") is not None and _java() is not None


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    candidates = [f"{home}/bin/java"] if home else []
    candidates += filter(None, [shutil.which("java")])
    for java in candidates:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  # a Java of this machine
        version = told.stderr.partition('"')[2].partition('"')[0].split(".")[0]
        if version.isdecimal() and int(version) >= JAVA_AT_LEAST:
            return java
    return None


def fetch() -> Path:
    """The folder with the server's jars, filled by Maven on first use."""
    libs = PROJECT / "target" / "libs"
    if not all(any(libs.glob(jar)) for jar in ("kafka_2.13-*.jar", "log4j-slf4j-impl-*.jar")):
        done = subprocess.run(
            ["mvn", "-q", "-B", "package"],  # noqa: S607  # Maven from the path
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Maven could not bring Kafka:\n{done.stdout[-2000:]}")
    return libs


class MavenKafka:
    """One broker. Stopping keeps its data; starting again serves them on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "kafka.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._libs = fetch()
        self._java = _java() or "java"
        folder.mkdir(parents=True, exist_ok=True)
        config = (PROJECT / "server.properties").read_text()
        for name, value in {
            "port": self._port,
            "controller_port": free_port(),
            "folder": folder,
        }.items():
            config = config.replace("{" + name + "}", str(value))
        (folder / "server.properties").write_text(config)

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, formatting the storage on first use. Returns when the broker takes connections."""
        config = str(self._folder / "server.properties")
        if not (self._folder / "logs").exists():
            arguments = ["format", "-t", CLUSTER_ID, "-c", config]
            done = subprocess.run(  # noqa: S603  # Kafka's own tool
                [*self._command("128m"), "kafka.tools.StorageTool", *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"Kafka's storage could not be formatted:\n{done.stderr[-2000:]}")
        self._process = start_process([*self._command("512m"), "kafka.Kafka", config], log=self._log)
        self._wait_until_open()

    def stop(self, *, kill: bool = False) -> None:
        """Stop in order, or (`kill`) like a power cut."""
        if self._process is not None:
            if kill:
                self._process.kill()
            end_process(self._process, grace_s=30.0)
            self._process = None

    def freeze(self) -> None:
        """The broker is there and answers nobody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _command(self, heap: str) -> list[str]:
        return [
            self._java,
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
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"Kafka did not start:\n{last_lines(self._log)}")
