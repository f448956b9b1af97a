"""A process that owns an embedded database, for tests that kill it.

Run as a script: `owner.py DATA_FOLDER SYSTEM_STATE WAIT_SECONDS`. It prints one JSON line when the
database is up, or when it could not become the owner, and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from etlplus.domain.errors import EtlError
from etlplus.store.embedded.supervisor import EmbeddedPostgres


def say(**words: object) -> None:
    """Prints a line for the test."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def main(data_folder: Path, system_state: Path, wait_seconds: float) -> None:
    """Owns the database until the input ends."""
    postgres = EmbeddedPostgres(data_folder, wait_seconds=wait_seconds, system_state=system_state)
    try:
        endpoint = await postgres.start()
    except EtlError as error:
        say(code=error.code, message=error.message)
        return
    say(
        pid=os.getpid(),
        server=postgres.pid,
        metadata=endpoint.metadata,
        warehouse=endpoint.warehouse,
        log=str(endpoint.log),
    )
    await asyncio.to_thread(sys.stdin.read)
    await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
