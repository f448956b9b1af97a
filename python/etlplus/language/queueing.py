"""How a definition lets its runs queue up, and what is wrong with what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from etlplus.app.ports import RunContext
from etlplus.domain.errors import RunError
from etlplus.domain.queueing import PRIORITY, QUEUE, Queueing
from etlplus.language import codes
from etlplus.language.durations import seconds
from etlplus.language.findings import Findings
from etlplus.language.incremental import incremental
from etlplus.language.interpolate import Reference, references
from etlplus.language.parameters import bind, value_text
from etlplus.language.scalars import shorten
from etlplus.language.text import Path
from etlplus.language.values import Values
from etlplus.v1 import plan_pb2

_LONGEST: Final = timedelta(days=31)
_KEY: Final[Path] = ("limits", "concurrency", "key")
_PER: Final[Path] = ("limits", "starts", "per")


def check_queueing(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    """Report a key that is not known when a run is queued, and a span that is none."""
    for reference in _referred(spec.limits.concurrency.key):
        whole = f"{reference.namespace}.{reference.name}"
        if reference.namespace == "env" or whole == "run.id":
            message = f"`${{{whole}}}` is known only in a run"
            known = "A key is formed when the run is queued, of `${params.…}` and its planned time"
            findings.add(codes.KEY_UNKNOWN, message, _KEY, known)
        elif reference.namespace == "params" and _is_late(spec, reference.name):
            message = f"The default of the parameter `{reference.name}` is known only in a run"
            known = "A key is formed when the run is queued: leave `${env.…}` out of the default"
            findings.add(codes.KEY_UNKNOWN, message, _KEY, known)
    per = spec.limits.starts.per
    length = seconds(per)
    if length is not None and not 0 < length <= _LONGEST.total_seconds():
        message = f"`{shorten(per)}` is not longer than 0 and at most {_LONGEST.days} days"
        findings.add(codes.SPAN, message, _PER)


def _is_late(spec: plan_pb2.PipelineSpec, name: str) -> bool:
    return any(
        reference.namespace in {"env", "secret"}
        for param in spec.params
        if param.name == name
        for reference in _referred(value_text(param.default) or "")
    )


def _referred(text: str) -> Iterator[Reference]:
    return (found for found in references(text) if isinstance(found, Reference))


def queueing(
    spec: plan_pb2.PipelineSpec, params: Mapping[str, str], scheduled: datetime, findings: Findings
) -> Queueing:
    """Return how a run of a sound definition queues up.

    Args:
        spec: the definition.
        params: values as given; the definition's defaults stand for the others.
        scheduled: the planned instant, or now.
        findings: takes what is wrong with values that the key needs.
    """
    limits = spec.limits
    per = seconds(limits.starts.per)
    return Queueing(
        queue=limits.queue or QUEUE,
        priority=limits.priority if limits.HasField("priority") else PRIORITY,
        most_running=_most_running(spec),
        most_starts=limits.starts.max if limits.HasField("starts") else None,
        starts_per=timedelta(seconds=per) if limits.HasField("starts") and per else None,
        key="" if incremental(spec) else _key(spec, params, scheduled, findings),
    )


def _most_running(spec: plan_pb2.PipelineSpec) -> int | None:
    """One run at a time where each goes on from where the one before came to."""
    if incremental(spec):
        return 1
    return spec.limits.concurrency.max if spec.limits.HasField("concurrency") else None


def _key(
    spec: plan_pb2.PipelineSpec, params: Mapping[str, str], scheduled: datetime, findings: Findings
) -> str:
    text = spec.limits.concurrency.key
    named = {found.name for found in _referred(text) if found.namespace == "params"}
    needed = plan_pb2.PipelineSpec(params=[each for each in spec.params if each.name in named])
    context = RunContext("", scheduled, {}, _no_secret)
    values = Values(context, findings, zone=ZoneInfo(spec.schedule.timezone or "UTC"))
    given = {name: value for name, value in params.items() if name in named}
    values.params = bind(needed, given, values.as_text, findings)
    return values.as_text(text, _KEY)


def _no_secret(name: str) -> str:
    raise RunError(f"The secret {name!r} is not known before a run", code="SECRET_UNRESOLVED")
