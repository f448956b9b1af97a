"""Use cases that ask what a pipeline would do, and the one that runs it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from etlplus.app.planning import Asked
from etlplus.domain.errors import InvalidInput, NotFound, PermissionDenied, RunError, WrongState
from etlplus.domain.job import JobState
from tests.unit.app.service import ME, PARENT, STRANGER, Service, text_of

NAME = f"{PARENT}/pipelines/orders"
DAY = "params: {day: {type: date}}"


async def test_a_sound_definition_has_no_problems(service: Service) -> None:
    found = await service.plans.validate(ME, PARENT, source_text=text_of())
    assert found.problems == ()
    assert found.spec is not None
    again = await service.plans.validate(ME, PARENT, spec=found.spec)
    assert again == found


async def test_an_unsound_definition_is_not_compiled(service: Service) -> None:
    service.engine.error = AssertionError("compiled")
    found = await service.plans.validate(ME, PARENT, source_text="api: nonsense")
    assert found.spec is None
    assert found.problems


async def test_what_compiling_finds_is_a_problem(service: Service) -> None:
    service.engine.error = InvalidInput(
        "no column x", code="COLUMN_UNKNOWN", place="steps[0]", hint="Did you mean y?"
    )
    found = await service.plans.validate(ME, PARENT, source_text=text_of())
    assert found.spec is None
    (problem,) = found.problems
    assert (problem.code, problem.path, problem.severity) == (
        "COLUMN_UNKNOWN",
        "steps[0]",
        "error",
    )


async def test_a_source_that_is_away_is_a_warning(service: Service) -> None:
    service.engine.error = RunError("no file", code="SOURCE_NOT_FOUND")
    found = await service.plans.validate(ME, PARENT, source_text=text_of())
    assert found.spec is not None
    assert [problem.severity for problem in found.problems] == ["warning"]


async def test_what_needs_values_is_not_compiled(service: Service) -> None:
    service.engine.error = AssertionError("compiled")
    found = await service.plans.validate(
        ME, PARENT, source_text=text_of(uri="'${params.day}.csv'", extra=DAY)
    )
    assert found.problems == ()


async def test_plans_of_stored_versions_and_of_texts(service: Service) -> None:
    await service.create()
    await service.pipelines.update(ME, NAME, source_text=text_of(uri="new.csv"))
    asked = (
        Asked(name=NAME),
        Asked(name=NAME, version=1),
        Asked(source_text=text_of()),
    )
    for each in asked:
        planned = await service.plans.plan(ME, PARENT, each, {})
        assert [node.name for node in planned.survey.report.nodes] == ["orders"]
    with pytest.raises(PermissionDenied):
        await service.plans.plan(STRANGER, "workspaces/elsewhere", Asked(name=NAME), {})


async def test_plans_leave_no_folder(service: Service) -> None:
    await service.plans.plan(ME, PARENT, Asked(source_text=text_of()), {})
    work = service.parts.environment.data_dir / "work"
    assert list(work.iterdir()) == []


async def test_previews_are_streams(service: Service) -> None:
    pieces = service.plans.preview(
        ME, PARENT, Asked(source_text=text_of()), {}, node="orders", rows=3
    )
    assert [piece async for piece in pieces] == [b"orders0", b"orders1", b"orders2"]


async def test_the_last_step_is_shown_when_none_is_named(service: Service) -> None:
    pieces = service.plans.preview(ME, PARENT, Asked(source_text=text_of()), {}, rows=1)
    assert [piece async for piece in pieces] == [b"orders0"]


async def test_a_preview_of_an_unknown_node_is_refused(service: Service) -> None:
    pieces = service.plans.preview(ME, PARENT, Asked(source_text=text_of()), {}, node="nobody")
    with pytest.raises(InvalidInput) as caught:
        await anext(aiter(pieces))
    assert caught.value.code == "NODE_UNKNOWN"


async def test_running_queues_a_job(service: Service) -> None:
    await service.create(uri="'${params.day}.csv'", extra=DAY)
    job = await service.plans.run(ME, NAME, params={"day": "2026-01-31"})
    assert (job.state, job.version, job.author) == (JobState.PENDING, 1, "me")
    assert job.params == {"day": "2026-01-31"}
    assert await service.stores.jobs.get("default", job.uid) == job


async def test_running_refuses_values_that_do_not_fit(service: Service) -> None:
    await service.create(uri="'${params.day}.csv'", extra=DAY)
    for params in ({}, {"day": "tomorrow"}, {"day": "2026-01-31", "other": "1"}):
        with pytest.raises(InvalidInput) as caught:
            await service.plans.run(ME, NAME, params=params)
        assert caught.value.code == "PARAM_INVALID"


async def test_running_what_is_not_there_is_refused(service: Service) -> None:
    with pytest.raises(NotFound) as caught:
        await service.plans.run(ME, NAME)
    assert caught.value.code == "PIPELINE_NOT_FOUND"
    await service.create()
    with pytest.raises(NotFound) as caught:
        await service.plans.run(ME, NAME, version=7)
    assert caught.value.code == "VERSION_NOT_FOUND"


async def test_streams_are_not_the_services_to_run(service: Service) -> None:
    text = text_of().replace("csv: {uri: orders.csv}", "stream: {}")
    await service.pipelines.create(ME, PARENT, source_text=text)
    with pytest.raises(WrongState, match="is a stream"):
        await service.plans.run(ME, NAME)


async def test_a_repeated_run_is_one_job(service: Service) -> None:
    await service.create()
    request = str(uuid4())
    first = await service.plans.run(ME, NAME, request_id=request)
    assert await service.plans.run(ME, NAME, request_id=request) == first
    with pytest.raises(InvalidInput) as caught:
        await service.plans.run(ME, NAME, version=1, request_id=request)
    assert caught.value.code == "REQUEST_ID_REUSED"
    assert len(await service.stores.jobs.list("default", limit=9)) == 1


async def test_trying_queues_nothing(service: Service) -> None:
    await service.create()
    job = await service.plans.run(ME, NAME, validate_only=True)
    assert job.state is JobState.PENDING
    assert await service.stores.jobs.list("default", limit=9) == []


async def test_a_run_is_pinned_to_a_plan_once(service: Service) -> None:
    await service.create()
    plan_hash, request = "-".join(["0123456789ab"] * 5), str(uuid4())
    job = await service.plans.run(ME, NAME, plan_hash=plan_hash, request_id=request)
    assert job.plan_hash == plan_hash
    again = await service.plans.run(ME, NAME, plan_hash=plan_hash, request_id=request)
    assert again == job
    with pytest.raises(InvalidInput) as caught:
        await service.plans.run(ME, NAME, request_id=request)
    assert caught.value.code == "REQUEST_ID_REUSED"
    dry = await service.plans.run(ME, NAME, plan_hash=plan_hash, validate_only=True)
    assert dry.plan_hash == plan_hash


async def test_the_hash_of_a_plan_is_the_same_for_a_text_and_what_is_stored(
    service: Service,
) -> None:
    await service.create()
    stored = await service.plans.plan(ME, PARENT, Asked(name=NAME), {})
    text = await service.plans.plan(ME, PARENT, Asked(source_text=text_of()), {})
    assert stored.survey.plan_hash == text.survey.plan_hash
    await service.pipelines.update(ME, NAME, source_text=text_of(uri="new.csv"))
    other = await service.plans.plan(ME, PARENT, Asked(name=NAME), {})
    assert other.survey.plan_hash != stored.survey.plan_hash
