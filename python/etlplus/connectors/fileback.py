"""Rolls back loads into files: what a load replaced is put back, what it added is removed.

Each step may be taken again: a rollback that was cut off anywhere ends when it is repeated. Before
the first step every file of the load must be there as the load left it, and the manifest says that
the rollback has begun; from then on a file that is gone was removed by the rollback itself.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from etlplus.connectors.former import (
    Generation,
    Manifest,
    Stamp,
    locked,
    stamp_or_none,
    sync_folder,
)
from etlplus.domain.errors import RunError, WrongState
from etlplus.domain.fileload import FileLoad

if TYPE_CHECKING:
    from etlplus.app.ports import FileRollback

APPENDED: Final = "appended"
REPLACED: Final = "replaced"


class FilesRollback:
    """Takes back loads into files. The service's own ledger knows what was rolled back."""

    def check(self, load: FileLoad, *, on_top: bool = True) -> int:
        """How many bytes are kept for it. Only one `on_top` of its target has its files there.

        Raises:
            WrongState: ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
        """
        generation, manifest = _found(load)
        if on_top:
            _expect_own(load, manifest)
        kept = range(len(manifest.kept))
        return sum(generation.kept(number).lstat().st_size for number in kept)

    def roll_back(self, load: FileLoad) -> None:
        """Restores what readers saw before the load; repeating it does no harm.

        Raises:
            WrongState: ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
            RunError: SINK_UNWRITABLE, DISK_FULL.
        """
        folder = _folder(load)
        try:
            with locked(folder):
                generation, manifest = _found(load)
                _expect_own(load, manifest)
                if not manifest.is_rolling:
                    generation.write(replace(manifest, is_rolling=True))
                for number, name in enumerate(manifest.kept):
                    generation.put_back(number, folder / name)
                sync_folder(folder)
                for path, own in _stamps(load).items():
                    if stamp_or_none(path) == own:
                        path.unlink()
                sync_folder(folder)
        except OSError as error:
            raise _unwritable(load, error) from error

    def forget(self, load: FileLoad) -> None:
        """Removes what was kept for a load that the ledger says is rolled back."""
        folder = _folder(load)
        if folder.is_dir():
            with locked(folder):
                Generation(folder, load.load_id, load.sink).remove()


def _folder(load: FileLoad) -> Path:
    return Path(load.files[0]).parent


def _stamps(load: FileLoad) -> dict[Path, Stamp]:
    """The load's files as it left them."""
    found: Mapping[str, Sequence[int]] = load.undo.get("stamps", {})
    return {Path(path): (parts[0], parts[1], parts[2]) for path, parts in found.items()}


def _found(load: FileLoad) -> tuple[Generation, Manifest]:
    """What was kept. Raises WrongState (ROLLBACK_UNAVAILABLE)."""
    kind = load.undo.get("kind")
    if not kind or not load.files:
        raise _unavailable(load, "nothing was kept for it")
    generation = Generation(_folder(load), load.load_id, load.sink)
    manifest = generation.read()
    if manifest is not None:
        if all(
            generation.kept(number).is_symlink() or generation.kept(number).exists()
            for number in range(len(manifest.kept))
        ):
            return generation, manifest
        raise _unavailable(load, "files that were kept for it are gone")
    if kind == APPENDED:
        return generation, Manifest(load.target, 0)
    raise _unavailable(load, "what it replaced is not kept any more")


def _expect_own(load: FileLoad, manifest: Manifest) -> None:
    """Raises WrongState (ROLLBACK_CONFLICT) when a file is not as the load left it."""
    for path, own in _stamps(load).items():
        now = stamp_or_none(path)
        undone = (None, manifest.kept.get(path.name)) if manifest.is_rolling else ()
        if now == own or now in undone:
            continue
        what = "is gone" if now is None else "was written by others since"
        raise _conflict(load, f"{path} {what}")
    for name, stamp in manifest.kept.items():
        path = _folder(load) / name
        if path not in _stamps(load) and stamp_or_none(path) not in (None, stamp):
            raise _conflict(load, f"{path} was written by others since")


def _conflict(load: FileLoad, reason: str) -> WrongState:
    return WrongState(
        f"{load.target} cannot be restored exactly: {reason}",
        code="ROLLBACK_CONFLICT",
        place=load.sink,
        hint="Nothing was changed. Put the file back, or load the target anew",
        metadata={"target": load.target},
    )


def _unavailable(load: FileLoad, reason: str) -> WrongState:
    return WrongState(
        f"The load {load.load_id} into {load.target} cannot be rolled back: {reason}",
        code="ROLLBACK_UNAVAILABLE",
        place=load.sink,
        hint="Load the target anew, with mode replace",
        metadata={"load_id": load.load_id, "target": load.target},
    )


def _unwritable(load: FileLoad, error: OSError) -> RunError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return RunError(
        f"Cannot restore {error.filename or load.target}: {error.strerror}",
        code="DISK_FULL" if is_full else "SINK_UNWRITABLE",
        place=load.sink,
        hint="Free space there, then roll back again"
        if is_full
        else "Check that the folder exists and can be written, then roll back again",
    )


FILE_ROLLBACKS: Mapping[str, FileRollback] = dict.fromkeys(
    ("parquet", "csv", "jsonl"), FilesRollback()
)
