"""How many rows a run may move, and what is unusual beside the runs before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from etlplus.domain.errors import RunError
from etlplus.domain.job import JobError
from etlplus.domain.run import Progress

CODE = "VOLUME_UNUSUAL"
#: How many of the latest runs are looked at where a definition does not say.
RUNS = 10
#: The fewest earlier runs whose median says what is usual; fewer only where no more are asked for.
ENOUGH = 3
_PLACE = "limits.volume"


@dataclass(frozen=True, slots=True)
class Volume:
    """What a definition says of the volume of its runs.

    Attributes:
        of: names of the sources, steps or sinks whose rows are counted, each for itself.
        least: the fewest rows; None for no bound.
        most: the most rows; None for no bound.
        change: how far from the median of earlier runs, as a share of it; None for any.
        runs: how many of the latest runs that succeeded are looked at.
        fails: whether an unusual volume ends the run; otherwise it is a warning.
        empty: the same for no rows where an earlier run had some; None to allow it.
    """

    of: tuple[str, ...]
    least: int | None = None
    most: int | None = None
    change: float | None = None
    runs: int = RUNS
    fails: bool = True
    empty: bool | None = True

    @property
    def looks_back(self) -> bool:
        """Whether earlier runs have a say."""
        return self.change is not None or self.empty is not None


@dataclass(frozen=True, slots=True)
class Unusual:
    """An unusual volume: of which node, how, by which key of the limit; whether it ends the run."""

    node: str
    message: str
    key: str
    fails: bool

    def error(self, hint: str) -> JobError:
        """The same as an error or a warning of a job."""
        return JobError(CODE, f"{self.node}: {self.message}", f"{_PLACE}.{self.key}", hint)


def judge(volume: Volume, run: Progress, earlier: Sequence[Progress]) -> list[Unusual]:
    """What is unusual in a run whose rows are all staged.

    Args:
        volume: what the definition says.
        run: the run's counters.
        earlier: those of the latest runs that succeeded, newest first; `volume.runs` at most count.
    """
    now = _rows(run)
    before = [_rows(each) for each in earlier[: volume.runs]]
    return [
        each
        for node in volume.of
        for each in _judge(
            volume, node, now.get(node, 0), [rows[node] for rows in before if node in rows]
        )
    ]


def _rows(progress: Progress) -> Mapping[str, int]:
    """Rows that each source, step and sink gave on, or wrote."""
    return {node.name: node.rows_out for node in progress.nodes}


def _judge(volume: Volume, node: str, rows: int, before: Sequence[int]) -> Iterator[Unusual]:
    had = sum(1 for each in before if each)
    if not rows and had and volume.empty is not None:
        text = f"no rows, where {had} of the last {len(before)} runs had some"
        yield Unusual(node, text, "empty", volume.empty)
    if volume.least is not None and rows < volume.least:
        text = f"{rows} rows, and {volume.least} are the fewest allowed"
        yield Unusual(node, text, "min_rows", volume.fails)
    if volume.most is not None and rows > volume.most:
        text = f"{rows} rows, and {volume.most} are the most allowed"
        yield Unusual(node, text, "max_rows", volume.fails)
    if volume.change is None or len(before) < min(ENOUGH, volume.runs):
        return
    usual = median(before)
    low, high = usual * (1 - volume.change), usual * (1 + volume.change)
    # Where no rows are judged apart, by what the definition says of them, this says nothing more.
    if (rows or not had) and not low <= rows <= high:
        text = (
            f"{rows} rows, where the last {len(before)} runs had {usual:g} at the median: "
            f"{max(low, 0):g} to {high:g} are allowed"
        )
        yield Unusual(node, text, "change", volume.fails)


def refusal(unusual: Sequence[Unusual]) -> RunError:
    """The error that ends a run, of what is unusual; at least one entry fails."""
    failing = [each for each in unusual if each.fails]
    return RunError(
        "; ".join(f"{each.node}: {each.message}" for each in failing),
        code=CODE,
        place=f"{_PLACE}.{failing[0].key}",
        hint="Nothing was published. Look at the source; where the volume is right, change "
        "`limits.volume` and run again",
        metadata={"nodes": ",".join(dict.fromkeys(each.node for each in failing))},
    )
