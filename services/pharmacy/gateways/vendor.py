"""One vendor's HTTP API, and what its answers mean.

A refusal is a value. Whatever may pass (no answer, a busy vendor) is a `Retry`, a key that is not
accepted a `KeyRefused`; an answer that is not understood is a `Poison`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.pharmacy.values import Violation
from shared.errors import KeyRefused, Poison, Retry

TIME_LIMIT_S = 5.0
"""Per call. A work's 20 s (`shared.messaging`) hold the three calls of a send."""

_REFUSALS = frozenset({400, 409, 413, 422})
"""What the vendor says about the content. Other 4xx are about the key or the address."""


class Refusal(BaseModel):
    """The vendor will not take this, and asking again will not help."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: str
    violations: tuple[Violation, ...]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Wrong(Answer):
    field: str = ""
    reason: str = ""


class _Refused(Answer):
    violations: tuple[_Wrong, ...] = ()


A = TypeVar("A", bound=BaseModel)


class Vendor:
    """One vendor's HTTP API."""

    def __init__(self, name: str, base_url: str, key: str, *, setting: str) -> None:
        self._name = name
        self._setting = setting
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"x-api-key": key},
            timeout=TIME_LIMIT_S,
            trust_env=False,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """An answer about what was asked: a success or a refusal. Raises `Retry` for any other."""
        try:
            answer = await self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            raise Retry(f"{self._name}_unreachable") from error
        if answer.is_success or answer.status_code in _REFUSALS:
            return answer
        if answer.status_code in {401, 403}:
            who = f"The {self._name} vendor"
            raise KeyRefused(f"{self._name}_refuses_key", vendor=who, setting=self._setting)
        raise Retry(f"{self._name}_busy", f"status {answer.status_code}")

    def read(self, answer: httpx.Response, kind: type[A]) -> A:
        if not answer.is_success:
            raise Poison(f"{self._name}_refuses_question", f"status {answer.status_code}")
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            raise Poison(f"{self._name}_not_understood") from None

    def refusal(self, answer: httpx.Response) -> Refusal:
        """What is wrong, in the vendor's words where they can be read."""
        try:
            wrong = _Refused.model_validate_json(answer.content).violations
        except ValidationError:
            wrong = ()
        code = f"{self._name}_refused_{answer.status_code}"
        said = tuple(Violation(field=one.field, detail=one.reason) for one in wrong)
        silent = Violation(rule=code, detail=f"It gave no reason with its {answer.status_code}.")
        return Refusal(code=code, violations=said or (silent,))
