"""Reads single values by the type of their field, so that no value means more than it says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.struct_pb2 import NullValue, Value

from etlplus.language.nodes import Node, Scalar

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_TRUTH: Final = {"true": True, "false": False, "True": True, "False": False}
_YAML_1_1: Final = {
    "yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false",
}  # fmt: skip
_INTEGER_BITS: Final = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
}


class WrongTypeError(ValueError):
    """A value is not of its field's type. `hint`: what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def is_null(node: Node) -> bool:
    """Tell whether a node stands for nothing: no text at all, `~` or `null`."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def convert(field: FieldDescriptor, node: Scalar) -> str | bool | int | float:
    """Return a scalar as its field's type.

    Raises:
        WrongTypeError: The text is not a value of the type.
    """
    readers: dict[int, Callable[[str], str | bool | int | float]] = {
        FieldDescriptor.TYPE_STRING: str,
        FieldDescriptor.TYPE_BOOL: _truth,
        FieldDescriptor.TYPE_DOUBLE: _number,
    }
    if field.type in _INTEGER_BITS:
        return _whole(node.text, *_INTEGER_BITS[field.type])
    return readers[field.type](node.text)


def _truth(text: str) -> bool:
    if text in _TRUTH:
        return _TRUTH[text]
    meant = _YAML_1_1.get(text.lower())
    hint = f"Write `{meant}`" if meant else "Write `true` or `false`"
    raise WrongTypeError(f"`{shorten(text)}` is neither `true` nor `false`", hint)


def _whole(text: str, low: int, high: int) -> int:
    if _WHOLE.fullmatch(text):
        value = int(text)
    elif _NUMBER.fullmatch(text) and (exact := Decimal(text)) == exact.to_integral_value():
        value = int(exact) if exact.adjusted() <= len(str(high)) else high + 1
    else:
        raise WrongTypeError(
            f"`{shorten(text)}` is not a whole number", "Write digits, as in `100`"
        )
    if not low <= value <= high:
        raise WrongTypeError(f"`{shorten(text)}` is not between {low} and {high}")
    return value


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise WrongTypeError(f"`{shorten(text)}` is not a number", "Write digits, as in `0.05`")
    return float(text)


def fill_value(value: Value, node: Scalar, *, verbatim: bool = False) -> None:
    """Put a scalar into a free value: null, true, false, a number, or else text.

    A number that a double cannot hold exactly stays text, so that no digit is lost; with `verbatim`
    so does every number that would be written differently, such as `1.50`.
    """
    text = node.text
    if is_null(node):
        value.null_value = NullValue.NULL_VALUE
    elif node.plain and text in {"true", "false"}:
        value.bool_value = text == "true"
    elif node.plain and _JSON_NUMBER.fullmatch(text) and _is_exact(text):
        if verbatim and number_text(float(text)) != text:
            value.string_value = text
        else:
            value.number_value = float(text)
    else:
        value.string_value = text


def _is_exact(text: str) -> bool:
    number = float(text)
    return math.isfinite(number) and Decimal(repr(number)) == Decimal(text)


def number_text(number: float) -> str:
    """Return a number as people write it: whole numbers without a fraction."""
    if number.is_integer() and abs(number) <= 1 << 53:
        return str(int(number))
    return repr(number)


def shorten(text: str, width: int = 60) -> str:
    """Return a text cut to a length that fits a message."""
    line = text.replace("\n", "⏎")
    return line if len(line) <= width else line[: width - 1] + "…"
