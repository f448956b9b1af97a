"""How sessions with targets are opened."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from etlplus.connectors.postgres.session import conninfo
from etlplus.domain.connection import ResolvedConnection


def test_a_target_that_is_gone_without_a_word_is_noticed_within_half_a_minute() -> None:
    options = {"host": "db", "database": "d", "user": "u"}
    found = conninfo_to_dict(conninfo(ResolvedConnection("mart", "postgres", options)))
    idle, between, count = (
        int(str(found[f"keepalives_{name}"])) for name in ("idle", "interval", "count")
    )
    assert idle + between * count <= 30
    assert int(str(found["tcp_user_timeout"])) <= 30_000
