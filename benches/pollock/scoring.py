"""The benchmark's own scoring code and weights, imported from its repository and never copied."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final, cast

#: Header, records and cells, each by precision, recall and F1; `success` comes before them.
MEASURES: Final = (
    "success",
    *(f"{what}_{how}" for what in ("header", "record", "cell") for how in ("p", "r", "f1")),
)
Scores = tuple[float, ...]


class Scorer:
    """Scores rendered files as `evaluate.py` of the benchmark does."""

    def __init__(self, data: Path) -> None:
        """Takes the scoring code of the repository at `data`."""
        sys.path.insert(0, str(data))
        self._metrics = cast("Any", importlib.import_module("pollock.metrics"))
        # A pure function of the text that takes most of the time, mostly for the same cells.
        self._metrics.normalize_cell = functools.lru_cache(None)(self._metrics.normalize_cell)
        self._clean = data / "polluted_files" / "clean"
        weights = json.loads((data / "pollock_weights.json").read_text())
        self._weights: dict[str, float] = weights

    def score(self, name: str, rendered: Path) -> Scores:
        """The ten measures of a file, each from 0 to 1."""
        if not self._metrics.successful_csv(str(rendered)):
            return (0.0,) * len(MEASURES)
        found = self._metrics.header_record_cell_measures_csv(
            str(self._clean / name), str(rendered)
        )
        return (1.0, *map(float, found))

    def simple(self, scores: dict[str, Scores]) -> float:
        """The sum of the measures' means, from 0 to 10."""
        return sum(map(sum, scores.values())) / len(scores)

    def weighted(self, scores: dict[str, Scores]) -> float:
        """The same with each file weighted by how common its pollution is."""
        return sum(sum(found) * self.share(name, scores) for name, found in scores.items())

    def share(self, name: str, scores: dict[str, Scores]) -> float:
        """The weight of a file among those that were scored; all add up to 1."""
        # The benchmark gives files that it has no weight for -1.
        return self._weights.get(name, -1) / _total(self._weights, tuple(scores))


@functools.cache
def _sum(weights: tuple[float, ...]) -> float:
    return sum(weights)


def _total(weights: dict[str, float], names: tuple[str, ...]) -> float:
    return _sum(tuple(weights.get(name, -1) for name in names))
