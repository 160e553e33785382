"""`python -m tests.support.counted`: scheduling, which also says what garbage collection sees."""

from __future__ import annotations

import gc
from dataclasses import replace

from fastapi import APIRouter

from services.scheduling import app
from shared.auth import public
from shared.service import Parts, main

router = APIRouter()


@router.get("/counted", dependencies=[public("a test asks")])
async def count() -> dict[str, int]:
    """How many objects a full collection looks at, and how many it looks past."""
    return {"set_apart": gc.get_freeze_count(), "looked_at": len(gc.get_objects())}


def build() -> Parts:
    parts = app.build()
    return replace(parts, routers=[router, *parts.routers])


if __name__ == "__main__":
    main(build)
