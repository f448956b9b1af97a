"""Checks a definition's triggers, and reads them as the control plane's value."""

from __future__ import annotations

from typing import Final

from etlplus.domain.trigger import Triggers
from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.interpolate import Reference, references
from etlplus.language.text import Path
from etlplus.language.unattended import TRIGGERS, check_unattended, given_params
from etlplus.language.watching import check_files, read_files
from etlplus.v1 import plan_pb2

_EMPTY_HINT: Final = "Name pipelines, or a source whose files start it, or the secret of a webhook"


def read_triggers(spec: plan_pb2.PipelineSpec) -> Triggers | None:
    """Return the triggers of a sound definition; None when it has none."""
    if not spec.HasField(TRIGGERS):
        return None
    return Triggers(
        after=tuple(spec.triggers.after),
        params=given_params(spec.triggers.params),
        webhook=_secrets(spec.triggers.webhook),
        files=read_files(spec),
    )


def check_triggers(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report what is wrong with the triggers, and what a run by them would lack.

    Whether the pipelines that they name are stored is known only where the definition is stored.
    """
    if not spec.HasField(TRIGGERS) or (TRIGGERS,) in broken:
        return
    # Whoever posts to a webhook can give what has no default.
    by_itself = bool(spec.triggers.after) or spec.triggers.HasField("files")
    if not by_itself and not spec.triggers.HasField("webhook"):
        message = "`triggers` needs `after`, `files` or `webhook`"
        findings.add(codes.REQUIRED, message, (TRIGGERS, "after"), _EMPTY_HINT)
    for index, name in enumerate(spec.triggers.after):
        path: Path = (TRIGGERS, "after", index)
        if name == spec.name and path not in broken:
            message = f"The pipeline `{name}` cannot run after itself"
            findings.add(codes.TRIGGERED_BY_ITSELF, message, path)
    check_files(spec, findings, broken)
    check_unattended(spec, spec.triggers.params, TRIGGERS, findings, complete=by_itself)


def _secrets(webhook: plan_pb2.Webhook) -> tuple[str, ...]:
    """The names in `${secret.NAME}`; the check has seen that it is nothing else."""
    return tuple(
        found.name
        for text in (webhook.secret, *webhook.former)
        for found in references(text)
        if isinstance(found, Reference)
    )
