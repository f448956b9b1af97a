import datetime

from etlplus.v1.buf.validate import validate_pb2 as _validate_pb2
from etlplus.v1 import job_pb2 as _job_pb2
from etlplus.v1 import options_pb2 as _options_pb2
from etlplus.v1 import plan_pb2 as _plan_pb2
from etlplus.v1 import report_pb2 as _report_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Pipeline(_message.Message):
    __slots__ = ("name", "spec", "source_text", "version", "author", "message", "content_hash", "etag", "create_time", "update_time", "schedule_state", "trigger_state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_STATE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: _plan_pb2.PipelineSpec
    source_text: str
    version: int
    author: str
    message: str
    content_hash: str
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    schedule_state: ScheduleState
    trigger_state: TriggerState
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ..., source_text: _Optional[str] = ..., version: _Optional[int] = ..., author: _Optional[str] = ..., message: _Optional[str] = ..., content_hash: _Optional[str] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., schedule_state: _Optional[_Union[ScheduleState, _Mapping]] = ..., trigger_state: _Optional[_Union[TriggerState, _Mapping]] = ...) -> None: ...

class TriggerState(_message.Message):
    __slots__ = ("webhook_path", "paused", "upstreams", "last_fire_time", "last_job", "error", "files")
    WEBHOOK_PATH_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    UPSTREAMS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_JOB_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    webhook_path: str
    paused: bool
    upstreams: _containers.RepeatedCompositeFieldContainer[UpstreamState]
    last_fire_time: _timestamp_pb2.Timestamp
    last_job: str
    error: _job_pb2.JobError
    files: WatchedFiles
    def __init__(self, webhook_path: _Optional[str] = ..., paused: _Optional[bool] = ..., upstreams: _Optional[_Iterable[_Union[UpstreamState, _Mapping]]] = ..., last_fire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_job: _Optional[str] = ..., error: _Optional[_Union[_job_pb2.JobError, _Mapping]] = ..., files: _Optional[_Union[WatchedFiles, _Mapping]] = ...) -> None: ...

class WatchedFiles(_message.Message):
    __slots__ = ("source", "uri", "arrived", "last_arrival_time", "last_path", "last_look_time", "next_look_time", "unsettled")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_FIELD_NUMBER: _ClassVar[int]
    LAST_ARRIVAL_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_PATH_FIELD_NUMBER: _ClassVar[int]
    LAST_LOOK_TIME_FIELD_NUMBER: _ClassVar[int]
    NEXT_LOOK_TIME_FIELD_NUMBER: _ClassVar[int]
    UNSETTLED_FIELD_NUMBER: _ClassVar[int]
    source: str
    uri: str
    arrived: int
    last_arrival_time: _timestamp_pb2.Timestamp
    last_path: str
    last_look_time: _timestamp_pb2.Timestamp
    next_look_time: _timestamp_pb2.Timestamp
    unsettled: int
    def __init__(self, source: _Optional[str] = ..., uri: _Optional[str] = ..., arrived: _Optional[int] = ..., last_arrival_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_path: _Optional[str] = ..., last_look_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_look_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., unsettled: _Optional[int] = ...) -> None: ...

class UpstreamState(_message.Message):
    __slots__ = ("pipeline", "waiting", "newest_job", "newest_state", "deleted")
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    NEWEST_JOB_FIELD_NUMBER: _ClassVar[int]
    NEWEST_STATE_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    pipeline: str
    waiting: int
    newest_job: str
    newest_state: _job_pb2.Job.State
    deleted: bool
    def __init__(self, pipeline: _Optional[str] = ..., waiting: _Optional[int] = ..., newest_job: _Optional[str] = ..., newest_state: _Optional[_Union[_job_pb2.Job.State, str]] = ..., deleted: _Optional[bool] = ...) -> None: ...

class ScheduleState(_message.Message):
    __slots__ = ("next_run_time", "paused", "last_run_time", "last_job", "error", "timezone", "summary")
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_JOB_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    next_run_time: _timestamp_pb2.Timestamp
    paused: bool
    last_run_time: _timestamp_pb2.Timestamp
    last_job: str
    error: _job_pb2.JobError
    timezone: str
    summary: str
    def __init__(self, next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., paused: _Optional[bool] = ..., last_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_job: _Optional[str] = ..., error: _Optional[_Union[_job_pb2.JobError, _Mapping]] = ..., timezone: _Optional[str] = ..., summary: _Optional[str] = ...) -> None: ...

class PipelineVersion(_message.Message):
    __slots__ = ("name", "version", "author", "message", "content_hash", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    author: str
    message: str
    content_hash: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., author: _Optional[str] = ..., message: _Optional[str] = ..., content_hash: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreatePipelineRequest(_message.Message):
    __slots__ = ("parent", "pipeline", "pipeline_id", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    pipeline: Pipeline
    pipeline_id: str
    request_id: str
    validate_only: bool
    def __init__(self, parent: _Optional[str] = ..., pipeline: _Optional[_Union[Pipeline, _Mapping]] = ..., pipeline_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetPipelineRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ListPipelinesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPipelinesResponse(_message.Message):
    __slots__ = ("pipelines", "next_page_token")
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pipelines: _containers.RepeatedCompositeFieldContainer[Pipeline]
    next_page_token: str
    def __init__(self, pipelines: _Optional[_Iterable[_Union[Pipeline, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdatePipelineRequest(_message.Message):
    __slots__ = ("pipeline", "update_mask", "allow_missing", "request_id", "validate_only")
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    pipeline: Pipeline
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, pipeline: _Optional[_Union[Pipeline, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeletePipelineRequest(_message.Message):
    __slots__ = ("name", "etag", "request_id", "validate_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListPipelineVersionsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPipelineVersionsResponse(_message.Message):
    __slots__ = ("pipeline_versions", "next_page_token")
    PIPELINE_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pipeline_versions: _containers.RepeatedCompositeFieldContainer[PipelineVersion]
    next_page_token: str
    def __init__(self, pipeline_versions: _Optional[_Iterable[_Union[PipelineVersion, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ComparePipelineVersionsRequest(_message.Message):
    __slots__ = ("name", "old_version", "new_version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    old_version: int
    new_version: int
    def __init__(self, name: _Optional[str] = ..., old_version: _Optional[int] = ..., new_version: _Optional[int] = ...) -> None: ...

class ComparePipelineVersionsResponse(_message.Message):
    __slots__ = ("old_version", "new_version", "changes", "text_diff")
    OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    TEXT_DIFF_FIELD_NUMBER: _ClassVar[int]
    old_version: int
    new_version: int
    changes: _containers.RepeatedCompositeFieldContainer[PartChange]
    text_diff: str
    def __init__(self, old_version: _Optional[int] = ..., new_version: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[PartChange, _Mapping]]] = ..., text_diff: _Optional[str] = ...) -> None: ...

class PartChange(_message.Message):
    __slots__ = ("path", "old", "new")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    path: str
    old: _struct_pb2.Value
    new: _struct_pb2.Value
    def __init__(self, path: _Optional[str] = ..., old: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., new: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class RestorePipelineVersionRequest(_message.Message):
    __slots__ = ("name", "version", "message", "etag", "request_id", "validate_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    message: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., message: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("code", "path", "line", "column", "length", "message", "hint", "excerpt", "severity")
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SEVERITY_UNSPECIFIED: _ClassVar[Problem.Severity]
        SEVERITY_ERROR: _ClassVar[Problem.Severity]
        SEVERITY_WARNING: _ClassVar[Problem.Severity]
    SEVERITY_UNSPECIFIED: Problem.Severity
    SEVERITY_ERROR: Problem.Severity
    SEVERITY_WARNING: Problem.Severity
    CODE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    code: str
    path: str
    line: int
    column: int
    length: int
    message: str
    hint: str
    excerpt: str
    severity: Problem.Severity
    def __init__(self, code: _Optional[str] = ..., path: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., length: _Optional[int] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ..., excerpt: _Optional[str] = ..., severity: _Optional[_Union[Problem.Severity, str]] = ...) -> None: ...

class ValidatePipelineRequest(_message.Message):
    __slots__ = ("parent", "source_text", "spec")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    parent: str
    source_text: str
    spec: _plan_pb2.PipelineSpec
    def __init__(self, parent: _Optional[str] = ..., source_text: _Optional[str] = ..., spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ...) -> None: ...

class ValidatePipelineResponse(_message.Message):
    __slots__ = ("problems", "spec", "content_hash")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    spec: _plan_pb2.PipelineSpec
    content_hash: str
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ..., content_hash: _Optional[str] = ...) -> None: ...

class PlanPipelineRequest(_message.Message):
    __slots__ = ("parent", "name", "source_text", "spec", "version", "params", "sample_rows")
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PARENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    name: str
    source_text: str
    spec: _plan_pb2.PipelineSpec
    version: int
    params: _containers.ScalarMap[str, str]
    sample_rows: int
    def __init__(self, parent: _Optional[str] = ..., name: _Optional[str] = ..., source_text: _Optional[str] = ..., spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ..., version: _Optional[int] = ..., params: _Optional[_Mapping[str, str]] = ..., sample_rows: _Optional[int] = ...) -> None: ...

class PlanPipelineResponse(_message.Message):
    __slots__ = ("report", "warnings", "schema_diffs", "plan_hash", "expectation", "lineage")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DIFFS_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTATION_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    report: _report_pb2.PlanReport
    warnings: _containers.RepeatedCompositeFieldContainer[Problem]
    schema_diffs: _containers.RepeatedCompositeFieldContainer[SchemaDiff]
    plan_hash: str
    expectation: Expectation
    lineage: _containers.RepeatedCompositeFieldContainer[SinkLineage]
    def __init__(self, report: _Optional[_Union[_report_pb2.PlanReport, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., schema_diffs: _Optional[_Iterable[_Union[SchemaDiff, _Mapping]]] = ..., plan_hash: _Optional[str] = ..., expectation: _Optional[_Union[Expectation, _Mapping]] = ..., lineage: _Optional[_Iterable[_Union[SinkLineage, _Mapping]]] = ...) -> None: ...

class SinkLineage(_message.Message):
    __slots__ = ("sink", "columns")
    SINK_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    sink: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnLineage]
    def __init__(self, sink: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnLineage, _Mapping]]] = ...) -> None: ...

class ColumnLineage(_message.Message):
    __slots__ = ("column", "origins", "unknown")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    column: str
    origins: _containers.RepeatedCompositeFieldContainer[SourceColumn]
    unknown: str
    def __init__(self, column: _Optional[str] = ..., origins: _Optional[_Iterable[_Union[SourceColumn, _Mapping]]] = ..., unknown: _Optional[str] = ...) -> None: ...

class SourceColumn(_message.Message):
    __slots__ = ("source", "column")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    source: str
    column: str
    def __init__(self, source: _Optional[str] = ..., column: _Optional[str] = ...) -> None: ...

class Expectation(_message.Message):
    __slots__ = ("sample_rows", "nodes", "rejects", "faults")
    SAMPLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    sample_rows: int
    nodes: _containers.RepeatedCompositeFieldContainer[ExpectedRows]
    rejects: _containers.RepeatedCompositeFieldContainer[ExpectedRejects]
    faults: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sample_rows: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[ExpectedRows, _Mapping]]] = ..., rejects: _Optional[_Iterable[_Union[ExpectedRejects, _Mapping]]] = ..., faults: _Optional[_Iterable[str]] = ...) -> None: ...

class ExpectedRows(_message.Message):
    __slots__ = ("name", "kind", "role", "looked_at", "rows", "rejected", "exact", "unknown")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LOOKED_AT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    role: str
    looked_at: int
    rows: int
    rejected: int
    exact: bool
    unknown: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., role: _Optional[str] = ..., looked_at: _Optional[int] = ..., rows: _Optional[int] = ..., rejected: _Optional[int] = ..., exact: _Optional[bool] = ..., unknown: _Optional[str] = ...) -> None: ...

class ExpectedRejects(_message.Message):
    __slots__ = ("step", "column", "code", "seen", "rows", "exact", "example")
    STEP_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    step: str
    column: str
    code: str
    seen: int
    rows: int
    exact: bool
    example: ExampleReject
    def __init__(self, step: _Optional[str] = ..., column: _Optional[str] = ..., code: _Optional[str] = ..., seen: _Optional[int] = ..., rows: _Optional[int] = ..., exact: _Optional[bool] = ..., example: _Optional[_Union[ExampleReject, _Mapping]] = ...) -> None: ...

class ExampleReject(_message.Message):
    __slots__ = ("source", "line", "raw", "message")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    source: str
    line: int
    raw: str
    message: str
    def __init__(self, source: _Optional[str] = ..., line: _Optional[int] = ..., raw: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class SchemaDiff(_message.Message):
    __slots__ = ("sink", "target", "policy", "exists", "changes", "statements")
    SINK_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    sink: str
    target: str
    policy: str
    exists: bool
    changes: _containers.RepeatedCompositeFieldContainer[ColumnChange]
    statements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sink: _Optional[str] = ..., target: _Optional[str] = ..., policy: _Optional[str] = ..., exists: _Optional[bool] = ..., changes: _Optional[_Iterable[_Union[ColumnChange, _Mapping]]] = ..., statements: _Optional[_Iterable[str]] = ...) -> None: ...

class ColumnChange(_message.Message):
    __slots__ = ("column", "what", "before", "after", "rewrites")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    REWRITES_FIELD_NUMBER: _ClassVar[int]
    column: str
    what: str
    before: str
    after: str
    rewrites: bool
    def __init__(self, column: _Optional[str] = ..., what: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., rewrites: _Optional[bool] = ...) -> None: ...

class PreviewPipelineRequest(_message.Message):
    __slots__ = ("parent", "name", "source_text", "spec", "version", "params", "node", "rows")
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PARENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    name: str
    source_text: str
    spec: _plan_pb2.PipelineSpec
    version: int
    params: _containers.ScalarMap[str, str]
    node: str
    rows: int
    def __init__(self, parent: _Optional[str] = ..., name: _Optional[str] = ..., source_text: _Optional[str] = ..., spec: _Optional[_Union[_plan_pb2.PipelineSpec, _Mapping]] = ..., version: _Optional[int] = ..., params: _Optional[_Mapping[str, str]] = ..., node: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...

class PreviewPipelineResponse(_message.Message):
    __slots__ = ("arrow_ipc",)
    ARROW_IPC_FIELD_NUMBER: _ClassVar[int]
    arrow_ipc: bytes
    def __init__(self, arrow_ipc: _Optional[bytes] = ...) -> None: ...

class RunPipelineRequest(_message.Message):
    __slots__ = ("name", "version", "params", "request_id", "validate_only", "scheduled_time", "priority", "plan_hash")
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    params: _containers.ScalarMap[str, str]
    request_id: str
    validate_only: bool
    scheduled_time: _timestamp_pb2.Timestamp
    priority: int
    plan_hash: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., params: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., priority: _Optional[int] = ..., plan_hash: _Optional[str] = ...) -> None: ...

class PausePipelineScheduleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumePipelineScheduleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListUpcomingRunsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "after_time", "until_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AFTER_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    after_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., after_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListUpcomingRunsResponse(_message.Message):
    __slots__ = ("upcoming_runs", "next_page_token")
    UPCOMING_RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    upcoming_runs: _containers.RepeatedCompositeFieldContainer[UpcomingRun]
    next_page_token: str
    def __init__(self, upcoming_runs: _Optional[_Iterable[_Union[UpcomingRun, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpcomingRun(_message.Message):
    __slots__ = ("scheduled_time", "local_time")
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
    scheduled_time: _timestamp_pb2.Timestamp
    local_time: str
    def __init__(self, scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local_time: _Optional[str] = ...) -> None: ...

class GetPipelineStateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResetPipelineStateRequest(_message.Message):
    __slots__ = ("name", "source", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: str
    value: str
    def __init__(self, name: _Optional[str] = ..., source: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class PipelineState(_message.Message):
    __slots__ = ("name", "sources")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    name: str
    sources: _containers.RepeatedCompositeFieldContainer[SourcePosition]
    def __init__(self, name: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[SourcePosition, _Mapping]]] = ...) -> None: ...

class SourcePosition(_message.Message):
    __slots__ = ("source", "kind", "column", "type", "value", "inclusive", "update_time", "rolling_back", "files")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    INCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ROLLING_BACK_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    source: str
    kind: str
    column: str
    type: str
    value: str
    inclusive: bool
    update_time: _timestamp_pb2.Timestamp
    rolling_back: str
    files: int
    def __init__(self, source: _Optional[str] = ..., kind: _Optional[str] = ..., column: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[str] = ..., inclusive: _Optional[bool] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rolling_back: _Optional[str] = ..., files: _Optional[int] = ...) -> None: ...
