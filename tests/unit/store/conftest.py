"""A PostgreSQL server for tests that need a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from etlplus.store.embedded.supervisor import EmbeddedPostgres
from tests.conformance.database import apart, enterable_folder


@pytest.fixture(scope="session")
def superuser() -> Iterator[str]:
    """The connection string of a server's superuser."""
    with enterable_folder() as folder:
        postgres = EmbeddedPostgres(folder, system_state=folder / "system")
        endpoint = apart(postgres.start())
        try:
            yield make_conninfo(endpoint.metadata, user="postgres", dbname="postgres")
        finally:
            apart(postgres.stop())


@pytest.fixture
def blank(superuser: str) -> Iterator[str]:
    """The connection string of an empty database, as its owner."""
    name = f"blank_{uuid4().hex}"
    database = sql.Identifier(name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} owner etlplus").format(database))
        yield make_conninfo(superuser, user="etlplus", dbname=name)
        connection.execute(sql.SQL("drop database {} with (force)").format(database))
