"""Files whose arrival starts runs: what a definition says of them, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from etlplus.app.ports import RunContext
from etlplus.domain.arrival import SETTLE, FileTrigger
from etlplus.domain.errors import RunError
from etlplus.language import codes
from etlplus.language.durations import seconds
from etlplus.language.findings import Findings
from etlplus.language.incremental import is_incremental
from etlplus.language.interpolate import Reference, references
from etlplus.language.parameters import bind, value_text
from etlplus.language.scalars import shorten
from etlplus.language.suggest import hint
from etlplus.language.text import Path
from etlplus.language.unattended import TRIGGERS
from etlplus.language.values import Values
from etlplus.language.wiring import kind_of, sink_mode, wire
from etlplus.v1 import plan_pb2

#: Kinds of sources that read files.
FILE_KINDS: Final = ("csv", "jsonl", "parquet")
_NAME: Final = re.compile("[a-z][a-z0-9_]{0,62}")
_LONGEST: Final = timedelta(days=1)
_FILES: Final[Path] = (TRIGGERS, "files")


def read_files(spec: plan_pb2.PipelineSpec) -> FileTrigger | None:
    """Return the files that a sound definition watches; None when it watches none."""
    if not spec.triggers.HasField("files"):
        return None
    found = spec.triggers.files
    settle = seconds(found.settle)
    return FileTrigger(
        source=found.source,
        uri=_uri(spec, found.source),
        settle=SETTLE if settle is None else timedelta(seconds=settle),
    )


def watched_uri(
    spec: plan_pb2.PipelineSpec,
    params: Mapping[str, str],
    env: Mapping[str, str],
    findings: Findings,
) -> str:
    """Return the path or pattern that a sound definition watches, its `${…}` resolved.

    Args:
        spec: the definition.
        params: values of parameters that the triggers give; defaults stand for the others.
        env: what `${env.NAME}` may see.
        findings: takes what is wrong with values.
    """
    uri = _uri(spec, spec.triggers.files.source)
    named = {found.name for found in _referred(uri) if found.namespace == "params"}
    needed = plan_pb2.PipelineSpec(params=[each for each in spec.params if each.name in named])
    values = Values(RunContext("", datetime.now(UTC), env, _no_secret), findings)
    given = {name: value for name, value in params.items() if name in named}
    values.params = bind(needed, given, values.as_text, findings)
    return values.as_text(uri, _FILES)


def check_files(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report a watch of what is no file, of what only a run knows, and one that doubles rows."""
    if not spec.triggers.HasField("files") or _FILES in broken:
        return
    wanted = spec.triggers.files
    length = seconds(wanted.settle)
    if length is not None and length > _LONGEST.total_seconds():
        message = f"`{shorten(wanted.settle)}` is longer than a day"
        findings.add(codes.SPAN, message, (*_FILES, "settle"))
    index = next((at for at, each in enumerate(spec.sources) if each.name == wanted.source), None)
    if index is None or kind_of(spec.sources[index]) not in FILE_KINDS:
        _tell_source(spec, wanted.source, findings)
        return
    kind = kind_of(spec.sources[index])
    if ("sources", index) in broken or ("sources", index, kind) in broken:
        return
    _check_uri(spec, _uri(spec, wanted.source), ("sources", index, kind, "uri"), findings)
    _check_sinks(spec, wanted.source, findings)


def _uri(spec: plan_pb2.PipelineSpec, name: str) -> str:
    for source in spec.sources:
        if source.name == name and kind_of(source) in FILE_KINDS:
            return str(getattr(source, kind_of(source)).uri)
    return ""


def _tell_source(spec: plan_pb2.PipelineSpec, name: str, findings: Findings) -> None:
    if not _NAME.fullmatch(name):
        return  # it is said that it is missing, or no name
    there = {each.name for each in spec.sources}
    what = "reads no files" if name in there else "does not exist"
    known = [each.name for each in spec.sources if kind_of(each) in FILE_KINDS]
    advice = hint(name, known, "There are") or "Files are watched for csv, jsonl and parquet"
    message = f"The source `{shorten(name)}` {what}"
    findings.add(codes.WATCHED_SOURCE, message, (*_FILES, "source"), advice)


def _check_uri(spec: plan_pb2.PipelineSpec, uri: str, path: Path, findings: Findings) -> None:
    """Report the first `${…}` that has no value before there is a run."""
    defaults = {param.name: value_text(param.default) or "" for param in spec.params}
    for reference in _referred(uri):
        whole = f"{reference.namespace}.{reference.name}"
        late = reference.namespace == "run"
        if reference.namespace == "params" and reference.name not in spec.triggers.params:
            inner = _referred(defaults.get(reference.name, ""))
            late = any(found.namespace == "run" for found in inner)
        if late:
            message = f"`${{{whole}}}` is known only in a run, and files are watched before it"
            advice = "Write a pattern with `*` there, or a parameter with a plain default"
            findings.add(codes.WATCHED_URI, message, path, advice)
            return


def _check_sinks(spec: plan_pb2.PipelineSpec, source: str, findings: Findings) -> None:
    """Report sinks to which each run would append rows of files that earlier runs have read."""
    if any(each.name == source and is_incremental(each) for each in spec.sources):
        return
    wiring = wire(spec)
    reached = {source}
    for outputs, inputs in zip(wiring.outputs, wiring.step_inputs, strict=True):
        if reached.intersection(inputs):
            reached.update(outputs)
    for index, (sink, read) in enumerate(zip(spec.sinks, wiring.sink_inputs, strict=True)):
        if read in reached and kind_of(sink) and sink_mode(sink) == "append":
            message = f"Each run appends all rows of `{source}` to `{sink.name}` again"
            advice = (
                "Use `mode: merge` or `mode: replace`, or `incremental: only_new` in the source"
            )
            findings.add(codes.WATCHED_APPEND, message, ("sinks", index), advice, on_key=True)


def _referred(text: str) -> Iterator[Reference]:
    return (found for found in references(text) if isinstance(found, Reference))


def _no_secret(name: str) -> str:
    raise RunError(f"The secret {name!r} is not known before a run", code="SECRET_UNRESOLVED")
