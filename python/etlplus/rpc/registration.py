"""Binds servicers to the methods of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from etlplus.domain.errors import Bug
from etlplus.rpc.reflection import ReflectionServicer, contract_files
from etlplus.rpc.undecoded import Undecoded

_ALPHA: Final = "grpc.reflection.v1alpha.ServerReflection"
#: The messages of both versions are the same; clients ask for one or the other.
_REFLECTION_NAMES: Final = ("grpc.reflection.v1.ServerReflection", _ALPHA)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the contract and the object whose methods serve it.

    A servicer's methods bear the names of the contract. They are coroutine functions, or async
    generators where the answer is a stream, and never read from or write to the context.
    """

    descriptor: ServiceDescriptor
    servicer: object

    @classmethod
    def named(cls, full_name: str, servicer: object) -> Service:
        """The service with this full name, whose generated module has been imported."""
        return cls(descriptor_pool.Default().FindServiceByName(full_name), servicer)


def register(server: grpc.aio.Server, service: Service, name: str = "") -> None:
    """Serves every method of the contract by the servicer's method of that name.

    Args:
        server: has not been started.
        service: what is served.
        name: the service's full name, where it is not the contract's.

    Raises:
        Bug: the servicer lacks a method.
    """
    handlers = {}
    for method in service.descriptor.methods:
        behaviour = getattr(service.servicer, method.name, None)
        if behaviour is None:
            raise Bug(f"nothing serves {method.full_name}", place=method.full_name)
        handlers[method.name] = _handler(method, behaviour)
    full_name = name or service.descriptor.full_name
    generic = grpc.method_handlers_generic_handler(full_name, handlers)
    server.add_generic_rpc_handlers((generic,))


def register_reflection(server: grpc.aio.Server, names: list[str]) -> None:
    """Lets clients ask for the contract of these services, and of reflection itself."""
    servicer = ReflectionServicer([*names, *_REFLECTION_NAMES], contract_files())
    for name in _REFLECTION_NAMES:
        register(server, Service.named(_ALPHA, servicer), name)


def _handler(method: MethodDescriptor, behaviour: object) -> Any:  # noqa: ANN401 untyped in grpc
    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    return make(
        behaviour,
        request_deserializer=partial(Undecoded, GetMessageClass(method.input_type)),
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )
