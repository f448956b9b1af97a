from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Interpolation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERPOLATION_UNSPECIFIED: _ClassVar[Interpolation]
    INTERPOLATION_TEXT: _ClassVar[Interpolation]
    INTERPOLATION_SQL: _ClassVar[Interpolation]
    INTERPOLATION_LITERAL: _ClassVar[Interpolation]
    INTERPOLATION_SECRET: _ClassVar[Interpolation]
INTERPOLATION_UNSPECIFIED: Interpolation
INTERPOLATION_TEXT: Interpolation
INTERPOLATION_SQL: Interpolation
INTERPOLATION_LITERAL: Interpolation
INTERPOLATION_SECRET: Interpolation
REQUIRES_FIELD_NUMBER: _ClassVar[int]
requires: _descriptor.FieldDescriptor
KEYED_BY_FIELD_NUMBER: _ClassVar[int]
keyed_by: _descriptor.FieldDescriptor
INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
interpolation: _descriptor.FieldDescriptor
SHORTHAND_FIELD_NUMBER: _ClassVar[int]
shorthand: _descriptor.FieldDescriptor

class Requires(_message.Message):
    __slots__ = ("verb", "resource", "any_principal")
    VERB_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ANY_PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    verb: str
    resource: str
    any_principal: bool
    def __init__(self, verb: _Optional[str] = ..., resource: _Optional[str] = ..., any_principal: _Optional[bool] = ...) -> None: ...
