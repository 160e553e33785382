"""Files that the practice uploads (`/v1/files`): the documents of a dispute's evidence."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.errors import invalid, missing
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id

router = APIRouter(prefix="/files")
_LARGEST_BYTES = 5_000_000
"""docs.stripe.com/file-upload, for dispute_evidence"""
_KINDS = {b"%PDF": "pdf", b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}


@router.post("")
async def create(books: Practice, request: Request) -> Object:
    """A PDF or a picture. `sha256` of its content is shown by `/control/state` alone."""
    async with request.form() as form:
        for name in form.keys() - {"file", "purpose"}:
            raise invalid(
                f"Received unknown parameter: {name}", param=name, code="parameter_unknown"
            )
        document, purpose = form.get("file"), form.get("purpose")
        if not isinstance(document, UploadFile):
            raise missing("file")
        if purpose != "dispute_evidence":
            raise invalid("Invalid purpose: only dispute_evidence is simulated.", param="purpose")
        content = await document.read()
        filename = document.filename
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise invalid("Evidence is a PDF, a PNG or a JPEG.", param="file")
    if len(content) > _LARGEST_BYTES:
        raise invalid("Evidence has at most 5 MB.", param="file")
    upload: Object = {
        "id": new_id("file"),
        "object": "file",
        "created": books.now(),
        "expires_at": None,
        "filename": filename,
        "links": None,
        "purpose": purpose,
        "size": len(content),
        "title": None,
        "type": kind,
        "url": None,
    }
    books.uploads[upload["id"]] = upload
    books.fingerprints[upload["id"]] = hashlib.sha256(content).hexdigest()
    return upload


@router.get("")
async def list_files(books: Practice, params: Given) -> Object:
    return listed(books.uploads, params, "/v1/files", "purpose")


@router.get("/{file_id}")
async def retrieve(books: Practice, file_id: str, params: Given) -> Object:
    return expanded(books, find(books.uploads, "file", file_id), expansions(params))
