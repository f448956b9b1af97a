"""Tells which files are complete: those that have stayed as they are for long enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from etlplus.executor.arrivals.contents import Stamp


@dataclass(slots=True)
class Settling:
    """What is remembered of one place from look to look.

    Only this process's own clock counts: those of file servers and writers may be wrong.
    """

    _since: dict[Path, tuple[Stamp, float]] = field(default_factory=dict)

    def look(
        self, found: Iterable[tuple[Path, Stamp]], now: float, settle: float
    ) -> tuple[list[tuple[Path, Stamp]], list[float]]:
        """Takes what is there now; what is not there any more is forgotten.

        Args:
            found: files with their stamps.
            now: seconds of a clock that never goes back.
            settle: seconds for which a stamp must have stayed the same.

        Returns:
            The settled files, and for each of the others how many seconds it lacks.
        """
        before, self._since = self._since, {}
        settled, lacking = [], []
        for path, stamp in found:
            earlier = before.get(path)
            since = earlier[1] if earlier is not None and earlier[0] == stamp else now
            self._since[path] = (stamp, since)
            if now - since >= settle:
                settled.append((path, stamp))
            else:
                lacking.append(settle - (now - since))
        return settled, lacking
