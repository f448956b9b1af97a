"""Hashes plans, and refuses to run one that is not what was hashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from etlplus.domain import planhash
from etlplus.domain.errors import RunError
from etlplus.domain.job import Job
from etlplus.domain.planhash import Survey
from etlplus.domain.run import Load
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Prepared
from etlplus.executor.survey import survey


def hashed(parts: Parts, spec: bytes, params: Mapping[str, str], prepared: Prepared) -> Survey:
    """What a run would do, with the plan's hash. Raises as `survey`."""
    found = survey(parts, prepared)
    values = parts.preparation.values(spec, params)
    return replace(found, plan_hash=planhash.plan_hash(spec, values, found))


def check(parts: Parts, job: Job, spec: bytes, prepared: Prepared, load: Load) -> None:
    """Returns when a job may run: it is not pinned, or its plan is the one that it is pinned to.

    Raises:
        RunError: PLAN_CHANGED; nothing is staged or altered then. And as `survey`.
    """
    if not job.plan_hash:
        return
    try:
        found = hashed(parts, spec, job.params, prepared)
    except RunError as error:
        if error.code != "TARGET_MISMATCH":
            raise
        raise _changed(["the columns of sources or targets"], error.message) from error
    # An earlier attempt of this job was checked before it altered or made a target.
    own = planhash.OWN if _has_begun(parts, prepared, load) else ()
    differs = planhash.changed(job.plan_hash, found.plan_hash, own)
    if differs:
        statements = [each for diff in found.diffs for each in diff.statements]
        raise _changed(differs, "; ".join(statements), found.plan_hash)


def _has_begun(parts: Parts, prepared: Prepared, load: Load) -> bool:
    named = {sink.connection for sink in parts.language.tables(prepared.plan)}
    connections = [prepared.connections[name] for name in sorted(named)]
    return any(
        parts.evolvers[each.kind].has_begun(load, each)
        for each in connections
        if each.kind in parts.evolvers
    )


def _changed(differs: list[str], now: str, plan_hash: str = "") -> RunError:
    detail = f". Now: {now}" if now else ""
    return RunError(
        f"The plan is not the one that the run is pinned to: {' and '.join(differs)} changed"
        f"{detail}",
        code="PLAN_CHANGED",
        place="plan_hash",
        hint="Nothing was staged. Look at `etlplus plan` again, and run with its hash",
        metadata={"changed": "; ".join(differs), "plan_hash": plan_hash},
    )
