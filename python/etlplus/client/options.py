"""Options of the channel: sizes, keepalive, and which calls are retried."""

from __future__ import annotations

import json
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from etlplus.v1 import (
    auth_pb2,
    connection_pb2,
    job_pb2,
    options_pb2,
    pipeline_pb2,
    system_pb2,
)

REQUEST_ID: Final = "request_id"
_KEEPALIVE_MS: Final = 30_000
_MESSAGE_BYTES: Final = 64 << 20
_FILES: Final = (auth_pb2, connection_pb2, job_pb2, pipeline_pb2, system_pb2)
#: Calls with these verbs change nothing, or the same when they are repeated.
_REPEATABLE_VERBS: Final = frozenset({"get", "list", "cancel"})
_RETRY: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# Declared as a plain field, which the types of options do not take as an extension.
_REQUIRES: Any = options_pb2.requires


def services() -> list[ServiceDescriptor]:
    """The services of the contract."""
    found: Any = [s for file in _FILES for s in file.DESCRIPTOR.services_by_name.values()]
    services: list[ServiceDescriptor] = found
    return services


def is_repeatable(method: MethodDescriptor) -> bool:
    """Whether a call may be sent again when nobody knows whether it arrived."""
    verb = method.GetOptions().Extensions[_REQUIRES].verb
    return verb in _REPEATABLE_VERBS or REQUEST_ID in method.input_type.fields_by_name


def service_config() -> str:
    """The retry policy, as JSON."""
    names = [
        {"service": service.full_name, "method": method.name}
        for service in services()
        for method in service.methods
        if is_repeatable(method)
    ]
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": _RETRY}]})


def channel_options() -> list[tuple[str, int | str]]:
    """Every option of the channel."""
    return [
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
