"""Imports of existing patients and visits: checked first, applied by id, told row by row."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request

from services.scheduling.forms.imports import ApplyImport, ImportAnswer, OpenImport, RowProblems
from services.scheduling.handlers.imports import files
from services.scheduling.import_keys import ImportKeys
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["imports"], dependencies=[allow(Role.FRONT_DESK)])


@router.post("/imports")
async def open_import(wish: OpenImport, desk: AtDesk, request: Request) -> ImportAnswer:
    """Check a file: a dry run, after which nothing of it is on file."""
    keys: ImportKeys = request.app.state.import_keys
    return await desk.decide(files.open_import, wish, desk.actor, keys)


@router.get("/imports/{import_id}")
async def read_import(import_id: UUID, desk: AtDesk) -> ImportAnswer:
    """How many rows wait, are right, are wrong, are on file."""
    return await desk.read(files.read_import, import_id)


@router.get("/imports/{import_id}/problems")
async def list_problems(import_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[RowProblems]:
    """What is wrong, row by row, and what would be right."""
    return await desk.read(files.list_problems, import_id, asked)


@router.get("/imports/{import_id}/advice")
async def list_advice(import_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[RowProblems]:
    """What of the right rows a booking of the same would be refused for: gaps agreed elsewhere."""
    return await desk.read(files.list_advice, import_id, asked)


@router.post("/imports/{import_id}/apply")
async def apply_import(import_id: UUID, wish: ApplyImport, desk: AtDesk) -> ImportAnswer:
    """Put on file what was checked. Said twice, it happens once."""
    return await desk.decide(files.apply_import, import_id, wish)
