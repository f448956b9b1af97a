"""Errors as statuses: complete, with details, never larger than callers take."""

from __future__ import annotations

from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from etlplus.client.failure import to_error
from etlplus.domain import errors
from etlplus.domain.problem import Problem
from etlplus.rpc.status import CODES, DETAILS_KEY, LIMIT, code_of, cut, to_status

M = TypeVar("M", bound=Message)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=3000)


def detail(status: status_pb2.Status, kind: M) -> M | None:
    return kind if any(each.Unpack(kind) for each in status.details) else None


def back(error: errors.EtlError) -> errors.EtlError:
    """What the client makes of what the server sends."""
    status = to_status(error)
    return to_error(
        code_of(error), status.message, [(DETAILS_KEY, status.SerializeToString())], "here:1"
    )


def test_every_family_has_a_code() -> None:
    assert set(CODES) == set(errors.FAMILIES)
    assert grpc.StatusCode.UNKNOWN not in CODES.values()
    assert grpc.StatusCode.OK not in CODES.values()


@pytest.mark.parametrize("code", errors.CODES)
def test_every_code_goes_to_the_client_and_back(code: str) -> None:
    error = errors.from_code(
        code, "it went wrong", place="there", hint="do this", metadata={"name": "n"}
    )
    received = back(error)
    assert type(received) is type(error)
    assert (received.code, received.message) == (code, "it went wrong")
    assert (received.place, received.hint) == ("there", "do this")
    assert received.metadata == {"name": "n"}


def test_a_family_that_nobody_knows_is_internal() -> None:
    assert code_of(errors.EtlError("?")) is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PIPELINE_NOT_FOUND", "etlplus/Pipeline"),
        ("VERSION_NOT_FOUND", "etlplus/PipelineVersion"),
        ("JOB_NOT_FOUND", "etlplus/Job"),
        ("CONNECTION_EXISTS", "etlplus/Connection"),
        ("NOT_FOUND", "etlplus"),
    ],
)
def test_missing_and_taken_things_are_named(code: str, kind: str) -> None:
    status = to_status(errors.from_code(code, "message", metadata={"name": "x"}))
    found = detail(status, error_details_pb2.ResourceInfo())
    assert found is not None
    assert (found.resource_type, found.resource_name) == (kind, "x")


def test_a_wrong_state_names_the_precondition() -> None:
    status = to_status(errors.WrongState("ended", code="JOB_FINAL", place="jobs/1"))
    found = detail(status, error_details_pb2.PreconditionFailure())
    assert found is not None
    (violation,) = found.violations
    assert (violation.type, violation.subject) == ("JOB_FINAL", "jobs/1")


@pytest.mark.parametrize("error", [errors.Unavailable("away"), errors.LimitExceeded("too much")])
def test_what_may_work_later_says_when(error: errors.EtlError) -> None:
    found = detail(to_status(error), error_details_pb2.RetryInfo())
    assert found is not None
    assert found.retry_delay.seconds == 1


def test_a_failed_connection_is_unavailable_and_not_our_fault() -> None:
    error = errors.RunError("refused", code="CONNECTION_FAILED")
    assert code_of(error) is grpc.StatusCode.UNAVAILABLE


def test_problems_become_violations_with_their_place() -> None:
    problems = [
        Problem("E0103", "there is no step", path="steps[2].from", line=4, column=7, hint="try a"),
        Problem("E0104", "unknown"),
    ]
    error = errors.InvalidInput("two problems", code="SPEC_INVALID", problems=problems)
    found = detail(to_status(error), error_details_pb2.BadRequest())
    assert found is not None
    first, second = found.field_violations
    assert (first.field, first.reason) == ("steps[2].from", "E0103")
    assert first.description == "4:7: there is no step. try a"
    assert second.description == "unknown"


@pytest.mark.parametrize("count", [41, 300, 10_000])
@pytest.mark.parametrize("width", [1, 50, 5000])
def test_hundreds_of_problems_are_counted_not_sent(count: int, width: int) -> None:
    problems = [Problem("E0103", "ä" * width, path=f"steps[{n}]") for n in range(count)]
    error = errors.InvalidInput("x" * width, problems=problems)
    status = to_status(error)
    assert status.ByteSize() <= LIMIT
    found = detail(status, error_details_pb2.BadRequest())
    assert found is not None
    *shown, last = found.field_violations
    assert 0 < len(shown) <= 40
    assert last.description == f"and {count - len(shown)} more"


@settings(max_examples=40)
@given(
    message=ANY_TEXT,
    place=ANY_TEXT,
    hint=ANY_TEXT,
    metadata=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=30),
    problems=st.lists(st.builds(Problem, ANY_TEXT, ANY_TEXT, ANY_TEXT), max_size=20),
)
def test_no_text_makes_a_status_too_large_or_unreadable(
    message: str, place: str, hint: str, metadata: dict[str, str], problems: list[Problem]
) -> None:
    error = errors.InvalidInput(
        message, place=place, hint=hint, metadata=metadata, problems=problems
    )
    status = to_status(error)
    assert len(status.SerializeToString()) <= LIMIT
    info = detail(status, error_details_pb2.ErrorInfo())
    assert info is not None
    assert info.reason == "INVALID_ARGUMENT"
    assert back(error).code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("ääää", 7, "ää…"), ("\ud800", 9, "?"), ("", 5, "")],
)
def test_cutting_keeps_whole_letters(text: str, most: int, expected: str) -> None:
    assert cut(text, most) == expected
    assert len(cut(text, most).encode()) <= most
