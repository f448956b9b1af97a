"""What leads outside: databases and files, by kind. Synchronous; called in threads only.

The folder is the registry. Each module or package in it may offer `CONNECTORS` and `CURSORS`, by
kind of connection, and by kind of sink `PUBLISHERS`, `ROLLBACKS` and `EVOLVERS` for tables and
`FILE_ROLLBACKS`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType

from etlplus.app.ports import (
    Connector,
    CursorReader,
    Evolver,
    FileRollback,
    Publisher,
    TableRollback,
)

__all__ = ["connectors", "cursors", "evolvers", "file_rollbacks", "publishers", "table_rollbacks"]


def connectors() -> Mapping[str, Connector]:
    """What looks at connections, by kind of connection."""
    found: dict[str, Connector] = {}
    for module in _modules():
        found |= getattr(module, "CONNECTORS", {})
    return found


def cursors() -> Mapping[str, CursorReader]:
    """What finds windows over columns, by kind of connection."""
    found: dict[str, CursorReader] = {}
    for module in _modules():
        found |= getattr(module, "CURSORS", {})
    return found


def publishers() -> Mapping[str, Publisher]:
    """What makes staged sinks visible, by kind of sink."""
    found: dict[str, Publisher] = {}
    for module in _modules():
        found |= getattr(module, "PUBLISHERS", {})
    return found


def table_rollbacks() -> Mapping[str, TableRollback]:
    """What takes back loads into tables, by kind of sink."""
    found: dict[str, TableRollback] = {}
    for module in _modules():
        found |= getattr(module, "ROLLBACKS", {})
    return found


def evolvers() -> Mapping[str, Evolver]:
    """What lets tables follow the columns of the rows, by kind of sink."""
    found: dict[str, Evolver] = {}
    for module in _modules():
        found |= getattr(module, "EVOLVERS", {})
    return found


def file_rollbacks() -> Mapping[str, FileRollback]:
    """What takes back loads into files, by kind of sink."""
    found: dict[str, FileRollback] = {}
    for module in _modules():
        found |= getattr(module, "FILE_ROLLBACKS", {})
    return found


def _modules() -> Iterator[ModuleType]:
    for entry in pkgutil.iter_modules(__path__):
        yield importlib.import_module(f"{__name__}.{entry.name}")
