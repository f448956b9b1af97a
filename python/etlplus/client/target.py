"""Where the server is, and how safe the way to it is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from etlplus.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the credentials of the channel to it.

    Attributes:
        address: HOST:PORT.
        credentials: of TLS; None for plaintext.
    """

    address: str
    credentials: grpc.ChannelCredentials | None = field(repr=False)


def resolve(
    address: str,
    *,
    tls: bool | None = None,
    ca: Path | bytes | None = None,
    insecure_plaintext: bool = False,
) -> Target:
    """Decides between TLS and plaintext.

    Args:
        address: HOST:PORT.
        tls: None means TLS unless the host is this machine or `insecure_plaintext` is set.
        ca: PEM certificates of the authorities to trust, or their file; it implies TLS.
        insecure_plaintext: allows plaintext to other machines.

    Raises:
        InvalidInput: plaintext to another machine without the explicit flag, no HOST:PORT, or a
            file that cannot be read.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit()):
        raise InvalidInput(
            f"{address!r} is not HOST:PORT", place="target", hint="As in localhost:7433"
        )
    local = _is_this_machine(host.strip("[]"))
    if tls is None:
        tls = ca is not None or not (local or insecure_plaintext)
    if not tls:
        if not (local or insecure_plaintext):
            raise InvalidInput(
                f"the token would travel to {host} in plaintext",
                place="target",
                hint="Use TLS, or allow insecure plaintext to accept the risk",
            )
        return Target(address, None)
    return Target(address, grpc.ssl_channel_credentials(_certificates(ca)))


def _certificates(ca: Path | bytes | None) -> bytes | None:
    if not isinstance(ca, Path):
        return ca
    try:
        return ca.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {ca}: {error.strerror}", place="ca") from error


def _is_this_machine(host: str) -> bool:
    """Judged by the name alone: a name server must not decide what is safe."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
