"""Asking before something that is not easily undone."""

from __future__ import annotations

import io

import pytest

from etlplus.cli.confirm import confirmed
from etlplus.cli.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "agrees"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_a_person_at_a_terminal_is_asked(
    typed: str,
    *,
    agrees: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    found = confirmed(
        "Delete it?", "it was not deleted", "`--yes` does not ask", Screen(quiet=True)
    )
    assert found is agrees
    told = capsys.readouterr().err
    assert told.startswith("Delete it? [y/N] ")
    assert ("it was not deleted: nobody has confirmed it" in told) is not agrees


def test_nobody_is_asked_where_nobody_sits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert not confirmed("Delete it?", "it was not deleted", "`--yes` does not ask", Screen())
    told = capsys.readouterr().err
    assert "Delete it?" not in told
    assert "`--yes` does not ask" in told
