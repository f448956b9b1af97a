"""Whatever is sent, the service answers, or refuses with a reason; it never faults."""

from __future__ import annotations

from random import Random
from typing import Any

import grpc
import protovalidate
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, create, platform, run
from tests.wire.served import info_of

SERVICES = ("Pipeline", "Job", "Connection", "System", "Auth")
VALIDATOR = protovalidate.Validator()
FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}
TEXTS = (
    *("", "x", "\0", "\n", "ä€\U0001f600", "*", "..", "x" * 3000, "'; drop table job; --"),
    *("${secret.x}", "{{ x }}", "%s", "postgres", "env:HOME", "file:/etc/passwd", "2026-02-30"),
    *('pipeline = "a" AND (', "state = FAILED", "NOT NOT NOT a", "a" + "(" * 50, "eyJ", "AQ"),
    *(WORKSPACE, ORDERS, f"{WORKSPACE}/connections/local", f"{WORKSPACE}/jobs/", "workspaces/-"),
    *(SOURCE, SOURCE.replace("csv", "parquet"), "a: [b, {c: d}", "orders", "spec", "source_text"),
)
NUMBERS = (0, 1, -1, 2, 50, 1000, 1001, 2**31 - 1, -(2**31))
WIDE = (*NUMBERS, 2**63 - 1, -(2**63))
UNSIGNED = {
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_FIXED64,
}


def fill(message: Message, random: Random, names: tuple[str, ...], depth: int = 0) -> None:
    """Sets about two of three fields to something a careless or hostile caller may send."""
    for field in message.DESCRIPTOR.fields:
        if random.random() < 0.35 or depth > 4:
            continue
        nested = field.message_type
        if nested is not None and nested.GetOptions().map_entry:
            continue
        if field.is_repeated:
            for _ in range(random.choice((1, 2, 5))):
                if nested is not None:
                    fill(getattr(message, field.name).add(), random, names, depth + 1)
                else:
                    getattr(message, field.name).append(value(field, random, names))
        elif nested is not None:
            inner = getattr(message, field.name)
            inner.SetInParent()
            fill(inner, random, names, depth + 1)
        else:
            setattr(message, field.name, value(field, random, names))


def value(field: Any, random: Random, names: tuple[str, ...]) -> Any:  # noqa: ANN401
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return random.randbytes(random.choice((0, 1, 100)))
            return random.choice((*TEXTS, *names, *names, *names))
        case FieldDescriptor.CPPTYPE_BOOL:
            return random.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return random.choice((0.0, -1.5, float("nan"), float("inf")))
        case FieldDescriptor.CPPTYPE_ENUM:
            return random.choice((0, 1, 2, 99))
        case FieldDescriptor.CPPTYPE_INT64 | FieldDescriptor.CPPTYPE_UINT64:
            number = random.choice(WIDE)
        case _:
            number = random.choice(NUMBERS)
    return abs(number) if field.type in UNSIGNED else number


def repair(message: Message, right: dict[str, str]) -> None:
    """Puts in the names that the method takes and empties what breaks a rule of the contract."""
    for name, text in right.items():
        if name in message.DESCRIPTOR.fields_by_name:
            setattr(message, name, text)
    for field in ("pipeline", "connection"):
        inner = message.DESCRIPTOR.fields_by_name.get(field)
        if inner is not None and inner.message_type is not None:
            getattr(message, field).name = right["name"]
    for _ in range(20):
        violations = VALIDATOR.collect_violations(message)
        for violation in violations:
            path = violation.proto.field
            names = [element.field_name for element in path.elements] if path else []
            clear(message, names)
        if not violations:
            return


def clear(message: Any, path: list[str]) -> None:  # noqa: ANN401 any message
    for name in path[:-1]:
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.is_repeated:
            break
        message = getattr(message, name)
    else:
        name = path[-1]
    message.ClearField(name)


def every_method() -> list[MethodDescriptor]:
    pool = descriptor_pool.Default()
    services = [pool.FindServiceByName(f"etlplus.v1.{name}Service") for name in SERVICES]
    return [method for service in services for method in service.methods]


def right_names(method: MethodDescriptor, job: str) -> dict[str, str]:
    """What a request of this method may name."""
    kinds = {
        "PipelineService": ORDERS,
        "JobService": job,
        "ConnectionService": f"{WORKSPACE}/connections/local",
    }
    own = kinds.get(method.containing_service.name, "")
    below = {"ListPipelineVersions": ORDERS, "ListRejects": job}
    return {"name": own, "parent": below.get(method.name, WORKSPACE)}


async def answer_to(
    channel: grpc.aio.Channel, method: MethodDescriptor, request: Message, token: str
) -> grpc.aio.AioRpcError | None:
    """The failure of the call; None when it was answered, or still is after a second."""
    service = method.containing_service
    make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
    stub = make(
        f"/{service.full_name}/{method.name}", request_serializer=lambda m: m.SerializeToString()
    )
    call = stub(request, metadata=(("authorization", f"Bearer {token}"),), timeout=1)
    try:
        if not method.server_streaming:
            await call
            return None
        async for _ in call:
            pass
    except grpc.aio.AioRpcError as error:
        watches = method.server_streaming and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return None if watches else error
    return None


@pytest.mark.parametrize("method", every_method(), ids=lambda method: str(method.name))
async def test_no_request_makes_the_service_fault(method: MethodDescriptor) -> None:
    random = Random(method.full_name)
    async with platform(heartbeat=0.2) as served:
        await create(served)
        job = await run(served)
        right = right_names(method, job.name)
        async with grpc.aio.insecure_channel(served.address) as channel:
            for _ in range(8 if method.server_streaming else 40):
                request = GetMessageClass(method.input_type)()
                fill(request, random, tuple(right.values()))
                if random.random() < 0.8:
                    repair(request, right)
                error = await answer_to(channel, method, request, served.token)
                if error is not None:
                    assert error.code() not in FAULTS, f"{error.details()}: {request}"
                    assert info_of(error).reason
