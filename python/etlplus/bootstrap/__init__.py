"""Builds every object from the settings. Only this room knows all the others.

Names are imported at their first use: a run without a server needs neither the server's modules
nor the database's, and starts in half the time without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etlplus.bootstrap.local import local_planning, run_local
    from etlplus.bootstrap.service import build_server, serve, work

__all__ = ["build_server", "local_planning", "run_local", "serve", "work"]

_HOMES = {
    "build_server": "service",
    "local_planning": "local",
    "run_local": "local",
    "serve": "service",
    "work": "service",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
