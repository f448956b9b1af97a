"""Certificates that a server may show, good and bad."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "127.0.0.1")
_PAST = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Certificates:
    """Two issuers and what the first one issued.

    Attributes:
        folder: where the issuers' files are written.
    """

    folder: Path

    @cached_property
    def _issuer(self) -> trustme.CA:
        return trustme.CA()

    @cached_property
    def issuer(self) -> str:
        """The file of the issuer of every certificate but the `foreign` one."""
        return self._written("issuer.pem", self._issuer)

    @cached_property
    def itself(self) -> str:
        """The file of a certificate that is its own issuer, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
        )
        names = x509.SubjectAlternativeName([x509.DNSName(NAMES[0])])
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        made = builder.add_extension(names, critical=False).add_extension(leaf, critical=True)
        path = self.folder / "itself.pem"
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem) + secret)
        return str(path)

    @cached_property
    def other(self) -> str:
        """The file of an issuer that issued nothing."""
        return self._written("other.pem", trustme.CA())

    def server(self, kind: str) -> ssl.SSLContext | None:
        """The server's side of TLS; none for the kind `plain`."""
        if kind == "plain":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "itself":
            context.load_cert_chain(self.itself)
        else:
            self._issued(kind).configure_cert(context)
        return context

    def _issued(self, kind: str) -> trustme.LeafCert:
        issuer = self._issuer
        match kind:
            case "good":
                return issuer.issue_cert(*NAMES)
            case "chained":
                return issuer.create_child_ca().issue_cert(*NAMES)
            case "elsewhere":
                return issuer.issue_cert("elsewhere.example")
            case "expired":
                return issuer.issue_cert(
                    *NAMES, not_before=_PAST, not_after=_PAST + timedelta(days=1)
                )
            case "foreign":
                return trustme.CA().issue_cert(*NAMES)
        raise AssertionError(kind)

    def _written(self, name: str, issuer: trustme.CA) -> str:
        path = self.folder / name
        issuer.cert_pem.write_to_path(str(path))
        return str(path)
