"""The reflection service answers every kind of question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

from etlplus.rpc.reflection import ReflectionServicer, Request, Response, contract_files


async def asked(**question: Any) -> Response:
    servicer = ReflectionServicer(["b.B", "a.A"], contract_files())

    async def requests() -> AsyncIterator[Request]:
        yield Request(host="h", **question)

    nothing: Any = None
    (answer,) = [each async for each in servicer.ServerReflectionInfo(requests(), nothing)]
    assert answer.original_request == Request(host="h", **question)
    return answer


def files_of(answer: Response) -> dict[str, FileDescriptorProto]:
    found = answer.file_descriptor_response.file_descriptor_proto
    files = [FileDescriptorProto.FromString(each) for each in found]
    return {file.name: file for file in files}


async def test_services_are_listed_in_order() -> None:
    answer = await asked(list_services="*")
    assert [each.name for each in answer.list_services_response.service] == ["a.A", "b.B"]


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("etlplus.v1.JobService", "etlplus/v1/job.proto"),
        ("etlplus.v1.JobService.WatchJob", "etlplus/v1/job.proto"),
        ("etlplus.v1.Job", "etlplus/v1/job.proto"),
        ("etlplus.v1.Job.State", "etlplus/v1/job.proto"),
        ("etlplus.v1.Job.name", "etlplus/v1/job.proto"),
        ("etlplus.v1.WatchJobResponse.event", "etlplus/v1/job.proto"),
        ("etlplus.v1.requires", "etlplus/v1/options.proto"),
        ("google.rpc.ErrorInfo", "google/rpc/error_details.proto"),
        ("google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"),
        ("grpc.health.v1.Health.Check", "grpc_health/v1/health.proto"),
        ("grpc.reflection.v1alpha.ServerReflection", "grpc_reflection/v1alpha/reflection.proto"),
    ],
)
async def test_each_symbol_is_found_with_all_that_its_file_imports(symbol: str, file: str) -> None:
    files = files_of(await asked(file_containing_symbol=symbol))
    assert next(iter(files)) == file
    for each in files.values():
        assert set(each.dependency) <= set(files)
    pool = descriptor_pool.DescriptorPool()
    waiting = dict(files)
    while waiting:
        ready = [each for each in waiting.values() if not set(each.dependency) & set(waiting)]
        for each in ready:
            pool.AddSerializedFile(waiting.pop(each.name).SerializeToString())


async def test_the_contract_comes_with_its_comments() -> None:
    answer = await asked(file_by_filename="etlplus/v1/job.proto")
    comments = [
        location.leading_comments
        for location in files_of(answer)["etlplus/v1/job.proto"].source_code_info.location
    ]
    assert any("Follows a job until it has ended" in comment for comment in comments)


async def test_extensions_are_found_by_number() -> None:
    method_options = "google.protobuf.MethodOptions"
    answer = await asked(all_extension_numbers_of_type=method_options)
    numbers = answer.all_extension_numbers_response.extension_number
    assert 50101 in numbers
    question = reflection_pb2.ExtensionRequest(
        containing_type=method_options, extension_number=50101
    )
    found = files_of(await asked(file_containing_extension=question))
    assert next(iter(found)) == "etlplus/v1/options.proto"
    plain = await asked(all_extension_numbers_of_type="etlplus.v1.Job")
    assert list(plain.all_extension_numbers_response.extension_number) == []


@pytest.mark.parametrize(
    "question",
    [
        {"file_containing_symbol": "etlplus.v1.Nobody"},
        {"file_by_filename": "/etc/passwd"},
        {"all_extension_numbers_of_type": "etlplus.v1.Nobody"},
        {
            "file_containing_extension": reflection_pb2.ExtensionRequest(
                containing_type="etlplus.v1.Job", extension_number=1
            )
        },
    ],
)
async def test_what_does_not_exist_is_not_found(question: dict[str, Any]) -> None:
    assert (await asked(**question)).error_response.error_code == 5


async def test_a_question_without_content_is_invalid() -> None:
    assert (await asked()).error_response.error_code == 3
