"""An app on a real port, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.support.eventually import eventually


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve `app` on the loopback; yields its address.

    Only of a socket that names its protocol does asyncio turn Nagle's algorithm off, as it does for
    a port that uvicorn opens: else each answer waits 40 ms for the client's acknowledgement.
    """
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started, every_s=0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
