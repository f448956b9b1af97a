"""No row is lost or doubled: the books of random pipelines balance and say what is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.oneshot import run

HEAD = """\
api: etlplus/v1
name: random
sources:
  rows: {csv: {uri: rows.csv, header: true, columns: {id: bigint, amount: text, word: text}}}
  other: {csv: {uri: other.csv, header: true, columns: {word: text, extra: bigint}}}
steps:
"""
SINKS = """\
sinks:
  out: {parquet: {uri: out.parquet}}
"""
STEPS = [
    'filter: "id % 3 <> 0"',
    "filter: \"word <> 'a'\"",
    'map: {doubled: "id * 2"}',
    'map: {ratio: "100 / (id % 5)"}',
    'map: {number: "cast(amount as decimal(6,2))"}',
    'filter: "cast(amount as bigint) > 0"',
    "cast: {amount: bigint}",
    "drop: [amount]",
    "rename: {amount: price}",
    "validate: {not_null: [word]}",
    "validate: {unique: [id]}",
    'validate: {rules: [{name: small, expr: "id < 15"}, {name: even, expr: "id % 2 = 0"}]}',
    "join: {with: other, on: [word]}",
    "join: {with: other, on: [word], how: left}",
    "join: {with: other, on: [word], how: anti}",
    "limit: 7",
    "sort: [word, {column: id, desc: true}]",
    "dedupe: [word]",
    "unnest: word",
    "map: {word: \"case when word <> 'c' then '[1, 2]' end\"}",
    "mask: {word: {how: partial, keep_first: 1}}",
    "dedupe: {keys: [word, id], order_by: [id], keep: last}",
]
AMOUNTS = st.sampled_from(["1", "2.50", "-3", "x", "", "99999999999999999999", "12345.678"])
RECORD = st.tuples(
    st.integers(0, 20).map(str) | st.just("bad"), AMOUNTS, st.sampled_from(["a", "b", "c", ""])
)


def applicable(steps: list[str]) -> list[str]:
    """Leave out steps that name a column which an earlier one took away or added before."""
    kept: list[str] = []
    gone = joined = False
    for step in steps:
        takes = step.startswith(("drop", "rename"))
        joins = step.startswith("join")
        if (gone and "amount" in step) or (joined and joins):
            continue
        gone, joined = gone or takes, joined or (joins and "anti" not in step)
        kept.append(step)
    return kept


@given(
    records=st.lists(RECORD, max_size=40),
    others=st.lists(st.sampled_from(["a,1", "b,2", "b,3", "z,4", "c,bad"]), max_size=6),
    steps=st.lists(st.sampled_from(STEPS), max_size=5).map(applicable),
    threads=st.sampled_from([1, 2]),
    batch_rows=st.sampled_from([0, 1, 4]),
)
def test_the_books_balance(
    records: list[tuple[str, str, str]],
    others: list[str],
    steps: list[str],
    threads: int,
    batch_rows: int,
) -> None:
    files = {
        "rows.csv": ("id,amount,word\n" + "".join(f"{','.join(r)}\n" for r in records)).encode(),
        "other.csv": ("word,extra\n" + "".join(f"{line}\n" for line in others)).encode(),
    }
    chain = "".join(
        f"  - {{{'from: rows, ' if number == 0 else ''}{step}}}\n"
        for number, step in enumerate(steps)
    )
    text = HEAD + chain + SINKS if steps else HEAD.replace("steps:\n", "") + SINKS
    if not steps:
        text = text.replace("out: {parquet", "out: {from: rows, parquet")
    finished = run(text, files, threads=threads, batch_rows=batch_rows)
    [sink] = finished.outcome.sinks
    assert sink.books.balance, sink.books
    assert sink.books.loaded == sink.rows == len(finished.rows["out"])
    assert sink.books.rejected == len(finished.rejects) == finished.outcome.rejects.rows
    # A join whose one side turns out empty need not read the other, and a limit need not read on.
    if any(step.startswith(("join", "limit")) for step in steps):
        assert sink.books.read <= len(records) + len(others)
    else:
        assert sink.books.read == len(records)
    for reject in finished.rejects:
        assert reject.code
        assert reject.message
