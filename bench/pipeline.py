from __future__ import annotations

import asyncio
import sys

from sqlalchemy import MetaData

from bench import ground as g
from bench.charging import DDL
from bench.load import fill
from bench.ways import handwritten, plain, seam
from bench.ways.stage import Stage, connect

WAYS = {"seam": seam.charge, "plain": plain.charge, "handwritten": handwritten.charge}


async def one(ground, way, events):
    database = await ground.database("none", MetaData())
    connection = await connect(database.url)
    await connection.execute(DDL)
    prefix = await ground.topics()
    stage = Stage(database.url, ground.kafka.bootstrap_servers, prefix, events)
    await fill(ground.kafka.bootstrap_servers, stage.topic, events)
    took = await WAYS[way](stage)
    print(way, events, round(events / took), [
        (t, await connection.fetchval(f"SELECT count(*) FROM {t}"))
        for t in ("inbox", "charges", "attempts", "due_work", "outbox", "event_log")
    ])
    await connection.close()
    return events / took

async def main(n):
    with g.started(print) as ground:
        for _ in range(2):
            await one(ground, "seam", n)
            await one(ground, "plain", n // 20)
            await one(ground, "handwritten", n)

if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
