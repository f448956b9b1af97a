"""The stable codes of problems in a pipeline definition. A code never changes its meaning."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# What is wrong with the text itself.
SYNTAX: Final = "E0101"
TAB: Final = "E0102"
TOO_LARGE: Final = "E0103"
TOO_DEEP: Final = "E0104"
TOO_MANY_NODES: Final = "E0105"
BAD_ALIAS: Final = "E0106"
TAG: Final = "E0107"
SEVERAL_DOCUMENTS: Final = "E0108"
EMPTY: Final = "E0109"
BAD_CHARACTER: Final = "E0110"
DUPLICATE_KEY: Final = "E0111"
COMPLEX_KEY: Final = "E0112"
MERGE_KEY: Final = "E0113"
TOO_MANY_PROBLEMS: Final = "E0114"

# What is wrong with the shape.
UNKNOWN_FIELD: Final = "E0201"
WRONG_SHAPE: Final = "E0202"
WRONG_TYPE: Final = "E0203"
VALUE_MISSING: Final = "E0204"
TWO_KINDS: Final = "E0205"
NO_KIND: Final = "E0206"
KEY_GIVEN_TWICE: Final = "E0207"
LIMIT: Final = "E0208"
REQUIRED: Final = "E0209"
NOT_ALLOWED: Final = "E0210"
PATTERN: Final = "E0211"

# What is wrong with `${…}`.
TEMPLATE: Final = "E0301"
MALFORMED: Final = "E0302"
UNKNOWN_NAMESPACE: Final = "E0303"
UNDECLARED_PARAM: Final = "E0304"
NOT_INTERPOLATED: Final = "E0305"
QUOTED_IN_SQL: Final = "E0306"
EXPOSED: Final = "E0307"
UNKNOWN_RUN_FIELD: Final = "E0308"
WRITTEN_OUT: Final = "E0309"

# What is wrong with how the parts fit together.
DUPLICATE_NAME: Final = "E0401"
UNDEFINED: Final = "E0402"
FORWARD: Final = "E0403"
RESERVED: Final = "E0404"
AMBIGUOUS_FROM: Final = "E0405"
KEYS_MISSING: Final = "E0406"
KEYS_UNUSED: Final = "E0407"
TABLE_OR_QUERY: Final = "E0408"
JOIN_KEYS: Final = "E0409"
CYCLE: Final = "E0410"
NOTHING_CHECKED: Final = "E0411"
REPEATED_COLUMN: Final = "E0412"
SAME_TARGET: Final = "E0413"
BAD_TEST: Final = "E0414"
NOTHING_COMPUTED: Final = "E0415"
ROUTE_OUTPUT: Final = "E0416"
MASK_OPTIONS: Final = "E0417"
LOOKUP_ONLY: Final = "E0418"
HISTORY_UNUSED: Final = "E0428"
LOOKBACK: Final = "E0440"
PARTIAL: Final = "E0441"
ONE_AT_A_TIME: Final = "E0442"

# What is wrong with SQL.
NO_SQL: Final = "E0701"

# What is wrong with the schedule.
CRON: Final = "E0801"
TIMING: Final = "E0802"
ZONE: Final = "E0803"
INTERVAL: Final = "E0804"
SCHEDULE_TIME: Final = "E0805"
SCHEDULE_OPTION: Final = "E0806"
UNSCHEDULABLE: Final = "E0807"
TRIGGERED_BY_ITSELF: Final = "E0808"
WATCHED_SOURCE: Final = "E0809"
WATCHED_URI: Final = "E0810"
WATCHED_APPEND: Final = "E0811"

# What is wrong with how runs queue up.
KEY_UNKNOWN: Final = "E0901"
SPAN: Final = "E0902"
VOLUME: Final = "E0903"

# What is probably not meant.
UNUSED_SOURCE: Final = "W0501"
UNUSED_STEP: Final = "W0502"
UNUSED_PARAM: Final = "W0503"

# What is wrong with the values of a run.
BAD_DEFAULT: Final = "E0601"
NOT_ONE_OF: Final = "E0602"
PARAM_MISSING: Final = "E0603"
PARAM_TYPE: Final = "E0604"
PARAM_UNKNOWN: Final = "E0605"
ENV_MISSING: Final = "E0606"

#: Every code and what it means.
MEANINGS: Final = MappingProxyType(
    {
        SYNTAX: "The text is neither YAML nor JSON.",
        TAB: "A line is indented with a tab.",
        TOO_LARGE: "The text is larger than 1 MiB.",
        TOO_DEEP: "The text is nested too deeply.",
        TOO_MANY_NODES: "The text has too many values, aliases included.",
        BAD_ALIAS: "An alias names no anchor above it, or the collection it is in.",
        TAG: "A value has an explicit tag; types come from the fields.",
        SEVERAL_DOCUMENTS: "The text holds more than one document.",
        EMPTY: "The text holds nothing.",
        BAD_CHARACTER: "The text is not UTF-8, or holds a control character.",
        DUPLICATE_KEY: "A mapping has a key twice.",
        COMPLEX_KEY: "A mapping's key is not plain text.",
        MERGE_KEY: "A mapping uses the merge key `<<`.",
        TOO_MANY_PROBLEMS: "There are more problems than are shown.",
        UNKNOWN_FIELD: "A field, option or kind does not exist.",
        WRONG_SHAPE: "A mapping, list or single value stands where another one belongs.",
        WRONG_TYPE: "A value is not of the field's type.",
        VALUE_MISSING: "A value is missing.",
        TWO_KINDS: "A source, step or sink has more than one kind.",
        NO_KIND: "A source, step or sink has no kind.",
        KEY_GIVEN_TWICE: "An entry's name stands both as its key and in its fields.",
        LIMIT: "A value is outside its limits.",
        REQUIRED: "A required field is missing.",
        NOT_ALLOWED: "A value is not one of those that are allowed.",
        PATTERN: "A name or text does not have the required form.",
        TEMPLATE: "A `{{ }}` template is used.",
        MALFORMED: "A `${…}` is not complete or not well formed.",
        UNKNOWN_NAMESPACE: "A `${…}` names something other than params, env, secret or run.",
        UNDECLARED_PARAM: "A parameter is used that is not declared.",
        NOT_INTERPOLATED: "A `${…}` stands in a field where it has no effect.",
        QUOTED_IN_SQL: "A `${…}` stands inside quotes in SQL, where no value can be bound.",
        EXPOSED: "A secret stands where it would become visible.",
        UNKNOWN_RUN_FIELD: "A `${run.…}` names a figure that runs do not have.",
        DUPLICATE_NAME: "Two parts have the same name.",
        UNDEFINED: "A name refers to nothing.",
        FORWARD: "A step reads a later step.",
        RESERVED: "A reserved name is used.",
        AMBIGUOUS_FROM: "A step or sink does not say which of several sources it reads.",
        KEYS_MISSING: "A mode that matches rows by key has no keys.",
        HISTORY_UNUSED: "A `history` is given for a mode that keeps none.",
        LOOKBACK: "A source reads rows again that a sink would add again.",
        PARTIAL: "A source is read part by part, and a sink takes the part for the whole.",
        ONE_AT_A_TIME: "A limit means nothing where one job runs at a time.",
        KEYS_UNUSED: "Keys are given for a mode that does not use them.",
        TABLE_OR_QUERY: "A source needs either a table or a query.",
        JOIN_KEYS: "A join needs key columns.",
        CYCLE: "A step reads itself.",
        NOTHING_CHECKED: "A validate step checks nothing.",
        REPEATED_COLUMN: "A list of columns names one twice.",
        SAME_TARGET: "Two sinks write the same target.",
        NOTHING_COMPUTED: "An aggregate step computes nothing.",
        ROUTE_OUTPUT: "A route is read without one of its outputs.",
        MASK_OPTIONS: "The options of a mask do not go with how it masks.",
        LOOKUP_ONLY: "An option of lookups is given for another join.",
        BAD_TEST: "A test gives or expects something that the pipeline does not have.",
        NO_SQL: "A query or expression cannot be read as SQL.",
        CRON: "A cron expression means nothing.",
        TIMING: "A schedule has none, or several, of `cron`, `every` and `at`.",
        ZONE: "A time zone does not exist.",
        INTERVAL: "An interval is not whole seconds, or too long.",
        SCHEDULE_TIME: "A schedule's time is no point in time.",
        SCHEDULE_OPTION: "An option of a schedule stands where it does nothing.",
        UNSCHEDULABLE: "A run that nobody asks for would lack a parameter or a source.",
        WRITTEN_OUT: "Something else stands where the name of a secret belongs.",
        TRIGGERED_BY_ITSELF: "A pipeline is to run after itself.",
        WATCHED_SOURCE: "Files are to be watched for a source that reads none.",
        WATCHED_URI: "A watched path holds what only a run knows.",
        WATCHED_APPEND: "Runs that files start would append the rows of earlier files again.",
        KEY_UNKNOWN: "A key that counts runs apart is not known when a run is queued.",
        SPAN: "A span of time is empty, or too long.",
        VOLUME: "A limit of the volume allows nothing or everything.",
        UNUSED_SOURCE: "A source is never read.",
        UNUSED_STEP: "A step's rows go nowhere.",
        UNUSED_PARAM: "A parameter is never used.",
        BAD_DEFAULT: "A parameter's default or allowed value is not of its type.",
        NOT_ONE_OF: "A parameter's value is not one of those that are allowed.",
        PARAM_MISSING: "A parameter without a default has no value.",
        PARAM_TYPE: "A parameter's value is not of its type.",
        PARAM_UNKNOWN: "A value is given for a parameter that is not declared.",
        ENV_MISSING: "An environment variable is not set and has no default.",
    }
)

#: What to do next, where a problem does not say so itself.
HINTS: Final = MappingProxyType(
    {
        SYNTAX: "Check indentation, brackets and quotes here and on the line above",
        TAB: "Indent with spaces",
        TOO_LARGE: "Keep data in files; a definition only names them",
        TOO_DEEP: "Write it with fewer levels of brackets or indentation",
        TOO_MANY_NODES: "Keep data in files, and use fewer aliases",
        BAD_ALIAS: "Put the anchor (`&name`) on a value above, or write the value out",
        TAG: "Leave it out: the type of a value comes from its field",
        SEVERAL_DOCUMENTS: "Keep one definition in a file; remove the `---`",
        EMPTY: "Start with `api: etlplus/v1`",
        BAD_CHARACTER: "Save the file as UTF-8 text and remove the character",
        DUPLICATE_KEY: "Remove one of the two, or give it another name",
        COMPLEX_KEY: "Write the key as plain text",
        MERGE_KEY: "Write the fields out; aliases (`*name`) work for whole values",
        TOO_MANY_PROBLEMS: "Correct the problems above and check again",
        UNKNOWN_FIELD: "Remove it, or look up the name in the reference",
        WRONG_SHAPE: "Check brackets and indentation, and write what the message asks for",
        WRONG_TYPE: "Write a value of the field's type",
        VALUE_MISSING: "Write a value, or remove the line",
        TWO_KINDS: "Make two of it",
        NO_KIND: "Add its kind",
        KEY_GIVEN_TWICE: "Leave the field out",
        LIMIT: "Write a value within the limit",
        REQUIRED: "Add it",
        NOT_ALLOWED: "Write one of the values that are allowed",
        PATTERN: "Write it in the required form",
        TEMPLATE: "Write `${params.name}`, `${env.NAME}`, `${secret.name}` or `${run.id}`",
        MALFORMED: "Write `${params.name}`, `${env.NAME:-x}`, `${secret.name}` or `${run.id}`",
        UNKNOWN_NAMESPACE: "There are `params`, `env`, `secret` and `run`",
        UNDECLARED_PARAM: "Declare it beneath `params`",
        NOT_INTERPOLATED: "Write the value itself",
        QUOTED_IN_SQL: "Leave the quotes out: the value is bound with its type",
        EXPOSED: "Use the secret in a connection, or as a value in the SQL of a step",
        UNKNOWN_RUN_FIELD: "A run has `id`, `scheduled_date` and `scheduled_time`",
        DUPLICATE_NAME: "Give one of the two another name",
        UNDEFINED: "Name a source or a step above",
        FORWARD: "Move the step that is read above the one that reads it",
        RESERVED: "Choose another name",
        AMBIGUOUS_FROM: "Add `from` with the name of a source",
        KEYS_MISSING: "Write `keys: [column]` with the columns that identify a row",
        LOOKBACK: "Write `mode: merge` with `keys`, or leave `lookback` out",
        PARTIAL: "Write `mode: merge` with `keys`, or `append`, or read the whole source",
        ONE_AT_A_TIME: "Leave the limit out",
        HISTORY_UNUSED: "Write `mode: scd2` with `keys`, or leave `history` out",
        KEYS_UNUSED: "Write `mode: merge`, `delete_insert` or `scd2`, or leave `keys` out",
        TABLE_OR_QUERY: "Keep one of `table` and `query`",
        JOIN_KEYS: "Write `on: [column]`, or `keys: {left_column: right_column}`",
        CYCLE: "Let each step read a source or a step above it",
        NOTHING_CHECKED: "Say what is to be checked",
        REPEATED_COLUMN: "Name each column once",
        SAME_TARGET: "Write to different targets, or append with both",
        NOTHING_COMPUTED: "Give it `by` or `columns`",
        ROUTE_OUTPUT: "Write `from: step.output`",
        MASK_OPTIONS: "Compare them with the manual of `mask`",
        LOOKUP_ONLY: "Write `how: lookup`, or leave the option out",
        BAD_TEST: "Compare it with the names of the sources, steps and parameters",
        NO_SQL: "Mend it there. Text stands in 'single quotes', unusual names in \"double quotes\"",
        CRON: "Write minute, hour, day of month, month and day of week, as in `15 2 * * *`",
        TIMING: "Keep one of `cron`, `every` and `at`",
        ZONE: "Write a name of the tz database, as in `Europe/Berlin`",
        INTERVAL: "Write it as in `15m`, at least `1s`",
        SCHEDULE_TIME: "Write it as in `2026-12-01T09:00` or `2026-12-01T09:00+01:00`",
        SCHEDULE_OPTION: "Leave it out, or add what it belongs to",
        UNSCHEDULABLE: "Give the parameter a default, read the source from elsewhere",
        WRITTEN_OUT: "Write `${secret.NAME}`, where NAME is a file in the folder of secrets",
        TRIGGERED_BY_ITSELF: "Name other pipelines; `schedule` runs one again and again",
        WATCHED_SOURCE: "Name a csv, jsonl or parquet source",
        WATCHED_URI: "Write a pattern with `*` in its place",
        WATCHED_APPEND: "Use `mode: merge` or `replace`, or read with `incremental: only_new`",
        KEY_UNKNOWN: "Form it of `${params.…}` and `${run.scheduled_date}`",
        SPAN: "Write it as in `1h30m`",
        VOLUME: "Write `min_rows` up to `max_rows`, or `change` as a share of the usual volume",
        UNUSED_SOURCE: "Read it with `from`, or remove it",
        UNUSED_STEP: "Read it with `from`, or remove it",
        UNUSED_PARAM: "Use it, or remove it",
        BAD_DEFAULT: "Write a value of the parameter's type",
        NOT_ONE_OF: "Give one of the values that are allowed",
        PARAM_MISSING: "Give it a value, or a default",
        PARAM_TYPE: "Give a value of the parameter's type",
        PARAM_UNKNOWN: "Leave it out, or declare it beneath `params`",
        ENV_MISSING: "Set it, or write a default: `${env.NAME:-default}`",
    }
)
