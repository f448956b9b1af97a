"""Writes a first pipeline, made for the CSV file at hand."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.screen import Screen
from etlplus.domain.errors import AlreadyExists, InvalidInput

_SAMPLE_BYTES: Final = 1 << 16
_SAMPLE_ROWS: Final = 200
_NAME: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 60
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEMPLATE: Final = """\
api: etlplus/v1
name: {name}
description: Rows of {file}, checked, in a table.

sources:
  {name}: {{csv: {{uri: "{uri}"{options}}}}}

steps:
  # Rows that do not fit are not lost: they become rejects, with their line and the reason.
  # `etlplus rejects show` shows them; a run ends with the command that shows its own.
{steps}

sinks:
  # `local` is the database that the service brings along; `etlplus conn add` adds others.
  table: {{postgres: {{connection: local, table: {name}, mode: replace}}}}
"""
_SAMPLE: Final = """\
id,name,amount
1,Ada,9.90
2,Grace,12.00
3,,7.50
4,Edsger,much
"""
_SAMPLE_OPTIONS: Final = ', columns: {amount: "decimal(12,2)"}'
_SAMPLE_STEPS: Final = """\
  - name: checked
    validate:
      not_null: [id, name]
      unique: [id]
      rules: [{name: positive, expr: amount > 0, message: an amount is more than nothing}]\
"""


def init(
    data: Path | None = None,
    /,
    *,
    to: Annotated[Path, Parameter(help="The file that is written.")] = Path("pipeline.yaml"),
    force: Annotated[bool, Parameter(help="Overwrite it.")] = False,
) -> int:
    """Write a first pipeline, made for a CSV file.

    Parameters
    ----------
    data
        The CSV file, beneath the folder where the server is started; a small sample is written
        when it is left out.
    """
    screen = Screen()
    if to.exists() and not force:
        raise AlreadyExists(
            f"{to} exists", place=str(to), hint="Name another file with --to, or add --force"
        )
    if data is None:
        data = Path("sample.csv")
        if not data.exists():
            data.write_text(_SAMPLE, encoding="utf-8")
            screen.note(f"wrote {data}: four rows, of which two are not as they should be")
        text = text_for(data, options=_SAMPLE_OPTIONS, steps=_SAMPLE_STEPS)
    else:
        text = text_for(data)
    to.write_text(text, encoding="utf-8")
    screen.note(f"wrote {to}")
    screen.tip(f"`etlplus validate {to}` checks it, `etlplus run {to} --local` runs it")
    return exits.OK


def text_for(data: Path, *, options: str = "", steps: str = "") -> str:
    """A pipeline that loads a CSV file into a table.

    Args:
        data: the file.
        options: further options of the source, as YAML.
        steps: the steps as YAML; a check of what looks complete when empty.

    Raises:
        InvalidInput: the file cannot be read, or is empty.
    """
    columns = complete_columns(data)
    name = _NAME.sub("_", data.stem.lower()).strip("_")[:_LONGEST]
    name = name if name[:1].isalpha() else f"data_{name}".rstrip("_")
    check = (
        f"{{not_null: [{columns[0]}]}}" if columns else "{rules: [{name: anything, expr: 'true'}]}"
    )
    steps = steps or f"  - name: checked\n    validate: {check}"
    uri = data.as_posix().replace("\\", "\\\\").replace('"', '\\"')
    return _TEMPLATE.format(name=name, file=data.name, uri=uri, options=options, steps=steps)


def complete_columns(data: Path) -> list[str]:
    """Columns with a plain name and a value in each sampled row, in order. Raises InvalidInput."""
    try:
        with data.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            sample = file.read(_SAMPLE_BYTES)
    except OSError as error:
        raise InvalidInput(
            f"cannot read {data}: {error.strerror}", place=str(data), hint="Name a CSV file"
        ) from error
    lines = sample.splitlines()
    if len(sample) == _SAMPLE_BYTES:
        # The last line is cut.
        lines = lines[:-1]
    try:
        dialect = csv.Sniffer().sniff("\n".join(lines[:_SAMPLE_ROWS]), ",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = [row for row in csv.reader(lines[: _SAMPLE_ROWS + 1], dialect) if row]
    if not rows:
        raise InvalidInput(f"{data} is empty", place=str(data), hint="Name a file with rows")
    head, body = rows[0], rows[1:]
    same = all(len(one) == len(two) for one, two in pairwise(body))
    return [
        name
        for index, name in enumerate(head)
        if same and _PLAIN.fullmatch(name) and all(index < len(row) and row[index] for row in body)
    ]
