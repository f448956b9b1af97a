"""What the HTTP server is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """How it listens and what it allows.

    Attributes:
        host: a name or an address.
        port: 0 for any free one.
        certificate: PEM files with the chain and its private key; None for plaintext.
        insecure_plaintext: allows plaintext beyond loopback.
        most_per_minute: requests to webhooks from one address; refused ones count.
        readiness_seconds: from not being ready to closing, for balancers to notice.
        grace_seconds: how long requests may go on after that.
        largest_body: in bytes.
        largest_head: request line and headers, in bytes.
        head_seconds: from connecting to the end of the first request's headers.
        body_seconds: from there to the end of its body.
        most_connections: at once; others are answered with 503.
    """

    host: str
    port: int
    certificate: tuple[Path, Path] | None = None
    insecure_plaintext: bool = False
    most_per_minute: int = 600
    readiness_seconds: float = 0.0
    grace_seconds: float = 10.0
    largest_body: int = 1 << 20
    largest_head: int = 16 << 10
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    most_connections: int = 1000
