"""Java programs that Maven brings to machines without containers: Kafka, and veraPDF for tests.

A project in `deploy/` names in its pom what it needs; the jars lie in its `target/libs`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

JAVA_AT_LEAST = 17
_FETCH_WITHIN_S = 600.0


def missing() -> str | None:
    """What this machine lacks to run a program from Maven, or `None`."""
    if shutil.which("mvn") is None:
        return "Maven is not installed"
    return None if find_java() else f"no Java {JAVA_AT_LEAST} or later is installed"


def find_java() -> str | None:
    """The oldest Java here that is new enough; a machine may have several."""
    places = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    places += sorted(Path("/usr/lib/jvm").glob("*")) + sorted(
        Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home")
    )
    found = [str(place / "bin" / "java") for place in places]
    if on_path := shutil.which("java"):
        found.append(on_path)
    versions = {java: _version(java) for java in found if Path(java).exists()}
    fit = [java for java, version in versions.items() if version >= JAVA_AT_LEAST]
    return min(fit, key=lambda java: versions[java], default=None)


def _version(java: str) -> int:
    told = subprocess.run(  # noqa: S603  # a Java of this machine
        [java, "-version"], capture_output=True, text=True, check=False
    )
    number = told.stderr.partition('"')[2].partition('"')[0].partition(".")[0].partition("-")[0]
    return int(number) if number.isdecimal() else 0


def fetch(project: Path) -> Path:
    """The folder with a project's jars, filled by Maven on first use or when the pom changed.

    Raises `RuntimeError` with Maven's words where they cannot be brought.
    """
    target = project / "target"
    target.mkdir(exist_ok=True)
    pom = hashlib.sha256((project / "pom.xml").read_bytes()).hexdigest()
    whole = target / "libs.whole"
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists() or whole.read_text() != pom:
            shutil.rmtree(target / "libs", ignore_errors=True)
            done = subprocess.run(
                ["mvn", "-q", "-B", "-ntp", "package"],  # noqa: S607  # Maven from the path
                cwd=project,
                capture_output=True,
                text=True,
                check=False,
                timeout=_FETCH_WITHIN_S,
            )
            if done.returncode != 0:
                told = done.stdout[-2000:]
                raise RuntimeError(f"Maven could not bring what {project.name} needs:\n{told}")
            whole.write_text(pom)
    return target / "libs"
