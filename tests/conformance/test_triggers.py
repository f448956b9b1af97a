"""Triggers: they follow their pipeline's version, and each success is used once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import InvalidInput
from etlplus.domain.job import Job, JobError, JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.schedule import Schedule
from etlplus.domain.trigger import ARRIVED, DueTrigger, Firing, Triggers, TriggerState, firings
from tests.conformance.archiving import forgotten
from tests.conformance.drafts import LEASE, WORKSPACE, draft

INSTANT = datetime(2026, 3, 27, 1, 15, tzinfo=UTC)
ERROR = JobError("PARAM_INVALID", "no value", hint="give one")


async def make(
    stores: Stores, name: str, *after: str, schedule: Schedule | None = None
) -> Pipeline:
    triggers = Triggers(after, {"day": "1"}) if after else None
    new = replace(draft(), triggers=triggers, schedule=schedule)
    return await stores.pipelines.create(WORKSPACE, name, new)


async def save(stores: Stores, name: str, *after: str) -> Pipeline:
    new = replace(draft(" ".join(after)), triggers=Triggers(after) if after else None)
    return await stores.pipelines.update(WORKSPACE, name, new)


async def run(
    stores: Stores,
    name: str,
    state: JobState = JobState.SUCCEEDED,
    instant: datetime | None = None,
) -> Job:
    """A job of a pipeline that has ended."""
    new = NewJob(WORKSPACE, new_job_id(), name, 1, {}, "ada", scheduled_time=instant)
    await stores.jobs.create(new)
    return await end(stores, new.uid, state)


async def end(stores: Stores, wanted: UUID, state: JobState = JobState.SUCCEEDED) -> Job:
    """Ends a job that waits; the others that wait are cancelled."""
    for job in await stores.jobs.claim(uuid4(), lease=LEASE, limit=100):
        how = state if job.uid == wanted else JobState.CANCELLED
        assert await stores.jobs.settle(Lease(job.uid, job.epoch), Settlement(how))
        if job.uid == wanted:
            return await stores.jobs.get(WORKSPACE, job.uid)
    raise AssertionError("the job could not be claimed")


async def due(stores: Stores) -> list[DueTrigger]:
    return list(await stores.triggers.due(limit=99))


async def read(stores: Stores, found: DueTrigger) -> dict[UUID, Firing]:
    waiting = await stores.triggers.waiting(found)
    return {new_job_id(): firing for firing in firings(found.triggers.after, waiting)}


async def sweep(stores: Stores) -> list[Job]:
    made: list[Job] = []
    for found in await due(stores):
        made += await stores.triggers.fire(found, await read(stores, found))
    return made


async def standing(stores: Stores, name: str) -> TriggerState:
    state = (await stores.pipelines.get(WORKSPACE, name)).triggers
    assert state is not None
    return state


async def test_a_pipeline_shows_what_it_runs_after(stores: Stores) -> None:
    await make(stores, "a")
    made = await make(stores, "b", "a")
    assert made.triggers is not None
    assert made.triggers.triggers == Triggers(("a",), {"day": "1"})
    assert made == await stores.pipelines.get(WORKSPACE, "b")
    listed = await stores.pipelines.list(WORKSPACE, limit=9)
    assert [one.triggers for one in listed] == [None, made.triggers]
    failed = await run(stores, "a", JobState.FAILED)
    (upstream,) = (await standing(stores, "b")).upstreams
    assert (upstream.pipeline, upstream.waiting, upstream.deleted) == ("a", 0, False)
    assert (upstream.newest_job, upstream.newest_state) == (str(failed.uid), JobState.FAILED)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_only_success_starts_a_run(stores: Stores, state: JobState) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await run(stores, "a", state)
    assert await due(stores) == []


async def test_each_success_starts_one_run_for_its_instant(stores: Stores) -> None:
    berlin = Schedule(cron="15 2 * * *", timezone="Europe/Berlin")
    await make(stores, "a", schedule=berlin)
    await make(stores, "b", "a")
    await make(stores, "c", "b")
    causes = [await run(stores, "a", instant=INSTANT), await run(stores, "a")]
    assert (await standing(stores, "b")).upstreams[0].waiting == 2
    made = await sweep(stores)
    assert [job.upstream for job in made] == [(cause.uid,) for cause in causes]
    assert [job.scheduled_time for job in made] == [INSTANT, causes[1].create_time]
    assert {(job.pipeline, job.version, job.author, job.zone) for job in made} == {
        ("b", 1, "trigger", "Europe/Berlin")
    }
    assert made[0].params == {"day": "1"}
    assert await stores.jobs.get(WORKSPACE, made[0].uid) == made[0]
    events = await stores.events.events(WORKSPACE, made[0].uid, after=0, limit=9)
    assert [event.state for event in events.events] == [JobState.PENDING]
    assert (await stores.jobs.get(WORKSPACE, causes[0].uid)).downstream == (made[0].uid,)
    state = await standing(stores, "b")
    assert (state.last_job, state.upstreams[0].waiting) == (str(made[1].uid), 0)
    assert await sweep(stores) == []
    await end(stores, made[0].uid)
    (further,) = await sweep(stores)
    assert (further.pipeline, further.scheduled_time) == ("c", INSTANT)
    assert further.zone == "Europe/Berlin"


async def test_of_several_each_must_have_succeeded_since(stores: Stores) -> None:
    for name in "ab":
        await make(stores, name)
    await make(stores, "c", "a", "b")
    first = [await run(stores, "a", instant=INSTANT), await run(stores, "a")]
    assert await sweep(stores) == []
    last = await run(stores, "b")
    (made,) = await sweep(stores)
    assert made.upstream == (*(job.uid for job in first), last.uid)
    assert made.scheduled_time == last.create_time
    await run(stores, "b")
    assert await sweep(stores) == []
    await run(stores, "a")
    assert len(await sweep(stores)) == 1


@pytest.mark.parametrize("turn", range(3))
async def test_of_many_replicas_one_fires(stores: Stores, turn: int) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    causes = {(await run(stores, "a")).uid for _ in range(3 + turn)}
    fired = await asyncio.gather(*(sweep(stores) for _ in range(8)))
    made = [job for jobs in fired for job in jobs]
    assert sorted(job.upstream[0] for job in made) == sorted(causes)
    assert len(await stores.jobs.list(WORKSPACE, limit=99)) == 2 * len(causes)


async def test_of_two_that_read_the_same_the_second_fires_nothing(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await run(stores, "a")
    (found,) = await due(stores)
    runs, again = await read(stores, found), await read(stores, found)
    await run(stores, "a")
    assert len(await stores.triggers.fire(found, runs)) == 1
    assert await stores.triggers.fire(found, again) == []
    assert await stores.triggers.fire(found, {}) == []
    assert len(await sweep(stores)) == 1


async def test_paused_triggers_keep_what_arrives(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await run(stores, "a")
    (early,) = await due(stores)
    runs = await read(stores, early)
    await stores.triggers.pause(WORKSPACE, "b", paused=True)
    await run(stores, "a")
    assert await stores.triggers.fire(early, runs) == []
    assert not await stores.triggers.fail(early, ERROR)
    assert await due(stores) == []
    assert (await standing(stores, "b")).paused
    assert (await save(stores, "b", "a")).triggers == await standing(stores, "b")
    assert (await standing(stores, "b")).paused
    await stores.triggers.pause(WORKSPACE, "b", paused=False)
    assert len(await sweep(stores)) == 2
    await stores.triggers.pause(WORKSPACE, "a", paused=True)


async def test_an_error_waits_for_a_new_version_or_resuming(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await run(stores, "a")
    for again in ("saved", "resumed"):
        (found,) = await due(stores)
        assert await stores.triggers.fail(found, ERROR)
        assert (await standing(stores, "b")).error == ERROR
        assert await due(stores) == []
        assert await stores.triggers.fire(found, await read(stores, found)) == []
        if again == "saved":
            await save(stores, "b", "a")
        else:
            await stores.triggers.pause(WORKSPACE, "b", paused=False)
        assert (await standing(stores, "b")).error is None
    assert len(await sweep(stores)) == 1


async def test_a_stale_reading_fires_nothing(stores: Stores) -> None:
    for name in "ab":
        await make(stores, name)
    await make(stores, "c", "a", "b")
    await run(stores, "a")
    await run(stores, "b")
    (found,) = await due(stores)
    runs = await read(stores, found)
    await save(stores, "c", "b")
    assert await stores.triggers.fire(found, runs) == []
    (made,) = await sweep(stores)
    assert made.version == 2
    assert len(made.upstream) == 1


async def test_what_waits_of_a_pipeline_that_is_named_no_more_is_dropped(stores: Stores) -> None:
    for name in "ab":
        await make(stores, name)
    await make(stores, "c", "a")
    await run(stores, "a")
    await save(stores, "c", "b")
    assert (await save(stores, "c", "a")).triggers is not None
    assert await sweep(stores) == []
    await run(stores, "a")
    assert (await save(stores, "c")).triggers is None
    assert await sweep(stores) == []


async def test_a_deleted_pipeline_runs_no_more(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await run(stores, "a")
    (found,) = await due(stores)
    runs = await read(stores, found)
    await stores.pipelines.delete(WORKSPACE, "b")
    assert await stores.triggers.fire(found, runs) == []
    await make(stores, "b", "a")
    assert await sweep(stores) == []
    await stores.pipelines.delete(WORKSPACE, "a")
    (upstream,) = (await standing(stores, "b")).upstreams
    assert upstream.deleted


async def test_pipelines_that_would_wait_for_each_other_are_refused(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await make(stores, "c", "b")
    before = await stores.pipelines.get(WORKSPACE, "a")
    with pytest.raises(InvalidInput) as caught:
        await save(stores, "a", "c")
    assert caught.value.code == "TRIGGER_CYCLE"
    assert "a after c after b after a" in str(caught.value)
    with pytest.raises(InvalidInput):
        await stores.triggers.check(WORKSPACE, "a", Triggers(("c",)))
    with pytest.raises(InvalidInput) as caught:
        await save(stores, "a", "nobody")
    assert caught.value.code == "UPSTREAM_UNKNOWN"
    assert await stores.pipelines.get(WORKSPACE, "a") == before
    await stores.triggers.check(WORKSPACE, "c", Triggers(("a",)))
    await stores.triggers.check(WORKSPACE, "a", None)


async def test_of_two_halves_of_a_cycle_that_come_at_once_one_is_refused(stores: Stores) -> None:
    for name in "ab":
        await make(stores, name)
    saved = await asyncio.gather(
        save(stores, "a", "b"), save(stores, "b", "a"), return_exceptions=True
    )
    (refused,) = [each for each in saved if isinstance(each, BaseException)]
    assert isinstance(refused, InvalidInput)
    assert refused.code == "TRIGGER_CYCLE"


async def test_a_chain_is_all_that_hangs_together(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    await make(stores, "c", "a")
    await make(stores, "d", "b", "c")
    top = await run(stores, "a")
    middle = await sweep(stores)
    assert sorted(job.pipeline for job in middle) == ["b", "c"]
    other = await run_only(stores, "a", middle)
    (bottom,) = await sweep(stores)
    assert bottom.pipeline == "d"
    whole = {top.uid, bottom.uid, *(job.uid for job in middle)}
    for job in (top, bottom, *middle):
        assert await stores.triggers.chain(WORKSPACE, job.uid) == whole
    assert await stores.triggers.chain(WORKSPACE, other.uid) == {other.uid}
    listed = await stores.jobs.list(WORKSPACE, limit=9, among=whole)
    assert {job.uid for job in listed} == whole
    (found,) = [job for job in listed if job.uid == bottom.uid]
    assert set(found.upstream) == {job.uid for job in middle}
    assert await stores.jobs.list(WORKSPACE, limit=9, among=[]) == []


async def run_only(stores: Stores, name: str, started: list[Job]) -> Job:
    """Ends the jobs that were started, and runs another that fails."""
    for job in await stores.jobs.claim(uuid4(), lease=LEASE, limit=100):
        assert job.uid in {each.uid for each in started}
        await stores.jobs.settle(Lease(job.uid, job.epoch), Settlement(JobState.SUCCEEDED))
    return await run(stores, name, JobState.FAILED)


async def test_links_of_a_job_stay_when_it_is_changed(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    cause = await run(stores, "a")
    (made,) = await sweep(stores)
    cancelled = await stores.jobs.request_cancel(WORKSPACE, made.uid)
    assert (cancelled.state, cancelled.upstream) == (JobState.CANCELLED, (cause.uid,))
    assert await stores.jobs.roll_back(WORKSPACE, cause.uid, []) == await stores.jobs.get(
        WORKSPACE, cause.uid
    )


async def test_a_webhook_is_kept_and_is_never_due(stores: Stores) -> None:
    triggers = Triggers(params={"day": "1"}, webhook=("new", "old"))
    new = replace(draft(), triggers=triggers)
    made = await stores.pipelines.create(WORKSPACE, "hooked", new)
    assert made.triggers == TriggerState(triggers, ())
    (listed,) = await stores.pipelines.list(WORKSPACE, limit=9)
    assert listed.triggers == made.triggers
    assert await due(stores) == []
    await stores.triggers.pause(WORKSPACE, "hooked", paused=True)
    paused = await stores.pipelines.get(WORKSPACE, "hooked")
    assert paused.triggers is not None
    assert paused.triggers.paused
    await make(stores, "a")
    both = replace(draft("b"), triggers=Triggers(("a",), webhook=("new",)))
    updated = await stores.pipelines.update(WORKSPACE, "hooked", both)
    assert updated.triggers is not None
    assert updated.triggers.triggers == both.triggers
    assert [each.pipeline for each in updated.triggers.upstreams] == ["a"]
    await save(stores, "hooked")
    assert (await stores.pipelines.get(WORKSPACE, "hooked")).triggers is None


async def test_a_run_by_the_webhook_is_the_last_one_of_the_triggers(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    by_hand = NewJob(WORKSPACE, new_job_id(), "b", 1, {}, "ada")
    await stores.jobs.create(by_hand)
    assert (await standing(stores, "b")).last_job == ""
    posted = replace(by_hand, uid=new_job_id(), webhook=True)
    made = await stores.jobs.create(posted)
    state = await standing(stores, "b")
    assert (state.last_job, state.last_time is None) == (str(made.uid), False)
    # One without triggers, such as a pipeline that was saved without its webhook meanwhile.
    other = await stores.jobs.create(replace(posted, uid=new_job_id(), pipeline="a"))
    assert other.pipeline == "a"
    assert (await standing(stores, "b")).last_job == str(made.uid)


async def test_a_success_that_is_waited_for_is_hinted_at(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    with stores.wakeups.subscribe(ARRIVED) as hints:
        await run(stores, "a", JobState.FAILED)
        await run(stores, "b")
        assert await due(stores) == []
        await run(stores, "a")
        assert await hints.wait(60)
    assert [found.pipeline for found in await due(stores)] == ["b"]


async def test_successes_are_forgotten_with_the_job_that_they_started(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b", "a")
    above = await run(stores, "a")
    (job,) = await sweep(stores)
    # The success has ended long ago, but the run that it started waits.
    assert await forgotten(stores) == {above.uid}
    assert (await stores.jobs.get(WORKSPACE, job.uid)).upstream == (above.uid,)
    await end(stores, job.uid)
    unused = await run(stores, "a")
    assert await forgotten(stores) == {job.uid, unused.uid}
    assert await stores.triggers.chain(WORKSPACE, above.uid) == {above.uid}
    # What has started nothing yet is kept, whatever became of its job.
    (made,) = await sweep(stores)
    assert made.upstream == (unused.uid,)
