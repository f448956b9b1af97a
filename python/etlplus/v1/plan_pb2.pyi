from etlplus.v1.buf.validate import validate_pb2 as _validate_pb2
from etlplus.v1 import options_pb2 as _options_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PipelineSpec(_message.Message):
    __slots__ = ("api", "name", "description", "params", "sources", "steps", "sinks", "limits", "tests", "schedule", "triggers")
    API_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SINKS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    TESTS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TRIGGERS_FIELD_NUMBER: _ClassVar[int]
    api: str
    name: str
    description: str
    params: _containers.RepeatedCompositeFieldContainer[Param]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    sinks: _containers.RepeatedCompositeFieldContainer[Sink]
    limits: Limits
    tests: _containers.RepeatedCompositeFieldContainer[PipelineTest]
    schedule: Schedule
    triggers: Triggers
    def __init__(self, api: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., params: _Optional[_Iterable[_Union[Param, _Mapping]]] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., sinks: _Optional[_Iterable[_Union[Sink, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., tests: _Optional[_Iterable[_Union[PipelineTest, _Mapping]]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., triggers: _Optional[_Union[Triggers, _Mapping]] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("cron", "every", "at", "timezone", "start", "catchup", "max_catchup", "params")
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    CRON_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CATCHUP_FIELD_NUMBER: _ClassVar[int]
    MAX_CATCHUP_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    cron: str
    every: str
    at: str
    timezone: str
    start: str
    catchup: str
    max_catchup: int
    params: _containers.MessageMap[str, _struct_pb2.Value]
    def __init__(self, cron: _Optional[str] = ..., every: _Optional[str] = ..., at: _Optional[str] = ..., timezone: _Optional[str] = ..., start: _Optional[str] = ..., catchup: _Optional[str] = ..., max_catchup: _Optional[int] = ..., params: _Optional[_Mapping[str, _struct_pb2.Value]] = ...) -> None: ...

class Triggers(_message.Message):
    __slots__ = ("after", "params", "files", "webhook")
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    after: _containers.RepeatedScalarFieldContainer[str]
    params: _containers.MessageMap[str, _struct_pb2.Value]
    files: FileTrigger
    webhook: Webhook
    def __init__(self, after: _Optional[_Iterable[str]] = ..., params: _Optional[_Mapping[str, _struct_pb2.Value]] = ..., files: _Optional[_Union[FileTrigger, _Mapping]] = ..., webhook: _Optional[_Union[Webhook, _Mapping]] = ...) -> None: ...

class FileTrigger(_message.Message):
    __slots__ = ("source", "settle")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    source: str
    settle: str
    def __init__(self, source: _Optional[str] = ..., settle: _Optional[str] = ...) -> None: ...

class Webhook(_message.Message):
    __slots__ = ("secret", "former")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    FORMER_FIELD_NUMBER: _ClassVar[int]
    secret: str
    former: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, secret: _Optional[str] = ..., former: _Optional[_Iterable[str]] = ...) -> None: ...

class Param(_message.Message):
    __slots__ = ("name", "type", "default", "description", "one_of")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    default: _struct_pb2.Value
    description: str
    one_of: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., description: _Optional[str] = ..., one_of: _Optional[_Iterable[str]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("name", "csv", "jsonl", "parquet", "postgres", "stream")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    JSONL_FIELD_NUMBER: _ClassVar[int]
    PARQUET_FIELD_NUMBER: _ClassVar[int]
    POSTGRES_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    name: str
    csv: CsvSource
    jsonl: JsonlSource
    parquet: ParquetSource
    postgres: PostgresSource
    stream: StreamSource
    def __init__(self, name: _Optional[str] = ..., csv: _Optional[_Union[CsvSource, _Mapping]] = ..., jsonl: _Optional[_Union[JsonlSource, _Mapping]] = ..., parquet: _Optional[_Union[ParquetSource, _Mapping]] = ..., postgres: _Optional[_Union[PostgresSource, _Mapping]] = ..., stream: _Optional[_Union[StreamSource, _Mapping]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class IncrementalFiles(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: str
    def __init__(self, files: _Optional[str] = ...) -> None: ...

class CsvSource(_message.Message):
    __slots__ = ("uri", "delimiter", "quote", "escape", "header", "names", "columns", "null_values", "max_record", "infer_types", "skip_rows", "header_rows", "encoding", "compression", "decimal_mark", "thousands_mark", "incremental")
    URI_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NULL_VALUES_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORD_FIELD_NUMBER: _ClassVar[int]
    INFER_TYPES_FIELD_NUMBER: _ClassVar[int]
    SKIP_ROWS_FIELD_NUMBER: _ClassVar[int]
    HEADER_ROWS_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    DECIMAL_MARK_FIELD_NUMBER: _ClassVar[int]
    THOUSANDS_MARK_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FIELD_NUMBER: _ClassVar[int]
    uri: str
    delimiter: str
    quote: str
    escape: str
    header: bool
    names: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    null_values: _containers.RepeatedScalarFieldContainer[str]
    max_record: str
    infer_types: bool
    skip_rows: int
    header_rows: int
    encoding: str
    compression: str
    decimal_mark: str
    thousands_mark: str
    incremental: IncrementalFiles
    def __init__(self, uri: _Optional[str] = ..., delimiter: _Optional[str] = ..., quote: _Optional[str] = ..., escape: _Optional[str] = ..., header: _Optional[bool] = ..., names: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., null_values: _Optional[_Iterable[str]] = ..., max_record: _Optional[str] = ..., infer_types: _Optional[bool] = ..., skip_rows: _Optional[int] = ..., header_rows: _Optional[int] = ..., encoding: _Optional[str] = ..., compression: _Optional[str] = ..., decimal_mark: _Optional[str] = ..., thousands_mark: _Optional[str] = ..., incremental: _Optional[_Union[IncrementalFiles, _Mapping]] = ...) -> None: ...

class JsonlSource(_message.Message):
    __slots__ = ("uri", "columns", "max_record", "compression", "incremental")
    URI_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORD_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FIELD_NUMBER: _ClassVar[int]
    uri: str
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    max_record: str
    compression: str
    incremental: IncrementalFiles
    def __init__(self, uri: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., max_record: _Optional[str] = ..., compression: _Optional[str] = ..., incremental: _Optional[_Union[IncrementalFiles, _Mapping]] = ...) -> None: ...

class ParquetSource(_message.Message):
    __slots__ = ("uri", "incremental")
    URI_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FIELD_NUMBER: _ClassVar[int]
    uri: str
    incremental: IncrementalFiles
    def __init__(self, uri: _Optional[str] = ..., incremental: _Optional[_Union[IncrementalFiles, _Mapping]] = ...) -> None: ...

class PostgresSource(_message.Message):
    __slots__ = ("connection", "table", "query", "incremental")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FIELD_NUMBER: _ClassVar[int]
    connection: str
    table: str
    query: str
    incremental: Incremental
    def __init__(self, connection: _Optional[str] = ..., table: _Optional[str] = ..., query: _Optional[str] = ..., incremental: _Optional[_Union[Incremental, _Mapping]] = ...) -> None: ...

class Incremental(_message.Message):
    __slots__ = ("cursor", "start", "lookback")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    start: str
    lookback: str
    def __init__(self, cursor: _Optional[str] = ..., start: _Optional[str] = ..., lookback: _Optional[str] = ...) -> None: ...

class StreamSource(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("name", "on_error", "sql", "filter", "select", "map", "rename", "drop", "cast", "join", "validate", "limit", "sort", "dedupe", "aggregate", "unnest", "route", "mask")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    RENAME_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    CAST_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    DEDUPE_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    UNNEST_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    name: str
    on_error: str
    sql: SqlStep
    filter: FilterStep
    select: SelectStep
    map: MapStep
    rename: RenameStep
    drop: DropStep
    cast: CastStep
    join: JoinStep
    validate: ValidateStep
    limit: LimitStep
    sort: SortStep
    dedupe: DedupeStep
    aggregate: AggregateStep
    unnest: UnnestStep
    route: RouteStep
    mask: MaskStep
    def __init__(self, name: _Optional[str] = ..., on_error: _Optional[str] = ..., sql: _Optional[_Union[SqlStep, _Mapping]] = ..., filter: _Optional[_Union[FilterStep, _Mapping]] = ..., select: _Optional[_Union[SelectStep, _Mapping]] = ..., map: _Optional[_Union[MapStep, _Mapping]] = ..., rename: _Optional[_Union[RenameStep, _Mapping]] = ..., drop: _Optional[_Union[DropStep, _Mapping]] = ..., cast: _Optional[_Union[CastStep, _Mapping]] = ..., join: _Optional[_Union[JoinStep, _Mapping]] = ..., validate: _Optional[_Union[ValidateStep, _Mapping]] = ..., limit: _Optional[_Union[LimitStep, _Mapping]] = ..., sort: _Optional[_Union[SortStep, _Mapping]] = ..., dedupe: _Optional[_Union[DedupeStep, _Mapping]] = ..., aggregate: _Optional[_Union[AggregateStep, _Mapping]] = ..., unnest: _Optional[_Union[UnnestStep, _Mapping]] = ..., route: _Optional[_Union[RouteStep, _Mapping]] = ..., mask: _Optional[_Union[MaskStep, _Mapping]] = ..., **kwargs) -> None: ...

class SqlStep(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: str
    def __init__(self, query: _Optional[str] = ...) -> None: ...

class FilterStep(_message.Message):
    __slots__ = ("expr",)
    EXPR_FIELD_NUMBER: _ClassVar[int]
    expr: str
    def __init__(self, expr: _Optional[str] = ...) -> None: ...

class SelectStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Iterable[str]] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("name", "expr")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPR_FIELD_NUMBER: _ClassVar[int]
    name: str
    expr: str
    def __init__(self, name: _Optional[str] = ..., expr: _Optional[str] = ...) -> None: ...

class MapStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Assignment]
    def __init__(self, columns: _Optional[_Iterable[_Union[Assignment, _Mapping]]] = ...) -> None: ...

class Renaming(_message.Message):
    __slots__ = ("column", "to")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    column: str
    to: str
    def __init__(self, column: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class RenameStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Renaming]
    def __init__(self, columns: _Optional[_Iterable[_Union[Renaming, _Mapping]]] = ...) -> None: ...

class DropStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Iterable[str]] = ...) -> None: ...

class CastStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class JoinColumn(_message.Message):
    __slots__ = ("name", "column")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    name: str
    column: str
    def __init__(self, name: _Optional[str] = ..., column: _Optional[str] = ...) -> None: ...

class JoinKey(_message.Message):
    __slots__ = ("left", "right")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    left: str
    right: str
    def __init__(self, left: _Optional[str] = ..., right: _Optional[str] = ...) -> None: ...

class JoinStep(_message.Message):
    __slots__ = ("on", "keys", "how", "columns", "missing")
    WITH_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    on: _containers.RepeatedScalarFieldContainer[str]
    keys: _containers.RepeatedCompositeFieldContainer[JoinKey]
    how: str
    columns: _containers.RepeatedCompositeFieldContainer[JoinColumn]
    missing: str
    def __init__(self, on: _Optional[_Iterable[str]] = ..., keys: _Optional[_Iterable[_Union[JoinKey, _Mapping]]] = ..., how: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[JoinColumn, _Mapping]]] = ..., missing: _Optional[str] = ..., **kwargs) -> None: ...

class Rule(_message.Message):
    __slots__ = ("name", "expr", "message", "severity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    expr: str
    message: str
    severity: str
    def __init__(self, name: _Optional[str] = ..., expr: _Optional[str] = ..., message: _Optional[str] = ..., severity: _Optional[str] = ...) -> None: ...

class ColumnRule(_message.Message):
    __slots__ = ("column", "type", "min", "max", "min_length", "max_length", "match", "one_of", "severity")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    column: str
    type: str
    min: str
    max: str
    min_length: int
    max_length: int
    match: str
    one_of: _containers.RepeatedScalarFieldContainer[str]
    severity: str
    def __init__(self, column: _Optional[str] = ..., type: _Optional[str] = ..., min: _Optional[str] = ..., max: _Optional[str] = ..., min_length: _Optional[int] = ..., max_length: _Optional[int] = ..., match: _Optional[str] = ..., one_of: _Optional[_Iterable[str]] = ..., severity: _Optional[str] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("to", "on", "keys", "severity")
    TO_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    to: str
    on: _containers.RepeatedScalarFieldContainer[str]
    keys: _containers.RepeatedCompositeFieldContainer[JoinKey]
    severity: str
    def __init__(self, to: _Optional[str] = ..., on: _Optional[_Iterable[str]] = ..., keys: _Optional[_Iterable[_Union[JoinKey, _Mapping]]] = ..., severity: _Optional[str] = ...) -> None: ...

class NullRatio(_message.Message):
    __slots__ = ("column", "ratio")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    column: str
    ratio: float
    def __init__(self, column: _Optional[str] = ..., ratio: _Optional[float] = ...) -> None: ...

class Expectations(_message.Message):
    __slots__ = ("min_rows", "max_rows", "max_reject_ratio", "max_null_ratio")
    MIN_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_REJECT_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_NULL_RATIO_FIELD_NUMBER: _ClassVar[int]
    min_rows: int
    max_rows: int
    max_reject_ratio: float
    max_null_ratio: _containers.RepeatedCompositeFieldContainer[NullRatio]
    def __init__(self, min_rows: _Optional[int] = ..., max_rows: _Optional[int] = ..., max_reject_ratio: _Optional[float] = ..., max_null_ratio: _Optional[_Iterable[_Union[NullRatio, _Mapping]]] = ...) -> None: ...

class ValidateStep(_message.Message):
    __slots__ = ("not_null", "unique", "rules", "columns", "references", "expect")
    NOT_NULL_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    not_null: _containers.RepeatedScalarFieldContainer[str]
    unique: _containers.RepeatedScalarFieldContainer[str]
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnRule]
    references: _containers.RepeatedCompositeFieldContainer[Reference]
    expect: Expectations
    def __init__(self, not_null: _Optional[_Iterable[str]] = ..., unique: _Optional[_Iterable[str]] = ..., rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[ColumnRule, _Mapping]]] = ..., references: _Optional[_Iterable[_Union[Reference, _Mapping]]] = ..., expect: _Optional[_Union[Expectations, _Mapping]] = ...) -> None: ...

class LimitStep(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    def __init__(self, rows: _Optional[int] = ...) -> None: ...

class SortKey(_message.Message):
    __slots__ = ("column", "desc", "nulls")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    DESC_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    column: str
    desc: bool
    nulls: str
    def __init__(self, column: _Optional[str] = ..., desc: _Optional[bool] = ..., nulls: _Optional[str] = ...) -> None: ...

class SortStep(_message.Message):
    __slots__ = ("by",)
    BY_FIELD_NUMBER: _ClassVar[int]
    by: _containers.RepeatedCompositeFieldContainer[SortKey]
    def __init__(self, by: _Optional[_Iterable[_Union[SortKey, _Mapping]]] = ...) -> None: ...

class DedupeStep(_message.Message):
    __slots__ = ("keys", "order_by", "keep")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    order_by: _containers.RepeatedCompositeFieldContainer[SortKey]
    keep: str
    def __init__(self, keys: _Optional[_Iterable[str]] = ..., order_by: _Optional[_Iterable[_Union[SortKey, _Mapping]]] = ..., keep: _Optional[str] = ...) -> None: ...

class AggregateStep(_message.Message):
    __slots__ = ("by", "columns")
    BY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    by: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedCompositeFieldContainer[Assignment]
    def __init__(self, by: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[_Union[Assignment, _Mapping]]] = ...) -> None: ...

class UnnestStep(_message.Message):
    __slots__ = ("column", "empty", "prefix")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    EMPTY_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    column: str
    empty: str
    prefix: str
    def __init__(self, column: _Optional[str] = ..., empty: _Optional[str] = ..., prefix: _Optional[str] = ...) -> None: ...

class RouteOutput(_message.Message):
    __slots__ = ("name", "when")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    when: str
    def __init__(self, name: _Optional[str] = ..., when: _Optional[str] = ...) -> None: ...

class RouteStep(_message.Message):
    __slots__ = ("outputs", "default")
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[RouteOutput]
    default: str
    def __init__(self, outputs: _Optional[_Iterable[_Union[RouteOutput, _Mapping]]] = ..., default: _Optional[str] = ...) -> None: ...

class Mask(_message.Message):
    __slots__ = ("column", "how", "key", "keep_first", "keep_last")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIRST_FIELD_NUMBER: _ClassVar[int]
    KEEP_LAST_FIELD_NUMBER: _ClassVar[int]
    WITH_FIELD_NUMBER: _ClassVar[int]
    column: str
    how: str
    key: str
    keep_first: int
    keep_last: int
    def __init__(self, column: _Optional[str] = ..., how: _Optional[str] = ..., key: _Optional[str] = ..., keep_first: _Optional[int] = ..., keep_last: _Optional[int] = ..., **kwargs) -> None: ...

class MaskStep(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[Mask]
    def __init__(self, columns: _Optional[_Iterable[_Union[Mask, _Mapping]]] = ...) -> None: ...

class Sink(_message.Message):
    __slots__ = ("name", "postgres", "parquet", "csv", "jsonl")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    POSTGRES_FIELD_NUMBER: _ClassVar[int]
    PARQUET_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    JSONL_FIELD_NUMBER: _ClassVar[int]
    name: str
    postgres: PostgresSink
    parquet: ParquetSink
    csv: CsvSink
    jsonl: JsonlSink
    def __init__(self, name: _Optional[str] = ..., postgres: _Optional[_Union[PostgresSink, _Mapping]] = ..., parquet: _Optional[_Union[ParquetSink, _Mapping]] = ..., csv: _Optional[_Union[CsvSink, _Mapping]] = ..., jsonl: _Optional[_Union[JsonlSink, _Mapping]] = ..., **kwargs) -> None: ...

class PostgresSink(_message.Message):
    __slots__ = ("connection", "table", "mode", "keys", "history", "schema_policy")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_POLICY_FIELD_NUMBER: _ClassVar[int]
    connection: str
    table: str
    mode: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    history: History
    schema_policy: str
    def __init__(self, connection: _Optional[str] = ..., table: _Optional[str] = ..., mode: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ..., history: _Optional[_Union[History, _Mapping]] = ..., schema_policy: _Optional[str] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("valid_from", "valid_to", "is_current", "effective", "deleted")
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    IS_CURRENT_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    valid_from: str
    valid_to: str
    is_current: str
    effective: str
    deleted: str
    def __init__(self, valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., is_current: _Optional[str] = ..., effective: _Optional[str] = ..., deleted: _Optional[str] = ...) -> None: ...

class ParquetSink(_message.Message):
    __slots__ = ("uri", "compression", "mode", "compression_level")
    URI_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    uri: str
    compression: str
    mode: str
    compression_level: int
    def __init__(self, uri: _Optional[str] = ..., compression: _Optional[str] = ..., mode: _Optional[str] = ..., compression_level: _Optional[int] = ...) -> None: ...

class CsvSink(_message.Message):
    __slots__ = ("uri", "delimiter", "mode")
    URI_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    uri: str
    delimiter: str
    mode: str
    def __init__(self, uri: _Optional[str] = ..., delimiter: _Optional[str] = ..., mode: _Optional[str] = ...) -> None: ...

class JsonlSink(_message.Message):
    __slots__ = ("uri", "mode")
    URI_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    uri: str
    mode: str
    def __init__(self, uri: _Optional[str] = ..., mode: _Optional[str] = ...) -> None: ...

class Retries(_message.Message):
    __slots__ = ("max", "backoff", "max_backoff")
    MAX_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    max: int
    backoff: str
    max_backoff: str
    def __init__(self, max: _Optional[int] = ..., backoff: _Optional[str] = ..., max_backoff: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("memory", "rejects", "timeout", "retries", "concurrency", "starts", "priority", "queue", "volume")
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    memory: str
    rejects: RejectBudget
    timeout: str
    retries: Retries
    concurrency: Concurrency
    starts: Starts
    priority: int
    queue: str
    volume: Volume
    def __init__(self, memory: _Optional[str] = ..., rejects: _Optional[_Union[RejectBudget, _Mapping]] = ..., timeout: _Optional[str] = ..., retries: _Optional[_Union[Retries, _Mapping]] = ..., concurrency: _Optional[_Union[Concurrency, _Mapping]] = ..., starts: _Optional[_Union[Starts, _Mapping]] = ..., priority: _Optional[int] = ..., queue: _Optional[str] = ..., volume: _Optional[_Union[Volume, _Mapping]] = ...) -> None: ...

class Volume(_message.Message):
    __slots__ = ("min_rows", "max_rows", "change", "runs", "action", "empty", "of")
    MIN_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    EMPTY_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    min_rows: int
    max_rows: int
    change: float
    runs: int
    action: str
    empty: str
    of: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, min_rows: _Optional[int] = ..., max_rows: _Optional[int] = ..., change: _Optional[float] = ..., runs: _Optional[int] = ..., action: _Optional[str] = ..., empty: _Optional[str] = ..., of: _Optional[_Iterable[str]] = ...) -> None: ...

class Concurrency(_message.Message):
    __slots__ = ("max", "key")
    MAX_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    max: int
    key: str
    def __init__(self, max: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class Starts(_message.Message):
    __slots__ = ("max", "per")
    MAX_FIELD_NUMBER: _ClassVar[int]
    PER_FIELD_NUMBER: _ClassVar[int]
    max: int
    per: str
    def __init__(self, max: _Optional[int] = ..., per: _Optional[str] = ...) -> None: ...

class RejectBudget(_message.Message):
    __slots__ = ("max", "max_ratio")
    MAX_FIELD_NUMBER: _ClassVar[int]
    MAX_RATIO_FIELD_NUMBER: _ClassVar[int]
    max: int
    max_ratio: float
    def __init__(self, max: _Optional[int] = ..., max_ratio: _Optional[float] = ...) -> None: ...

class PipelineTest(_message.Message):
    __slots__ = ("name", "given", "expect", "params")
    class GivenEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.ListValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ...) -> None: ...
    class ExpectEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.ListValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ...) -> None: ...
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    given: _containers.MessageMap[str, _struct_pb2.ListValue]
    expect: _containers.MessageMap[str, _struct_pb2.ListValue]
    params: _containers.MessageMap[str, _struct_pb2.Value]
    def __init__(self, name: _Optional[str] = ..., given: _Optional[_Mapping[str, _struct_pb2.ListValue]] = ..., expect: _Optional[_Mapping[str, _struct_pb2.ListValue]] = ..., params: _Optional[_Mapping[str, _struct_pb2.Value]] = ...) -> None: ...
