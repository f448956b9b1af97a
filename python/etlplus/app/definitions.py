"""Reads what callers send as a pipeline's definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from etlplus.app.ports import Aside, Language
from etlplus.domain.errors import InvalidInput
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.problem import Problem
from etlplus.domain.queueing import Queueing
from etlplus.domain.replay import Refused, ReplayPlan
from etlplus.domain.schedule import Schedule
from etlplus.domain.trigger import Triggers


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition without errors.

    Attributes:
        spec: the serialized PipelineSpec.
        name: the pipeline's id.
        warnings: what works but is likely a mistake.
        schedule: when it runs by itself; None when it does not.
        triggers: after what it runs by itself; None when nothing triggers it.
    """

    spec: bytes
    name: str
    warnings: tuple[Problem, ...]
    schedule: Schedule | None = None
    triggers: Triggers | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """Every problem of a definition. `spec` is None when it cannot be understood."""

    spec: bytes | None
    problems: tuple[Problem, ...]


class Definitions:
    """Reads definitions, as text or as a message. A long one takes seconds, so it is read aside."""

    def __init__(self, language: Language, aside: Aside) -> None:
        """Asks the language what a definition means."""
        self._language = language
        self._aside = aside

    async def examine(self, spec: bytes | None, source_text: str) -> Validation:
        """All problems, errors and warnings. The text counts when both are given.

        Raises:
            InvalidInput: neither is given.
        """
        return await self._aside.call(self._examine, spec, source_text)

    async def read(self, spec: bytes | None, source_text: str) -> Definition:
        """The definition.

        Raises:
            InvalidInput: SPEC_INVALID with all problems, or INVALID_ARGUMENT when text and message
                differ in meaning.
        """
        return await self._aside.call(self._read, spec, source_text)

    async def takes(self, spec: bytes, params: Mapping[str, str]) -> SpecSummary:
        """What a run of it needs. Raises InvalidInput (PARAM_INVALID) unless the values fit."""
        return await self._aside.call(self._takes, spec, params)

    async def plan_replay(self, old: bytes, new: bytes, refused: Sequence[Refused]) -> ReplayPlan:
        """Which of the rows that `old` refused a run of `new` can read again.

        Raises:
            WrongState: NOTHING_TO_REPLAY, REPLAY_UNSUPPORTED.
        """
        return await self._aside.call(self._language.plan_replay, old, new, refused)

    async def queueing(
        self, spec: bytes, params: Mapping[str, str], scheduled: datetime
    ) -> Queueing:
        """How a run for an instant queues up. Raises InvalidInput (PARAM_INVALID)."""
        return await self._aside.call(self._language.queueing, spec, params, scheduled)

    def _takes(self, spec: bytes, params: Mapping[str, str]) -> SpecSummary:
        self._language.check_params(spec, params)
        return self._language.summarize(spec)

    def _examine(self, spec: bytes | None, source_text: str) -> Validation:
        if source_text:
            parsed = self._language.parse(source_text)
            return Validation(parsed.spec, tuple(parsed.problems))
        if not spec:
            raise InvalidInput("The pipeline has no definition", place="pipeline.spec")
        problems = tuple(self._language.check(spec))
        return Validation(None if has_errors(problems) else spec, problems)

    def _read(self, spec: bytes | None, source_text: str) -> Definition:
        found = self._examine(spec, source_text)
        if found.spec is None or has_errors(found.problems):
            raise spec_invalid(found.problems)
        if spec and spec != found.spec:
            raise InvalidInput(
                "spec and source_text do not mean the same",
                place="pipeline.source_text",
                hint="Send only one of them",
            )
        summary = self._language.summarize(found.spec)
        return Definition(
            found.spec, summary.name, found.problems, summary.schedule, summary.triggers
        )


def has_errors(problems: tuple[Problem, ...]) -> bool:
    """Whether one of them is more than a warning."""
    return any(problem.severity == "error" for problem in problems)


def spec_invalid(problems: tuple[Problem, ...]) -> InvalidInput:
    """The error that carries every problem; its message names the first."""
    errors = [problem for problem in problems if problem.severity == "error"]
    first = errors[0] if errors else Problem("SPEC_INVALID", "it cannot be read")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    where = f"line {first.line}" if first.line else first.path
    return InvalidInput(
        f"The definition is not valid: {first.message}{more}",
        code="SPEC_INVALID",
        place=where or None,
        hint=first.hint or None,
        problems=problems,
    )
