"""PipelineService over the real use cases."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from etlplus.domain import errors
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import DIFF, ORDERS, PLAN_HASH, SOURCE, WORKSPACE, Platform, create


async def test_a_pipeline_from_text_comes_back_as_text_and_message(served: Platform) -> None:
    created = await create(served)
    assert (created.name, created.version, created.author) == (ORDERS, 1, "root")
    found = await served.client.pipelines.GetPipeline(pipeline_pb2.GetPipelineRequest(name=ORDERS))
    assert found == created
    assert found.source_text == SOURCE
    assert found.spec.name == "orders"
    assert found.message == "first"
    listed = await served.client.pipelines.ListPipelines(
        pipeline_pb2.ListPipelinesRequest(parent=WORKSPACE)
    )
    (item,) = listed.pipelines
    assert (item.name, item.etag) == (ORDERS, created.etag)
    assert not item.source_text
    assert not item.HasField("spec")


async def test_the_same_pipeline_from_message_has_the_same_content(served: Platform) -> None:
    created = await create(served)
    again = await served.client.pipelines.UpdatePipeline(
        pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=ORDERS, spec=created.spec)
        )
    )
    assert again.content_hash == created.content_hash


async def test_a_new_version_and_the_old_one(served: Platform) -> None:
    created = await create(served)
    text = SOURCE.replace("decimal(12,2)", "decimal(18,4)")
    updated = await served.client.pipelines.UpdatePipeline(
        pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=ORDERS, source_text=text, etag=created.etag),
            update_mask=FieldMask(paths=["source_text"]),
        )
    )
    assert updated.version == 2
    with pytest.raises(errors.EtagMismatch):
        await served.client.pipelines.UpdatePipeline(
            pipeline_pb2.UpdatePipelineRequest(
                pipeline=pipeline_pb2.Pipeline(name=ORDERS, source_text=SOURCE, etag=created.etag)
            )
        )
    old = await served.client.pipelines.GetPipeline(
        pipeline_pb2.GetPipelineRequest(name=ORDERS, version=1)
    )
    assert old.source_text == SOURCE
    page = await served.client.pipelines.ListPipelineVersions(
        pipeline_pb2.ListPipelineVersionsRequest(parent=ORDERS, page_size=1)
    )
    assert [v.name for v in page.pipeline_versions] == [f"{ORDERS}/versions/2"]
    rest = await served.client.pipelines.ListPipelineVersions(
        pipeline_pb2.ListPipelineVersionsRequest(
            parent=ORDERS, page_size=1, page_token=page.next_page_token
        )
    )
    assert [v.version for v in rest.pipeline_versions] == [1]
    assert not rest.next_page_token


@pytest.mark.parametrize("paths", [["author"], ["spec.name"], ["message"]])
async def test_a_mask_that_makes_no_version_is_refused(served: Platform, paths: list[str]) -> None:
    await create(served)
    with pytest.raises(errors.InvalidInput) as refused:
        await served.client.pipelines.UpdatePipeline(
            pipeline_pb2.UpdatePipelineRequest(
                pipeline=pipeline_pb2.Pipeline(name=ORDERS, source_text=SOURCE),
                update_mask=FieldMask(paths=paths),
            )
        )
    assert refused.value.place == "update_mask"


async def test_all_problems_of_a_definition_arrive(served: Platform) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        await create(served, SOURCE.replace("csv", "cvs").replace("from: clean", "from: claen"))
    assert refused.value.code == "SPEC_INVALID"
    assert len(refused.value.problems) >= 2
    answer = await served.client.pipelines.ValidatePipeline(
        pipeline_pb2.ValidatePipelineRequest(
            parent=WORKSPACE, source_text=SOURCE.replace("csv", "cvs")
        )
    )
    problem = answer.problems[0]
    assert problem.severity == pipeline_pb2.Problem.Severity.SEVERITY_ERROR
    assert (problem.line, "cvs" in problem.excerpt) == (5, True)
    assert not answer.HasField("spec")


async def test_shape_is_checked_before_the_use_case(served: Platform) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        await served.client.pipelines.RunPipeline(
            pipeline_pb2.RunPipelineRequest(name="nonsense", params={"BAD": "1"}, version=-1)
        )
    assert {p.path for p in refused.value.problems} == {"name", 'params["BAD"]', "version"}


async def test_a_pipeline_that_is_missing_taken_or_deleted(served: Platform) -> None:
    with pytest.raises(errors.NotFound) as missing:
        await served.client.pipelines.GetPipeline(pipeline_pb2.GetPipelineRequest(name=ORDERS))
    assert missing.value.code == "PIPELINE_NOT_FOUND"
    await create(served)
    with pytest.raises(errors.AlreadyExists) as taken:
        await create(served)
    assert taken.value.code == "PIPELINE_EXISTS"
    await served.client.pipelines.DeletePipeline(pipeline_pb2.DeletePipelineRequest(name=ORDERS))
    with pytest.raises(errors.NotFound):
        await served.client.pipelines.GetPipeline(pipeline_pb2.GetPipelineRequest(name=ORDERS))


async def test_plan_and_preview(served: Platform) -> None:
    answer = await served.client.pipelines.PlanPipeline(
        pipeline_pb2.PlanPipelineRequest(parent=WORKSPACE, source_text=SOURCE)
    )
    assert answer.report.nodes[0].columns[0].name == "amount"
    assert answer.report.sinks[0].target == "out/"
    assert answer.plan_hash == PLAN_HASH
    (diff,) = answer.schema_diffs
    assert (diff.sink, diff.target, diff.policy, diff.exists) == ("out", "public.t", "evolve", True)
    assert list(diff.statements) == list(DIFF.statements)
    (change,) = diff.changes
    assert (change.column, change.what, change.before, change.after, change.rewrites) == (
        "id", "widened", "integer", "bigint", True
    )  # fmt: skip
    assert answer.expectation.sample_rows == 10_000
    known, unknown = answer.expectation.nodes
    assert (known.role, known.looked_at, known.rows, known.rejected) == ("source", 1000, 8000, 0)
    assert known.HasField("rejected")
    assert not unknown.HasField("rows")
    assert unknown.unknown == "it reads a table"
    (reject,) = answer.expectation.rejects
    assert (reject.seen, reject.rows, reject.example.line) == (2, 20, 7)
    assert reject.example.raw == "x" * 1000
    assert list(answer.expectation.faults) == ["stopped"]
    (traced,) = answer.lineage
    amount, code = traced.columns
    assert (traced.sink, amount.column, code.column) == ("out", "amount", "code")
    origins = [(each.source, each.column) for each in amount.origins]
    assert origins == [("orders", "amount"), ("orders", "id")]
    assert (amount.unknown, list(code.origins)) == ("", [])
    assert code.unknown == "its expression is not followed"
    served.outside.pieces = (b"a" * 3_000_000, b"b")
    request = pipeline_pb2.PreviewPipelineRequest(parent=WORKSPACE, source_text=SOURCE)
    pieces = [each.arrow_ipc async for each in served.client.pipelines.PreviewPipeline(request)]
    assert b"".join(pieces) == b"a" * 3_000_000 + b"b"
    assert max(map(len, pieces)) <= 1 << 20
    served.outside.error = errors.RunError("no file matches", code="SOURCE_NOT_FOUND", place="x")
    with pytest.raises(errors.RunError) as failed:
        await served.client.pipelines.PlanPipeline(
            pipeline_pb2.PlanPipelineRequest(parent=WORKSPACE, source_text=SOURCE)
        )
    assert (failed.value.code, failed.value.place) == ("SOURCE_NOT_FOUND", "x")


async def test_how_much_a_plan_looks_at_is_the_callers_choice(served: Platform) -> None:
    ask = pipeline_pb2.PlanPipelineRequest(parent=WORKSPACE, source_text=SOURCE, sample_rows=0)
    answer = await served.client.pipelines.PlanPipeline(ask)
    assert not answer.HasField("expectation")
    ask.sample_rows = 7
    answer = await served.client.pipelines.PlanPipeline(ask)
    assert answer.expectation.sample_rows == 7
    ask.sample_rows = 100_001
    with pytest.raises(errors.InvalidInput) as refused:
        await served.client.pipelines.PlanPipeline(ask)
    assert [problem.path for problem in refused.value.problems] == ["sample_rows"]


async def test_versions_are_compared_part_by_part_and_line_by_line(served: Platform) -> None:
    await create(served)
    await second_version(served)
    ask = pipeline_pb2.ComparePipelineVersionsRequest
    found = await served.client.pipelines.ComparePipelineVersions(ask(name=ORDERS))
    assert (found.old_version, found.new_version) == (1, 2)
    (change,) = found.changes
    assert "decimal(12,2)" in str(change.old)
    assert "decimal(18,4)" in str(change.new)
    assert change.path.startswith("s")
    assert found.text_diff.startswith("--- version 1\n+++ version 2\n")
    back = await served.client.pipelines.ComparePipelineVersions(
        ask(name=ORDERS, old_version=2, new_version=1)
    )
    assert (back.changes[0].old, back.changes[0].new) == (change.new, change.old)
    same = await served.client.pipelines.ComparePipelineVersions(
        ask(name=ORDERS, old_version=2, new_version=2)
    )
    assert not same.changes
    assert not same.text_diff


async def test_there_is_no_version_before_the_first(served: Platform) -> None:
    await create(served)
    ask = pipeline_pb2.ComparePipelineVersionsRequest
    for request in (ask(name=ORDERS), ask(name=ORDERS, new_version=7)):
        with pytest.raises(errors.NotFound) as caught:
            await served.client.pipelines.ComparePipelineVersions(request)
        assert caught.value.code == "VERSION_NOT_FOUND"


async def test_an_earlier_version_is_stored_again_once(served: Platform) -> None:
    created = await create(served)
    changed = await second_version(served)
    ask = pipeline_pb2.RestorePipelineVersionRequest
    dry = await served.client.pipelines.RestorePipelineVersion(
        ask(name=ORDERS, version=1, validate_only=True)
    )
    assert (dry.version, dry.source_text) == (3, SOURCE)
    request = ask(name=ORDERS, version=1, request_id="5f0c6d0e-63ad-4d2e-9d4a-1f0d7a3c9b11")
    restored = await served.client.pipelines.RestorePipelineVersion(request)
    again = await served.client.pipelines.RestorePipelineVersion(request)
    assert restored.version == again.version == 3
    assert restored.message == "Restore version 1"
    assert (restored.source_text, restored.content_hash) == (SOURCE, created.content_hash)
    with pytest.raises(errors.EtagMismatch):
        await served.client.pipelines.RestorePipelineVersion(
            ask(name=ORDERS, version=2, etag=changed.etag)
        )
    with pytest.raises(errors.NotFound):
        await served.client.pipelines.RestorePipelineVersion(ask(name=ORDERS, version=9))


async def second_version(served: Platform) -> pipeline_pb2.Pipeline:
    """The pipeline with another type for a column."""
    text = SOURCE.replace("decimal(12,2)", "decimal(18,4)")
    return await served.client.pipelines.UpdatePipeline(
        pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=ORDERS, source_text=text)
        )
    )


async def test_a_run_is_pinned_to_a_plan(served: Platform) -> None:
    await create(served)
    request = pipeline_pb2.RunPipelineRequest(
        name=ORDERS, params={"day": "2026-01-01"}, plan_hash=PLAN_HASH
    )
    job = await served.client.pipelines.RunPipeline(request)
    assert job.plan_hash == PLAN_HASH
    found = await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=job.name))
    assert found.plan_hash == PLAN_HASH
    request.plan_hash = "0123"
    with pytest.raises(errors.InvalidInput):
        await served.client.pipelines.RunPipeline(request)
