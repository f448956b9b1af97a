"""The Python client against a real server, with and without TLS."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from etlplus.client import connect, connect_async
from etlplus.domain.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from etlplus.rpc.config import Certificate
from etlplus.v1 import auth_pb2, job_pb2, pipeline_pb2, plan_pb2
from tests.wire.platform import ORDERS, WORKSPACE, Platform, create, platform, run
from tests.wire.served import LOCAL, status_of

DATA = Path(__file__).parent / "data"
ASK = auth_pb2.WhoAmIRequest()


async def test_a_blocking_client_makes_both_kinds_of_calls(served: Platform) -> None:
    await create(served)
    job = await run(served)
    await served.client.jobs.CancelJob(job_pb2.CancelJobRequest(name=job.name))

    def work() -> list[int]:
        with connect(served.address, token=served.token) as client:
            assert client.auth.WhoAmI(ASK).principal == "root"
            with pytest.raises(NotFound) as missing:
                client.pipelines.GetPipeline(
                    pipeline_pb2.GetPipelineRequest(name=f"{WORKSPACE}/pipelines/nothing")
                )
            assert missing.value.code == "PIPELINE_NOT_FOUND"
            with pytest.raises(InvalidInput):
                list(client.jobs.WatchJob(job_pb2.WatchJobRequest(name="nonsense")))
            watched = client.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name))
            return [event.snapshot.state for event in watched]

    assert await asyncio.to_thread(work) == [job_pb2.Job.State.STATE_CANCELLED]


async def test_a_watch_can_be_left(served: Platform) -> None:
    await create(served)
    job = await run(served)

    def work() -> None:
        with connect(served.address, token=served.token) as client:
            watch = client.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name))
            assert next(watch).snapshot.name == job.name
            watch.cancel()

    await asyncio.to_thread(work)
    assert (await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=job.name))).name == job.name


async def test_nobody_there_is_unreachable() -> None:
    async with connect_async("127.0.0.1:1", token="t") as client:
        with pytest.raises(Unavailable) as refused:
            await client.auth.WhoAmI(ASK)
    assert refused.value.code == "SERVER_UNREACHABLE"


async def test_tls_from_end_to_end() -> None:
    chain, key = (DATA / "certificate.pem").read_bytes(), (DATA / "key.pem").read_bytes()
    config = replace(LOCAL, certificate=Certificate(chain, key))
    async with platform(config=config) as served:
        authority = DATA / "certificate.pem"
        async with connect_async(served.address, token=served.token, ca=authority) as client:
            assert (await client.auth.WhoAmI(ASK)).principal == "root"
        async with connect_async(served.address, ca=authority) as client:
            with pytest.raises(Unauthenticated):
                await client.auth.WhoAmI(ASK)
        for distrusting in (
            connect_async(served.address, token=served.token),
            connect_async(served.address, token=served.token, tls=True),
        ):
            async with distrusting as client:
                with pytest.raises(Unavailable):
                    await client.auth.WhoAmI(ASK)


async def test_hundreds_of_broken_rules_stay_within_what_callers_take(served: Platform) -> None:
    spec = plan_pb2.PipelineSpec(name="orders", api="etlplus/v1")
    for number in range(300):
        spec.steps.add(name=f"Not A Name {number} " + "ä" * 100)
    request = pipeline_pb2.PlanPipelineRequest(parent=WORKSPACE, spec=spec)
    async with grpc.aio.insecure_channel(served.address) as channel:
        call: Any = channel.unary_unary(
            "/etlplus.v1.PipelineService/PlanPipeline",
            request_serializer=pipeline_pb2.PlanPipelineRequest.SerializeToString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request, metadata=(("authorization", f"Bearer {served.token}"),))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert status_of(refused.value).ByteSize() <= 4096
    with pytest.raises(InvalidInput) as explained:
        await served.client.pipelines.PlanPipeline(request)
    assert explained.value.problems[-1].message.endswith("more")


async def test_a_long_message_of_letters_that_travel_badly(served: Platform) -> None:
    name = f"{WORKSPACE}/pipelines/orders"
    await create(served)
    for letter in ("ä", "\n", "€", '"', "%"):
        text = pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=name, source_text="name: " + letter * 5000)
        )
        with pytest.raises(InvalidInput) as refused:
            await served.client.pipelines.UpdatePipeline(text)
        assert refused.value.code == "SPEC_INVALID"
    assert (
        await served.client.pipelines.GetPipeline(pipeline_pb2.GetPipelineRequest(name=ORDERS))
    ).version == 1
