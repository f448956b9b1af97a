"""What pipelines have read, over the wire: shown, reset, refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from etlplus.domain import errors
from etlplus.domain.arrival import FileContent
from etlplus.domain.cursor import CursorPosition, CursorWindow
from etlplus.domain.job import JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.newfiles import FilesPosition, window_of
from etlplus.domain.window import Window
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, Platform, create

PARAMS = {"day": "2026-01-01"}


IDS = CursorWindow(
    "id",
    "bigint",
    upper="7",
    upper_inclusive=True,
    reached=CursorPosition("id", "bigint", "7", read=True),
)


async def started(served: Platform, window: Window = IDS) -> Lease:
    """A job that runs and has a window."""
    stores = served.stores
    job = NewJob("default", new_job_id(), "orders", 1, PARAMS, "me")
    await stores.jobs.create(job)
    (claimed,) = await stores.jobs.claim(uuid4(), lease=timedelta(minutes=5))
    lease = Lease(claimed.uid, claimed.epoch)
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.windows.fix(lease, opening, {"orders": window})
    return lease


def reset(value: str = "", source: str = "") -> pipeline_pb2.ResetPipelineStateRequest:
    return pipeline_pb2.ResetPipelineStateRequest(name=ORDERS, source=source, value=value)


async def shown(served: Platform) -> list[tuple[str, str, bool]]:
    request = pipeline_pb2.GetPipelineStateRequest(name=ORDERS)
    state = await served.client.pipelines.GetPipelineState(request)
    assert state.name == ORDERS
    return [(each.source, each.value, each.inclusive) for each in state.sources]


async def test_a_state_is_shown_and_reset(served: Platform) -> None:
    await create(served)
    assert await shown(served) == []
    lease = await started(served)
    assert await shown(served) == [("orders", "", False)]
    request = job_pb2.GetJobRequest(name=f"workspaces/default/jobs/{lease.job}")
    (window,) = (await served.client.jobs.GetJob(request)).windows
    assert (window.source, window.summary, window.state) == ("orders", "id <= 7", "OPEN")
    with pytest.raises(errors.WrongState) as caught:
        await served.client.pipelines.ResetPipelineState(reset())
    assert caught.value.code == "PIPELINE_BUSY"
    assert await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
    assert await shown(served) == [("orders", "7", True)]
    state = await served.client.pipelines.ResetPipelineState(reset("3", "orders"))
    assert (state.sources[0].value, state.sources[0].column) == ("3", "id")
    assert await shown(served) == [("orders", "3", False)]
    await served.client.pipelines.ResetPipelineState(reset())
    assert await shown(served) == [("orders", "", False)]


@pytest.mark.parametrize("request_", [reset("x", "orders"), reset("1.5"), reset("NaN")])
async def test_a_value_of_another_type_is_refused(
    served: Platform, request_: pipeline_pb2.ResetPipelineStateRequest
) -> None:
    await create(served)
    assert await served.stores.jobs.settle(await started(served), Settlement(JobState.SUCCEEDED))
    with pytest.raises(errors.InvalidInput) as caught:
        await served.client.pipelines.ResetPipelineState(request_)
    assert "is no bigint" in caught.value.message
    assert await shown(served) == [("orders", "7", True)]


async def test_what_was_never_read_cannot_be_reset(served: Platform) -> None:
    await create(served)
    with pytest.raises(errors.NotFound) as caught:
        await served.client.pipelines.ResetPipelineState(reset(source="orders"))
    assert caught.value.code == "STATE_NOT_FOUND"
    with pytest.raises(errors.InvalidInput):
        await served.client.pipelines.ResetPipelineState(reset("3"))


async def test_files_are_counted_and_have_no_value_to_go_on_from(served: Platform) -> None:
    await create(served)
    new = [FileContent("1-a", "/in/a.csv", 1, 1), FileContent("1-b", "/in/b.csv", 1, 1)]
    lease = await started(served, window_of(new, FilesPosition()))
    assert await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
    request = pipeline_pb2.GetPipelineStateRequest(name=ORDERS)
    (source,) = (await served.client.pipelines.GetPipelineState(request)).sources
    assert (source.kind, source.files, source.value) == ("files", 2, "/in/b.csv")
    with pytest.raises(errors.InvalidInput) as caught:
        await served.client.pipelines.ResetPipelineState(reset("/in/a.csv"))
    assert "is read by its files" in caught.value.message
    state = await served.client.pipelines.ResetPipelineState(reset())
    assert (state.sources[0].kind, state.sources[0].files) == ("", 0)
