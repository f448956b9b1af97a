"""All stores over one PostgreSQL database."""

from __future__ import annotations

from etlplus.store.connections import PostgresConnections
from etlplus.store.database import Database, PoolOptions
from etlplus.store.events import PostgresEvents
from etlplus.store.hub import Hub
from etlplus.store.jobs import PostgresJobs
from etlplus.store.keys import PostgresKeys
from etlplus.store.listener import Listener
from etlplus.store.loads import PostgresLoads
from etlplus.store.pipelines import PostgresPipelines
from etlplus.store.requests import PostgresRequests
from etlplus.store.tokens import PostgresTokens


class PostgresStores:
    """Stores that share a pool and hear the hints of every process on the database."""

    def __init__(self, conninfo: str, options: PoolOptions | None = None) -> None:
        """Names the database; `open` connects. Its schema must be migrated.

        Args:
            conninfo: A connection string or URL.
            options: Limits of the pool.
        """
        self.database = Database(conninfo, options)
        self.wakeups = Hub()
        self.pipelines = PostgresPipelines(self.database)
        self.connections = PostgresConnections(self.database)
        self.jobs = PostgresJobs(self.database)
        self.events = PostgresEvents(self.database)
        self.tokens = PostgresTokens(self.database)
        self.requests = PostgresRequests(self.database)
        self.loads = PostgresLoads(self.database)
        self.keys = PostgresKeys(self.database)
        self._listener = Listener(conninfo, self.wakeups)

    async def open(self) -> None:
        """Connects.

        Raises:
            Unavailable: The database cannot be reached.
        """
        await self.database.open()
        await self._listener.start()

    async def close(self) -> None:
        """Disconnects."""
        await self._listener.stop()
        await self.database.close()
