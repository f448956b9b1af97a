"""Checks that a run which nobody asks for has all it needs: by a schedule, or by triggers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf import struct_pb2

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.parameters import read, value_text
from etlplus.language.scalars import shorten
from etlplus.language.suggest import hint
from etlplus.language.text import Path
from etlplus.v1 import plan_pb2

SCHEDULE: Final = "schedule"
TRIGGERS: Final = "triggers"
#: What starts a run, in a sentence.
_STARTERS: Final = {SCHEDULE: "the schedule starts", TRIGGERS: "triggers start"}
_OWNERS: Final = {SCHEDULE: "a schedule", TRIGGERS: "triggers"}


def given_params(values: Mapping[str, struct_pb2.Value]) -> dict[str, str]:
    """Return the values of a sound definition as text, by name."""
    given = {name: value_text(value) for name, value in sorted(values.items())}
    return {name: text for name, text in given.items() if text is not None}


def check_unattended(
    spec: plan_pb2.PipelineSpec,
    given: Mapping[str, struct_pb2.Value],
    root: str,
    findings: Findings,
    *,
    complete: bool = True,
) -> None:
    """Report which parameters and sources such a run would lack.

    Args:
        spec: the definition.
        given: the values of parameters beneath `root`.
        root: the field that starts runs, `schedule` or `triggers`.
        findings: where problems are added.
        complete: whether a parameter must have a value by then.
    """
    declared = {param.name: param for param in spec.params}
    for name, value in sorted(given.items()):
        path: Path = (root, "params", name)
        if name not in declared:
            message = f"The pipeline has no parameter `{name}`"
            known = hint(name, declared, "It has") or "It has no parameters"
            findings.add(codes.PARAM_UNKNOWN, message, path, known, on_key=True)
        else:
            _check_value(declared[name], value_text(value), path, findings)
    for name, param in declared.items():
        if complete and not param.HasField("default") and name not in given:
            message = f"The parameter `{name}` has no value when {_STARTERS[root]} a run"
            known = f"Give it a default, or write `params: {{{name}: …}}` in the {root}"
            findings.add(codes.UNSCHEDULABLE, message, (root,), known, on_key=True)
    _check_streams(spec, root, findings)


def _check_value(param: plan_pb2.Param, text: str | None, path: Path, findings: Findings) -> None:
    if text is None:
        message = f"The value of the parameter `{param.name}` is a single value"
        findings.add(codes.PARAM_TYPE, message, path)
        return
    if "${" in text:
        message = f"`${{…}}` has no effect in the values of {_OWNERS[str(path[0])]}"
        findings.add(codes.NOT_INTERPOLATED, message, path, "Write it as the parameter's default")
        return
    try:
        value = read(param.type, text)
        allowed = {read(param.type, choice) for choice in param.one_of}
    except ValueError as error:
        message = f"`{shorten(text)}` is not a value of the parameter `{param.name}`"
        findings.add(codes.PARAM_TYPE, message, path, f"Write {error}")
        return
    except KeyError:
        return  # the type does not exist, which is said where it stands
    if allowed and value not in allowed:
        message = f"`{shorten(text)}` is not allowed for the parameter `{param.name}`"
        findings.add(codes.NOT_ONE_OF, message, path, hint(text, param.one_of, "Allowed"))


def _check_streams(spec: plan_pb2.PipelineSpec, root: str, findings: Findings) -> None:
    """No source waits for a program to hand in rows."""
    if root == TRIGGERS and spec.HasField(SCHEDULE):
        return  # it is said of the schedule
    owner = "no schedule" if root == SCHEDULE else "no trigger"
    leave = "the schedule" if root == SCHEDULE else "the triggers"
    for index, source in enumerate(spec.sources):
        if source.HasField("stream"):
            message = f"The source `{source.name}` is a stream, which {owner} can hand in"
            known = f"Read it from files or a table, or leave {leave} out"
            findings.add(codes.UNSCHEDULABLE, message, ("sources", index), known, on_key=True)
