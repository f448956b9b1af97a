"""Runs the benchmark: `python -m benches.pollock --data DIR`.

`DIR` holds the benchmark's repository, of which `polluted_files`, `pollock` and
`pollock_weights.json` are read. Nothing is written there.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from benches.pollock.loading import Rendered, load
from benches.pollock.scoring import MEASURES, Scorer, Scores

#: What the product must reach: simple and weighted.
GOALS: Final = (9.96, 9.60)
_NUMBERS: Final = re.compile(r"(?<=row)\d+|(?<=col)\d+|(?<=quote)\d+|(?<=delimiter_)\d+(?=_)")


def main() -> int:
    """Load, score, print, and return 1 when a goal is missed."""
    options = _arguments()
    files = sorted((options.data / "polluted_files" / "csv").glob("*.csv"))
    files = [file for file in files if options.only in file.name]
    scorer = Scorer(options.data)
    with ProcessPoolExecutor(options.processes) as pool:
        rendered = dict(zip(files, pool.map(load, files, chunksize=8), strict=True))
    loaded = _scores(scorer, rendered, options.out, complete=False)
    complete = _scores(scorer, rendered, options.out, complete=True)
    _print_losses(scorer, loaded)
    for file, found in rendered.items():
        if found.error:
            print(f"{file.name}: {found.error}")
    print(f"{len(files)} files, {sum(found.rejects for found in rendered.values())} rejects")
    simple, weighted = scorer.simple(loaded), scorer.weighted(loaded)
    print(f"loaded rows:               simple {simple:.3f}, weighted {weighted:.3f}")
    simple_all, weighted_all = scorer.simple(complete), scorer.weighted(complete)
    print(f"with the rejected records: simple {simple_all:.3f}, weighted {weighted_all:.3f}")
    return int(not options.only and (simple_all < GOALS[0] or weighted_all < GOALS[1]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.pollock", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the benchmark's repository")
    parser.add_argument("--out", type=Path, required=True, help="where rendered files are written")
    parser.add_argument("--only", default="", help="only files whose names contain this")
    parser.add_argument("--processes", type=int, default=2, help="how many files at once")
    return parser.parse_args()


def _scores(
    scorer: Scorer, rendered: dict[Path, Rendered], out: Path, *, complete: bool
) -> dict[str, Scores]:
    folder = out / ("complete" if complete else "loaded")
    folder.mkdir(parents=True, exist_ok=True)
    scores = {}
    for file, found in rendered.items():
        target = folder / f"{file.name}_converted.csv"
        target.write_text(found.complete if complete else found.loaded, encoding="utf-8")
        scores[file.name] = scorer.score(file.name, target)
    return scores


def _print_losses(scorer: Scorer, scores: dict[str, Scores]) -> None:
    """What each kind of pollution costs, the dearest first."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in scores:
        kinds[_NUMBERS.sub("N", name)].append(name)
    rows = []
    for kind, names in kinds.items():
        lost = {name: len(MEASURES) - sum(scores[name]) for name in names}
        simple = sum(lost.values()) / len(scores)
        weighted = sum(lost[name] * scorer.share(name, scores) for name in names)
        worst = max(names, key=lambda name: lost[name])
        rows.append((weighted, simple, kind, len(names), worst, lost[worst]))
    print(f"{'weighted':>8} {'simple':>8}  kind (files), worst file and its loss")
    for weighted, simple, kind, count, worst, loss in sorted(rows, reverse=True):
        print(f"{weighted:8.4f} {simple:8.4f}  {kind} ({count}), {worst} {loss:.3f}")


if __name__ == "__main__":
    sys.exit(main())
