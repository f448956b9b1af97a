from etlplus.v1.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanReport(_message.Message):
    __slots__ = ("nodes", "sinks", "explain")
    NODES_FIELD_NUMBER: _ClassVar[int]
    SINKS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeReport]
    sinks: _containers.RepeatedCompositeFieldContainer[SinkReport]
    explain: str
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeReport, _Mapping]]] = ..., sinks: _Optional[_Iterable[_Union[SinkReport, _Mapping]]] = ..., explain: _Optional[str] = ...) -> None: ...

class NodeReport(_message.Message):
    __slots__ = ("name", "kind", "columns", "notes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnReport]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnReport, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ColumnReport(_message.Message):
    __slots__ = ("name", "type", "nullable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    nullable: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., nullable: _Optional[bool] = ...) -> None: ...

class SinkReport(_message.Message):
    __slots__ = ("name", "kind", "target", "mode", "create_statement", "columns", "notes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CREATE_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    target: str
    mode: str
    create_statement: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnReport]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., target: _Optional[str] = ..., mode: _Optional[str] = ..., create_statement: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnReport, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class RunProgress(_message.Message):
    __slots__ = ("nodes", "rows_read", "bytes_read", "bytes_total", "rows_rejected", "rows_staged", "peak_memory", "spilled_bytes")
    NODES_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_STAGED_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_FIELD_NUMBER: _ClassVar[int]
    SPILLED_BYTES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeCounters]
    rows_read: int
    bytes_read: int
    bytes_total: int
    rows_rejected: int
    rows_staged: int
    peak_memory: int
    spilled_bytes: int
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeCounters, _Mapping]]] = ..., rows_read: _Optional[int] = ..., bytes_read: _Optional[int] = ..., bytes_total: _Optional[int] = ..., rows_rejected: _Optional[int] = ..., rows_staged: _Optional[int] = ..., peak_memory: _Optional[int] = ..., spilled_bytes: _Optional[int] = ...) -> None: ...

class NodeCounters(_message.Message):
    __slots__ = ("name", "kind", "rows_in", "rows_out", "rejected", "filtered", "merged_away", "expanded", "bytes", "worked_micros")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROWS_IN_FIELD_NUMBER: _ClassVar[int]
    ROWS_OUT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    FILTERED_FIELD_NUMBER: _ClassVar[int]
    MERGED_AWAY_FIELD_NUMBER: _ClassVar[int]
    EXPANDED_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    WORKED_MICROS_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    rows_in: int
    rows_out: int
    rejected: int
    filtered: int
    merged_away: int
    expanded: int
    bytes: int
    worked_micros: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., rows_in: _Optional[int] = ..., rows_out: _Optional[int] = ..., rejected: _Optional[int] = ..., filtered: _Optional[int] = ..., merged_away: _Optional[int] = ..., expanded: _Optional[int] = ..., bytes: _Optional[int] = ..., worked_micros: _Optional[int] = ...) -> None: ...

class Books(_message.Message):
    __slots__ = ("read", "loaded", "rejected", "filtered", "merged_away", "expanded", "deleted")
    READ_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    FILTERED_FIELD_NUMBER: _ClassVar[int]
    MERGED_AWAY_FIELD_NUMBER: _ClassVar[int]
    EXPANDED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    read: int
    loaded: int
    rejected: int
    filtered: int
    merged_away: int
    expanded: int
    deleted: int
    def __init__(self, read: _Optional[int] = ..., loaded: _Optional[int] = ..., rejected: _Optional[int] = ..., filtered: _Optional[int] = ..., merged_away: _Optional[int] = ..., expanded: _Optional[int] = ..., deleted: _Optional[int] = ...) -> None: ...

class RejectCount(_message.Message):
    __slots__ = ("step", "column", "code", "rows", "rule")
    STEP_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    step: str
    column: str
    code: str
    rows: int
    rule: str
    def __init__(self, step: _Optional[str] = ..., column: _Optional[str] = ..., code: _Optional[str] = ..., rows: _Optional[int] = ..., rule: _Optional[str] = ...) -> None: ...
