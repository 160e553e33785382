"""Stripe's official mock (github.com/stripe/stripe-mock), which knows every parameter of the API.

It keeps no state and answers with fixtures, so it cannot stand in for Stripe. It can say whether
Stripe would understand a call, and the description it comes with says what an answer holds. Built
by the Go command at a pinned version and hash. The v2 API is not in it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.local.processes import end_process, free_port, last_lines, start_process
from tests.support.openapi import OpenApi

MODULE = "github.com/stripe/stripe-mock"
VERSION = "v0.203.0"
SUM = "h1:EzW7nb/fphqcAkgVRHAaC88OaAZo6SBWSl54cflDTio="
"""It describes the API of 2026-08-26.dahlia; the client here speaks 2026-10-28.endive."""

SINCE_THEN = {b"allowed_payment_method_types": b"payment_method_types"}
"""What the client calls otherwise than the API that the mock describes."""

_BUILDS_WITHIN_S = 300
_STARTS_WITHIN_S = 30


class NotToBeHad(Exception):
    """No Go here, or the module cannot be fetched."""


def _go(*arguments: str, **environment: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise NotToBeHad("Go is not installed")
    try:
        done = subprocess.run(  # noqa: S603  # the machine's own Go, on words of ours
            [go, *arguments],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=_BUILDS_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"go {arguments[0]} took more than {_BUILDS_WITHIN_S} s") from None
    if done.returncode:
        raise NotToBeHad(done.stderr.strip().splitlines()[-1] if done.stderr else "go failed")
    return done.stdout


def build(folder: Path) -> tuple[Path, OpenApi]:
    """The program and its description of the API. `NotToBeHad` says why not."""
    module = json.loads(_go("mod", "download", "-json", f"{MODULE}@{VERSION}"))
    if module["Sum"] != SUM:
        raise AssertionError(f"{MODULE} {VERSION} has another content: {module['Sum']}")
    _go("install", f"{MODULE}@{VERSION}", GOBIN=str(folder), GOFLAGS="-buildvcs=false")
    described = Path(module["Dir"]) / "embedded" / "openapi" / "spec3.json"
    return folder / "stripe-mock", OpenApi(json.loads(described.read_text(encoding="utf-8")))


class OfficialStripe:
    """The started mock, to which granted calls are put again."""

    def __init__(self, url: str, api: OpenApi) -> None:
        self._api = api
        self._client = httpx.Client(
            base_url=url, timeout=10, trust_env=False, auth=("sk_test_123", "")
        )

    def close(self) -> None:
        self._client.close()

    def objections(self, calls: Sequence[dict[str, Any]]) -> list[str]:
        """What Stripe would not have understood, and what it would not have answered."""
        found: dict[str, None] = {}
        for call in calls:
            for objection in self._objections(call):
                found[f"{call['method']} {call['path']}: {objection}"] = None
        return list(found)

    def _objections(self, call: dict[str, Any]) -> Iterator[str]:
        schema = self._api.answer_schema(call["method"], call["path"])
        if schema is None:
            yield "there is no such address"
            return
        answer = self._client.request(
            call["method"],
            f"{call['path']}?{call['query']}",
            content=_as_then(base64.b64decode(call["body"])),
            headers={"content-type": call["content_type"]},
        )
        if answer.is_error:
            yield f"refused: {answer.json()['error']['message']}"
        yield from self._api.broken(schema, call["answer"], call["answer"]["object"])


def _as_then(body: bytes) -> bytes:
    for now, then in SINCE_THEN.items():
        body = body.replace(now, then)
    return body


@contextmanager
def started(program: Path, api: OpenApi, log: Path) -> Iterator[OfficialStripe]:
    """The mock on a free port of the loopback, ended afterwards."""
    http, https = free_port(), free_port()
    addresses = ["-http-addr", f"127.0.0.1:{http}", "-https-addr", f"127.0.0.1:{https}"]
    process = start_process([str(program), *addresses], log=log, env={})
    official = OfficialStripe(f"http://127.0.0.1:{http}", api)
    try:
        _wait(process, http, log)
        yield official
    finally:
        official.close()
        end_process(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < give_up:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"stripe-mock did not start:\n{last_lines(log)}")
