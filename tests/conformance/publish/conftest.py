"""A real warehouse for the tests of publishing, and staging tables in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.run import Books, ColumnReport, Load, StagedSink
from etlplus.store.embedded.supervisor import EmbeddedPostgres
from tests.conformance.database import apart, enterable_folder
from tests.conformance.publish.engine import Bench, bench_in

Row = tuple[object, ...]
Session = psycopg.Connection[Row]
Stage = Callable[..., StagedSink]


@pytest.fixture(scope="session")
def warehouse() -> Iterator[ResolvedConnection]:
    with enterable_folder() as folder:
        postgres = EmbeddedPostgres(folder, system_state=folder / "system")
        endpoint = apart(postgres.start())
        try:
            yield ResolvedConnection("local", "postgres", endpoint.warehouse_options)
        finally:
            apart(postgres.stop())


@pytest.fixture
def session(warehouse: ResolvedConnection) -> Iterator[Session]:
    """A connection to an empty warehouse."""
    options = dict(warehouse.options)
    options["dbname"] = options.pop("database")
    conninfo = psycopg.conninfo.make_conninfo("", **options)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS etlplus CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS mart CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE SCHEMA etlplus")
        yield connection


@pytest.fixture
def load() -> Load:
    return Load(uuid4().hex, epoch=7, job="job", pipeline="flights", version=1)


@pytest.fixture
def stage(session: Session, load: Load) -> Stage:
    """Makes a staging table with rows, as the engine does."""

    def make(
        rows: Sequence[Row],
        *,
        target: str = "public.t",
        mode: str = "append",
        keys: Sequence[str] = (),
        of: Load = load,
        sink: str = "out",
        logged: bool = False,
    ) -> StagedSink:
        table = f"etlplus.stage_{of.load_id}_{of.epoch}_{sink}_0"
        numbered = ", __seq bigint" if mode == "merge" else ""
        kind = "" if logged else "UNLOGGED"
        session.execute(f"CREATE {kind} TABLE {table} (id integer, name text{numbered})".encode())
        for number, row in enumerate(rows):
            values = (*row, number) if numbered else row
            marks = ", ".join(["%s"] * len(values))
            session.execute(f"INSERT INTO {table} VALUES ({marks})".encode(), values)
        return StagedSink(
            name=sink,
            kind="postgres",
            mode=mode,
            rows=len(rows),
            bytes=0,
            checksum="00000000000000ff",
            books=Books(read=len(rows) + 2, loaded=len(rows), rejected=2),
            connection="local",
            target=target,
            staging_tables=(table,),
            columns=(ColumnReport("id", "integer"), ColumnReport("name", "text")),
            keys=tuple(keys),
        )

    return make


@pytest.fixture
def later(load: Load) -> Load:
    """The next claim of the same load."""
    return replace(load, epoch=load.epoch + 1)


@pytest.fixture
def bench(warehouse: ResolvedConnection) -> Iterator[Bench]:
    """The engine before an empty warehouse."""
    with bench_in(warehouse) as made:
        yield made
