"""Files that scheduling closed, as far as something stands under them."""

from __future__ import annotations

from fastapi import APIRouter

from services.billing.handlers import closed_files
from services.billing.handlers.closed_files import ClosedFileListed
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.get("/closed-files", dependencies=[allow(Role.BILLER)])
async def list_closed(desk: AtDesk, asked: AskedPage) -> Page[ClosedFileListed]:
    """Files that were merged into another, with what was agreed or paid ahead under them."""
    return await desk.read(closed_files.list_closed, asked, purpose="payment")
