"""What another driver needs to renew leases: a statement, and the way to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etlplus.domain.connection import ResolvedConnection
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from etlplus.store.database import Database

_SQL = load_queries("pulse")
#: Renews leases: `$1` jobs, `$2` their epochs, `$3` seconds.
PULSE = _SQL["pulse"]
#: Options that libpq alone understands, as it names them.
_LIBPQ_ONLY = frozenset(
    {
        "gssencmode",
        "hostaddr",
        "require_auth",
        "requirepeer",
        "sslcert",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslpassword",
    }
)
_SHARED = ("sslmode", "sslrootcert")


async def reach(database: Database) -> ResolvedConnection | None:
    """How to reach the server that the pool speaks to; None when only libpq can.

    Raises:
        Unavailable: the database cannot be reached.
    """
    info = await database.information()
    given = info.get_parameters()
    if _LIBPQ_ONLY & given.keys() or given.get("sslrootcert") == "system":
        return None
    options = {name: given[name] for name in _SHARED if name in given}
    options |= {
        "host": info.host,
        "port": str(info.port),
        "user": info.user,
        "database": info.dbname,
        "password": info.password,
    }
    return ResolvedConnection("metadata", "postgres", options)
