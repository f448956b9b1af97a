"""What the client makes of statuses that are not ours."""

from __future__ import annotations

import grpc
import pytest

from etlplus.client.failure import to_error
from etlplus.domain import errors
from etlplus.domain.errors import EtlError, Unavailable


def test_no_answer_names_the_server_and_the_next_step() -> None:
    error = to_error(grpc.StatusCode.UNAVAILABLE, "connection refused", [], "there:7433")
    assert isinstance(error, Unavailable)
    assert error.code == "SERVER_UNREACHABLE"
    assert "there:7433" in error.message
    assert error.hint


def test_a_certificate_that_does_not_fit_is_told_from_no_answer() -> None:
    text = "Custom verification check failed with error: Hostname Verification Check failed."
    error = to_error(grpc.StatusCode.UNAVAILABLE, text, [], "there:7433")
    assert error.hint
    assert "certificate" in error.hint


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthenticated),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitExceeded),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Bug),
        (grpc.StatusCode.UNKNOWN, errors.Bug),
    ],
)
def test_a_status_without_details_keeps_its_family(
    code: grpc.StatusCode, family: type[EtlError]
) -> None:
    error = to_error(code, "", [("x-request-id", "1")], "there:1")
    assert type(error) is family
    assert error.message == code.name


def test_details_that_cannot_be_read_do_not_hide_the_failure() -> None:
    trailers = [("grpc-status-details-bin", b"\xff\xff")]
    error = to_error(grpc.StatusCode.NOT_FOUND, "missing", trailers, "there:1")
    assert isinstance(error, errors.NotFound)
    assert error.message == "missing"
