"""All stores over one PostgreSQL database."""

from __future__ import annotations

from etlplus.app.ports import Stores
from etlplus.store.arrivals import PostgresArrivals
from etlplus.store.connections import PostgresConnections
from etlplus.store.database import Database, PoolOptions
from etlplus.store.events import PostgresEvents
from etlplus.store.hints import Hints
from etlplus.store.history import PostgresHistory
from etlplus.store.hub import Hub
from etlplus.store.jobs import PostgresJobs
from etlplus.store.keys import PostgresKeys
from etlplus.store.listener import Listener
from etlplus.store.loads import PostgresLoads
from etlplus.store.pipelines import PostgresPipelines
from etlplus.store.queue import PostgresQueue
from etlplus.store.requests import PostgresRequests
from etlplus.store.schedules import PostgresSchedules
from etlplus.store.tokens import PostgresTokens
from etlplus.store.triggers import PostgresTriggers
from etlplus.store.windows import PostgresWindows


class PostgresStores:
    """Stores that share a pool and hear the hints of every process on the database.

    Attributes:
        database: The pool.
        stores: The stores, for the use cases.
    """

    def __init__(self, conninfo: str, options: PoolOptions | None = None) -> None:
        """Names the database; `open` connects. Its schema must be migrated.

        Args:
            conninfo: A connection string or URL.
            options: Limits of the pool.
        """
        hub = Hub()
        self.database = Database(conninfo, options)
        self._hints = Hints(self.database, hub)
        self.stores = Stores(
            pipelines=PostgresPipelines(self.database),
            connections=PostgresConnections(self.database),
            jobs=PostgresJobs(self.database, self._hints),
            events=PostgresEvents(self.database, self._hints),
            wakeups=hub,
            tokens=PostgresTokens(self.database),
            requests=PostgresRequests(self.database),
            loads=PostgresLoads(self.database),
            keys=PostgresKeys(self.database),
            schedules=PostgresSchedules(self.database, self._hints),
            triggers=PostgresTriggers(self.database, self._hints),
            queue=PostgresQueue(self.database, self._hints),
            history=PostgresHistory(self.database),
            windows=PostgresWindows(self.database),
            arrivals=PostgresArrivals(self.database, self._hints),
        )
        self._listener = Listener(conninfo, hub, self._hints.sender)

    async def open(self) -> None:
        """Connects.

        Raises:
            Unavailable: The database cannot be reached.
        """
        await self.database.open()
        await self._listener.start()

    async def version(self) -> str:
        """The server's version, as in `18.4`.

        Raises:
            Unavailable: The database cannot be reached.
        """
        row = await self.database.fetch_one("select current_setting('server_version') as version")
        return "" if row is None else str(row["version"]).partition(" ")[0]

    async def close(self) -> None:
        """Disconnects."""
        await self._hints.close()
        await self._listener.stop()
        await self.database.close()
