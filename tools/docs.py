"""Generates the pages of `docs/` that follow from the code.

`python tools/docs.py` writes them; `python tools/docs.py --check` writes nothing and fails when a
page on disk differs from what would be written.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from etlplus.cli.application import build
from etlplus.cli.catalogue import SECTIONS
from etlplus.domain.codes import REJECTS, failure_class
from etlplus.domain.errors import CODES, FAMILIES, RunError
from etlplus.language import codes as language_codes
from etlplus.language.port import PipelineLanguage
from etlplus.settings import PREFIX, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by tools/docs.py; `make gen` writes it again. -->\n"
CLI_HEAD = """\
Data goes to stdout, everything else to stderr. Reading commands take `-o json` and `-o yaml`. A bar
shows progress on a terminal, plain lines elsewhere; `NO_COLOR` turns colours off. Nothing asks
questions without a terminal.

Commands find the server by `--server`, else `ETLPLUS_SERVER`, else by what the running server wrote
into the data folder. They present `ETLPLUS_TOKEN`, else the token stored there at the first start.
"""
ERRORS_HEAD = """\
A code never changes its meaning. Errors of calls carry it as `ErrorInfo.reason` with the domain
`etlplus`, failed jobs as `error.code`, and commands print it first. A failure of a run is of one
class: `transient` may pass by itself, and a job that fails so is tried again if its
`limits.retries` says so; `data` lies in the rows; `permanent` stays until the definition or the
surroundings change.
"""
EXITS = (
    ("0", "done"),
    ("1", "the run or the command failed"),
    ("2", "the definition or the usage is wrong"),
    ("3", "the server cannot be reached"),
    ("4", "not authorised"),
    ("5", "more rejects than the budget allows"),
    ("130", "cancelled"),
)
WIDTH = 96
# Defaults that depend on the machine.
DEFAULTS = {
    "data_dir": "`.etlplus` in a checkout, else `etlplus` in the user's data folder",
    "file_roots": "the working directory",
}


def cli_page() -> str:
    """Return the reference of the commands: what `--help` prints for each."""
    parts = [
        "# Commands\n",
        NOTE,
        CLI_HEAD,
        table(("exit code", "meaning"), EXITS),
    ]
    for section in SECTIONS:
        parts.append(f"## {section.title}\n")
        for command in section.commands:
            parts.append(f"### etlplus {command.words}\n")
            parts.append(f"```text\n{help_text(command.words.split())}```\n")
    return "\n".join(parts)


def help_text(words: Sequence[str]) -> str:
    """Return what a command prints for `--help`, without borders."""
    printed = io.StringIO()
    console = Console(file=printed, width=WIDTH, color_system=None, highlight=False)
    app = build(words)
    app.help_formatter = "plain"
    app.help_print(words, console=console)
    lines = (line.rstrip() for line in printed.getvalue().strip().splitlines())
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Return every stable code with its meaning."""
    parts = [
        "# Error codes\n",
        NOTE,
        ERRORS_HEAD,
        "## Calls and jobs\n",
    ]
    for family in FAMILIES:
        found = {code: text for code, (kind, text) in CODES.items() if kind is family}
        summary = (family.__doc__ or "").split("\n")[0]
        parts += [f"### {family.__name__}\n", summary + "\n"]
        if family is RunError:
            failures = [(f"`{code}`", failure_class(code), text) for code, text in found.items()]
            parts.append(table(("code", "class", "meaning"), failures))
        else:
            rows = [(f"`{code}`", text) for code, text in found.items()]
            parts.append(table(("code", "meaning"), rows))
    parts += [
        "## Rejects\n",
        "Why a row was refused. [Rejects](rejects.md) explains what to do with them.\n",
        table(("code", "meaning"), [(f"`{code}`", text) for code, text in REJECTS.items()]),
        "## Definitions\n",
        "What can be wrong with a pipeline file: `E…` stops it, `W…` does not.\n",
        table(("code", "name", "next step"), definition_rows()),
    ]
    return "\n".join(parts)


def definition_rows() -> Iterator[tuple[str, str, str]]:
    """Yield every code of the pipeline language with its name and its usual hint."""
    for name, code in vars(language_codes).items():
        if name.isupper() and isinstance(code, str):
            hint = language_codes.HINTS.get(code, "")
            yield f"`{code}`", name.lower().replace("_", " "), hint


def settings_page() -> str:
    """Return every setting with its variable and its default."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = DEFAULTS.get(name) or (
            "" if field.default in (None, "") else f"`{json.dumps(field.default, default=str)}`"
        )
        rows.append(
            (f"`{PREFIX}{name.upper()}`", default.replace('"', ""), field.description or "")
        )
    sources = (sys.modules[Settings.__module__].__doc__ or "").split("\n\n", 1)[1]
    return "\n".join(
        ["# Settings\n", NOTE, sources, table(("variable", "default", "meaning"), rows)]
    )


def reference_page() -> str:
    """Return every kind of source, step and sink with its options."""
    language = PipelineLanguage()
    parts = ["# Sources, steps and sinks\n", NOTE]
    connectors = language.connectors()
    for title, role in (("Sources", "source"), ("Steps", "step"), ("Sinks", "sink")):
        entries = language.steps() if role == "step" else connectors
        parts.append(f"## {title}\n")
        for entry in entries:
            if role in entry.roles:
                parts += [
                    f"### {entry.kind}\n",
                    entry.summary + "\n",
                    *options(entry.options_schema),
                ]
    return "\n".join(parts)


def options(schema_text: str) -> Iterator[str]:
    """Yield the table of a kind's options, where it has any."""
    schema: dict[str, Any] = json.loads(schema_text)
    for form in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        properties = form.get("properties")
        if properties:
            needed = form.get("required", ())
            rows = [
                (f"`{name}`", "yes" if name in needed else "", value.get("description", ""))
                for name, value in properties.items()
            ]
            yield table(("option", "required", "meaning"), rows)
            return


def table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    cells = (
        " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in lines
    )
    return "".join(f"| {row} |\n" for row in cells)


PAGES = {
    "cli.md": cli_page,
    "errors.md": errors_page,
    "reference.md": reference_page,
    "settings.md": settings_page,
}


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on differences")
    check = parser.parse_args().check
    differing = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            differing.append(name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    for name in differing:
        print(f"docs/{name} does not follow from the code; run `make gen`", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
