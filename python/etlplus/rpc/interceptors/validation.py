"""Decodes each request message and checks its shape by the rules in the contract."""

from __future__ import annotations

import protovalidate
from google.protobuf.message import Message

from etlplus.domain.errors import InvalidInput
from etlplus.domain.problem import Problem
from etlplus.rpc.call import Call
from etlplus.rpc.interceptors.interceptor import Incoming, Interceptor
from etlplus.rpc.undecoded import Undecoded


class Validation(Interceptor):
    """Refuses messages that break a rule; every broken rule is told."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def request(self, call: Call, message: Incoming) -> Message:
        """The decoded message. Raises InvalidInput with a problem for each broken rule."""
        decoded = message.decode() if isinstance(message, Undecoded) else message
        violations = self._validator.collect_violations(decoded)
        if not violations:
            return decoded
        problems = tuple(_problem(violation) for violation in violations)
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InvalidInput(
            f"{first.path or 'the request'}: {first.message}{more}",
            place=first.path or call.method,
            problems=problems,
        )


def _problem(violation: protovalidate.Violation) -> Problem:
    proto = violation.proto
    path = ".".join(
        f"{element.field_name}{_subscript(element)}"
        for element in (proto.field.elements if proto.field else ())
    )
    message = proto.message or proto.rule_id or "breaks a rule"
    return Problem(code=proto.rule_id or "rule", message=message, path=path)


def _subscript(element: protovalidate.FieldPathElementPb) -> str:
    """The place in a list or mapping that the path goes through."""
    if element.subscript is None:
        return ""
    key = element.subscript.value
    return f'["{key}"]' if isinstance(key, str) else f"[{key}]"
