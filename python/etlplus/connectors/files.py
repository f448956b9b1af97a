"""Files: a staged file beside its final path becomes visible by a rename."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError
from etlplus.domain.run import Load, Published, StagedFile, StagedSink, StagingKey

if TYPE_CHECKING:
    from etlplus.app.ports import Publisher, Stop

#: Files of ours in a folder: what a replacing load may remove.
_PART = re.compile(r"part-[0-9a-f]{32}-.+-[0-9]{4}\.[a-z]+")


class FilePublisher:
    """Makes staged files visible. The service's own ledger knows which loads were published."""

    def publish(
        self,
        staged: StagedSink,
        load: Load,
        connection: ResolvedConnection | None,
        stop: Stop | None = None,
    ) -> Published:
        """Renames each file to its final path and makes that durable; repeating it does no harm.

        Raises:
            Cancelled: `stop` said so before the first file.
            RunError: STAGING_MISMATCH, SINK_UNWRITABLE, DISK_FULL.
        """
        del load, connection
        if stop is not None:
            stop.check()
        for file in staged.files:
            _rename(staged, file)
        if staged.folder:
            _remove_others(Path(staged.folder), staged)
        target = staged.target or ", ".join(file.final_path for file in staged.files)
        return Published(staged.name, target, staged.books, staged.checksum)

    def sweep(self, load: Load, connection: ResolvedConnection | None) -> None:
        """Nothing to do: staging the file again removes what older claims staged beside it."""

    def discard(
        self, load: Load, connection: ResolvedConnection | None, staged: Sequence[StagedSink]
    ) -> None:
        """Removes staged files that will not be published. Raises RunError (SINK_UNWRITABLE)."""
        del load, connection
        for file in (file for sink in staged for file in sink.files):
            try:
                Path(file.staged_path).unlink(missing_ok=True)
            except OSError as error:
                raise _unwritable(file.staged_path, error) from error

    def leftovers(self, connection: ResolvedConnection | None) -> Sequence[StagingKey]:
        """None are known: files have no place that lists them."""
        del connection
        return ()

    def drop(self, keys: Sequence[StagingKey], connection: ResolvedConnection | None) -> None:
        """Nothing to do, as there are no leftovers that are known."""


def _rename(staged: StagedSink, file: StagedFile) -> None:
    source, target = Path(file.staged_path), Path(file.final_path)
    try:
        size = source.stat().st_size
    except FileNotFoundError as error:
        # A repeated publish finds its file renamed already.
        if target.is_file() and target.stat().st_size == file.bytes:
            return
        raise _mismatch(staged, file, "it is gone") from error
    except OSError as error:
        raise _unwritable(file.staged_path, error) from error
    if size != file.bytes:
        raise _mismatch(staged, file, f"it has {size} bytes")
    try:
        source.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(file.final_path, error) from error


def _remove_others(folder: Path, staged: StagedSink) -> None:
    """Removes files of earlier loads, after this load's are visible."""
    own = {Path(file.final_path).name for file in staged.files}
    endings = {Path(file.final_path).suffix for file in staged.files}
    try:
        for path in sorted(folder.iterdir()):
            is_part = _PART.fullmatch(path.name) is not None and path.suffix in endings
            if is_part and path.name not in own:
                path.unlink(missing_ok=True)
        _sync_folder(folder)
    except OSError as error:
        raise _unwritable(str(folder), error) from error


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mismatch(staged: StagedSink, file: StagedFile, found: str) -> RunError:
    return RunError(
        f"{file.bytes} bytes were staged at {file.staged_path}, but {found}",
        code="STAGING_MISMATCH",
        place=staged.name,
        hint="Run the pipeline again",
    )


def _unwritable(path: str, error: OSError) -> RunError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return RunError(
        f"Cannot write {path}: {error.strerror}",
        code="DISK_FULL" if is_full else "SINK_UNWRITABLE",
        hint="Free space there" if is_full else "Check that the folder exists and can be written",
    )


_PUBLISHER = FilePublisher()
PUBLISHERS: Mapping[str, Publisher] = dict.fromkeys(("parquet", "csv", "jsonl"), _PUBLISHER)
