"""Named SQL queries: one file of `sql/` a store; each query starts with `-- name: NAME`."""

from __future__ import annotations

import re
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, LiteralString, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


def load_queries(store: str) -> Mapping[str, LiteralString]:
    """The queries of one file, by name.

    Args:
        store: The file's name without `.sql`.

    Returns:
        The text of each query. It comes from the package alone, never from a request, so it counts
        as literal.
    """
    text = resources.files("etlplus.store").joinpath("sql", f"{store}.sql").read_text("utf-8")
    parts = _HEADER.split(text)[1:]
    named = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if len(named) * 2 != len(parts):
        raise ValueError(f"two queries of one name in sql/{store}.sql")
    return MappingProxyType(cast("dict[str, LiteralString]", named))
