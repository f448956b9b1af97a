"""Turns a stored definition and the values of a run into what the engine executes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from etlplus.app.ports import RunContext
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import InvalidInput
from etlplus.domain.problem import Problem
from etlplus.domain.queueing import Queueing
from etlplus.domain.replay import ReadAgain
from etlplus.domain.window import SourcePart
from etlplus.language import canonical, schema
from etlplus.language.check import check_spec
from etlplus.language.findings import Findings
from etlplus.language.limits import check_limits
from etlplus.language.parameters import bind
from etlplus.language.queueing import queueing as read_queueing
from etlplus.language.texts import texts
from etlplus.language.values import Values
from etlplus.language.watching import watched_uri as read_watched_uri
from etlplus.language.wiring import fill_defaults
from etlplus.v1 import engine_pb2, options_pb2, plan_pb2

#: Texts that no run reads, or that no value is put into.
_LEFT_ALONE: Final = frozenset(
    {options_pb2.INTERPOLATION_UNSPECIFIED, options_pb2.INTERPOLATION_SECRET}
)
_BAD_VALUES: Final = "The run's values have problems"


def lower(data: bytes, params: Mapping[str, str], context: RunContext) -> bytes:
    """Return the serialized Plan: defaults filled in, `${…}` resolved, values bound.

    Raises:
        InvalidInput: The definition has errors (SPEC_INVALID), or a parameter or variable has no
            good value (PARAM_INVALID); `problems` lists them all.
        RunError: A secret cannot be read (SECRET_UNRESOLVED).
    """
    spec = canonical.decode(data)
    refuse(check_spec(spec).problems(), "SPEC_INVALID", "The definition has problems")
    return lower_spec(spec, params, context).SerializeToString(deterministic=True)


def check_params(data: bytes, params: Mapping[str, str]) -> None:
    """Return when a run could take these values, as far as that is known before it starts.

    Raises:
        InvalidInput: A value is missing, unknown or not of its type (PARAM_INVALID), or the bytes
            are no definition (SPEC_INVALID).
    """
    findings = Findings()
    bind(canonical.decode(data), params, None, findings)
    refuse(findings.problems(), "PARAM_INVALID", _BAD_VALUES)


def queueing(data: bytes, params: Mapping[str, str], scheduled: datetime) -> Queueing:
    """Return how a run queues up.

    Raises:
        InvalidInput: A value that its key needs is missing or not of its type (PARAM_INVALID), or
            the bytes are no definition (SPEC_INVALID).
    """
    findings = Findings()
    found = read_queueing(canonical.decode(data), params, scheduled, findings)
    refuse(findings.problems(), "PARAM_INVALID", _BAD_VALUES)
    return found


def watched_uri(data: bytes, params: Mapping[str, str], env: Mapping[str, str]) -> str:
    """Return the path or pattern of the files whose arrival starts a run.

    Raises:
        InvalidInput: A value that it needs is missing or not of its type (PARAM_INVALID), or the
            bytes are no definition (SPEC_INVALID).
    """
    findings = Findings()
    found = read_watched_uri(canonical.decode(data), params, env, findings)
    refuse(findings.problems(), "PARAM_INVALID", _BAD_VALUES)
    return found


def lower_spec(
    spec: plan_pb2.PipelineSpec, params: Mapping[str, str], context: RunContext
) -> engine_pb2.Plan:
    """Return the plan of a sound definition, which is left as it is. Raises as `lower`."""
    plan = engine_pb2.Plan()
    plan.spec.CopyFrom(spec)
    findings = Findings()
    zone = ZoneInfo(context.zone or spec.schedule.timezone or "UTC")
    values = Values(context, findings, zone=zone)
    values.params = bind(plan.spec, params, values.as_text, findings)
    _interpolate(plan.spec, values)
    if not findings.failed:
        check_limits(plan.spec, findings, set())
    refuse(findings.problems(), "PARAM_INVALID", _BAD_VALUES)
    plan.spec.limits.memory = plan.spec.limits.memory or context.memory
    fill_defaults(plan.spec)
    del plan.spec.tests[:]
    plan.spec.ClearField("schedule")
    plan.spec.ClearField("triggers")
    for name, value in sorted(values.bound.items()):
        plan.params.add(
            name=name, type=value.exact_type, value=value.text or "", is_null=value.text is None
        )
    return plan


def _interpolate(spec: plan_pb2.PipelineSpec, values: Values) -> None:
    """Resolve every `${…}` in place."""
    for path, field, text, owner in list(texts(spec)):
        mode = schema.interpolation(field)
        if mode in _LEFT_ALONE:
            continue
        if mode == options_pb2.INTERPOLATION_SQL:
            setattr(owner, field.name, values.as_sql(text, path))
        elif mode == options_pb2.INTERPOLATION_LITERAL:
            setattr(owner, field.name, values.as_literals(text, path))
        else:
            setattr(owner, field.name, values.as_text(text, path))


def refuse(problems: Sequence[Problem], code: str, message: str) -> None:
    """Raise when there is an error among problems.

    Raises:
        InvalidInput: With the code, and all problems.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise InvalidInput(
        f"{message}: {first.message}{more}",
        code=code,
        place=first.path or None,
        hint=first.hint or None,
        problems=problems,
    )


def runtime(
    *,
    connections: Sequence[ResolvedConnection],
    file_roots: Sequence[str],
    base_dir: str,
    work_dir: str,
    load_id: str,
    epoch: int,
    threads: int = 0,
    batch_rows: int = 0,
    replays: Sequence[ReadAgain] = (),
    parts: Sequence[SourcePart] = (),
) -> bytes:
    """Return the serialized Runtime. It holds secrets: it is never stored or logged."""
    message = engine_pb2.Runtime(
        file_roots=file_roots,
        base_dir=base_dir,
        work_dir=work_dir,
        load_id=load_id,
        epoch=epoch,
        threads=threads,
        batch_rows=batch_rows,
    )
    for connection in connections:
        message.connections.add(
            name=connection.name, kind=connection.kind, options=dict(connection.options)
        )
    for part in parts:
        told = message.parts.add(source=part.source, predicate=part.predicate)
        told.listed = part.files is not None
        for file in part.files or ():
            told.files.add(path=file.path, size=file.size, modified_ns=file.modified_ns)
    for replay in replays:
        message.replays.add(
            source=replay.source,
            rejects_path=replay.rejects_path,
            steps=replay.steps,
            unchanged_since=_micros(replay.unchanged_since),
        )
    return message.SerializeToString(deterministic=True)


def _micros(time: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
