"""Log lines: one form for all libraries, and no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from etlplus import logs

TOKEN = "etlp_root_0123456789AB_" + "s3cret" * 8


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(form: Any = "json", level: str = "info") -> io.StringIO:  # noqa: ANN401
    stream = io.StringIO()
    logs.configure(form, level, stream)
    return stream


def test_lines_of_libraries_look_like_ours_and_carry_what_is_bound() -> None:
    stream = configured()
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.stdlib.get_logger("ours").info("begun", rows=3)
    logging.getLogger("theirs").warning("took %s s", 5, extra={"pool": "p"})
    ours, theirs = lines(stream)
    assert (ours["event"], ours["rows"], ours["level"], ours["logger"]) == (
        *("begun", 3, "info"),
        "ours",
    )
    assert (theirs["event"], theirs["pool"], theirs["logger"]) == ("took 5 s", "p", "theirs")
    assert {ours["request_id"], theirs["request_id"]} == {"r1"}
    assert ours["time"].endswith("Z")


def test_lines_below_the_level_and_of_noisy_libraries_are_left_out() -> None:
    stream = configured(level="info")
    structlog.stdlib.get_logger("ours").debug("no")
    logging.getLogger("psycopg.pool").info("no")
    logging.getLogger("psycopg.pool").warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_a_second_set_up_replaces_the_first() -> None:
    first, second = configured(), configured()
    logging.getLogger("x").error("once")
    assert not first.getvalue()
    assert len(lines(second)) == 1


def test_a_console_gets_text_and_a_file_gets_json() -> None:
    stream = configured("console")
    structlog.stdlib.get_logger("ours").info("hello", rows=3)
    assert "hello" in stream.getvalue()
    assert "rows=3" in stream.getvalue()
    stream = configured("auto")
    structlog.stdlib.get_logger("ours").info("hello")
    assert lines(stream)[0]["event"] == "hello"


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"authorization: Bearer {TOKEN}",
        f"Basic {'s3cret' * 3}==",
        "postgres://user:s3cret@host/db?x=1",
        "host=h password=s3cret dbname=d",
        "host=h password = 's3cret with \\' quote' dbname=d",
        {"password": "s3cret"},
        {"deep": [{"api_key": "s3cret", "n": 1}, ("x", {"TOKEN": "s3cret"})]},
        ValueError("password=s3cret"),
    ],
    ids=str,
)
def test_secrets_are_hidden_wherever_they_are(value: object) -> None:
    stream = configured()
    logger = structlog.stdlib.get_logger("ours")
    logger.info("given", value=value)
    logger.info(f"given {value}" if not isinstance(value, dict) else "given", more=[value])
    logging.getLogger("theirs").info("given %s", value if isinstance(value, str) else "")
    assert "s3cret" not in stream.getvalue()
    assert "given" in stream.getvalue()


def test_secrets_in_tracebacks_are_hidden() -> None:
    stream = configured()
    try:
        int(f"log in with {TOKEN} at postgres://u:s3cret@h/d")
    except ValueError:
        structlog.stdlib.get_logger("ours").exception("failed")
    assert "s3cret" not in stream.getvalue()
    assert "ValueError: invalid literal" in stream.getvalue()
    assert "etlp_root_0123456789AB_[hidden]" in stream.getvalue()


@pytest.mark.parametrize(
    ("name", "value"),
    [("tokens_read", 5), ("rows", 7), ("path", "/a/b"), ("password_set", True), ("none", None)],
)
def test_what_is_no_secret_stays(name: str, value: object) -> None:
    stream = configured()
    structlog.stdlib.get_logger("ours").info("said", **{name: value})
    assert lines(stream)[0][name] == value
