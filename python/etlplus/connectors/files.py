"""Files: a staged file beside its final path becomes visible by a rename."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.connectors.fileback import APPENDED, REPLACED
from etlplus.connectors.former import (
    Generation,
    Manifest,
    locked,
    stamp,
    stamp_or_none,
    sync_folder,
)
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError
from etlplus.domain.run import Load, Published, StagedFile, StagedSink, StagingKey

if TYPE_CHECKING:
    from etlplus.app.ports import Publisher, Stop

_LOG = logging.getLogger(__name__)
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
        del connection
        if stop is not None:
            stop.check()
        target = staged.target or ", ".join(file.final_path for file in staged.files)
        with _alone(staged):
            former = _keep(staged, load, target)
            _rename_all(staged)
            if staged.folder:
                _remove_others(Path(staged.folder), staged)
            undo = _undo(staged, load, target, former)
        return Published(staged.name, target, staged.books, staged.checksum, undo=undo)

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


def _rename_all(staged: StagedSink) -> None:
    """Makes all files visible; where one cannot be, those that were not there before go again.

    A load that says that it failed must not have added rows, and a folder that cannot be synced
    fails a load whose file has its final name already. What a file replaced cannot come back by
    this, but there the next run replaces it once more.
    """
    fresh = [path for file in staged.files if not (path := Path(file.final_path)).exists()]
    try:
        for file in staged.files:
            _rename(staged, file)
    except RunError:
        for path in fresh:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise


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
        sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(file.final_path, error) from error


def _remove_others(folder: Path, staged: StagedSink) -> None:
    """Removes files of earlier loads, after this load's are visible."""
    try:
        for path in _others(folder, staged):
            path.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise _unwritable(str(folder), error) from error


def _others(folder: Path, staged: StagedSink) -> list[Path]:
    """Files of earlier loads of the same format, by name."""
    own = {Path(file.final_path).name for file in staged.files}
    endings = {Path(file.final_path).suffix for file in staged.files}
    return [
        path
        for path in sorted(folder.iterdir())
        if _PART.fullmatch(path.name) and path.suffix in endings and path.name not in own
    ]


@contextmanager
def _alone(staged: StagedSink) -> Iterator[None]:
    """Keeps others from publishing to the folder, or rolling back there, meanwhile."""
    folder = _beside(staged)
    if folder is None or not folder.is_dir():
        yield
        return
    with locked(folder):
        yield


def _beside(staged: StagedSink) -> Path | None:
    return Path(staged.files[0].final_path).parent if staged.files else None


def _is_append(staged: StagedSink) -> bool:
    """Whether the load only adds files, whose names nobody else uses."""
    return staged.mode == "append" and not staged.folder


def _keep(staged: StagedSink, load: Load, target: str) -> Manifest | None:
    """Keeps what is about to be replaced; None when nothing is, or cannot be."""
    folder = _beside(staged)
    if folder is None or _is_append(staged) or not load.keep:
        return None
    generation = Generation(folder, load.load_id, staged.name)
    try:
        manifest = _begin(generation, staged, target)
        if manifest is None:
            generation.remove()
            return None
        own = {name: list(stamps) for name, stamps in manifest.own.items()}
        for file in staged.files:
            now = stamp_or_none(Path(file.staged_path))
            if now is not None:
                own.setdefault(Path(file.final_path).name, []).append(now)
        manifest = replace(manifest, own=own)
        generation.write(manifest)
    except OSError as error:
        # Publishing matters more. The ledger will say that the load cannot be rolled back.
        _LOG.warning("what %s replaces is not kept: %s", target, error)
        generation.remove()
        return None
    return manifest


def _begin(generation: Generation, staged: StagedSink, target: str) -> Manifest | None:
    """What an earlier attempt kept, if it still holds, else what is there now."""
    replaced = _replaced(staged)
    earlier = generation.read()
    if earlier is None:
        return generation.keep(target, replaced)
    own = {stamp for stamps in earlier.own.values() for stamp in stamps}
    strange = [
        path
        for path in replaced
        if (found := stamp(path)) not in own and earlier.kept.get(path.name) != found
    ]
    if not strange:
        return earlier
    removed = set(earlier.kept) - {path.name for path in replaced}
    # Another load came between two attempts of this one. In a folder nobody can tell any more
    # what readers saw before, once a part of it has been removed.
    return None if staged.folder and removed else generation.keep(target, replaced)


def _replaced(staged: StagedSink) -> list[Path]:
    if staged.folder:
        return _others(Path(staged.folder), staged)
    paths = (Path(file.final_path) for file in staged.files)
    return [path for path in paths if path.is_symlink() or path.is_file()]


def _undo(
    staged: StagedSink, load: Load, target: str, former: Manifest | None
) -> dict[str, object]:
    """What the ledger must know for a rollback; empty when there can be none."""
    folder = _beside(staged)
    if folder is None:
        return {}
    try:
        if not _is_append(staged):
            Generation(folder, load.load_id, staged.name).prune(target, load.keep)
        stamps = {file.final_path: stamp(Path(file.final_path)) for file in staged.files}
    except OSError as error:
        _LOG.warning("%s cannot be rolled back: %s", target, error)
        return {}
    if _is_append(staged):
        return {"kind": APPENDED, "stamps": stamps}
    return {"kind": REPLACED, "stamps": stamps} if former is not None else {}


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
