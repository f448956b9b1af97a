"""F12, F14, F16: clocks that are wrong, workers that die while they fire, requests that repeat."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import grpc

from etlplus.v1 import job_pb2, pipeline_pb2
from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict, judge
from tests.faults.scene import PATIENCE
from tests.live import WORKSPACE

#: Ten minutes, and a day, either way.
_SHIFTS = (600, -600, 86_400, -86_400)
_AT_ONCE = 64
_EVERY = """\
api: etlplus/v1
name: {name}
schedule: {{every: 1s, catchup: all, max_catchup: 1000}}
sources: {{rows: {{csv: {{uri: "{source}", columns: {{id: bigint}}}}}}}}
sinks: {{table: {{postgres: {{connection: mart, table: {name}, mode: append}}}}}}
"""
_FIRED = """
select count(*), count(distinct scheduled_time),
       coalesce(extract(epoch from max(scheduled_time) - min(scheduled_time)), -1)::int + 1
from etlplus_control.every_job where pipeline = '{name}'"""
_ENDED = """
select count(*) filter (where state not in ('PENDING', 'RUNNING')) = count(*), count(*)
from etlplus_control.every_job where pipeline = '{name}'"""
_FIRE = "etlplus.store.schedules:PostgresSchedules.fire"


def shifted(strike: Strike) -> Verdict:
    """The clock of one of two workers is wrong by minutes or a day, beside one that is right."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    scene.dismiss()
    scene.worker(f"clock:{_SHIFTS[strike.number % len(_SHIFTS)]}")
    scene.worker()
    job = scene.submit(load)
    verdict = judge(scene, load, job, time.monotonic())
    attempt = scene.live.get(job).attempt
    fired = _fire(strike, seconds=3)
    scene.dismiss()
    if attempt != 1:
        fired = fired.noting(f"{load.name}: its lease was stolen, attempt {attempt}")
    return verdict if fired.is_clean else fired


def fired(strike: Strike) -> Verdict:
    """Workers die before and after they fire a schedule, with others beside them."""
    scene = strike.scene
    scene.dismiss()
    scene.worker()
    when = ("before", "after")[strike.number % 2]
    return _fire(strike, seconds=4, doom=f"kill:{when}:{_FIRE}")


def _fire(strike: Strike, *, seconds: int, doom: str = "") -> Verdict:
    """Lets a schedule of one second fire; each instant must have run exactly once."""
    scene = strike.scene
    name = f"every_{uuid4().hex[:12]}"
    source = scene.live.root / "two.csv"
    source.write_text("id\n1\n2\n")
    scene.live.apply(_EVERY.format(name=name, source=source))
    start = time.monotonic()
    doomed = [scene.worker(doom)] if doom else []
    scene.until(lambda: scene.ask(_FIRED.format(name=name))[0][0] >= seconds, "it fires")
    request = pipeline_pb2.DeletePipelineRequest(name=f"{WORKSPACE}/pipelines/{name}")
    if doomed and doomed[0].alive:
        # The others were quicker each time; this one has still to come.
        scene.dismiss()
        doomed = [scene.worker(doom)]
        doomed[0].popen.wait(PATIENCE)
        scene.worker()
    scene.live.pipelines.DeletePipeline(request, metadata=scene.live.metadata, timeout=60)
    scene.until(lambda: scene.ask(_ENDED.format(name=name))[0][0], "all runs end")
    [(jobs, instants, span)] = scene.ask(_FIRED.format(name=name))
    [(rows, distinct)] = scene.query(f"select count(*), count(distinct id) from {name}")
    lost, doubled = max(0, span - instants), max(0, jobs - instants)
    notes = []
    if (rows, distinct) != (2 * jobs, 2):
        notes.append(f"{name}: {jobs} runs left {rows} rows")
    recovery = time.monotonic() - start - seconds
    return Verdict(lost, doubled, int(bool(notes)), recovery=recovery, notes=tuple(notes))


def repeated(strike: Strike) -> Verdict:
    """64 clients submit the same request at once while sessions of the database are ended."""
    scene = strike.scene
    load = scene.load(strike.mode, rows=2000)
    scene.hand()
    request = pipeline_pb2.RunPipelineRequest(
        name=f"{WORKSPACE}/pipelines/{load.name}",
        request_id=str(UUID(int=strike.draw.getrandbits(128), version=4)),
    )

    def submit(_: int) -> str:
        while True:
            try:
                answer = scene.live.pipelines.RunPipeline(
                    request, metadata=scene.live.metadata, timeout=60
                )
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                return answer.uid

    struck = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = threads.map(submit, range(_AT_ONCE))
        scene.metadata.terminate(scene.metadata.endpoint.metadata)
        uids = set(answers)
    [(jobs,)] = scene.ask(
        f"select count(*) from etlplus_control.every_job where pipeline = '{load.name}'"
    )
    job = scene.live.jobs.GetJob(
        job_pb2.GetJobRequest(name=f"{WORKSPACE}/jobs/{min(uids)}"),
        metadata=scene.live.metadata,
        timeout=60,
    )
    verdict = judge(scene, load, job, struck)
    return verdict if jobs == len(uids) == 1 else verdict.noting(f"{jobs} jobs, {uids}")


FAULTS = (
    Fault("F12", "the clock of a worker is wrong by minutes or a day", shifted, 0, 20),
    Fault("F14", "a worker dies while it fires a schedule", fired, 0, 20),
    Fault("F16", "64 clients repeat one request", repeated, 1, 20),
)
