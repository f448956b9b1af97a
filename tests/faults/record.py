"""What the long form has found so far: one line of JSON for each strike, so that it can go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.oracle import Verdict


@dataclass(frozen=True, slots=True)
class Found:
    """One strike and its verdict.

    Attributes:
        fault: `ID what`.
        contender: what was struck: `ETL Plus` or a rival.
        number, seed: repeat it.
    """

    fault: str
    contender: str
    number: int
    seed: int
    verdict: Verdict


class Record:
    """The lines of a file."""

    def __init__(self, path: Path) -> None:
        """Reads what is there."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.found: list[Found] = []
        for line in path.read_text().splitlines() if path.exists() else ():
            words = json.loads(line)
            words["verdict"]["notes"] = tuple(words["verdict"]["notes"])
            self.found.append(Found(**{**words, "verdict": Verdict(**words["verdict"])}))

    def add(self, found: Found) -> None:
        """Keeps one more."""
        self.found.append(found)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")

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
