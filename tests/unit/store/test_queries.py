from __future__ import annotations

import re
from importlib import resources

import pytest

from etlplus.store.queries import load_queries

SQL = resources.files("etlplus.store").joinpath("sql")
FILES = sorted(each.name.removesuffix(".sql") for each in SQL.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_every_query_has_a_name_and_a_text(name: str) -> None:
    queries = load_queries(name)
    assert queries
    assert all(text and not text.startswith("-- name") for text in queries.values())


@pytest.mark.parametrize("name", FILES)
def test_every_query_is_used_by_its_store_and_the_other_way_round(name: str) -> None:
    source = resources.files("etlplus.store").joinpath(f"{name}.py").read_text("utf-8")
    used = set(re.findall(r'_SQL\["([a-z_]+)"\]', source))
    used |= set(re.findall(r'_(?:touch|write)\(\s*"([a-z_]+)"', source))
    assert used == set(load_queries(name))


def test_no_query_reads_the_clock_of_the_transactions_start() -> None:
    for name in FILES:
        for text in load_queries(name).values():
            assert not re.search(r"\bnow\(\)|current_timestamp", text)
