"""Builds every object from the settings. Only this room knows all the others."""

from etlplus.bootstrap.local import local_planning, run_local
from etlplus.bootstrap.service import build_server, serve, work

__all__ = ["build_server", "local_planning", "run_local", "serve", "work"]
