"""What to expect of a run, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from etlplus.cli.text import cut, number, table

if TYPE_CHECKING:
    from etlplus.v1 import pipeline_pb2

_WIDEST: Final = 60
#: Digits of a scaled figure that mean something.
_DIGITS: Final = 2


def expected(found: pipeline_pb2.Expectation) -> str:
    """The rows and rejects that a run is expected to have, and by how many records."""
    head = f"expected, by the first {number(found.sample_rows)} records of each file\n"
    return head + _nodes(found) + _rejects(found) + "".join(f"  {each}\n" for each in found.faults)


def _nodes(found: pipeline_pb2.Expectation) -> str:
    rows = []
    for node in found.nodes:
        name = f"  {node.name} ({node.kind})"
        seen = number(node.looked_at) if node.looked_at or not node.unknown else "-"
        count = _figure(node.rows if node.HasField("rows") else None, exact=node.exact)
        refused = _figure(node.rejected if node.HasField("rejected") else None, exact=node.exact)
        rows.append((name, seen, count, refused, node.unknown))
    return table(("  EXPECTED", "LOOKED AT", "ROWS", "REJECTS", ""), rows, right=" >>>")


def _rejects(found: pipeline_pb2.Expectation) -> str:
    rows = []
    for each in found.rejects:
        where = f"  {each.step}.{each.column}" if each.column else f"  {each.step}"
        count = _figure(each.rows if each.HasField("rows") else None, exact=each.exact)
        rows.append((where, each.code, number(each.seen), count, _example(each)))
    if not rows:
        return ""
    return table(("  REJECTS OF", "CODE", "SEEN", "EXPECTED", "FOR EXAMPLE"), rows, right="  >>")


def _example(each: pipeline_pb2.ExpectedRejects) -> str:
    if not each.HasField("example"):
        return ""
    example = each.example
    line = f":{example.line}" if example.HasField("line") else ""
    return f"{example.source}{line}: {cut(example.raw, _WIDEST)} ({cut(example.message, _WIDEST)})"


def _figure(value: int | None, *, exact: bool) -> str:
    if value is None:
        return "unknown"
    if exact:
        return number(value)
    return f"about {number(_rounded(value))}" if value else "none seen"


def _rounded(value: int) -> int:
    """A number with no more digits than a sample gives."""
    spare = len(str(value)) - _DIGITS
    return round(value, -spare) if spare > 0 else value
