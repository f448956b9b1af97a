"""What the gRPC server is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from etlplus.app.listening import join_address

#: Unary calls whose caller sets no deadline get this one, in seconds.
DEFAULT_DEADLINE: Final = 30.0
#: No unary call takes longer, in seconds.
LONGEST_DEADLINE: Final = 3600.0

#: Watches at once; an idle one takes about 60 KiB.
MOST_WATCHES: Final = 2000


@dataclass(frozen=True, slots=True)
class Certificate:
    """A PEM certificate chain and its private key."""

    chain: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How the server listens and what it allows.

    Attributes:
        host: a name or an address.
        port: 0 for any free one.
        certificate: None for plaintext.
        insecure_plaintext: allows plaintext beyond loopback.
        max_message_bytes: the largest message that is read.
        reflection: whether the contract is served by reflection.
        reflection_without_token: whether reflection answers without a token.
        readiness_seconds: from not being healthy to refusing watches, for balancers to notice.
        grace_seconds: how long calls may go on after that.
        default_deadline: in seconds, for unary calls whose caller sets none.
        most_watches: how many watches of jobs and of their logs may be open at once.
    """

    host: str
    port: int
    certificate: Certificate | None = None
    insecure_plaintext: bool = False
    max_message_bytes: int = 16 << 20
    reflection: bool = True
    reflection_without_token: bool = False
    readiness_seconds: float = 0.0
    grace_seconds: float = 10.0
    default_deadline: float = DEFAULT_DEADLINE
    most_watches: int = MOST_WATCHES

    @property
    def address(self) -> str:
        """Host and port as gRPC takes them."""
        return join_address(self.host, self.port)
