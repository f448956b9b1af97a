"""A queue and a worker of procrastinate, as its manual has them.

Usage: procrastinate_work.py schema|defer|work|stalled|state QUEUE TARGET [SOURCE TABLE], by the
interpreter of the rivals; QUEUE and TARGET are connection strings.
"""

from __future__ import annotations

import asyncio
import csv
import sys

import procrastinate
import psycopg

#: After which a worker that says nothing counts as dead: much less would take slow ones for dead.
_SILENCE_SECONDS = 5.0
_BEAT_SECONDS = 1.0

QUEUE, TARGET = sys.argv[2:4]
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=QUEUE))


@app.task(name="load", retry=3)  # type: ignore[untyped-decorator]
def load(source: str, table: str) -> None:
    """Load the good rows of a source in one transaction."""
    with (
        open(source, newline="") as file,  # noqa: PTH123 it is a rival's script
        psycopg.connect(TARGET) as session,
        session.cursor() as cursor,
        cursor.copy(f"copy {table} (id, word, crc) from stdin".encode()) as copy,
    ):
        for row in csv.DictReader(file):
            if row["amount"] != "none":
                copy.write_row((int(row["id"]), row["word"], row["crc"]))


async def main(command: str, *rest: str) -> None:
    """Do one thing and say what came of it."""
    async with app.open_async():
        if command == "schema":
            await app.schema_manager.apply_schema_async()
        elif command == "defer":
            print(await load.defer_async(source=rest[0], table=rest[1]))
        elif command == "work":
            print("ready", flush=True)
            await app.run_worker_async(
                update_heartbeat_interval=_BEAT_SECONDS,
                stalled_worker_timeout=_SILENCE_SECONDS,
                fetch_job_polling_interval=1.0,
            )
        elif command == "stalled":
            stalled = await app.job_manager.get_stalled_jobs(
                seconds_since_heartbeat=_SILENCE_SECONDS
            )
            for job in stalled:
                await app.job_manager.retry_job(job)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *sys.argv[4:]))
