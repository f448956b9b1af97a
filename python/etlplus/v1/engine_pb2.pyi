from etlplus.v1 import plan_pb2 as _plan_pb2
from etlplus.v1 import report_pb2 as _report_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Plan(_message.Message):
    __slots__ = ("spec", "params")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    spec: _plan_pb2.PipelineSpec
    params: _containers.RepeatedCompositeFieldContainer[BoundParam]
    def __init__(self, spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ..., params: _Optional[_Iterable[_Union[BoundParam, _Mapping]]] = ...) -> None: ...

class BoundParam(_message.Message):
    __slots__ = ("name", "type", "value", "is_null")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    IS_NULL_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    value: str
    is_null: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[str] = ..., is_null: _Optional[bool] = ...) -> None: ...

class Runtime(_message.Message):
    __slots__ = ("connections", "file_roots", "base_dir", "work_dir", "load_id", "epoch", "threads", "batch_rows", "replays", "parts")
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    FILE_ROOTS_FIELD_NUMBER: _ClassVar[int]
    BASE_DIR_FIELD_NUMBER: _ClassVar[int]
    WORK_DIR_FIELD_NUMBER: _ClassVar[int]
    LOAD_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    BATCH_ROWS_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[ResolvedConnection]
    file_roots: _containers.RepeatedScalarFieldContainer[str]
    base_dir: str
    work_dir: str
    load_id: str
    epoch: int
    threads: int
    batch_rows: int
    replays: _containers.RepeatedCompositeFieldContainer[Replay]
    parts: _containers.RepeatedCompositeFieldContainer[Part]
    def __init__(self, connections: _Optional[_Iterable[_Union[ResolvedConnection, _Mapping]]] = ..., file_roots: _Optional[_Iterable[str]] = ..., base_dir: _Optional[str] = ..., work_dir: _Optional[str] = ..., load_id: _Optional[str] = ..., epoch: _Optional[int] = ..., threads: _Optional[int] = ..., batch_rows: _Optional[int] = ..., replays: _Optional[_Iterable[_Union[Replay, _Mapping]]] = ..., parts: _Optional[_Iterable[_Union[Part, _Mapping]]] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("source", "predicate", "listed", "files")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PREDICATE_FIELD_NUMBER: _ClassVar[int]
    LISTED_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    source: str
    predicate: str
    listed: bool
    files: _containers.RepeatedCompositeFieldContainer[PartFile]
    def __init__(self, source: _Optional[str] = ..., predicate: _Optional[str] = ..., listed: _Optional[bool] = ..., files: _Optional[_Iterable[_Union[PartFile, _Mapping]]] = ...) -> None: ...

class PartFile(_message.Message):
    __slots__ = ("path", "size", "modified_ns")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_NS_FIELD_NUMBER: _ClassVar[int]
    path: str
    size: int
    modified_ns: int
    def __init__(self, path: _Optional[str] = ..., size: _Optional[int] = ..., modified_ns: _Optional[int] = ...) -> None: ...

class Replay(_message.Message):
    __slots__ = ("source", "rejects_path", "steps", "unchanged_since")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REJECTS_PATH_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_SINCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    rejects_path: str
    steps: _containers.RepeatedScalarFieldContainer[str]
    unchanged_since: int
    def __init__(self, source: _Optional[str] = ..., rejects_path: _Optional[str] = ..., steps: _Optional[_Iterable[str]] = ..., unchanged_since: _Optional[int] = ...) -> None: ...

class ResolvedConnection(_message.Message):
    __slots__ = ("name", "kind", "options")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    options: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., options: _Optional[_Mapping[str, str]] = ...) -> None: ...

class RunResult(_message.Message):
    __slots__ = ("sinks", "rejects", "progress", "elapsed_ms")
    SINKS_FIELD_NUMBER: _ClassVar[int]
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    sinks: _containers.RepeatedCompositeFieldContainer[StagedSink]
    rejects: RejectSummary
    progress: _report_pb2.RunProgress
    elapsed_ms: int
    def __init__(self, sinks: _Optional[_Iterable[_Union[StagedSink, _Mapping]]] = ..., rejects: _Optional[_Union[RejectSummary, _Mapping]] = ..., progress: _Optional[_Union[_report_pb2.RunProgress, _Mapping]] = ..., elapsed_ms: _Optional[int] = ...) -> None: ...

class StagedSink(_message.Message):
    __slots__ = ("name", "kind", "mode", "rows", "bytes", "checksum", "books", "connection", "target", "staging_tables", "columns", "keys", "files", "folder", "history")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    BOOKS_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STAGING_TABLES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    mode: str
    rows: int
    bytes: int
    checksum: str
    books: _report_pb2.Books
    connection: str
    target: str
    staging_tables: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedCompositeFieldContainer[_report_pb2.ColumnReport]
    keys: _containers.RepeatedScalarFieldContainer[str]
    files: _containers.RepeatedCompositeFieldContainer[StagedFile]
    folder: str
    history: _plan_pb2.History
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., mode: _Optional[str] = ..., rows: _Optional[int] = ..., bytes: _Optional[int] = ..., checksum: _Optional[str] = ..., books: _Optional[_Union[_report_pb2.Books, _Mapping]] = ..., connection: _Optional[str] = ..., target: _Optional[str] = ..., staging_tables: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[_Union[_report_pb2.ColumnReport, _Mapping]]] = ..., keys: _Optional[_Iterable[str]] = ..., files: _Optional[_Iterable[_Union[StagedFile, _Mapping]]] = ..., folder: _Optional[str] = ..., history: _Optional[_Union[_plan_pb2.History, _Mapping]] = ...) -> None: ...

class StagedFile(_message.Message):
    __slots__ = ("staged_path", "final_path", "rows", "bytes")
    STAGED_PATH_FIELD_NUMBER: _ClassVar[int]
    FINAL_PATH_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    staged_path: str
    final_path: str
    rows: int
    bytes: int
    def __init__(self, staged_path: _Optional[str] = ..., final_path: _Optional[str] = ..., rows: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class RejectSummary(_message.Message):
    __slots__ = ("rows", "counts", "path", "warnings")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    counts: _containers.RepeatedCompositeFieldContainer[_report_pb2.RejectCount]
    path: str
    warnings: _containers.RepeatedCompositeFieldContainer[_report_pb2.RejectCount]
    def __init__(self, rows: _Optional[int] = ..., counts: _Optional[_Iterable[_Union[_report_pb2.RejectCount, _Mapping]]] = ..., path: _Optional[str] = ..., warnings: _Optional[_Iterable[_Union[_report_pb2.RejectCount, _Mapping]]] = ...) -> None: ...

class SniffReport(_message.Message):
    __slots__ = ("findings", "columns", "notes")
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[SniffFinding]
    columns: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Column]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, findings: _Optional[_Iterable[_Union[SniffFinding, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[_plan_pb2.Column, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class SniffFinding(_message.Message):
    __slots__ = ("option", "value", "sure")
    OPTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SURE_FIELD_NUMBER: _ClassVar[int]
    option: str
    value: str
    sure: float
    def __init__(self, option: _Optional[str] = ..., value: _Optional[str] = ..., sure: _Optional[float] = ...) -> None: ...
