"""TLS: reading and publishing reach the same servers, and refuse the same ones."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from etlplus.connectors.postgres.session import opened
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from tests.conformance.publish.certificates import Certificates
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench
from tests.conformance.publish.terminator import Terminator, terminator

READ = """\
api: etlplus/v1
name: p
sources: {rows: {postgres: {connection: local, query: select 1 as a}}}
sinks: {out: {csv: out.csv}}
"""
LOAD = """\
api: etlplus/v1
name: p
sources: {rows: {csv: {uri: rows.csv, columns: {a: bigint}}}}
sinks: {out: {postgres: {connection: local, table: t}}}
"""
PLAIN, TLS, REFUSED = "plain", "encrypted", "refused"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def fronts(
    warehouse: ResolvedConnection, certificates: Certificates
) -> Iterator[Callable[[str], Terminator]]:
    """The server behind each kind of certificate."""
    host, port = warehouse.options["host"], warehouse.options["port"]
    with ExitStack() as stack:
        made: dict[str, Terminator] = {}

        def front(kind: str) -> Terminator:
            if kind not in made:
                context = certificates.server(kind)
                made[kind] = stack.enter_context(terminator(host, port, context))
            return made[kind]

        yield front


def read(connection: ResolvedConnection, folder: Path) -> None:
    """Reads, as the engine does."""
    Bench(folder, connection).run(READ, publish=False)


def publish(connection: ResolvedConnection, folder: Path) -> None:
    """Connects, as a publisher does."""
    del folder
    with opened(connection) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


SIDES = pytest.mark.parametrize("side", [read, publish])


def through(front: Terminator, warehouse: ResolvedConnection, **more: str) -> ResolvedConnection:
    options = {**warehouse.options, "host": "localhost", "port": str(front.port), **more}
    return replace(warehouse, options=options)


CASES = [
    # the server's certificate, sslmode, the issuer that is trusted, what happens
    ("plain", "disable", "", PLAIN),
    ("plain", "prefer", "", PLAIN),
    ("plain", "", "", PLAIN),
    ("plain", "require", "", REFUSED),
    ("plain", "verify-ca", "issuer", REFUSED),
    ("plain", "verify-full", "issuer", REFUSED),
    ("good", "disable", "", PLAIN),
    ("good", "disable", "issuer", PLAIN),
    ("good", "prefer", "", TLS),
    ("good", "", "", TLS),
    ("good", "require", "", TLS),
    ("good", "require", "issuer", TLS),
    ("good", "require", "other", REFUSED),
    ("good", "verify-ca", "issuer", TLS),
    ("good", "verify-ca", "other", REFUSED),
    ("good", "verify-ca", "", REFUSED),
    ("good", "verify-full", "issuer", TLS),
    ("good", "verify-full", "other", REFUSED),
    ("good", "verify-full", "", REFUSED),
    ("chained", "verify-full", "issuer", TLS),
    ("elsewhere", "prefer", "", TLS),
    ("elsewhere", "require", "", TLS),
    ("elsewhere", "require", "issuer", TLS),
    ("elsewhere", "verify-ca", "issuer", TLS),
    ("elsewhere", "verify-full", "issuer", REFUSED),
    ("expired", "prefer", "", TLS),
    ("expired", "prefer", "issuer", TLS),
    ("expired", "require", "", TLS),
    ("expired", "require", "issuer", REFUSED),
    ("expired", "verify-ca", "issuer", REFUSED),
    ("expired", "verify-full", "issuer", REFUSED),
    ("foreign", "prefer", "issuer", TLS),
    ("foreign", "require", "", TLS),
    ("foreign", "verify-ca", "issuer", REFUSED),
    ("foreign", "verify-full", "issuer", REFUSED),
    ("itself", "require", "", TLS),
    ("itself", "verify-ca", "issuer", REFUSED),
    ("itself", "verify-full", "issuer", REFUSED),
    ("itself", "verify-ca", "itself", TLS),
    ("itself", "verify-full", "itself", TLS),
]


@SIDES
@pytest.mark.parametrize(("shown", "mode", "trusted", "expected"), CASES)
def test_a_mode_means_the_same_to_both_sides(
    warehouse: ResolvedConnection,
    certificates: Certificates,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    side: Callable[[ResolvedConnection, Path], None],
    shown: str,
    mode: str,
    trusted: str,
    expected: str,
) -> None:
    front = fronts(shown)
    roots = getattr(certificates, trusted) if trusted else ""
    connection = through(front, warehouse, sslmode=mode, sslrootcert=roots)
    before = len(front.seen)
    if expected == REFUSED:
        with pytest.raises(EtlError) as refused:
            side(connection, tmp_path)
        told(refused.value, front)
        assert len(front.seen) == before, "nothing was sent to a server that is not trusted"
        return
    side(connection, tmp_path)
    assert set(front.seen[before:]) == {expected == TLS}


def told(error: EtlError, front: Terminator) -> None:
    """The error has cause, place and next step."""
    assert error.code == "CONNECTION_DENIED"
    assert f"localhost:{front.port}: " in error.message
    assert "connection local" in (error.place or "")
    assert "sslmode" in (error.hint or ""), error.hint


@SIDES
@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("content", [None, "no certificate\n"], ids=["missing", "garbage"])
def test_issuers_that_cannot_be_read_are_an_error(
    warehouse: ResolvedConnection,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    side: Callable[[ResolvedConnection, Path], None],
    mode: str,
    content: str | None,
) -> None:
    roots = tmp_path / "roots.pem"
    if content is not None:
        roots.write_text(content)
    front = fronts("good")
    before = len(front.seen)
    with pytest.raises(EtlError) as refused:
        side(through(front, warehouse, sslmode=mode, sslrootcert=str(roots)), tmp_path)
    error = refused.value
    assert error.code == "CONNECTION_DENIED"
    assert len(front.seen) == before
    if side is publish:
        assert str(roots) in error.message
        assert error.place == "connection local, sslrootcert"
        assert error.hint


@SIDES
@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_without_a_file_the_issuers_of_the_machine_are_trusted(
    warehouse: ResolvedConnection,
    certificates: Certificates,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    side: Callable[[ResolvedConnection, Path], None],
    mode: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates.issuer)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert ssl.get_default_verify_paths().cafile == certificates.issuer
    front = fronts("good")
    before = len(front.seen)
    side(through(front, warehouse, sslmode=mode), tmp_path)
    assert set(front.seen[before:]) == {True}


@SIDES
def test_an_address_is_a_name_too(
    warehouse: ResolvedConnection,
    certificates: Certificates,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    side: Callable[[ResolvedConnection, Path], None],
) -> None:
    front = fronts("good")
    options = {"host": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": certificates.issuer}
    before = len(front.seen)
    side(through(front, warehouse, **options), tmp_path)
    assert set(front.seen[before:]) == {True}


@SIDES
@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_socket_of_this_machine_needs_no_tls(
    warehouse: ResolvedConnection,
    tmp_path: Path,
    side: Callable[[ResolvedConnection, Path], None],
    mode: str,
) -> None:
    assert warehouse.options["host"].startswith("/")
    side(replace(warehouse, options={**warehouse.options, "sslmode": mode}), tmp_path)


@SIDES
@pytest.mark.parametrize("mode", ["allow", "verify_full"])
def test_an_unknown_mode_is_named(
    warehouse: ResolvedConnection,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    side: Callable[[ResolvedConnection, Path], None],
    mode: str,
) -> None:
    with pytest.raises(EtlError) as refused:
        side(through(fronts("plain"), warehouse, sslmode=mode), tmp_path)
    assert refused.value.code == "CONNECTION_DENIED"
    assert f"sslmode is '{mode}'" in refused.value.message
    assert "verify-full" in refused.value.message
    assert "sslmode" in (refused.value.place or "")


@SIDES
def test_files_in_the_users_home_change_nothing(
    warehouse: ResolvedConnection,
    certificates: Certificates,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    side: Callable[[ResolvedConnection, Path], None],
) -> None:
    own = tmp_path / ".postgresql"
    own.mkdir()
    (own / "root.crt").write_bytes(Path(certificates.other).read_bytes())
    (own / "postgresql.crt").write_text("no certificate\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGSSLROOTCERT", certificates.other)
    front = fronts("good")
    before = len(front.seen)
    side(through(front, warehouse, sslmode="require"), tmp_path)
    assert set(front.seen[before:]) == {True}


def test_a_load_is_encrypted_from_end_to_end(
    session: Session,
    warehouse: ResolvedConnection,
    certificates: Certificates,
    fronts: Callable[[str], Terminator],
    tmp_path: Path,
) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n2\n")
    front = fronts("chained")
    before = len(front.seen)
    connection = through(front, warehouse, sslmode="verify-full", sslrootcert=certificates.issuer)
    finished = Bench(tmp_path, connection).run(LOAD)
    assert finished.published[0].books.loaded == 2
    assert session.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (2,)]
    assert len(front.seen) > before + 1, "staging and publishing connect on their own"
    assert all(front.seen[before:])
