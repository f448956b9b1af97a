"""Checks a definition's triggers, and reads them as the control plane's value."""

from __future__ import annotations

from etlplus.domain.trigger import Triggers
from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.text import Path
from etlplus.language.unattended import TRIGGERS, check_unattended, given_params
from etlplus.language.watching import check_files, read_files
from etlplus.v1 import plan_pb2


def read_triggers(spec: plan_pb2.PipelineSpec) -> Triggers | None:
    """Return the triggers of a sound definition; None when it has none."""
    if not spec.HasField(TRIGGERS):
        return None
    return Triggers(
        after=tuple(spec.triggers.after),
        params=given_params(spec.triggers.params),
        files=read_files(spec),
    )


def check_triggers(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report what is wrong with the triggers, and what a run by them would lack.

    Whether the pipelines that they name are stored is known only where the definition is stored.
    """
    if not spec.HasField(TRIGGERS) or (TRIGGERS,) in broken:
        return
    if not spec.triggers.after and not spec.triggers.HasField("files"):
        message = "`triggers` needs `after` or `files`"
        findings.add(codes.REQUIRED, message, (TRIGGERS, "after"))
    for index, name in enumerate(spec.triggers.after):
        path: Path = (TRIGGERS, "after", index)
        if name == spec.name and path not in broken:
            message = f"The pipeline `{name}` cannot run after itself"
            findings.add(codes.TRIGGERED_BY_ITSELF, message, path)
    check_files(spec, findings, broken)
    check_unattended(spec, spec.triggers.params, TRIGGERS, findings)
