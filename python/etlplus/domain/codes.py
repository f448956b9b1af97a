"""The table of stable codes: code → (family of errors, meaning)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_REQUEST: dict[str, tuple[str, str]] = {
    "INVALID_ARGUMENT": ("InvalidInput", "A field of the request is not allowed."),
    "NAME_INVALID": ("InvalidInput", "A resource name does not have the required form."),
    "PAGE_TOKEN_INVALID": (
        "InvalidInput",
        "A page token is not one of ours or belongs to another list.",
    ),
    "FILTER_INVALID": ("InvalidInput", "A filter does not parse or names an unknown field."),
    "REQUEST_ID_REUSED": ("InvalidInput", "A request id was used before for another request."),
    "BODY_INVALID": ("InvalidInput", "The body of a request is not what it should be."),
    "PARAM_INVALID": ("InvalidInput", "A parameter is missing, unknown, or not of its type."),
    "CONNECTION_OPTION_INVALID": (
        "InvalidInput",
        "An option of a connection is unknown, missing or malformed.",
    ),
    "INSTANT_NOT_PLANNED": (
        "InvalidInput",
        "The pipeline's schedule does not plan a run at this instant.",
    ),
    "UPSTREAM_UNKNOWN": (
        "InvalidInput",
        "A pipeline is to run after one that is not stored.",
    ),
    "TRIGGER_CYCLE": ("InvalidInput", "Pipelines would wait for each other to succeed."),
    "NODE_UNKNOWN": ("InvalidInput", "The pipeline has no source or step of this name."),
    "NOT_FOUND": ("NotFound", "The named thing does not exist."),
    "PIPELINE_NOT_FOUND": ("NotFound", "There is no pipeline of this name."),
    "VERSION_NOT_FOUND": ("NotFound", "The pipeline has no version of this number."),
    "JOB_NOT_FOUND": ("NotFound", "There is no job of this name."),
    "STATE_NOT_FOUND": ("NotFound", "Nothing is kept of what a pipeline has read."),
    "CONNECTION_NOT_FOUND": ("NotFound", "There is no connection of this name."),
    "ALREADY_EXISTS": ("AlreadyExists", "The name is taken."),
    "PIPELINE_EXISTS": ("AlreadyExists", "There is a pipeline of this name already."),
    "CONNECTION_EXISTS": ("AlreadyExists", "There is a connection of this name already."),
    "TRIGGERS_PAUSED": ("WrongState", "What runs the pipeline by itself is paused."),
    "WRONG_STATE": ("WrongState", "The thing's state does not allow this."),
    "SCHEDULE_MISSING": ("WrongState", "The pipeline has no schedule, or nothing to pause."),
    "CONNECTION_BUILT_IN": ("WrongState", "The built-in connection cannot be changed."),
    "JOB_NOT_ENDED": ("WrongState", "The job has not ended yet."),
    "NOTHING_PUBLISHED": ("WrongState", "The job published nothing, or nothing of it stands."),
    "ROLLBACK_BLOCKED": (
        "WrongState",
        "Later loads into the same target stand on the one to be rolled back.",
    ),
    "ROLLBACK_UNAVAILABLE": ("WrongState", "What a rollback needs is not kept any more."),
    "ROLLBACK_CONFLICT": (
        "WrongState",
        "Others have changed the target, so that it cannot be restored exactly.",
    ),
    "PIPELINE_BUSY": (
        "WrongState",
        "Another job of an incremental pipeline has not ended.",
    ),
    "ROLLBACK_UNFINISHED": (
        "WrongState",
        "A rollback in an incremental pipeline has begun and is not at its end.",
    ),
    "LOAD_UNFINISHED": (
        "WrongState",
        "A load that may be published in part read other sources than the pipeline has now.",
    ),
    "NOTHING_TO_REPLAY": ("WrongState", "The job refused nothing that could be replayed."),
    "ALREADY_REPLAYED": ("WrongState", "Another job replays the rejects, or has replayed them."),
    "REJECTS_GONE": ("WrongState", "The rejects of the job are not kept any more."),
    "REPLAY_UNSUPPORTED": (
        "WrongState",
        "The pipeline is not of a kind whose rejects can be replayed.",
    ),
    "LEASE_LOST": ("WrongState", "Another worker has taken over the job."),
    "STALE_EPOCH": ("WrongState", "A later claim of this load has fenced this one off."),
    "ETAG_MISMATCH": ("EtagMismatch", "The thing has changed since it was read."),
    "CURSOR_TOO_OLD": ("OutOfRange", "Events up to this sequence are no longer kept."),
    "TOKEN_MISSING": ("Unauthenticated", "The call carries no token."),
    "TOKEN_INVALID": ("Unauthenticated", "The token is malformed, unknown, revoked or expired."),
    "WEBHOOK_REFUSED": (
        "Unauthenticated",
        "A webhook's signature does not fit, or there is no such webhook.",
    ),
    "PERMISSION_DENIED": ("PermissionDenied", "The caller may not do this."),
    "LIMIT_EXCEEDED": ("LimitExceeded", "The request is larger or more frequent than allowed."),
    "BODY_TOO_LARGE": ("LimitExceeded", "The body of a request is too large."),
    "TOO_MANY_REQUESTS": ("LimitExceeded", "Requests come too fast from one address."),
    "TOO_MANY_WATCHES": ("LimitExceeded", "As many watches are open as the server allows."),
    "BODY_TOO_SLOW": ("DeadlineExceeded", "The body of a request did not arrive in time."),
    "UNAVAILABLE": ("Unavailable", "Something the service needs is away for the moment."),
    "DATABASE_UNAVAILABLE": ("Unavailable", "The service's database cannot be reached."),
    "DATABASE_BUSY": ("Unavailable", "Another process owns the embedded database."),
    "DATABASE_START_FAILED": ("Unavailable", "The embedded database did not start."),
    "DATABASE_BINARIES_MISSING": (
        "Unavailable",
        "The embedded database's programs are not installed.",
    ),
    "DATABASE_VERSION_MISMATCH": (
        "Unavailable",
        "The data is of another major version of PostgreSQL.",
    ),
    "DATABASE_ACCOUNT_UNUSABLE": ("Unavailable", "No account can run the embedded database here."),
    "MIGRATION_REFUSED": (
        "WrongState",
        "The database's schema is newer than this build, or was changed.",
    ),
    "SERVER_UNREACHABLE": ("Unavailable", "Nothing answers at the server's address."),
    "DRAINING": ("Unavailable", "The service is stopping; another one will answer."),
    "DEADLINE_EXCEEDED": ("DeadlineExceeded", "The call took longer than its deadline."),
    "INTERNAL": ("Bug", "A fault of the service itself; the log has the details."),
}

_JOB: dict[str, tuple[str, str]] = {
    "RUN_FAILED": ("RunError", "The run failed."),
    "SCHEDULE_UNUSABLE": (
        "RunError",
        "The next instant of a schedule cannot be computed where the service runs.",
    ),
    "RUN_TIMEOUT": ("DeadlineExceeded", "The run took longer than the pipeline's timeout."),
    "WORKER_LOST": ("RunError", "Workers were lost too often while they ran the job."),
    "SECRET_UNRESOLVED": (
        "RunError",
        "A secret or environment variable is not set where the job runs.",
    ),
    "HISTORY_AMBIGUOUS": (
        "RunError",
        "Several versions of a key hold at the same time in the target.",
    ),
    "CURSOR_INVALID": ("RunError", "A source cannot be read by the column that is named."),
    "CURSOR_CHANGED": ("RunError", "A source is to be read by another column than before."),
    "CURSOR_NULL": ("RunError", "Rows have no value in the column that a source is read by."),
    "PLAN_CHANGED": ("RunError", "The plan is not the one that the run is pinned to."),
    "VOLUME_UNUSUAL": ("RunError", "A run has fewer or more rows than is usual or allowed."),
    "STAGING_MISMATCH": ("RunError", "The staged rows are not the rows that were counted."),
    "PUBLISH_CONFLICT": ("RunError", "The target was locked by others for too long."),
}

_LANGUAGE: dict[str, tuple[str, str]] = {
    "SPEC_INVALID": ("InvalidInput", "The pipeline definition has problems; each is listed."),
}

_ENGINE: dict[str, tuple[str, str]] = {
    "PLAN_INVALID": ("InvalidInput", "The plan refers to something that is not there."),
    "EXPRESSION_INVALID": (
        "InvalidInput",
        "A SQL query or expression does not parse or does not fit the columns.",
    ),
    "COLUMN_UNKNOWN": ("InvalidInput", "A column that is referred to does not exist."),
    "TYPE_UNKNOWN": ("InvalidInput", "A type's name is not known."),
    "SOURCE_NOT_FOUND": ("RunError", "No file matches."),
    "SOURCE_EMPTY": (
        "RunError",
        "A source has no rows to infer columns from and none are declared.",
    ),
    "SOURCE_CORRUPT": ("RunError", "A source's bytes are damaged or not of the format."),
    "SOURCE_UNREADABLE": ("RunError", "A source could not be read."),
    "SOURCE_MISMATCH": ("RunError", "Files of one source differ in their columns."),
    "SOURCE_CHANGED": ("RunError", "A source is not any more what an earlier run read."),
    "SOURCE_NOT_PROVIDED": ("RunError", "A stream source was not handed in."),
    "SOURCE_RAISED": ("RunError", "A Python source raised."),
    "PATH_REFUSED": ("RunError", "A path lies outside the file roots."),
    "CONNECTION_UNKNOWN": ("RunError", "A connection is not known."),
    "CONNECTION_FAILED": (
        "RunError",
        "A database cannot be reached, or the connection to it was lost.",
    ),
    "CONNECTION_DENIED": (
        "RunError",
        "A database refuses the user, the password, the database's name or the kind of TLS.",
    ),
    "TABLE_NOT_FOUND": ("RunError", "A table does not exist."),
    "TARGET_MISMATCH": (
        "RunError",
        "A target's column is missing or has a type that the rows do not fit.",
    ),
    "DATABASE_ERROR": ("RunError", "A database refused a statement."),
    "DATABASE_CONFLICT": (
        "RunError",
        "A database gave a statement up: a deadlock, a lock not to be had, resources that ran out.",
    ),
    "SINK_UNWRITABLE": ("RunError", "A sink could not be written."),
    "DISK_FULL": ("RunError", "The disk is full."),
    "ROW_FAILED": ("RunError", "A row could not be computed in a step whose `on_error` is `fail`."),
    "EXPECTATION_FAILED": (
        "RunError",
        "The rows of a `validate` step together are not as its `expect` says.",
    ),
    "SUM_OVERFLOW": ("RunError", "A sum does not fit its type."),
    "REJECT_BUDGET_EXCEEDED": ("RunError", "More rows were rejected than the budget allows."),
    "BOOKS_UNBALANCED": ("Bug", "The books of a run do not balance; nothing was published."),
    "MEMORY_EXCEEDED": ("RunError", "The memory limit is too small for this plan."),
    "CANCELLED": ("Cancelled", "The run was cancelled."),
    "FORKED_PROCESS": ("Bug", "The engine is used in a forked child."),
    "ENGINE_BUG": ("Bug", "A fault of the engine itself."),
}

#: Every code of an error: its family's class name in `errors` and what it means.
MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {**_REQUEST, **_JOB, **_LANGUAGE, **_ENGINE}
)

#: Codes of failures that may pass by themselves: only a run that ended with one of them is retried.
TRANSIENT: frozenset[str] = frozenset(
    {
        "CONNECTION_FAILED",
        "DATABASE_CONFLICT",
        "DISK_FULL",
        "PUBLISH_CONFLICT",
        "STAGING_MISMATCH",
    }
)

#: Codes of failures that lie in the rows: other rows, or another budget for rejects, may succeed.
DATA: frozenset[str] = frozenset(
    {
        "EXPECTATION_FAILED",
        "HISTORY_AMBIGUOUS",
        "REJECT_BUDGET_EXCEEDED",
        "ROW_FAILED",
        "SOURCE_CHANGED",
        "SOURCE_CORRUPT",
        "SOURCE_EMPTY",
        "SOURCE_MISMATCH",
        "SUM_OVERFLOW",
        "VOLUME_UNUSUAL",
    }
)


def failure_class(code: str) -> str:
    """`transient`, `data`, or `permanent`: until the definition or the surroundings change."""
    if code in TRANSIENT:
        return "transient"
    return "data" if code in DATA else "permanent"


#: Every code of a reject and what it means. A reject is a row, not an error.
REJECTS: Mapping[str, str] = MappingProxyType(
    {
        "TOO_FEW_FIELDS": "The record has fewer fields than columns.",
        "TOO_MANY_FIELDS": "The record has more fields than columns.",
        "UNTERMINATED_QUOTE": "A quote was opened and never closed.",
        "REPEATED_HEADER": "The record repeats the names of the columns.",
        "STRAY_QUOTE": "A closing quote is followed by something else than a delimiter or the end.",
        "RECORD_TOO_LONG": "The record is longer than `max_record`.",
        "INVALID_ENCODING": "A text field is not valid in the file's encoding.",
        "NUL_BYTE": "The field holds a NUL byte.",
        "INVALID_JSON": "The line is not a JSON object.",
        "CONVERSION_FAILED": "A value cannot be converted to the column's type without loss.",
        "OUT_OF_RANGE": "A number does not fit the type.",
        "DIVISION_BY_ZERO": "A division by zero.",
        "EXPRESSION_FAILED": "An expression could not be computed for another reason.",
        "MISSING_VALUE": "A required value is missing.",
        "DUPLICATE_KEY": "A key that must be unique occurs again.",
        "NOT_IN_RANGE": "A value is smaller or greater than a `validate` step allows.",
        "WRONG_LENGTH": "A text is shorter or longer than a `validate` step allows.",
        "PATTERN_MISMATCH": "A text does not match the pattern of a `validate` step.",
        "NOT_ALLOWED": "A value is not one of those that a `validate` step allows.",
        "KEY_NOT_FOUND": "A key is not found in the source or step that it refers to.",
        "AMBIGUOUS_KEY": "A key is found several times where a lookup needs it once.",
        "RULE_BROKEN": "A rule of a `validate` step is broken.",
        "TARGET_REFUSED": "A value does not fit the target's column.",
    }
)
