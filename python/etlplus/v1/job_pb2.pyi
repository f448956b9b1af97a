import datetime

from etlplus.v1.buf.validate import validate_pb2 as _validate_pb2
from etlplus.v1 import options_pb2 as _options_pb2
from etlplus.v1 import report_pb2 as _report_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Job(_message.Message):
    __slots__ = ("name", "uid", "pipeline", "version", "state", "params", "attempt", "epoch", "author", "create_time", "start_time", "end_time", "cancel_requested", "progress", "sinks", "rejects", "error", "sequence", "scheduled_time", "retries", "retry_time", "upstream_jobs", "downstream_jobs", "replay_of", "replay", "arrived_files", "arrived_count", "wait", "priority", "queue", "plan_hash", "warnings", "windows")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Job.State]
        STATE_PENDING: _ClassVar[Job.State]
        STATE_RUNNING: _ClassVar[Job.State]
        STATE_SUCCEEDED: _ClassVar[Job.State]
        STATE_FAILED: _ClassVar[Job.State]
        STATE_CANCELLED: _ClassVar[Job.State]
    STATE_UNSPECIFIED: Job.State
    STATE_PENDING: Job.State
    STATE_RUNNING: Job.State
    STATE_SUCCEEDED: Job.State
    STATE_FAILED: Job.State
    STATE_CANCELLED: Job.State
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SINKS_FIELD_NUMBER: _ClassVar[int]
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_JOBS_FIELD_NUMBER: _ClassVar[int]
    DOWNSTREAM_JOBS_FIELD_NUMBER: _ClassVar[int]
    REPLAY_OF_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_FILES_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    pipeline: str
    version: int
    state: Job.State
    params: _containers.ScalarMap[str, str]
    attempt: int
    epoch: int
    author: str
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    cancel_requested: bool
    progress: _report_pb2.RunProgress
    sinks: _containers.RepeatedCompositeFieldContainer[SinkResult]
    rejects: RejectsSummary
    error: JobError
    sequence: int
    scheduled_time: _timestamp_pb2.Timestamp
    retries: int
    retry_time: _timestamp_pb2.Timestamp
    upstream_jobs: _containers.RepeatedScalarFieldContainer[str]
    downstream_jobs: _containers.RepeatedScalarFieldContainer[str]
    replay_of: str
    replay: ReplaySummary
    arrived_files: _containers.RepeatedScalarFieldContainer[str]
    arrived_count: int
    wait: JobWait
    priority: int
    queue: str
    plan_hash: str
    warnings: _containers.RepeatedCompositeFieldContainer[JobError]
    windows: _containers.RepeatedCompositeFieldContainer[SourceWindow]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., pipeline: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[Job.State, str]] = ..., params: _Optional[_Mapping[str, str]] = ..., attempt: _Optional[int] = ..., epoch: _Optional[int] = ..., author: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cancel_requested: _Optional[bool] = ..., progress: _Optional[_Union[_report_pb2.RunProgress, _Mapping]] = ..., sinks: _Optional[_Iterable[_Union[SinkResult, _Mapping]]] = ..., rejects: _Optional[_Union[RejectsSummary, _Mapping]] = ..., error: _Optional[_Union[JobError, _Mapping]] = ..., sequence: _Optional[int] = ..., scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retries: _Optional[int] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., upstream_jobs: _Optional[_Iterable[str]] = ..., downstream_jobs: _Optional[_Iterable[str]] = ..., replay_of: _Optional[str] = ..., replay: _Optional[_Union[ReplaySummary, _Mapping]] = ..., arrived_files: _Optional[_Iterable[str]] = ..., arrived_count: _Optional[int] = ..., wait: _Optional[_Union[JobWait, _Mapping]] = ..., priority: _Optional[int] = ..., queue: _Optional[str] = ..., plan_hash: _Optional[str] = ..., warnings: _Optional[_Iterable[_Union[JobError, _Mapping]]] = ..., windows: _Optional[_Iterable[_Union[SourceWindow, _Mapping]]] = ...) -> None: ...

class SourceWindow(_message.Message):
    __slots__ = ("source", "summary", "state")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    source: str
    summary: str
    state: str
    def __init__(self, source: _Optional[str] = ..., summary: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class JobWait(_message.Message):
    __slots__ = ("reason", "message", "until_time")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[JobWait.Reason]
        REASON_TURN: _ClassVar[JobWait.Reason]
        REASON_RETRY: _ClassVar[JobWait.Reason]
        REASON_WORKER: _ClassVar[JobWait.Reason]
        REASON_CONCURRENCY: _ClassVar[JobWait.Reason]
        REASON_STARTS: _ClassVar[JobWait.Reason]
    REASON_UNSPECIFIED: JobWait.Reason
    REASON_TURN: JobWait.Reason
    REASON_RETRY: JobWait.Reason
    REASON_WORKER: JobWait.Reason
    REASON_CONCURRENCY: JobWait.Reason
    REASON_STARTS: JobWait.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    reason: JobWait.Reason
    message: str
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[_Union[JobWait.Reason, str]] = ..., message: _Optional[str] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SinkResult(_message.Message):
    __slots__ = ("name", "kind", "target", "mode", "books", "checksum", "load_id", "rollback")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    BOOKS_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    LOAD_ID_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    target: str
    mode: str
    books: _report_pb2.Books
    checksum: str
    load_id: str
    rollback: SinkRollback
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., target: _Optional[str] = ..., mode: _Optional[str] = ..., books: _Optional[_Union[_report_pb2.Books, _Mapping]] = ..., checksum: _Optional[str] = ..., load_id: _Optional[str] = ..., rollback: _Optional[_Union[SinkRollback, _Mapping]] = ...) -> None: ...

class SinkRollback(_message.Message):
    __slots__ = ("time", "author", "reason")
    TIME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    author: str
    reason: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RejectsSummary(_message.Message):
    __slots__ = ("rows", "counts", "warnings")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    counts: _containers.RepeatedCompositeFieldContainer[_report_pb2.RejectCount]
    warnings: _containers.RepeatedCompositeFieldContainer[_report_pb2.RejectCount]
    def __init__(self, rows: _Optional[int] = ..., counts: _Optional[_Iterable[_Union[_report_pb2.RejectCount, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[_report_pb2.RejectCount, _Mapping]]] = ...) -> None: ...

class ReplaySummary(_message.Message):
    __slots__ = ("rows", "left_out")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    rows: int
    left_out: _containers.RepeatedCompositeFieldContainer[LeftOutRejects]
    def __init__(self, rows: _Optional[int] = ..., left_out: _Optional[_Iterable[_Union[LeftOutRejects, _Mapping]]] = ...) -> None: ...

class LeftOutRejects(_message.Message):
    __slots__ = ("step", "rows", "code", "reason")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    step: str
    rows: int
    code: str
    reason: str
    def __init__(self, step: _Optional[str] = ..., rows: _Optional[int] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class JobError(_message.Message):
    __slots__ = ("code", "message", "place", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    place: str
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., place: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter", "chain")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    chain: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., chain: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("name", "resume_after")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    name: str
    resume_after: int
    def __init__(self, name: _Optional[str] = ..., resume_after: _Optional[int] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("sequence", "time", "snapshot", "progress", "heartbeat")
    class Heartbeat(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    snapshot: Job
    progress: _report_pb2.RunProgress
    heartbeat: WatchJobResponse.Heartbeat
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., snapshot: _Optional[_Union[Job, _Mapping]] = ..., progress: _Optional[_Union[_report_pb2.RunProgress, _Mapping]] = ..., heartbeat: _Optional[_Union[WatchJobResponse.Heartbeat, _Mapping]] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RollbackJobRequest(_message.Message):
    __slots__ = ("name", "cascade", "reason", "request_id", "validate_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CASCADE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    cascade: bool
    reason: str
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., cascade: _Optional[bool] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RollbackJobResponse(_message.Message):
    __slots__ = ("job", "loads")
    JOB_FIELD_NUMBER: _ClassVar[int]
    LOADS_FIELD_NUMBER: _ClassVar[int]
    job: Job
    loads: _containers.RepeatedCompositeFieldContainer[RolledBackLoad]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., loads: _Optional[_Iterable[_Union[RolledBackLoad, _Mapping]]] = ...) -> None: ...

class RolledBackLoad(_message.Message):
    __slots__ = ("load_id", "sink", "target", "mode", "removed", "restored", "kept_bytes", "rollback", "already")
    LOAD_ID_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    KEPT_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    ALREADY_FIELD_NUMBER: _ClassVar[int]
    load_id: str
    sink: str
    target: str
    mode: str
    removed: int
    restored: int
    kept_bytes: int
    rollback: SinkRollback
    already: bool
    def __init__(self, load_id: _Optional[str] = ..., sink: _Optional[str] = ..., target: _Optional[str] = ..., mode: _Optional[str] = ..., removed: _Optional[int] = ..., restored: _Optional[int] = ..., kept_bytes: _Optional[int] = ..., rollback: _Optional[_Union[SinkRollback, _Mapping]] = ..., already: _Optional[bool] = ...) -> None: ...

class ReplayRejectsRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ListRejectsRequest(_message.Message):
    __slots__ = ("parent", "skip", "limit", "step", "code")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    parent: str
    skip: int
    limit: int
    step: str
    code: str
    def __init__(self, parent: _Optional[str] = ..., skip: _Optional[int] = ..., limit: _Optional[int] = ..., step: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ListRejectsResponse(_message.Message):
    __slots__ = ("rejects",)
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    rejects: _containers.RepeatedCompositeFieldContainer[Reject]
    def __init__(self, rejects: _Optional[_Iterable[_Union[Reject, _Mapping]]] = ...) -> None: ...

class Reject(_message.Message):
    __slots__ = ("source", "line", "byte_offset", "raw", "step", "reasons")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    source: str
    line: int
    byte_offset: int
    raw: str
    step: str
    reasons: _containers.RepeatedCompositeFieldContainer[RejectReason]
    def __init__(self, source: _Optional[str] = ..., line: _Optional[int] = ..., byte_offset: _Optional[int] = ..., raw: _Optional[str] = ..., step: _Optional[str] = ..., reasons: _Optional[_Iterable[_Union[RejectReason, _Mapping]]] = ...) -> None: ...

class RejectReason(_message.Message):
    __slots__ = ("column", "code", "message")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    column: str
    code: str
    message: str
    def __init__(self, column: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class TailJobLogRequest(_message.Message):
    __slots__ = ("name", "resume_after", "follow")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    resume_after: int
    follow: bool
    def __init__(self, name: _Optional[str] = ..., resume_after: _Optional[int] = ..., follow: _Optional[bool] = ...) -> None: ...

class TailJobLogResponse(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[JobLogLine]
    def __init__(self, lines: _Optional[_Iterable[_Union[JobLogLine, _Mapping]]] = ...) -> None: ...

class JobLogLine(_message.Message):
    __slots__ = ("sequence", "time", "level", "message", "node")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    level: str
    message: str
    node: str
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[str] = ..., message: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...
