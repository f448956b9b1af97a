"""Sources that are read part by part: which they are, and what does not go with that."""

from __future__ import annotations

from typing import Final

from etlplus.domain.cursor import CursorSource
from etlplus.domain.newfiles import FilesSource
from etlplus.language import codes
from etlplus.language.durations import seconds
from etlplus.language.findings import Findings
from etlplus.language.graph import Graph
from etlplus.language.text import Path
from etlplus.language.wiring import kind_of
from etlplus.v1 import plan_pb2

#: The kinds of sources that can be read part by part.
_KINDS: Final = frozenset({"postgres", "csv", "jsonl", "parquet"})
#: The modes in which a row that comes again takes its own place.
_KNOWING: Final = frozenset({"merge", "delete_insert", "scd2"})
_CONCURRENCY: Final[Path] = ("limits", "concurrency")


def incremental(spec: plan_pb2.PipelineSpec) -> list[str]:
    """Return the names of the sources that are read part by part."""
    return [source.name for source in spec.sources if is_incremental(source)]


def cursors(spec: plan_pb2.PipelineSpec) -> list[CursorSource]:
    """Return the sources of a sound definition that are read by a column whose values grow."""
    graph = Graph(spec)
    return [
        CursorSource(
            source=source.name,
            connection=source.postgres.connection,
            table=source.postgres.table,
            query=source.postgres.query,
            column=source.postgres.incremental.cursor,
            start=source.postgres.incremental.start,
            lookback=_lookback(source.postgres.incremental.lookback),
            once=any(graph.mode(sink) not in _KNOWING for sink in _sinks(graph, source.name)),
        )
        for source in spec.sources
        if source.HasField("postgres") and is_incremental(source)
    ]


def new_files(spec: plan_pb2.PipelineSpec) -> list[FilesSource]:
    """Return the sources of a sound definition that read only new files."""
    return [
        FilesSource(source.name, getattr(source, kind_of(source)).uri)
        for source in spec.sources
        if not source.HasField("postgres") and is_incremental(source)
    ]


def is_incremental(source: plan_pb2.Source) -> bool:
    """Whether a source is read part by part."""
    kind = kind_of(source)
    return kind in _KINDS and bool(getattr(source, kind).HasField("incremental"))


def _lookback(text: str) -> str:
    """The lookback as a number, or in seconds with `s` after them."""
    return text if text.isdigit() or not text else f"{seconds(text):.3f}s"


def _sinks(graph: Graph, source: str) -> list[str]:
    """Return the sinks that rows of a source may reach."""
    seen, ahead = {source}, [source]
    while ahead:
        for reader in graph.readers(ahead.pop()):
            if reader not in seen:
                seen.add(reader)
                ahead.append(reader)
    return [sink for sink in graph.sinks if sink in seen]


def check_incremental(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report what would lose rows, or load some twice, when a source is read part by part."""
    if not incremental(spec):
        return
    _check_concurrency(spec, findings)
    if not all(kind_of(sink) for sink in spec.sinks):
        return
    graph = Graph(spec)
    places = {sink.name: index for index, sink in enumerate(spec.sinks)}
    for index, source in enumerate(spec.sources):
        if not is_incremental(source):
            continue
        sinks = _sinks(graph, source.name)
        for sink in sinks:
            _check_sink(graph, sink, source.name, ("sinks", places[sink]), findings)
        if not source.HasField("postgres"):
            continue
        added = [sink for sink in sinks if graph.mode(sink) == "append"]
        path: Path = ("sources", index, "postgres", "incremental", "lookback")
        if source.postgres.incremental.lookback and added and path not in broken:
            text = (
                f"With `lookback` rows come again, and the sink `{added[0]}` would add them again"
            )
            known = "Write `mode: merge` with `keys` there, or leave `lookback` out"
            findings.add(codes.LOOKBACK, text, path, known)


def _check_sink(graph: Graph, sink: str, source: str, path: Path, findings: Findings) -> None:
    kind = graph.kind(sink)
    if graph.mode(sink) == "replace":
        text = (
            f"`{source}` is read part by part, and the sink `{sink}` would keep the last part only"
        )
        findings.add(codes.PARTIAL, text, (*path, kind), on_key=True)
    elif graph.mode(sink) == "scd2" and graph.sinks[sink].postgres.history.deleted == "close":
        text = f"`{source}` is read part by part: keys that a part lacks are not gone"
        known = "Leave `deleted: close` out"
        findings.add(codes.PARTIAL, text, (*path, kind, "history", "deleted"), known)


def _check_concurrency(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    limit = spec.limits.concurrency
    for name, given in (("max", limit.max > 1), ("key", bool(limit.key))):
        if spec.limits.HasField("concurrency") and given:
            text = (
                f"A pipeline that reads part by part runs one job at a time, whatever `{name}` says"
            )
            findings.add(codes.ONE_AT_A_TIME, text, (*_CONCURRENCY, name))
