"""Whether ten times the data takes more memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benches import data, lineitem, orders
from benches.measure import Goal, Result, Row, etlplus, in_turns

SMALL, LARGE = "1", "10"
#: What counts as flat: so many times the memory for ten times the data.
ALLOWED = 1.1
WHAT = (
    "The works B1 (filter and columns), B4 (join and aggregate) and a sort by two columns at scale "
    f"factor {SMALL} (766 MB) and {LARGE} (7.9 GB), each with the default `limits.memory`. "
    "Whole processes."
)
SORT = """\
api: etlplus/v1
name: sorted
sources:
  lineitem: {{csv: {{uri: "{source}", header: true, columns: {{{columns}}}}}}}
steps:
  - sort: [{{column: l_shipdate, desc: true}}, l_comment]
sinks:
  out: {{parquet: {{uri: "{target}"}}}}
"""


def measure() -> Result:
    """Run each work at both scale factors, once."""
    rows, goals = [], []
    for work in ("B1", "B4", "sort"):
        small, large = (_measure(work, scale) for scale in (SMALL, LARGE))
        ratio = large.sample.peak_bytes / small.sample.peak_bytes
        promise = f"{work}: at most {ALLOWED:g} times the memory for ten times the data"
        goals.append(Goal(promise, f"{ratio:.2f} times", ratio <= ALLOWED))
        rows += [small, large]
    return Result("Memory at ten times the data", WHAT, rows, goals)


def _measure(work: str, scale: str) -> Row:
    table = data.lineitem(scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = etlplus(_pipeline(work, scale, folder / "etlplus.parquet"), folder, table.parent)
        [row] = in_turns({f"{work}, scale factor {scale}": ours}, runs=1)
    return row


def _pipeline(work: str, scale: str, target: Path) -> str:
    table = data.lineitem(scale)
    if work == "B1":
        return lineitem.pipeline(table, f'parquet: {{uri: "{target}"}}')
    if work == "B4":
        return orders.pipeline(data.orders(scale), table, target)
    columns = ", ".join(f'{name}: "{kind}"' for name, kind in lineitem.COLUMNS.items())
    return SORT.format(source=table, columns=columns, target=target)
