"""The obvious way to take Stripe's webhooks: the whole work is done before the answer.

`python -m bench.ways.work_in_request`. It verifies by Stripe's own client, claims the event by its
id, asks Stripe how the payment stands and stores that, in one transaction, then answers.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import stripe
import uvicorn
from fastapi import FastAPI, Request, Response

from bench.bare import pool

CONNECTIONS = 20

_TABLES = """
CREATE TABLE notices (event_id text PRIMARY KEY);
CREATE TABLE payments (payment_intent_id text PRIMARY KEY, status text NOT NULL);
"""
_CLAIM = "INSERT INTO notices VALUES ($1) ON CONFLICT DO NOTHING RETURNING true"
_STORE = """
INSERT INTO payments VALUES ($1, $2)
ON CONFLICT (payment_intent_id) DO UPDATE SET status = excluded.status
"""


def build(database_url: str, key: str, api_base: str, secret: str) -> FastAPI:
    client = stripe.StripeClient(
        key, http_client=stripe.HTTPXClient(), base_addresses={"api": api_base}
    ).v1

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pool(database_url, size=CONNECTIONS) as connections:
            await connections.execute(_TABLES)
            app.state.pool = connections
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health/ready")
    async def ready() -> Response:
        return Response(status_code=204)

    @app.post("/webhooks/stripe")
    async def take(request: Request) -> Response:
        raw, header = await request.body(), request.headers["stripe-signature"]
        event = stripe.Webhook.construct_event(raw, header, secret)
        async with app.state.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_CLAIM, event.id):
                intent = await client.payment_intents.retrieve_async(event.data.object["id"])
                await connection.execute(_STORE, intent.id, intent.status)
        return Response(status_code=204)

    return app


if __name__ == "__main__":
    names = ("DATABASE_URL", "STRIPE_KEY", "STRIPE_API_BASE", "SECRET")
    uvicorn.run(
        build(*(os.environ[name] for name in names)),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_config=None,
        access_log=False,
    )
