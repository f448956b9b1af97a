"""Sources that are not what the pipeline says: the job tells so, and no target is touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.v1 import connection_pb2, connection_pb2_grpc, job_pb2
from tests.live import WORKSPACE, Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers: {source}
steps:
  - {step}
sinks:
  table: {{postgres: {{connection: local, table: {name}, mode: replace}}}}
"""
CSV = 'csv: {{uri: "{file}", columns: {{id: bigint, word: text}}}}'
KEEP = 'filter: "id > 0"'


@dataclass(frozen=True)
class Case:
    """A file's bytes, how it is read, and what the job must say."""

    content: bytes | None
    code: str
    place: str
    source: str = CSV
    step: str = KEEP


def parquet(rows: int) -> bytes:
    """Return a Parquet file with the columns of the target."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": list(range(1, rows + 1)), "word": ["w"] * rows}), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


PARQUET = 'parquet: {{uri: "{file}"}}'
FAILURES = {
    "missing_file": Case(None, "SOURCE_NOT_FOUND", "numbers"),
    "empty_file": Case(b"", "SOURCE_EMPTY", "numbers", 'csv: {{uri: "{file}"}}'),
    "wrong_delimiter": Case(
        b"id;word\n1;a\n2;b\n",
        "COLUMN_UNKNOWN",
        "numbers",
        'csv: {{uri: "{file}", delimiter: ",", columns: {{id: bigint, word: text}}}}',
    ),
    "truncated_parquet": Case(parquet(1000)[:-400], "SOURCE_CORRUPT", "numbers", PARQUET),
    "damaged_parquet": Case(
        b"PAR1" + b"\xff" * 2000 + parquet(1000)[2004:], "SOURCE_CORRUPT", "numbers", PARQUET
    ),
    "csv_read_as_parquet": Case(b"id,word\n1,a\n", "SOURCE_CORRUPT", "numbers", PARQUET),
    "missing_column": Case(b"id,word\n1,a\n", "COLUMN_UNKNOWN", "filter", step='filter: "no > 0"'),
    "missing_table": Case(
        None,
        "TABLE_NOT_FOUND",
        "numbers",
        "postgres: {{connection: local, table: there_is_none}}",
    ),
    "outside_the_roots": Case(
        None, "PATH_REFUSED", "numbers", 'csv: {{uri: "/etc/passwd", names: [id, word]}}'
    ),
    "no_such_connection": Case(
        None, "CONNECTION_UNKNOWN", "nowhere", "postgres: {{connection: nowhere, table: t}}"
    ),
    "unreachable_database": Case(
        None, "CONNECTION_FAILED", "numbers", "postgres: {{connection: unreachable, table: t}}"
    ),
    "wrong_database": Case(
        None, "CONNECTION_DENIED", "numbers", "postgres: {{connection: wrong, table: t}}"
    ),
}


def make_target(live: Service, table: str) -> None:
    """Make a table with one row that nothing may touch."""
    live.query(f"create table {table} (id bigint, word text)")
    live.query(f"insert into {table} values (0, 'untouched')")


def run_case(live: Service, folder: Path, name: str, case: Case) -> job_pb2.Job:
    """Run a case's pipeline in a folder beneath the file root and return the ended job."""
    file = folder / f"{name}.data"
    if case.content is not None:
        file.write_bytes(case.content)
    source = "{" + case.source.format(file=file) + "}"
    return live.run(PIPELINE.format(name=name, source=source, step=case.step))


@pytest.fixture(scope="module")
def folder(live: Service) -> Path:
    path = live.root / "bad_sources"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def connections(live: Service) -> None:
    """Connections to a port where nothing listens, and to a database that does not exist."""
    local = connection_pb2_grpc.ConnectionServiceStub(live.channel).GetConnection(
        connection_pb2.GetConnectionRequest(name=f"{WORKSPACE}/connections/local"),
        metadata=live.metadata,
    )
    nowhere = {"host": "127.0.0.1", "port": "1", "database": "x", "user": "x", "sslmode": "disable"}
    options = {"unreachable": nowhere, "wrong": {**local.options, "database": "there_is_none"}}
    for name, values in options.items():
        connection_pb2_grpc.ConnectionServiceStub(live.channel).CreateConnection(
            connection_pb2.CreateConnectionRequest(
                parent=WORKSPACE,
                connection_id=name,
                connection=connection_pb2.Connection(kind="postgres", options=values),
            ),
            metadata=live.metadata,
        )


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("name", FAILURES)
def test_the_job_fails_and_says_where_and_what_to_do(
    live: Service, folder: Path, name: str
) -> None:
    case = FAILURES[name]
    make_target(live, name)
    job = run_case(live, folder, name, case)
    assert job.state == job_pb2.Job.STATE_FAILED
    assert job.error.code == case.code, job.error
    assert case.place in f"{job.error.place} {job.error.message}"
    assert job.error.hint
    assert not job.sinks
    assert live.query(f"select * from {name}") == [(0, "untouched")]


def test_a_file_with_a_header_alone_is_a_load_of_no_rows(live: Service, folder: Path) -> None:
    job = run_case(live, folder, "header_only", Case(b"id,word\n", "", ""))
    assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
    assert job.sinks[0].books.read == 0
    assert live.query("select count(*) from header_only") == [(0,)]


REJECTED = {
    "nul_bytes": (b"id,word\n1,a\n2,b\x00c\n3,d\n", "NUL_BYTE", 3),
    "not_utf8": (b"id,word\n1,a\n2,b\xffc\n3,d\n", "INVALID_ENCODING", 3),
    "field_of_100_mb": (
        b"id,word\n1,a\n2," + b"x" * 100_000_000 + b"\n3,d\n",
        "RECORD_TOO_LONG",
        3,
    ),
    "too_few_fields": (b"id,word\n1,a\n2\n3,d\n", "TOO_FEW_FIELDS", 3),
    "too_many_fields": (b"id,word\n1,a\n2,b,c\n3,d\n", "TOO_MANY_FIELDS", 3),
    "not_a_number": (b"id,word\n1,a\ntwo,b\n3,d\n", "CONVERSION_FAILED", 3),
    "number_too_large": (b"id,word\n1,a\n99999999999999999999,b\n3,d\n", "OUT_OF_RANGE", 3),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_bad_record_is_a_reject_and_the_others_load(
    live: Service, folder: Path, name: str
) -> None:
    content, code, line = REJECTED[name]
    job = run_case(live, folder, name, Case(content, "", ""))
    assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
    books = job.sinks[0].books
    assert (books.read, books.loaded, books.rejected) == (3, 2, 1)
    [reject] = live.rejects(job)
    assert [reason.code for reason in reject.reasons] == [code]
    assert reject.line == line
    assert reject.byte_offset == content.index(b"\n", 9) + 1
    assert reject.raw
    assert live.query(f"select id, word from {name} order by id") == [(1, "a"), (3, "d")]


def test_a_quote_that_is_never_closed_rejects_its_record(live: Service, folder: Path) -> None:
    content = b'id,word\n1,a\n2,"b\n3,d\n'
    job = run_case(live, folder, "open_quote", Case(content, "", ""))
    assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
    assert [r.reasons[0].code for r in live.rejects(job)] == ["UNTERMINATED_QUOTE"]
    assert live.query("select id from open_quote order by id") == [(1,), (3,)]


def test_more_rejects_than_the_budget_allows_fail_the_job(live: Service, folder: Path) -> None:
    make_target(live, "over_budget")
    (folder / "over_budget.data").write_bytes(b"id,word\n1,a\nx,b\ny,c\n")
    source = "{" + CSV.format(file=folder / "over_budget.data") + "}"
    text = PIPELINE.format(name="over_budget", source=source, step=KEEP)
    job = live.run(f"{text}limits: {{rejects: {{max: 1}}}}\n")
    assert job.state == job_pb2.Job.STATE_FAILED
    assert job.error.code == "REJECT_BUDGET_EXCEEDED"
    assert job.error.hint
    assert live.query("select * from over_budget") == [(0, "untouched")]
    assert len(live.rejects(job)) == 2
