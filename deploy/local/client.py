"""The practice as its people reach it: four HTTP APIs, with a token for each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Self

import httpx

from deploy.local.installation import State
from shared.auth import Role, development_token
from shared.ids import new_id

TIME_LIMIT_S = 30.0
KEPT_S = 2.0
"""A service closes a connection that nobody used for 5 seconds, and what is sent on it meanwhile
comes to nobody: it is left alone well before."""

PAGE = 200


class Refusal(Exception):
    """A service said no. `rules` are the names of what was broken."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        violations = problem.get("violations") or []
        self.rules = tuple(str(violation.get("rule")) for violation in violations)
        told = "; ".join(str(violation.get("detail")) for violation in violations)
        super().__init__(told or str(problem.get("detail") or problem.get("title") or status))


class Practice:
    """Calls a service as somebody. Raises `Refusal` for a 4xx and `httpx.HTTPError` for a fault."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._client = httpx.AsyncClient(
            timeout=TIME_LIMIT_S,
            limits=httpx.Limits(keepalive_expiry=KEPT_S),
            trust_env=False,
        )
        self._tokens: dict[tuple[str, Role], str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def post(
        self, service: str, path: str, body: object, *, role: Role, who: str = "practice"
    ) -> dict[str, Any]:
        key = {"Idempotency-Key": str(new_id())}
        return dict(await self._ask("POST", service, path, role, who, json=body, headers=key))

    async def get(
        self, service: str, path: str, *, role: Role, who: str = "practice", **query: str
    ) -> Any:
        return await self._ask("GET", service, path, role, who, params=query)

    async def document(self, service: str, path: str, *, role: Role) -> bytes:
        answer = await self._send("GET", service, path, role, "practice")
        return answer.content

    async def items(
        self, service: str, path: str, *, role: Role, **query: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(service, path, role=role, limit=str(PAGE), **query, **cursor)
            for item in page["items"]:
                yield item
            if page.get("next_cursor") is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    async def _ask(
        self, method: str, service: str, path: str, role: Role, who: str, **more: Any
    ) -> Any:
        answer = await self._send(method, service, path, role, who, **more)
        return answer.json() if answer.content else {}

    async def _send(
        self, method: str, service: str, path: str, role: Role, who: str, **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token(who, role)}"} | more.pop("headers", {})
        url = self.state.services[service] + path
        answer = await self._client.request(method, url, headers=headers, **more)
        if answer.is_client_error:
            raise Refusal(answer.status_code, _problem(answer))
        answer.raise_for_status()
        return answer

    def _token(self, who: str, role: Role) -> str:
        if (who, role) not in self._tokens:
            self._tokens[who, role] = development_token(
                self.state.token_secret, env="development", subject=who, roles={role}
            )
        return self._tokens[who, role]


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except (ValueError, TypeError):
        return {"detail": answer.text[:200]}
