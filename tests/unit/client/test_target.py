"""When the client speaks TLS, and when it refuses to speak at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.client.target import resolve
from etlplus.domain.errors import InvalidInput


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.9.9.9:1"])
def test_this_machine_is_reached_in_plaintext(address: str) -> None:
    assert resolve(address).credentials is None
    assert resolve(address, tls=True).credentials is not None
    assert resolve(address, ca=b"").credentials is not None


@pytest.mark.parametrize("address", ["192.0.2.1:1", "etl.example:1", "localhost.example:1"])
def test_other_machines_are_reached_by_tls(address: str) -> None:
    assert resolve(address).credentials is not None
    assert resolve(address, insecure_plaintext=True).credentials is None
    with pytest.raises(InvalidInput, match="plaintext"):
        resolve(address, tls=False)


@pytest.mark.parametrize("address", ["", "host", ":1", "host:", "host:x", "http://host:1/x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        resolve(address)


def test_a_certificate_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidInput, match="missing"):
        resolve("127.0.0.1:1", ca=Path("/missing.pem"))
