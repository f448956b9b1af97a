"""One claim of a job, from the claim to its settlement."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from etlplus.app.ports import EngineRun
from etlplus.domain import names
from etlplus.domain.errors import Cancelled, EtlError, Unavailable, WrongState
from etlplus.domain.job import Job, JobError, JobState, Lease, Settlement, SinkResult
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.run import Load, Progress, RejectSummary, RunOutcome, StagedSink
from etlplus.executor.journal import Journal
from etlplus.executor.parts import Parts
from etlplus.executor.pinning import check
from etlplus.executor.preparation import Claim, Prepared, make_folder
from etlplus.executor.publication import Publication
from etlplus.executor.replays import check_read, check_standing, read_again
from etlplus.executor.stopping import Reason, Switch
from etlplus.executor.survey import evolve
from etlplus.executor.threads import Threads, happens
from etlplus.executor.volumes import check_volume
from etlplus.executor.windows import BUSY_DELAY, OpenWindows

_LOG = logging.getLogger(__name__)
#: Seconds between reports of progress, and between attempts to settle when the store is away.
_TICK = 0.5


class JobRun:
    """Runs one claim of a job. `execute` never raises because of the job.

    Attributes:
        lease: the claim.
        switch: stops the run early.
    """

    def __init__(self, parts: Parts, threads: Threads, job: Job) -> None:
        """`job` has just been claimed; its blocking parts run in `threads`."""
        self.lease = Lease(job.uid, job.epoch)
        self.switch = Switch()
        self._parts = parts
        self._threads = threads
        self._job = job
        load_id = names.load_id(job.uid)
        pipeline = names.pipeline_name(job.workspace, job.pipeline)
        keep = parts.environment.undo_keep
        self._load = Load(load_id, job.epoch, str(job.uid), pipeline, job.version, keep)
        self._rejects_file = parts.environment.rejects_file(load_id)
        self._work_dir = parts.environment.work_dir(load_id, job.epoch)
        self._journal = Journal(parts.stores.events, self.lease)
        self._engine_run: EngineRun | None = None
        self._progress = Progress()
        self._rejects = RejectSummary()
        self._sinks: list[SinkResult] = []
        self._staged: tuple[StagedSink, ...] = ()
        self._prepared: Prepared | None = None
        self._summary: SpecSummary | None = None
        self._warnings: tuple[JobError, ...] = ()
        # Whether an earlier attempt, or an earlier job, may have published a part of the load.
        self._begun = bool(job.sinks)

    async def execute(self) -> None:
        """Runs, publishes, settles, or hands the job back; then clears up."""
        self._journal.write(f"Attempt {self._job.attempt} starts with epoch {self._job.epoch}")
        try:
            settlement = await self._attempt()
        except Unavailable as error:
            # Without the store nothing can be settled. The lease runs out and the job is rescued.
            _LOG.warning("job %s is given up for now: %s", self._job.uid, error)
            settlement = None
        delay = self._delay(settlement)
        if settlement is not None and delay is not None:
            await self._put_off(settlement, delay)
        elif settlement is not None:
            await self._settle(settlement)
        elif self.switch.reason is Reason.DRAIN:
            await self._hand_back()
        done = settlement is not None and settlement.state is JobState.SUCCEEDED
        await self._clear_up(published=done)

    async def _attempt(self) -> Settlement | None:
        """How the job ended; None when it is not for this claim to say."""
        try:
            await self._run()
        except Unavailable:
            raise
        except EtlError as error:
            await self._keep_what_is_known()
            return self._judge(error)
        except Exception:  # noqa: BLE001 a fault in one job must not stop the others
            _LOG.exception("job %s failed by a fault of the service", self._job.uid)
            return self._failed(
                JobError("INTERNAL", "A fault of the service itself; its log has the details")
            )
        self._journal.write(f"Succeeded: {sum(sink.books.loaded for sink in self._sinks)} rows")
        return self._ended(JobState.SUCCEEDED)

    async def _run(self) -> None:
        spec = await self._definition()
        timeout = self._summary.timeout if self._summary else None
        loop = asyncio.get_running_loop()
        timer = loop.call_later(timeout, self.switch.throw, Reason.TIMEOUT) if timeout else None
        staged = asyncio.Event()
        reporter = asyncio.create_task(self._report(staged))
        try:
            outcome = await self._stage(spec)
        finally:
            if timer is not None:
                timer.cancel()
            staged.set()
            await reporter
        self._progress = outcome.progress
        self._staged = outcome.sinks
        self._rejects = await self._threads.call(self._keep_rejects, outcome.rejects)
        check_read(self._job.replay, outcome)
        volume = self._summary.volume if self._summary else None
        self._warnings = await check_volume(
            self._parts.stores.jobs, self._job, volume, outcome, self._journal, begun=self._begun
        )
        await self._publish()

    async def _definition(self) -> bytes:
        job, stores = self._job, self._parts.stores
        version = await stores.pipelines.get_version(job.workspace, job.pipeline, job.version)
        self._summary = await self._threads.call(self._parts.language.summarize, version.spec)
        return version.spec

    async def _stage(self, spec: bytes) -> RunOutcome:
        summary, preparation = self._summary, self._parts.preparation
        if summary is None:
            raise AssertionError("the definition is read first")
        job = self._job
        await check_standing(job, self._parts.stores.jobs)
        stored = await preparation.look_up(self._parts.stores.connections, job.workspace, summary)
        asked = job.scheduled_time or job.create_time
        claim = Claim(str(job.uid), self._load.load_id, job.epoch, asked, job.zone)
        windows = OpenWindows(self._parts, self._threads, job, self._journal, self.switch)
        sources = await windows.open(spec, summary, stored, claim)
        self._begun = self._begun or windows.goes_on
        if windows.opening is not None:
            # The load may be that of an earlier job, which left it published in part.
            load_id = names.load_id(windows.opening.load)
            self._load = replace(self._load, load_id=load_id, windows=windows.told())
            claim = replace(claim, load_id=load_id)

        def prepare() -> list[str]:
            connections = preparation.resolve(summary, stored)
            again = read_again(job.replay, self._parts.environment)
            prepared = preparation.prepare(
                spec, job.params, claim, connections, self._work_dir, replays=again, parts=sources
            )
            self._prepared = prepared
            if job.attempt > 1 or job.lost_leases or windows.goes_on:
                self._sweep(summary, prepared)
            self.switch.check()
            check(self._parts, job, spec, prepared, self._load)
            altered = evolve(self._parts, prepared, self._load, self.switch)
            return [each for diff in altered for each in diff.statements]

        for statement in await self._threads.call(prepare):
            self._journal.write(f"Altered a target: {statement}")
        return await self._threads.call(self._work)

    def _work(self) -> RunOutcome:
        prepared = self._prepared
        if prepared is None:
            raise AssertionError("the plan is prepared first")
        run = self._parts.engine.start(prepared.plan, prepared.runtime)
        self._engine_run = run
        self.switch.attach(run)
        return run.wait()

    def _sweep(self, summary: SpecSummary, prepared: Prepared) -> None:
        """Fences off and removes what earlier claims of this load staged."""
        for name in summary.targets:
            connection = prepared.connections[name]
            self._parts.publishers[connection.kind].sweep(self._load, connection)

    async def _publish(self) -> None:
        prepared = self._prepared
        if prepared is None:
            raise AssertionError("the plan is prepared first")
        self.switch.begin_publishing()
        parts = self._parts
        if self._load.windows:
            await parts.stores.windows.begin_publishing(self.lease)
        publication = Publication(
            parts.stores, parts.publishers, self._threads, self.lease, self._load
        )
        for staged in self._staged:
            self.switch.check()
            sink = await publication.publish(staged, prepared.connections, self.switch)
            self.switch.keep()
            self._sinks.append(sink)
            books = sink.books
            self._journal.write(
                f"Published to {sink.target}: {books.loaded} rows loaded, {books.rejected} "
                f"rejected, {books.filtered} filtered",
                node=sink.name,
            )

    async def _keep_what_is_known(self) -> None:
        """Counters and rejects of a run that did not come to its end."""
        run = self._engine_run
        if run is None or self._staged or self.switch.reason in (Reason.LOST, Reason.DRAIN):
            return
        try:
            self._progress = run.progress()
            self._rejects = await self._threads.call(lambda: self._keep_rejects(run.rejects()))
        except EtlError as error:
            _LOG.warning("rejects of job %s are not kept: %s", self._job.uid, error)

    def _keep_rejects(self, rejects: RejectSummary) -> RejectSummary:
        """Moves the rejects to where they outlive the work folder."""
        if not rejects.path:
            return rejects
        kept = self._rejects_file
        make_folder(kept.parent)
        shutil.move(rejects.path, kept)
        return replace(rejects, path=str(kept))

    async def _report(self, staged: asyncio.Event) -> None:
        """Stores counters and log lines until all is staged; notices a lost lease."""
        while not await happens(staged, _TICK):
            try:
                await self._journal.flush()
                await self._report_once()
            except Unavailable as error:
                # Progress is news, not truth: the run goes on for as long as its lease holds.
                _LOG.warning("progress of job %s is not stored: %s", self._job.uid, error)

    async def _report_once(self) -> None:
        progress = self._engine_run.progress() if self._engine_run else self._progress
        if progress != self._progress:
            self._progress = progress
            if not await self._parts.stores.jobs.progress(self.lease, progress):
                self.switch.throw(Reason.LOST)

    def _judge(self, error: EtlError) -> Settlement | None:
        reason = self.switch.reason
        if isinstance(error, Cancelled) and reason is Reason.CANCEL:
            self._journal.write("Cancelled on request", level="WARNING")
            return self._ended(JobState.CANCELLED)
        if isinstance(error, Cancelled) and reason is Reason.TIMEOUT:
            timeout = self._summary.timeout if self._summary else None
            return self._failed(
                JobError(
                    "RUN_TIMEOUT",
                    f"The run took longer than its timeout of {timeout:g} s",
                    "limits.timeout",
                    "Raise limits.timeout, or let the pipeline do less",
                )
            )
        lost = isinstance(error, WrongState) and error.code in ("LEASE_LOST", "STALE_EPOCH")
        if reason in (Reason.LOST, Reason.DRAIN) or lost:
            _LOG.warning("job %s stops: %s", self._job.uid, error)
            return None
        return self._failed(
            JobError(error.code, error.message, error.place or "", error.hint or "")
        )

    def _failed(self, error: JobError) -> Settlement:
        place = f" ({error.place})" if error.place else ""
        self._journal.write(f"{error.code}: {error.message}{place}", level="ERROR")
        return replace(self._ended(JobState.FAILED), error=error)

    def _ended(self, state: JobState) -> Settlement:
        # What an earlier attempt published stays published, whatever became of this one.
        own = {sink.name for sink in self._sinks}
        earlier = [sink for sink in self._job.sinks if sink.name not in own]
        known = self._rejects if self._rejects.path or not earlier else self._job.rejects
        sinks = (*earlier, *self._sinks)
        return Settlement(state, self._progress, sinks, known, warnings=self._warnings)

    def _delay(self, settlement: Settlement | None) -> timedelta | None:
        """How long the job waits for another attempt; None when this was the last."""
        if settlement is None or settlement.error is None or self._summary is None:
            return None
        if _waits(settlement):
            return BUSY_DELAY
        return self._summary.retries.delay(settlement.error.code, self._job.retries)

    async def _put_off(self, failure: Settlement, delay: timedelta) -> None:
        """Lets the job wait for another attempt; what was staged is cleared up as after any end."""
        counts = not _waits(failure)
        most = self._summary.retries.most if self._summary else 0
        what = f"Retry {self._job.retries + 1} of {most}" if counts else "Looks again"
        self._journal.write(f"{what} in {delay.total_seconds():.1f} s", level="WARNING")

        async def end() -> bool:
            await self._journal.flush()
            store = self._parts.stores.jobs
            return await store.retry(self.lease, failure, delay=delay, counts=counts)

        await self._tell(end)

    async def _settle(self, settlement: Settlement) -> None:
        """Ends the job."""
        settle = self._parts.stores.jobs.settle
        await self._tell(lambda: settle(self.lease, settlement, self._journal.waiting))

    async def _tell(self, end: Callable[[], Awaitable[bool]]) -> None:
        """Ends the claim. While the store is away it tries on until the lease is given up."""
        while self.switch.reason is not Reason.LOST:
            try:
                if not await end():
                    _LOG.warning("job %s was taken over; its end is not ours", self._job.uid)
            except Unavailable as error:
                _LOG.warning("job %s cannot be settled yet: %s", self._job.uid, error)
                await asyncio.sleep(_TICK)
            else:
                return

    async def _hand_back(self) -> None:
        self._journal.write("Handed back: the worker stops", level="WARNING")
        try:
            await self._journal.flush()
            await self._parts.stores.jobs.release(self.lease)
        except Unavailable as error:
            _LOG.warning("job %s is not handed back, its lease runs out: %s", self._job.uid, error)

    async def _clear_up(self, *, published: bool) -> None:
        if not published and self._prepared is not None and self._summary is not None:
            await self._threads.call(self._discard, self._summary, self._prepared)
        await self._threads.call(shutil.rmtree, self._work_dir, ignore_errors=True)

    def _discard(self, summary: SpecSummary, prepared: Prepared) -> None:
        """Removes what was staged and not published. What stays, the sweeps find."""
        done = {sink.name for sink in self._sinks}
        left = [staged for staged in self._staged if staged.name not in done]
        for name in summary.targets:
            connection = prepared.connections[name]
            mine = [staged for staged in left if staged.connection == name]
            with _logged(self._job):
                self._parts.publishers[connection.kind].discard(self._load, connection, mine)
        for staged in left:
            if not staged.connection:
                with _logged(self._job):
                    self._parts.publishers[staged.kind].discard(self._load, None, [staged])


@contextmanager
def _logged(job: Job) -> Iterator[None]:
    """Lets clearing up fail without harm: the sweeps do it again."""
    try:
        yield
    except EtlError as error:
        _LOG.warning("staging of job %s is left for the sweeps: %s", job.uid, error)


def _waits(settlement: Settlement) -> bool:
    """Whether a job could not begin because another one of its pipeline has to end before."""
    return settlement.error is not None and settlement.error.code == "PIPELINE_BUSY"
