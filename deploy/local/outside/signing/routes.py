"""The vendor's addresses under `/signing/v1`.

The practice opens and reads sessions with its API key. Signing and declining take no key: there
the prescriber acts, in person, and two factors say so.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.local.outside.signing.sessions import Session, SessionForm, Status
from deploy.local.outside.world import TheWorld, World, same


def _with_key(world: TheWorld, x_api_key: Annotated[str, Header()] = "") -> World:
    if not same(x_api_key, world.settings.signing_key):
        raise HTTPException(401, "x-api-key is missing or wrong")
    return world


Customer = Annotated[World, Depends(_with_key)]
router = APIRouter(prefix="/signing/v1/sessions")


class Factors(BaseModel):
    """Something the prescriber knows, and the code of a token apart from the workstation."""

    model_config = ConfigDict(extra="forbid")

    knowledge: Annotated[str, Field(min_length=1, max_length=128)]
    token_code: Annotated[str, Field(min_length=1, max_length=16)]


def find_session(world: World, session_id: str) -> Session:
    session = world.signing.sessions.get(session_id)
    if session is None:
        raise HTTPException(404, f"no session {session_id}")
    return session


def check_factors(world: World, session: Session, factors: Factors) -> None:
    settings = world.settings
    knows = same(factors.knowledge, settings.signing_knowledge)
    holds = same(factors.token_code, settings.signing_token_code)
    if not (knows and holds):
        session.wrong_tries += 1
        raise HTTPException(403, "the two factors do not match the prescriber's")
    if session.status is not Status.OPEN:
        raise HTTPException(409, f"this session is already {session.status}")


@router.post("")
async def open_session(world: Customer, form: SessionForm, response: Response) -> dict[str, Any]:
    """201 for a new session, 200 for the same again, 409 for other content under its reference."""
    known = world.signing.by_reference(form.reference)
    if known is None:
        response.status_code = 201
        return world.signing.open(form).shown()
    if known.prescription != form.prescription:
        raise HTTPException(409, "this reference stands for a prescription with other content")
    return known.shown()


@router.get("")
async def find_sessions(
    world: Customer, reference: Annotated[str, Query(min_length=1, max_length=64)]
) -> dict[str, Any]:
    found = world.signing.by_reference(reference)
    return {"sessions": [found.shown()] if found else []}


@router.get("/{session_id}")
async def read_session(world: Customer, session_id: str) -> dict[str, Any]:
    return find_session(world, session_id).shown()


@router.post("/{session_id}/sign")
async def sign(world: TheWorld, session_id: str, factors: Factors) -> dict[str, Any]:
    session = find_session(world, session_id)
    check_factors(world, session, factors)
    world.signing.sign(session)
    return session.shown()


@router.post("/{session_id}/decline")
async def decline(world: TheWorld, session_id: str, factors: Factors) -> dict[str, Any]:
    session = find_session(world, session_id)
    check_factors(world, session, factors)
    world.signing.decline(session)
    return session.shown()
