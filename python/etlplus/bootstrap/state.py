"""Where the service keeps its state: the embedded database, or one that an address names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from etlplus.domain.errors import Unavailable
from etlplus.settings import Settings
from etlplus.store.embedded.supervisor import EmbeddedPostgres, Endpoint, attach
from etlplus.store.migrate import migrate
from etlplus.store.stores import PostgresStores


@dataclass(frozen=True, slots=True)
class Databases:
    """How to reach the service's databases.

    Attributes:
        metadata: the service's own state, as a connection string or URL; it holds secrets.
        warehouse: options of the built-in connection `local`; None when there is none.
        embedded: whether this machine's embedded database is used.
    """

    metadata: str = field(repr=False)
    warehouse: dict[str, str] | None = field(repr=False)
    embedded: bool


class Owner(Enum):
    """Whose the embedded database is."""

    THIS = "this"  # this process starts it, or fails when another one has it
    OTHER = "other"  # another process runs it
    ANY = "any"  # another process's where one runs it, else this one's


@asynccontextmanager
async def databases(settings: Settings, owner: Owner = Owner.THIS) -> AsyncIterator[Databases]:
    """The databases, running. The embedded one is stopped at the end by whom it belongs to.

    Raises:
        Unavailable: the database cannot be started or is another process's.
    """
    if settings.database_url is not None:
        yield Databases(settings.database_url.get_secret_value(), None, embedded=False)
        return
    async with AsyncExitStack() as stack:
        yield _embedded(await _start(settings, stack, owner))


@asynccontextmanager
async def open_stores(found: Databases) -> AsyncIterator[PostgresStores]:
    """Stores over migrated state. Raises Unavailable, WrongState (MIGRATION_REFUSED)."""
    await migrate(found.metadata)
    stores = PostgresStores(found.metadata)
    await stores.open()
    try:
        yield stores
    finally:
        await stores.close()


async def _start(settings: Settings, stack: AsyncExitStack, owner: Owner) -> Endpoint:
    settings.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    if owner is Owner.OTHER:
        return attach(settings.data_dir)
    if owner is Owner.THIS:
        return await stack.enter_async_context(EmbeddedPostgres(settings.data_dir))
    try:
        postgres = EmbeddedPostgres(settings.data_dir, wait_seconds=0)
        return await stack.enter_async_context(postgres)
    except Unavailable as error:
        if error.code != "DATABASE_BUSY":
            raise
        return attach(settings.data_dir)


def _embedded(endpoint: Endpoint) -> Databases:
    return Databases(endpoint.metadata, dict(endpoint.warehouse_options), embedded=True)
