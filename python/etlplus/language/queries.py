"""Reads the SQL of a definition: whether it is SQL, and whether what queries read exists."""

from __future__ import annotations

import re
from typing import Final

from etlplus.app.ports import SqlReader, SqlReading
from etlplus.language import codes, schema
from etlplus.language.findings import Findings
from etlplus.language.interpolate import Fault, bound, has_template, references
from etlplus.language.names import check_reference
from etlplus.language.text import Path
from etlplus.language.texts import texts
from etlplus.language.wiring import wire
from etlplus.v1 import options_pb2, plan_pb2

_WORD: Final = re.compile(r"\w+|\W")


def check_queries(
    spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path], read: SqlReader
) -> None:
    """Report every query and expression that is no SQL, and tables that are no source or step."""
    wiring = wire(spec)
    for path, field, text, _ in texts(spec):
        is_sql = schema.interpolation(field) == options_pb2.INTERPOLATION_SQL
        if not is_sql or path in broken or _is_faulty(text):
            continue
        found = read(bound(text), query=field.name == "query")
        if found.fault:
            _report(text, found, path, findings)
        for table in found.tables:
            index = path[1]
            if isinstance(index, int):
                part = (text, *_place(table, text))
                check_reference(wiring, index, table, findings.placed(path, part))


def _is_faulty(text: str) -> bool:
    """Tell whether a text has faults that are reported already, and that no SQL can have."""
    return has_template(text) or any(isinstance(found, Fault) for found in references(text))


def _report(text: str, found: SqlReading, path: Path, findings: Findings) -> None:
    lines = text.split("\n")
    if not 0 < found.line <= len(lines):
        findings.add(codes.NO_SQL, found.fault, path)
        return
    start = sum(len(line) + 1 for line in lines[: found.line - 1]) + found.column - 1
    word = _WORD.match(text, start)
    end = word.end() if word else start + 1
    findings.inside(codes.NO_SQL, found.fault, path, (text, start, end))


def _place(table: str, text: str) -> tuple[int, int]:
    """Return where a table's name stands in a query; the query's beginning when it is not found."""
    name = r'"?\s*\.\s*"?'.join(map(re.escape, table.split(".")))
    found = re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE)
    return found.span() if found else (0, 1)
