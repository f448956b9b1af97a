"""Rules that values keep by themselves."""

from __future__ import annotations

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.job import JobState
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.run import Books


def test_books_balance_when_every_row_is_accounted_for() -> None:
    books = Books(read=10, expanded=2, loaded=6, rejected=3, filtered=2, merged_away=1)
    assert books.balance
    assert not Books(read=10, loaded=9).balance
    assert not Books(read=9, loaded=10).balance


def test_a_merge_moves_rows_and_keeps_the_balance() -> None:
    merged = Books(read=10, loaded=8, rejected=2).merge(3)
    assert (merged.loaded, merged.merged_away) == (5, 3)
    assert merged.balance


def test_three_states_are_final() -> None:
    final = {state.name for state in JobState if state.is_final}
    assert final == {"SUCCEEDED", "FAILED", "CANCELLED"}


def test_equal_definitions_have_equal_hashes() -> None:
    one = PipelineDraft(b"spec", "a: 1", "me", "first")
    two = PipelineDraft(b"spec", "a:   1", "you", "second")
    assert one.content_hash == two.content_hash
    assert len(one.content_hash) == 64


def test_secrets_do_not_show() -> None:
    connection = ResolvedConnection("crm", "postgres", {"password": "hunter2"})
    assert "hunter2" not in repr(connection)
