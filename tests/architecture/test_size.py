from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import sources, text

FILE_LINES = 400
FUNCTION_LINES = 50


@pytest.mark.parametrize("name", sources(".py", ".pyi", ".rs", ".sql", ".sh"))
def test_a_file_can_be_read_in_one_sitting(name: str) -> None:
    lines = text(name).count("\n")
    assert lines <= FILE_LINES, f"{name} has {lines} lines; split it by what it knows"


@pytest.mark.parametrize("name", sources(".py"))
def test_a_function_fits_on_a_screen(name: str) -> None:
    long = [found for found in _functions(ast.parse(text(name))) if found[1] > FUNCTION_LINES]
    assert not long, f"{name}: {long}"


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its length in lines, its docstring left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            document = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - document
