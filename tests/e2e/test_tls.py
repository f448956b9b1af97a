"""A service with a certificate of a private authority, its commands and its webhooks."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.conformance.database import enterable_folder
from tests.e2e.folder import Folder
from tests.live import service

TEXT = """
api: etlplus/v1
name: safe
sources: {orders: {csv: orders.csv}}
sinks: {out: {csv: out.csv}}
"""


@dataclass
class Safe:
    """A service that speaks TLS alone, and files of authorities."""

    place: Folder
    ca: str
    other: str
    http: str


@pytest.fixture(scope="module")
def safe() -> Iterator[Safe]:
    authority, other = trustme.CA(), trustme.CA()
    with enterable_folder() as folder:
        issued = authority.issue_cert("localhost", "127.0.0.1")
        paths = {name: folder / f"{name}.pem" for name in ("ca", "other", "cert", "key")}
        authority.cert_pem.write_to_path(paths["ca"])
        other.cert_pem.write_to_path(paths["other"])
        for each in issued.cert_chain_pems:
            each.write_to_path(paths["cert"], append=True)
        issued.private_key_pem.write_to_path(paths["key"])
        chain, key = str(paths["cert"]), str(paths["key"])
        with service(folder, http_listen="127.0.0.1:0", tls_cert=chain, tls_key=key) as live:
            assert live.server.popen.stdout is not None
            address = live.server.popen.stdout.readline().split()[-1]
            place = Folder(live)
            place.write("orders.csv", "id\n1\n2\n")
            place.write("safe.yaml", TEXT)
            yield Safe(place, str(paths["ca"]), str(paths["other"]), address)


COMMANDS = [
    *(["apply", "safe.yaml"], ["list"], ["get", "safe"], ["plan", "safe"], ["preview", "safe"]),
    *(["run", "safe"], ["jobs", "list"], ["jobs", "show", "last"]),
    *(["jobs", "logs", "last"], ["conn", "list"], ["schedule", "list"], ["triggers", "list"]),
    *(["state", "show", "safe"], ["versions", "safe"], ["delete", "safe", "--yes"]),
]


def test_every_command_takes_the_authority(safe: Safe) -> None:
    for command in COMMANDS:
        done = safe.place.run(*command, "--ca", safe.ca)
        assert done.returncode == 0, (command, done.stderr)
    assert (Path(safe.place.live.root) / "out.csv").read_text() == "id\n1\n2\n"


@pytest.mark.parametrize("how", ["none", "other"])
def test_who_does_not_know_the_authority_is_told_what_to_do(safe: Safe, how: str) -> None:
    trusted = ["--ca", safe.other] if how == "other" else []
    refused = safe.place.run("list", *trusted)
    assert refused.returncode != 0
    assert "SERVER_UNREACHABLE" in refused.stderr
    if trusted:
        assert "--ca FILE" in refused.stderr


def test_a_file_of_authorities_that_is_missing_is_named(safe: Safe) -> None:
    refused = safe.place.run("list", "--ca", "nowhere.pem")
    assert refused.returncode != 0
    assert "nowhere.pem" in refused.stderr


def test_the_setting_does_what_the_option_does(safe: Safe) -> None:
    live = safe.place.live
    environ, live.environ = live.environ, {**live.environ, "ETLPLUS_TLS_CA": safe.ca}
    try:
        assert safe.place.run("list").returncode == 0
        assert safe.place.run("list", "--ca", safe.other).returncode != 0
    finally:
        live.environ = environ


def test_the_http_side_has_the_same_certificate(safe: Safe) -> None:
    address = safe.http.removeprefix("https://").removeprefix("http://")
    context = ssl.create_default_context(cafile=safe.ca)
    with urllib.request.urlopen(f"https://{address}/readyz", context=context, timeout=60) as found:
        assert found.status == 200
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://{address}/readyz", timeout=60)
