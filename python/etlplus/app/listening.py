"""Addresses that the service's edges listen on."""

from __future__ import annotations

import ipaddress
import socket

from etlplus.domain.errors import InvalidInput


def join_address(host: str, port: int) -> str:
    """`HOST:PORT`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether every address of `host` is reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return False
    # A zone, as in fe80::1%eth0, is no part of the address.
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    return bool(addresses) and all(ipaddress.ip_address(a).is_loopback for a in addresses)


def check_plaintext(host: str, port: int, *, insecure: bool, place: str) -> None:
    """An address may be listened on without TLS: by loopback alone, unless `insecure`.

    Raises:
        InvalidInput: it can be reached from other machines.
    """
    address = join_address(host, port)
    if not (insecure or is_loopback(host)):
        raise InvalidInput(
            f"{address} can be reached from other machines, and there is no TLS",
            place=place,
            hint="Set tls_cert and tls_key, or insecure_plaintext to accept the risk",
            metadata={"address": address},
        )
