"""The standard reflection service, over the contract with its comments.

The library's own servicer knows neither methods nor comments.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from importlib import resources
from typing import Final

import grpc
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from etlplus.rpc.call import Context

Request = reflection_pb2.ServerReflectionRequest
Response = reflection_pb2.ServerReflectionResponse

_CONTRACT: Final = "contract.binpb"


def contract_files() -> list[FileDescriptorProto]:
    """The contract with all that it imports, the standard services and the details of errors."""
    serialized = resources.files("etlplus.v1").joinpath(_CONTRACT).read_bytes()
    files = list(FileDescriptorSet.FromString(serialized).file)
    for module in (health_pb2, reflection_pb2, error_details_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        files.append(file)
    return files


class ReflectionServicer:
    """Answers from descriptors; nothing else of the server is reachable through it."""

    def __init__(self, services: Iterable[str], files: Iterable[FileDescriptorProto]) -> None:
        self._services = sorted(services)
        self._files = {file.name: file for file in files}
        self._symbols = {
            symbol: file.name for file in self._files.values() for symbol in _symbols(file)
        }
        self._extensions: dict[tuple[str, int], str] = {}
        for file in self._files.values():
            for extension in _extensions(file):
                key = (extension.extendee.lstrip("."), extension.number)
                self._extensions[key] = file.name

    async def ServerReflectionInfo(  # noqa: N802 the contract's
        self, requests: AsyncIterator[Request], _context: Context
    ) -> AsyncGenerator[Response, None]:
        """An answer to each question, in order."""
        async for request in requests:
            answer = self._answer(request)
            answer.valid_host = request.host
            answer.original_request.CopyFrom(request)
            yield answer

    def _answer(self, request: Request) -> Response:
        match request.WhichOneof("message_request"):
            case "list_services":
                listed = [reflection_pb2.ServiceResponse(name=name) for name in self._services]
                return Response(
                    list_services_response=reflection_pb2.ListServiceResponse(service=listed)
                )
            case "file_by_filename":
                return self._file(request.file_by_filename)
            case "file_containing_symbol":
                return self._file(self._symbols.get(request.file_containing_symbol))
            case "file_containing_extension":
                asked = request.file_containing_extension
                key = (asked.containing_type, asked.extension_number)
                return self._file(self._extensions.get(key))
            case "all_extension_numbers_of_type":
                return self._numbers(request.all_extension_numbers_of_type)
        return _error(grpc.StatusCode.INVALID_ARGUMENT, "the request asks for nothing")

    def _numbers(self, type_name: str) -> Response:
        numbers = sorted(number for name, number in self._extensions if name == type_name)
        if not numbers and type_name not in self._symbols:
            return _missing()
        return Response(
            all_extension_numbers_response=reflection_pb2.ExtensionNumberResponse(
                base_type_name=type_name, extension_number=numbers
            )
        )

    def _file(self, name: str | None) -> Response:
        if name is None or name not in self._files:
            return _missing()
        found = _with_imports(name, self._files)
        return Response(
            file_descriptor_response=reflection_pb2.FileDescriptorResponse(
                file_descriptor_proto=[file.SerializeToString() for file in found]
            )
        )


def _with_imports(name: str, files: Mapping[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    """The file and all that it imports, itself first."""
    waiting, found = [name], dict[str, FileDescriptorProto]()
    while waiting:
        each = waiting.pop()
        if each not in found and each in files:
            found[each] = files[each]
            waiting.extend(files[each].dependency)
    return list(found.values())


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    prefix = f"{file.package}." if file.package else ""
    for message in file.message_type:
        yield from _symbols_of(message, prefix)
    yield from (prefix + enum.name for enum in file.enum_type)
    yield from (prefix + extension.name for extension in file.extension)
    for service in file.service:
        yield prefix + service.name
        for method in service.method:
            yield f"{prefix}{service.name}.{method.name}"


def _symbols_of(message: DescriptorProto, prefix: str) -> Iterator[str]:
    name = prefix + message.name
    yield name
    yield from (f"{name}.{field.name}" for field in message.field)
    yield from (f"{name}.{oneof.name}" for oneof in message.oneof_decl)
    yield from (f"{name}.{enum.name}" for enum in message.enum_type)
    yield from (f"{name}.{extension.name}" for extension in message.extension)
    for nested in message.nested_type:
        yield from _symbols_of(nested, f"{name}.")


def _extensions(scope: FileDescriptorProto | DescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from scope.extension
    inner = scope.message_type if isinstance(scope, FileDescriptorProto) else scope.nested_type
    for message in inner:
        yield from _extensions(message)


def _missing() -> Response:
    return _error(grpc.StatusCode.NOT_FOUND, "not found")


def _error(code: grpc.StatusCode, message: str) -> Response:
    return Response(
        error_response=reflection_pb2.ErrorResponse(error_code=code.value[0], error_message=message)
    )
