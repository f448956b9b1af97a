"""What is shown while a job runs."""

from __future__ import annotations

import io
import signal
import threading

import pytest
from rich.console import Console

from etlplus.cli.interrupt import Detached, cancelling
from etlplus.cli.progress import Bar, Lines, meter
from etlplus.cli.screen import Screen
from etlplus.domain.run import Progress

HALF = Progress(rows_read=1000, bytes_read=512, bytes_total=1024, rows_rejected=7)


def test_lines_name_each_state_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(Screen(), "flights") as shown:
        for state in ("PENDING", "RUNNING", "RUNNING", "SUCCEEDED"):
            shown.state(state)
            shown.update(HALF)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["flights: PENDING", "flights: RUNNING", "flights: SUCCEEDED"]


def test_lines_are_for_pipes(capsys: pytest.CaptureFixture[str]) -> None:
    with meter(Screen(), "flights") as shown:
        assert isinstance(shown, Lines)
    assert capsys.readouterr().err == ""


def test_a_bar_shows_figures() -> None:
    terminal = io.StringIO()
    with Bar("flights", Console(file=terminal, force_terminal=True, width=120)) as shown:
        shown.state("RUNNING")
        shown.update(HALF)
    assert "flights running" in terminal.getvalue()
    assert "7 rejected" in terminal.getvalue()


def test_the_first_ctrl_c_cancels_and_the_second_detaches() -> None:
    cancelled = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with cancelling(cancelled.set):
        signal.raise_signal(signal.SIGINT)
        assert cancelled.wait(10)
        with pytest.raises(Detached):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_are_not_told_of_ctrl_c() -> None:
    entered = threading.Event()

    def work() -> None:
        with cancelling(lambda: None):
            entered.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered.is_set()
