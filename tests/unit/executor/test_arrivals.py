"""Looking for files and starting runs, at one and at several replicas."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from etlplus.domain.job import Job
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.trigger import TriggerState
from etlplus.executor.arrivals.arrivals import Arrivals
from etlplus.executor.arrivals.hints import Hints
from etlplus.executor.worker import Worker
from etlplus.language import PipelineLanguage
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, make_parts, spec_of

PIPELINE = """
api: etlplus/v1
name: {name}
triggers: {{files: {{source: orders, settle: {settle}}}{extra}}}
sources: {{orders: {{csv: {{uri: "{uri}"}}}}}}
sinks: {{out: {{jsonl: out.jsonl}}}}
"""


class House:
    """Stores and folders, with looks at them by a clock that stands until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.parts = make_parts(folder, self.stores, Target())
        self.folder = self.parts.environment.file_roots[0]
        self.folder.mkdir(exist_ok=True)
        self.time = 1000.0

    def replica(self) -> Arrivals:
        return Arrivals(self.parts, clock=lambda: self.time)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def save(
        self, name: str, uri: str = "in/*.csv", settle: str = "10s", extra: str = ""
    ) -> None:
        spec = spec_of(PIPELINE.format(name=name, uri=uri, settle=settle, extra=extra))
        triggers = PipelineLanguage().summarize(spec).triggers
        draft = PipelineDraft(spec, "", "root", "", triggers=triggers)
        await self.stores.pipelines.create("default", name, draft)

    async def jobs(self) -> list[Job]:
        return list(reversed(await self.stores.jobs.list("default", limit=1000)))

    async def arrived(self) -> list[list[str]]:
        """Names of the files that started each job."""
        return [[Path(path).name for path in job.arrived] for job in await self.jobs()]

    async def state(self, name: str) -> TriggerState:
        state = (await self.stores.pipelines.get("default", name)).triggers
        assert state is not None
        return state


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_files_that_have_settled_start_one_run(house: House) -> None:
    await house.save("orders")
    arrivals = house.replica()
    assert await arrivals.sweep() == 0
    house.write("in/a.csv", "1")
    house.write("in/b.csv", "2")
    house.write("in/.c.csv", "3")
    house.write("in/d.csv.tmp", "4")
    assert await arrivals.sweep() == 0
    state = (await house.state("orders")).watch
    assert state is not None
    assert state.unsettled == 2
    assert state.look_time is not None
    assert state.next_look_time is not None
    assert state.next_look_time - state.look_time == timedelta(seconds=10)
    house.time += 9
    house.write("in/b.csv", "22")
    assert await arrivals.sweep() == 0
    house.time += 1
    assert await arrivals.sweep() == 1
    assert await house.arrived() == [["a.csv"]]
    house.time += 9
    assert await arrivals.sweep() == 1
    assert await house.arrived() == [["a.csv"], ["b.csv"]]
    house.time += 100
    assert await arrivals.sweep() == 0
    await arrivals.close()


async def test_a_redropped_file_starts_nothing_and_a_changed_one_does(house: House) -> None:
    await house.save("orders", settle="0s")
    arrivals = house.replica()
    path = house.write("in/a.csv", "1")
    assert await arrivals.sweep() == 1
    path.rename(path.with_name("b.csv"))
    house.write("in/a.csv", "1")
    assert await arrivals.sweep() == 0
    house.write("in/a.csv", "2")
    assert await arrivals.sweep() == 1
    house.time += 1000
    assert await arrivals.sweep() == 0
    await arrivals.close()
    # Another process, which remembers nothing.
    arrivals = house.replica()
    assert await arrivals.sweep() == 0
    await arrivals.close()
    assert len(await house.jobs()) == 2


async def test_of_several_replicas_one_starts_each_content(house: House) -> None:
    await house.save("orders", settle="0s")
    replicas = [house.replica() for _ in range(3)]
    for turn in range(5):
        for number in range(turn + 1):
            house.write(f"in/{turn}-{number}.csv", f"{turn} {number}")
        await asyncio.gather(*(replica.sweep() for replica in replicas))
    for replica in replicas:
        assert await replica.sweep() == 0
        await replica.close()
    found = sorted(name for names in await house.arrived() for name in names)
    assert found == sorted(
        f"{turn}-{number}.csv" for turn in range(5) for number in range(turn + 1)
    )


async def test_parameters_have_the_values_of_the_triggers(house: House) -> None:
    text = PIPELINE.format(
        name="orders", uri="in/${params.day}/*.csv", settle="0s", extra=", params: {day: x}"
    )
    spec = spec_of(text + "params: {day: y}\nlimits: {queue: slow, priority: 9}\n")
    triggers = PipelineLanguage().summarize(spec).triggers
    draft = PipelineDraft(spec, "", "root", "", triggers=triggers)
    await house.stores.pipelines.create("default", "orders", draft)
    house.write("in/x/a.csv", "1")
    house.write("in/y/b.csv", "1")
    arrivals = house.replica()
    assert await arrivals.sweep() == 1
    await arrivals.close()
    (job,) = await house.jobs()
    assert [Path(path).name for path in job.arrived] == ["a.csv"]
    assert (job.params, job.queue, job.priority) == ({"day": "x"}, "slow", 9)


async def test_a_bad_watch_shows_why_and_stops_no_other(house: House) -> None:
    await house.save("bad", uri="/etc/*.conf")
    await house.save("unset", uri="in/${env.NOWHERE}.csv")
    await house.save("good", settle="0s")
    house.write("in/a.csv", "1")
    arrivals = house.replica()
    assert await arrivals.sweep() == 1
    for name, code in (("bad", "PATH_REFUSED"), ("unset", "PARAM_INVALID")):
        error = (await house.state(name)).error
        assert error is not None
        assert error.code == code
    assert {job.pipeline for job in await house.jobs()} == {"good"}
    await arrivals.close()


async def test_what_is_paused_is_looked_at_when_it_is_resumed(house: House) -> None:
    await house.save("orders", settle="0s")
    arrivals = house.replica()
    await house.stores.triggers.pause("default", "orders", paused=True)
    house.write("in/a.csv", "1")
    assert await arrivals.sweep() == 0
    await house.stores.triggers.pause("default", "orders", paused=False)
    assert await arrivals.sweep() == 1
    await arrivals.close()


async def test_a_worker_is_told_of_changes(house: House) -> None:
    await house.save("orders", settle="0s")
    house.write("in/a.csv", "1")
    stop = asyncio.Event()
    worker = Worker(house.parts, slots=1, lease=timedelta(days=1))
    # No look comes by itself: the second file is found because the system told of it.
    worker._arrivals = Arrivals(house.parts, look=1e6)  # noqa: SLF001 what the test is about
    task = asyncio.create_task(worker.run(stop))
    for count, name in ((1, "b.csv"), (2, "c.csv")):
        with house.stores.wakeups.subscribe(None) as wakeup:
            while len(await house.jobs()) < count:
                # Written until it is noticed: listening may not have begun at the first time.
                await wakeup.wait(1)
                if count > 1:
                    house.write(f"in/{name}", "2")
                assert not task.done()
    stop.set()
    await task
    assert len(await house.jobs()) >= count


async def test_what_cannot_be_listened_to_is_left_to_the_looks(tmp_path: Path) -> None:
    heard = asyncio.Event()
    hints = Hints(heard)
    hints.listen({tmp_path / "nowhere": False, tmp_path: True})
    while not heard.is_set():
        (tmp_path / "file").write_text("x")
        await asyncio.sleep(0)
    hints.listen({})
    hints.close()
    assert heard.is_set(), "the folder that is there is listened to"
