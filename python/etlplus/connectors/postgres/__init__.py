"""PostgreSQL: publishes staged tables, tests connections, discovers tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from etlplus.connectors.postgres.look import PostgresConnector
from etlplus.connectors.postgres.publisher import PostgresPublisher
from etlplus.connectors.postgres.rollback import PostgresRollback

if TYPE_CHECKING:
    from etlplus.app.ports import Connector, Publisher, TableRollback

__all__ = [
    "CONNECTORS",
    "PUBLISHERS",
    "ROLLBACKS",
    "PostgresConnector",
    "PostgresPublisher",
    "PostgresRollback",
]

CONNECTORS: Mapping[str, Connector] = {"postgres": PostgresConnector()}
PUBLISHERS: Mapping[str, Publisher] = {"postgres": PostgresPublisher()}
ROLLBACKS: Mapping[str, TableRollback] = {"postgres": PostgresRollback()}
