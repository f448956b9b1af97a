"""Everything that can be said about a definition without touching a source, sink or file."""

from __future__ import annotations

from dataclasses import dataclass

from etlplus.app.ports import SqlReader
from etlplus.domain.problem import Problem
from etlplus.language import canonical
from etlplus.language.findings import Findings, TextError
from etlplus.language.incremental import check_incremental
from etlplus.language.limits import check_limits
from etlplus.language.names import check_names
from etlplus.language.nodes import compose
from etlplus.language.options import check_options
from etlplus.language.parameters import check_params
from etlplus.language.queries import check_queries
from etlplus.language.queueing import check_queueing
from etlplus.language.reader import Reader
from etlplus.language.references import check_references
from etlplus.language.schedules import check_schedule
from etlplus.language.sizes import check_memory
from etlplus.language.text import Path
from etlplus.language.triggers import check_triggers
from etlplus.language.volumes import check_volume
from etlplus.v1 import plan_pb2


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text means.

    Attributes:
        spec: the canonical bytes of the PipelineSpec; None when there are errors.
        problems: errors and warnings, in the order of the text.
    """

    spec: bytes | None
    problems: tuple[Problem, ...]


def parse(text: str, sql: SqlReader | None = None) -> Parsed:
    """Read a definition from YAML or JSON and check all of it; its SQL where `sql` can read it."""
    findings = Findings(text)
    spec = plan_pb2.PipelineSpec()
    try:
        reader = Reader(findings)
        reader.read(compose(text, findings), spec)
    except TextError:
        return Parsed(None, findings.problems())
    if () not in reader.broken:
        _check(spec, findings, reader.broken, sql)
    return Parsed(None if findings.failed else canonical.encode(spec), findings.problems())


def check_spec(spec: plan_pb2.PipelineSpec, sql: SqlReader | None = None) -> Findings:
    """Check a definition that has no text, as `parse` does."""
    findings = Findings()
    _check(spec, findings, set(), sql)
    return findings


def _check(
    spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path], sql: SqlReader | None
) -> None:
    if not check_limits(spec, findings, broken):
        return
    check_params(spec, findings)
    check_schedule(spec, findings, broken)
    check_triggers(spec, findings, broken)
    check_memory(spec, findings)
    check_queueing(spec, findings)
    check_volume(spec, findings, broken)
    check_references(spec, findings)
    check_names(spec, findings, broken)
    check_options(spec, findings, broken)
    check_incremental(spec, findings, broken)
    if sql is not None:
        check_queries(spec, findings, broken, sql)
