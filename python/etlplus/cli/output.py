"""Data on stdout, as a table for people or as JSON or YAML for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

Format: TypeAlias = Literal["table", "json", "yaml"]
Output: TypeAlias = Annotated[Format, Parameter(alias="-o", help="How the data is printed.")]


def write(value: Any, form: Format, table: Callable[[], str]) -> None:  # noqa: ANN401 any data
    """Prints data.

    Args:
        value: plain data: dictionaries, lists, text, numbers, truth, None.
        form: how it is printed.
        table: makes the text for people.
    """
    sys.stdout.write(table() if form == "table" else render(value, form))
    sys.stdout.flush()


def render(value: Any, form: Format) -> str:  # noqa: ANN401 any data
    """Plain data as JSON or YAML."""
    if form == "yaml":
        import yaml  # noqa: PLC0415 only then

        text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
        return text
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
