"""PostgreSQL: publishes staged tables, alters targets, tests connections, discovers tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from etlplus.connectors.postgres.cursor import PostgresCursor
from etlplus.connectors.postgres.evolution import PostgresEvolver
from etlplus.connectors.postgres.look import PostgresConnector
from etlplus.connectors.postgres.publisher import PostgresPublisher
from etlplus.connectors.postgres.rollback import PostgresRollback

if TYPE_CHECKING:
    from etlplus.app.ports import Connector, CursorReader, Evolver, Publisher, TableRollback

__all__ = [
    "CONNECTORS",
    "CURSORS",
    "EVOLVERS",
    "PUBLISHERS",
    "ROLLBACKS",
    "PostgresConnector",
    "PostgresCursor",
    "PostgresEvolver",
    "PostgresPublisher",
    "PostgresRollback",
]

CONNECTORS: Mapping[str, Connector] = {"postgres": PostgresConnector()}
CURSORS: Mapping[str, CursorReader] = {"postgres": PostgresCursor()}
PUBLISHERS: Mapping[str, Publisher] = {"postgres": PostgresPublisher()}
ROLLBACKS: Mapping[str, TableRollback] = {"postgres": PostgresRollback()}
EVOLVERS: Mapping[str, Evolver] = {"postgres": PostgresEvolver()}
