"""What leads outside: databases and files, by kind. Synchronous; called in threads only.

The folder is the registry. Each module or package in it may offer `CONNECTORS` and `CURSORS`, by
kind of connection, and by kind of sink `PUBLISHERS`, `ROLLBACKS` and `EVOLVERS` for tables and
`FILE_ROLLBACKS`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TypeVar

from etlplus.app.ports import (
    Connector,
    CursorReader,
    Evolver,
    FileRollback,
    Publisher,
    TableRollback,
)

_T = TypeVar("_T")

__all__ = ["connectors", "cursors", "evolvers", "file_rollbacks", "publishers", "table_rollbacks"]


class _Registry(Mapping[str, _T]):
    """What the modules offer under a name, by kind.

    A module is imported when it is looked into first: clients of databases are large, and a run
    from file to file needs none.
    """

    def __init__(self, offer: str) -> None:
        self._offer = offer

    def __getitem__(self, kind: str) -> _T:
        for found in self._offers():
            if kind in found:
                return found[kind]
        raise KeyError(kind)

    def __iter__(self) -> Iterator[str]:
        return (kind for found in self._offers() for kind in found)

    def __len__(self) -> int:
        return sum(map(len, self._offers()))

    def _offers(self) -> Iterator[Mapping[str, _T]]:
        return (getattr(module, self._offer, {}) for module in _modules())


def connectors() -> Mapping[str, Connector]:
    """What looks at connections, by kind of connection."""
    return _Registry("CONNECTORS")


def cursors() -> Mapping[str, CursorReader]:
    """What finds windows over columns, by kind of connection."""
    return _Registry("CURSORS")


def publishers() -> Mapping[str, Publisher]:
    """What makes staged sinks visible, by kind of sink."""
    return _Registry("PUBLISHERS")


def table_rollbacks() -> Mapping[str, TableRollback]:
    """What takes back loads into tables, by kind of sink."""
    return _Registry("ROLLBACKS")


def evolvers() -> Mapping[str, Evolver]:
    """What lets tables follow the columns of the rows, by kind of sink."""
    return _Registry("EVOLVERS")


def file_rollbacks() -> Mapping[str, FileRollback]:
    """What takes back loads into files, by kind of sink."""
    return _Registry("FILE_ROLLBACKS")


def _modules() -> Iterator[ModuleType]:
    return (importlib.import_module(f"{__name__}.{name}") for name in _names())


@cache
def _names() -> tuple[str, ...]:
    return tuple(entry.name for entry in pkgutil.iter_modules(__path__))
