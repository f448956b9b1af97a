"""Whom a connection trusts: what `sslmode` and `sslrootcert` mean, as the engine reads them.

The driver alone would also look for issuers and client certificates in the user's home and in the
environment, so that publishing might trust another server than reading does. Everything it would
look for is therefore said.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError

MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
#: Nothing can lie beneath a file. Without issuers the weaker modes trust anyone.
_NO_FILE = "/dev/null/none"


def parameters(connection: ResolvedConnection) -> Mapping[str, str]:
    """What the driver is told about TLS.

    Raises:
        RunError: CONNECTION_DENIED for a mode that there is not.
    """
    options = connection.options
    mode = options.get("sslmode") or "prefer"
    if mode not in MODES:
        listed = f"{', '.join(MODES[:-1])} or {MODES[-1]}"
        raise _wrong(connection, "sslmode", f"sslmode is '{mode}', not {listed}", "Use one of them")
    if (options.get("host") or "").startswith("/"):
        # A socket of this machine has no TLS, whatever is asked for.
        mode = "disable"
    return {
        "sslmode": mode,
        "sslrootcert": _issuers(connection, mode) or _NO_FILE,
        "sslcertmode": "disable",
        "sslnegotiation": "postgres",
        "gssencmode": "disable",
    }


def check(connection: ResolvedConnection) -> None:
    """Reads the issuers that the connection trusts, before a server is asked.

    Raises:
        RunError: CONNECTION_DENIED when there are none or they cannot be read.
    """
    roots = parameters(connection)["sslrootcert"]
    if roots == _NO_FILE:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=roots)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise _wrong(
            connection,
            "sslrootcert",
            f"The certificates in {roots} cannot be read: {reason}",
            "Name a file of certificates in PEM form that this service can read",
        ) from error


def _issuers(connection: ResolvedConnection, mode: str) -> str | None:
    """The file of trusted issuers; None where anyone is trusted."""
    if mode in {"disable", "prefer"}:
        return None
    given = connection.options.get("sslrootcert")
    if given or mode == "require":
        return given or None
    # The driver brings its own library, which does not know where this machine keeps them.
    machine = ssl.get_default_verify_paths().cafile
    if not machine:
        text = "There is no file of trusted certificates on this machine"
        raise _wrong(connection, "sslrootcert", text, "Set sslrootcert to a file of issuers")
    return machine


def _wrong(connection: ResolvedConnection, option: str, text: str, hint: str) -> RunError:
    place = f"connection {connection.name}, {option}"
    return RunError(text, code="CONNECTION_DENIED", place=place, hint=hint)
