"""PostgreSQL: publishes staged tables, tests connections, discovers tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from etlplus.connectors.postgres.look import PostgresConnector
from etlplus.connectors.postgres.publisher import PostgresPublisher

if TYPE_CHECKING:
    from etlplus.app.ports import Connector, Publisher

__all__ = ["CONNECTORS", "PUBLISHERS", "PostgresConnector", "PostgresPublisher"]

CONNECTORS: Mapping[str, Connector] = {"postgres": PostgresConnector()}
PUBLISHERS: Mapping[str, Publisher] = {"postgres": PostgresPublisher()}
