"""Which types widen, to what, and what following the rows refuses."""

from __future__ import annotations

import pytest

from etlplus.domain.errors import RunError
from etlplus.domain.evolution import (
    EVOLVE,
    ColumnChange,
    Incoming,
    Standing,
    TableSink,
    compare,
    is_rewriting,
    widened,
)

SINK = TableSink("out", "local", "public.t", EVOLVE, ("id",))

#: The table's type, that of the rows, what the table gets, and whether rows are written anew.
WIDER = [
    ("smallint", "integer", "integer", True),
    ("smallint", "bigint", "bigint", True),
    ("integer", "bigint", "bigint", True),
    ("character varying(20)", "text", "text", False),
    ("numeric(6,2)", "numeric(8,2)", "numeric(8,2)", False),
    ("numeric(6,2)", "numeric(6,3)", "numeric(7,3)", True),
    ("numeric(3,-2)", "numeric(6,2)", "numeric(7,2)", True),
    ("numeric(6,2)", "numeric", "numeric", False),
    ("timestamp(3) without time zone", "timestamp without time zone", None, False),
    ("time(0) without time zone", "time without time zone", None, False),
    ("timestamp(3) with time zone", "timestamp with time zone", None, False),
]
#: Types that stay as they are.
STAYING = [
    ("bigint", "integer"),
    ("integer", "integer"),
    ("integer", "text"),
    ("integer", "numeric(12,2)"),
    ("integer", "double precision"),
    ("real", "double precision"),
    ("text", "integer"),
    ("character varying", "text"),
    ("character varying(20)", "integer"),
    ("character(3)", "text"),
    ("numeric", "numeric(12,2)"),
    ("numeric(12,2)", "numeric(6,2)"),
    ("numeric(12,2)", "bigint"),
    ("numeric(12,2)", "double precision"),
    ("timestamp(3) without time zone", "timestamp with time zone"),
    ("timestamp(3) without time zone", "date"),
    ("date", "timestamp without time zone"),
    ("boolean", "text"),
    ("uuid", "text"),
]


@pytest.mark.parametrize(("before", "incoming", "after", "rewrites"), WIDER)
def test_types_widen_without_loss(
    before: str, incoming: str, after: str | None, rewrites: bool
) -> None:
    wider = widened(before, incoming)
    assert wider == (after or incoming)
    assert is_rewriting(before, wider) is rewrites


@pytest.mark.parametrize(("before", "incoming"), STAYING)
def test_other_types_stay(before: str, incoming: str) -> None:
    assert widened(before, incoming) is None


def test_a_numeric_of_more_digits_than_the_server_counts_has_no_limit() -> None:
    assert widened("numeric(1000,0)", "numeric(10,5)") == "numeric"


def test_widening_is_done_once() -> None:
    for before, incoming, _, _ in WIDER:
        wider = widened(before, incoming)
        assert wider is not None
        assert widened(wider, incoming) is None


def test_a_table_is_told_apart_from_the_rows_by_column() -> None:
    standing = (Standing("id", "integer"), Standing("old", "text"), Standing("n", "real"))
    incoming = (
        Incoming("id", "bigint"),
        Incoming("n", "double precision"),
        Incoming("new", "date"),
    )
    assert compare(SINK, standing, incoming) == (
        ColumnChange("id", "widened", "integer", "bigint", rewrites=True),
        ColumnChange("n", "changed", "real", "double precision"),
        ColumnChange("new", "added", after="date"),
        ColumnChange("old", "missing", before="text"),
    )


def test_a_frozen_table_widens_nothing() -> None:
    frozen = TableSink("out", "local", "public.t")
    changes = compare(frozen, (Standing("id", "integer"),), (Incoming("id", "bigint"),))
    assert changes == (ColumnChange("id", "changed", "integer", "bigint"),)


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(RunError, match="none of the columns") as refused:
        compare(SINK, (Standing("a", "text"),), (Incoming("id", "bigint"),))
    assert refused.value.code == "TARGET_MISMATCH"


def test_a_key_is_not_added() -> None:
    standing, incoming = (Standing("n", "text"),), (Incoming("n", "text"), Incoming("id", "text"))
    with pytest.raises(RunError, match="no column 'id'") as refused:
        compare(SINK, standing, incoming)
    assert refused.value.code == "TARGET_MISMATCH"
