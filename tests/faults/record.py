"""What the long form has found so far: one line of JSON for each strike, so that it can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import etlplus
from tests.faults.oracle import Verdict

OURS = "ETL Plus"


@dataclass(frozen=True, slots=True)
class Found:
    """One strike and its verdict.

    Attributes:
        fault: `ID what`.
        contender: what was struck: `ETL Plus` or a rival.
        number, seed: repeat it.
        build: what was struck, as `build` says; empty where that was not kept yet.
    """

    fault: str
    contender: str
    number: int
    seed: int
    verdict: Verdict
    build: str = ""


def build() -> str:
    """What is struck and what strikes, in twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for package in (Path(etlplus.__file__).parent, Path(__file__).parent):
        for path in sorted(package.rglob("*")):
            if path.suffix in {".py", ".sql", ".so"}:
                digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


class Record:
    """The lines of a file.

    Attributes:
        found: what counts.
        mended: how many strikes do not count any more: they broke an older build.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.found: list[Found] = []
        self.mended = 0
        for line in path.read_text().splitlines() if path.exists() else ():
            words = json.loads(line)
            words["verdict"]["notes"] = tuple(words["verdict"]["notes"])
            self.found.append(Found(**{**words, "verdict": Verdict(**words["verdict"])}))

    def add(self, found: Found) -> None:
        """Keeps one more."""
        self.found.append(found)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")

    def strike_again(self, present: str) -> None:
        """Lets strikes that broke another build than the present one be struck again."""
        kept = [each for each in self.found if each.verdict.is_clean or each.build == present]
        kept += [each for each in self.found if each.contender != OURS and each not in kept]
        self.mended += len(self.found) - len(kept)
        self.found = kept

    def numbers(self, fault: str) -> set[int]:
        """The numbers of our strikes of a fault that count."""
        return {each.number for each in self.found if (each.fault, each.contender) == (fault, OURS)}

    def of(self, fault: str, contender: str) -> Sequence[Verdict]:
        """What was found of a fault, in order."""
        return [
            each.verdict
            for each in self.found
            if (each.fault, each.contender) == (fault, contender)
        ]

    @property
    def seeds(self) -> list[int]:
        """The seeds of all sittings."""
        return sorted({each.seed for each in self.found})
