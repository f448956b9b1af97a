"""Random loads with columns that come and grow, deaths and rollbacks do as a slow model says."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import WrongState
from etlplus.domain.job import Job, JobState
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.jobs import Jobs
from tests.conformance.publish.test_evolution import TEXT, types

#: A row by column; a column that is not there has no value.
Row = dict[str, int | None]
#: The values of `id`, `a`, `b` and `c`; those of columns that a load lacks are not used.
Values = tuple[int, int | None, int | None, int | None]

MODES = ("append", "replace", "merge", "delete_insert")
TYPES = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
NAMES = {16: "smallint", 32: "integer", 64: "bigint"}
#: Columns with their widths in bits.
COLUMNS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([16, 32, 64]), max_size=3)
LOAD = st.tuples(
    st.sampled_from(MODES),
    COLUMNS,
    st.lists(st.tuples(st.integers(0, 4), *[st.integers(0, 9) | st.none()] * 3), max_size=4),
    st.booleans(),
)
BACK = st.integers(0, 2)


def widened(had: dict[str, int], columns: dict[str, int]) -> tuple[dict[str, int], bool]:
    """The columns after rows of these came, and whether rows were written anew for it."""
    after = {name: max(had.get(name, 0), columns.get(name, 0)) for name in [*had, *columns]}
    return after, any(after[name] != had[name] for name in had)


def loaded(old: list[Row], mode: str, rows: list[Row]) -> list[Row]:
    """The rows after a load."""
    keys = {row["id"] for row in rows}
    if mode == "replace":
        return rows
    if mode == "delete_insert":
        return [row for row in old if row["id"] not in keys] + rows
    if mode == "append":
        return old + rows
    last = {row["id"]: row for row in rows}
    present = {row["id"] for row in old}
    updated = [{**row, **last.get(row["id"], {})} for row in old]
    return updated + [row for key, row in last.items() if key not in present]


class Machine:
    """The table `t` beside its model."""

    def __init__(self, session: Session, jobs: Jobs, folder: Path) -> None:
        self._session = session
        self._jobs = jobs
        self._folder = folder
        self._columns = {"id": 16}
        self._rows: list[Row] = [{"id": 1}, {"id": 1}, {"id": 9}]
        #: Loads that stand, with the rows before each.
        self._standing: list[tuple[Job, list[Row]]] = []
        self._lost: Job | None = None

    def load(self, mode: str, columns: dict[str, int], values: list[Values], *, dies: bool) -> None:
        """Loads rows of these columns; the worker may die on the way."""
        given = {"id": 16, **columns}
        rows: list[Row] = [
            {name: row[("id", "a", "b", "c").index(name)] for name in given} for row in values
        ]
        arrays = {name: pa.array([row[name] for row in rows], TYPES[given[name]]) for name in given}
        file = f"{uuid4().hex}.parquet"
        pq.write_table(pa.table(arrays), self._folder / file)
        keys = ", keys: [id]" if mode in ("merge", "delete_insert") else ""
        text = TEXT.format(file=file, mode=mode, policy="evolve", keys=keys)
        job = self._jobs.run(text, dies=dies)
        assert job.state is JobState.SUCCEEDED, job.error
        after, rewritten = widened(self._columns, given)
        if rewritten and self._standing:
            self._lost = self._standing[-1][0]
            self._standing = []
        self._standing.append((job, self._rows))
        self._columns, self._rows = after, loaded(self._rows, mode, rows)

    def back(self, steps: int) -> None:
        """Rolls back a load that stands, with those after it."""
        if not self._standing:
            if self._lost is not None:
                with pytest.raises(WrongState, match="ROLLBACK_UNAVAILABLE"):
                    self._jobs.back(self._lost, cascade=True)
            return
        at = max(0, len(self._standing) - 1 - steps)
        job, self._rows = self._standing[at]
        self._jobs.back(job, cascade=True)
        self._standing = self._standing[:at]

    def check(self) -> None:
        """The table is as the model says."""
        found = {name: NAMES[bits] for name, bits in self._columns.items()}
        assert types(self._session) == found
        names = ", ".join(self._columns)
        seen = self._session.execute(f"SELECT {names} FROM t".encode()).fetchall()
        wanted = [tuple(row.get(name) for name in self._columns) for row in self._rows]
        assert sorted(map(str, seen)) == sorted(map(str, wanted))


@pytest.mark.parametrize("index", ["", "CREATE INDEX ON t (id)"], ids=["bare", "indexed"])
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.one_of(LOAD, LOAD, BACK), min_size=2, max_size=6))
def test_tables_follow_rows_as_the_model_says(
    session: Session,
    warehouse: ResolvedConnection,
    tmp_path: Path,
    index: str,
    actions: list[tuple[str, dict[str, int], list[Values], bool] | int],
) -> None:
    session.execute("DROP TABLE IF EXISTS t; DROP SCHEMA IF EXISTS etlplus CASCADE")
    session.execute("CREATE TABLE t (id smallint); INSERT INTO t VALUES (1), (1), (9)")
    session.execute(index.encode())
    machine = Machine(session, Jobs(tmp_path, warehouse), tmp_path)
    for action in actions:
        if isinstance(action, int):
            machine.back(action)
        else:
            mode, columns, values, dies = action
            machine.load(mode, columns, values, dies=dies)
        machine.check()
