"""Errors as HTTP answers."""

from __future__ import annotations

import json

from etlplus.domain import errors
from etlplus.http.answers import STATUSES, refusal, status_of


def test_each_family_has_a_status() -> None:
    assert set(STATUSES) == set(errors.FAMILIES)
    assert all(400 <= status < 600 for status in STATUSES.values())
    assert status_of(errors.EtlError("x")) == 500


def test_an_answer_has_code_message_and_next_step() -> None:
    answer = refusal(errors.LimitExceeded("too long", code="BODY_TOO_LARGE", hint="send less"))
    assert answer.status_code == 413
    assert json.loads(bytes(answer.body)) == {
        "code": "BODY_TOO_LARGE",
        "message": "too long",
        "hint": "send less",
    }
