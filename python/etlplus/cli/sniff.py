"""Shows how a CSV file is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from etlplus.cli import exits
from etlplus.cli.output import Output, write
from etlplus.cli.text import line, table
from etlplus.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etlplus.domain.run import Finding, Sniffed

#: Options that a source need not say when they have these values.
_USUAL: Final = {"compression": "none", "encoding": "utf-8", "quote": '"', "skip_rows": "0"}
_NUMBERS: Final = frozenset({"skip_rows", "header_rows"})
_NAME: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 60
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def sniff(file: Path, /, *, output: Output = "table") -> int:
    """Show how a CSV file is written, how sure that is, and a source that says so.

    A sample of the file is read, on this machine and without a server.

    Parameters
    ----------
    file
        The CSV file, which may be compressed.
    """
    found = look(file)
    source = block(file, found)
    plain = {
        "findings": [
            {"option": f.option, "value": _value(f), "sure": f.sure} for f in found.findings
        ],
        "columns": {column.name: column.type for column in found.columns},
        "notes": list(found.notes),
        "source": source,
    }
    write(plain, output, lambda: _text(found, source))
    return exits.OK


def look(file: Path) -> Sniffed:
    """How the file is written. Raises the engine's errors, and InvalidInput when there is none."""
    from etlplus.engine import RustEngine  # noqa: PLC0415 takes time that --help has not
    from etlplus.language import runtime  # noqa: PLC0415 the same
    from etlplus.v1 import plan_pb2  # noqa: PLC0415 the same

    if not file.is_file():
        raise InvalidInput(f"{file} is no file", place=str(file), hint="Name a CSV file")
    folder = str(file.resolve().parent)
    settings = runtime(
        connections=(),
        file_roots=[folder],
        base_dir=folder,
        work_dir=folder,
        load_id="0" * 32,
        epoch=1,
    )
    source = plan_pb2.CsvSource(uri=file.resolve().name)
    return RustEngine().sniff(source.SerializeToString(), settings)


def block(file: Path, found: Sniffed) -> str:
    """A `sources` block in YAML that declares what was found."""
    name = _NAME.sub("_", file.name.lower().split(".")[0]).strip("_")[:_LONGEST]
    name = name if name[:1].isalpha() else f"data_{name}".rstrip("_")
    lines = ["sources:", f"  {name}:", "    csv:", f"      uri: {_scalar(file.as_posix())}"]
    lines += [
        f"      {finding.option}: {_scalar(_value(finding))}"
        for finding in found.findings
        if _USUAL.get(finding.option) != finding.value
    ]
    lines += ["      columns:"]
    lines += [f"        {_key(column.name)}: {column.type}" for column in found.columns]
    return "\n".join(lines) + "\n"


def _value(finding: Finding) -> str | int | list[str]:
    if finding.option in _NUMBERS:
        return int(finding.value)
    if finding.option == "null_values":
        words: list[str] = json.loads(finding.value)
        return words
    return finding.value


def _scalar(value: str | int | list[str]) -> str:
    # JSON text is YAML text, with every sign that needs it escaped.
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _scalar(name)


def _text(found: Sniffed, source: str) -> str:
    rows = [(f.option, line(_shown(f)), f"{f.sure:.0%}") for f in found.findings]
    columns = [(line(column.name), column.type) for column in found.columns]
    parts: Iterable[str] = (
        table(("OPTION", "VALUE", "SURE"), rows),
        table(("COLUMN", "TYPE"), columns),
        "".join(f"{line(note)}\n" for note in found.notes),
        source,
    )
    return "\n".join(parts)


def _shown(finding: Finding) -> str:
    return f"'{finding.value}'" if finding.option == "delimiter" else finding.value
