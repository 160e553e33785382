"""What an installation keeps from run to run: ports, and keys."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.installation import Trouble
from deploy.local.installation.keys import Keys
from deploy.local.installation.ports import kept_ports
from deploy.local.processes import free_port

ROOT = Path(__file__).parents[2]
NAMES = ("billing", "pharmacy")


def test_ports_stay_what_they_were(tmp_path: Path):
    path = tmp_path / "up.ports.json"
    first = kept_ports(NAMES, path)
    assert set(first) == set(NAMES)
    assert kept_ports(NAMES, path) == first


def test_a_port_that_somebody_else_has_by_now_is_left_to_them(tmp_path: Path):
    path = tmp_path / "up.ports.json"
    first = kept_ports(NAMES, path)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", first["billing"]))
        somebody.listen()
        second = kept_ports(NAMES, path)
    assert second["billing"] != first["billing"]
    assert second["pharmacy"] == first["pharmacy"]


def test_no_two_listeners_are_given_one_port():
    drawn = [free_port() for _ in range(500)]
    assert len(set(drawn)) == len(drawn)


def test_no_listener_of_another_run_is_given_our_port():
    ours = {free_port() for _ in range(300)}
    draw = "from deploy.local.processes import free_port; print(*(free_port() for _ in range(300)))"
    drawn = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-c", draw], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert len(theirs := {int(port) for port in drawn.stdout.split()}) == 300
    assert not ours & theirs


def test_a_port_is_none_that_an_outgoing_connection_may_be_lent():
    assert all(port < 32_768 for port in (free_port() for _ in range(50)))


@pytest.mark.parametrize("found", ["", "[]", "{", json.dumps({"billing": "many"})])
def test_a_file_of_ports_that_says_nothing_of_use_is_passed_over(tmp_path: Path, found: str):
    path = tmp_path / "up.ports.json"
    path.write_text(found)
    assert len(set(kept_ports(NAMES, path).values())) == 2


def test_keys_open_what_an_earlier_run_sealed(tmp_path: Path):
    path = tmp_path / "up" / "keys.json"
    assert Keys.kept_in(path) == Keys.kept_in(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("found", ["", "[]", json.dumps({"index_key": "of an older version"})])
def test_keys_of_another_version_are_said_to_be_so(tmp_path: Path, found: str):
    path = tmp_path / "keys.json"
    path.write_text(found)
    with pytest.raises(Trouble, match="practice up --fresh"):
        Keys.kept_in(path)
