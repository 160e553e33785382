"""The database server under every test: one role per database; stopped, killed and back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import Database, EmbeddedPostgres, Postgres
from tests.support.eventually import eventually

CUT = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a client may be told, by what it has read of the server's last words when it asks."""


async def _connect(to: Database, **changed: str) -> asyncpg.Connection:
    return await asyncpg.connect(to.url.replace("+asyncpg", ""), **changed)


async def _ask(database: Database, query: str) -> object:
    connection = await _connect(database)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_service_has_a_database_that_it_owns_and_nothing_else(
    postgres: Postgres, database: Database
) -> None:
    other = await postgres.create_database("t_other_clinic")
    try:
        assert await _ask(database, "SELECT current_user") == database.name
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _connect(database, database=other.name)
    finally:
        await postgres.drop_database(other.name)


async def test_a_wrong_secret_is_refused(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _connect(database, password="a guess")


async def test_a_database_made_again_is_empty_and_one_asked_for_again_keeps_its_rows(
    postgres: Postgres,
) -> None:
    made = await postgres.create_database("t_made_again")
    try:
        await _ask(made, "CREATE TABLE visits ()")
        kept = await postgres.ensure_database("t_made_again", "another-secret")
        assert await _ask(kept, "SELECT to_regclass('visits')::text") == "visits"
        fresh = await postgres.create_database("t_made_again")
        assert await _ask(fresh, "SELECT to_regclass('visits')::text") is None
    finally:
        await postgres.drop_database("t_made_again")


@pytest.mark.parametrize("name", ['x"; DROP DATABASE y', "", "a b"])
async def test_an_odd_database_name_is_refused(postgres: Postgres, name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        await postgres.create_database(name)


def test_a_database_does_not_show_its_secret_when_printed() -> None:
    shown = repr(Database("billing", "postgresql+asyncpg://billing:hidden@/billing"))
    assert "hidden" not in shown


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "power cut"])
async def test_what_was_committed_is_there_after_the_server_comes_back(
    own_postgres: EmbeddedPostgres,
    kill: bool,  # noqa: FBT001  # pytest passes it by name
) -> None:
    database = await own_postgres.create_database("clinic")
    await _ask(database, "CREATE TABLE charges AS SELECT 39900 AS amount_cents")
    own_postgres.stop(kill=kill)
    with pytest.raises(OSError, match=r"No such file|refused"):
        await _ask(database, "SELECT 1")
    own_postgres.start()
    assert await _ask(database, "SELECT amount_cents FROM charges") == 39900


async def test_the_embedded_server_is_durable_unless_told_otherwise(
    own_postgres: EmbeddedPostgres,
) -> None:
    database = await own_postgres.create_database("clinic")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await _ask(database, f"SHOW {setting}") == "on"


async def test_the_embedded_server_listens_on_no_port(own_postgres: EmbeddedPostgres) -> None:
    database = await own_postgres.create_database("clinic")
    assert await _ask(database, "SHOW listen_addresses") == ""


async def test_the_server_ends_when_its_owner_is_killed_and_starts_again_on_the_same_data(
    ground_folder: Path,
) -> None:
    folder = ground_folder / "orphan"
    owner = subprocess.Popen(  # noqa: ASYNC220, S603  # it starts at once, and is our own
        [
            sys.executable,
            "-c",
            "import sys, pathlib, deploy.local.postgres as p\n"
            "server = p.EmbeddedPostgres(pathlib.Path(sys.argv[1])); server.start()\n"
            "print('up', flush=True); sys.stdin.read()",
            str(folder),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    with owner.stdin, owner.stdout:
        assert owner.stdout.readline() == b"up\n"
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    successor = EmbeddedPostgres(folder)
    successor.start()
    try:
        connection = await successor.connect()
        await connection.close()
    finally:
        pid_file = successor.folder / "data" / "postmaster.pid"
        pid = int(pid_file.read_text().splitlines()[0])
        successor.destroy()
    await eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert not folder.exists()


async def test_a_second_server_on_the_same_data_is_refused(
    own_postgres: EmbeddedPostgres,
) -> None:
    second = EmbeddedPostgres(own_postgres.folder)
    with pytest.raises(RuntimeError, match="another PostgreSQL"):
        second._wait_for_predecessor(within_s=0.1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
async def test_a_folder_that_the_server_cannot_reach_is_replaced_by_one_that_it_can(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "pg", durable=False)
    try:
        assert not server.folder.is_relative_to(closed)
        server.start()
    finally:
        server.destroy()
    assert not server.folder.exists()
