import datetime

from etlplus.v1.buf.validate import validate_pb2 as _validate_pb2
from etlplus.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "engine_version", "languages", "database_version", "embedded_database", "start_time", "job_slots", "max_message_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    DATABASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_DATABASE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    JOB_SLOTS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    engine_version: str
    languages: _containers.RepeatedScalarFieldContainer[str]
    database_version: str
    embedded_database: bool
    start_time: _timestamp_pb2.Timestamp
    job_slots: int
    max_message_bytes: int
    def __init__(self, version: _Optional[str] = ..., engine_version: _Optional[str] = ..., languages: _Optional[_Iterable[str]] = ..., database_version: _Optional[str] = ..., embedded_database: _Optional[bool] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., job_slots: _Optional[int] = ..., max_message_bytes: _Optional[int] = ...) -> None: ...

class ListConnectorsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListConnectorsResponse(_message.Message):
    __slots__ = ("connectors",)
    CONNECTORS_FIELD_NUMBER: _ClassVar[int]
    connectors: _containers.RepeatedCompositeFieldContainer[Connector]
    def __init__(self, connectors: _Optional[_Iterable[_Union[Connector, _Mapping]]] = ...) -> None: ...

class Connector(_message.Message):
    __slots__ = ("kind", "role", "description", "schema")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[Connector.Role]
        ROLE_SOURCE: _ClassVar[Connector.Role]
        ROLE_SINK: _ClassVar[Connector.Role]
    ROLE_UNSPECIFIED: Connector.Role
    ROLE_SOURCE: Connector.Role
    ROLE_SINK: Connector.Role
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    kind: str
    role: Connector.Role
    description: str
    schema: _struct_pb2.Struct
    def __init__(self, kind: _Optional[str] = ..., role: _Optional[_Union[Connector.Role, str]] = ..., description: _Optional[str] = ..., schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListStepsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListStepsResponse(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[StepKind]
    def __init__(self, steps: _Optional[_Iterable[_Union[StepKind, _Mapping]]] = ...) -> None: ...

class StepKind(_message.Message):
    __slots__ = ("kind", "description", "schema")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    kind: str
    description: str
    schema: _struct_pb2.Struct
    def __init__(self, kind: _Optional[str] = ..., description: _Optional[str] = ..., schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
