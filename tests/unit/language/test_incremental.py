"""Sources that are read part by part: what is read of the definition, and what does not go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from etlplus.domain.cursor import CursorSource
from etlplus.domain.newfiles import FilesSource
from etlplus.language import PipelineLanguage, codes, parse
from tests.unit.language.definitions import CONTEXT, definition, sound

TABLE = "{s: {postgres: {connection: c, table: t, incremental: %s}}}"
MERGE = "{o: {postgres: {connection: c, table: u, mode: merge, keys: [id]}}}"
APPEND = "{o: {postgres: {connection: c, table: u}}}"


def cursors(text: str) -> list[CursorSource]:
    language = PipelineLanguage()
    return list(language.cursors(language.lower(sound(text), {}, CONTEXT)))


def found(**parts: str) -> list[tuple[str, int, int]]:
    problems = parse(definition(**parts)).problems
    return [(each.code, each.line, each.column) for each in problems]


def test_the_short_form_names_the_column() -> None:
    text = definition(sources=TABLE % "updated_at", sinks=APPEND)
    assert cursors(text) == [CursorSource("s", "c", "t", "", "updated_at", once=True)]
    assert PipelineLanguage().summarize(sound(text)).incremental == ("s",)


@pytest.mark.parametrize(
    ("lookback", "read"), [("10m", "600.000s"), ("1d", "86400.000s"), ("5", "5"), ("''", "")]
)
def test_everything_that_is_said_is_read(lookback: str, read: str) -> None:
    options = f"{{cursor: at, start: '${{params.from}}', lookback: {lookback}}}"
    params = "{from: {type: date, default: 2026-01-01}}"
    (source,) = cursors(definition(params=params, sources=TABLE % options, sinks=MERGE))
    assert (source.start, source.lookback, source.once) == ("2026-01-01", read, False)


def test_one_sink_that_adds_is_enough_for_no_row_to_come_twice() -> None:
    sinks = MERGE[:-1] + ", p: {csv: out/, from: s}}"
    text = definition(sources=TABLE % "at", sinks=sinks.replace("csv: out/", "jsonl: out/"))
    assert [source.once for source in cursors(text)] == [True]


def test_a_source_is_judged_by_the_sinks_that_it_reaches() -> None:
    sources = (
        "{s: {postgres: {connection: c, table: t, incremental: at}},"
        " w: {postgres: {connection: c, table: t}}}"
    )
    sinks = (
        "{o: {from: s, postgres: {connection: c, table: u, mode: merge, keys: [id]}},"
        " p: {from: w, csv: p.csv}}"
    )
    assert [source.once for source in cursors(definition(sources=sources, sinks=sinks))] == [False]


@pytest.mark.parametrize(
    ("sources", "sinks", "code"),
    [
        ("{cursor: at, lookback: 1h}", APPEND, codes.LOOKBACK),
        ("{cursor: at, lookback: 1h}", "{o: {jsonl: out/}}", codes.LOOKBACK),
        ("at", "{o: {csv: out.csv}}", codes.PARTIAL),
        ("at", APPEND.replace("u}", "u, mode: replace}"), codes.PARTIAL),
        (
            "at",
            MERGE.replace("merge", "scd2").replace("[id]", "[id], history: {deleted: close}"),
            codes.PARTIAL,
        ),
    ],
)
def test_what_would_lose_rows_or_add_some_twice_is_refused(
    sources: str, sinks: str, code: str
) -> None:
    ((problem, line, column),) = found(sources=TABLE % sources, sinks=sinks)
    assert problem == code
    assert line == (3 if code == codes.LOOKBACK else 4)
    assert column > 1


@pytest.mark.parametrize("limit", ["2", "{max: 1, key: '${run.scheduled_date}'}"])
def test_a_limit_of_its_own_is_refused(limit: str) -> None:
    limits = f"{{concurrency: {limit}}}"
    problems = found(sources=TABLE % "at", sinks=APPEND, limits=limits)
    assert [problem[0] for problem in problems] == [codes.ONE_AT_A_TIME]


def test_one_job_runs_at_a_time() -> None:
    spec = sound(definition(sources=TABLE % "at", sinks=APPEND))
    found_ = PipelineLanguage().queueing(spec, {}, datetime(2026, 1, 1, tzinfo=UTC))
    assert (found_.most_running, found_.key) == (1, "")


@pytest.mark.parametrize("options", ["{}", "{cursor: ''}", "{cursor: at, lookback: soon}"])
def test_options_have_their_forms(options: str) -> None:
    assert found(sources=TABLE % options, sinks=MERGE)


NEW = "{s: {%s: {uri: 'in/${params.day}/*', incremental: %s}}}"
DAY = "{day: {type: date, default: 2026-01-01}}"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("form", ["only_new", "{files: only_new}"])
def test_new_files_are_read_part_by_part(kind: str, form: str) -> None:
    text = definition(params=DAY, sources=NEW % (kind, form), sinks=APPEND)
    language = PipelineLanguage()
    plan = language.lower(sound(text), {"day": "2026-01-02"}, CONTEXT)
    assert language.new_files(plan) == [FilesSource("s", "in/2026-01-02/*")]
    assert language.cursors(plan) == []
    assert language.summarize(sound(text)).incremental == ("s",)
    assert language.queueing(sound(text), {}, datetime(2026, 1, 1, tzinfo=UTC)).most_running == 1


@pytest.mark.parametrize(
    ("form", "parts", "code"),
    [
        ("all", {"sinks": APPEND}, codes.NOT_ALLOWED),
        ("{}", {"sinks": APPEND}, codes.REQUIRED),
        ("only_new", {"sinks": "{o: {csv: out.csv}}"}, codes.PARTIAL),
        ("only_new", {"sinks": APPEND.replace("u}", "u, mode: replace}")}, codes.PARTIAL),
        ("only_new", {"sinks": APPEND, "limits": "{concurrency: 2}"}, codes.ONE_AT_A_TIME),
    ],
)
def test_what_does_not_go_with_new_files_is_refused(
    form: str, parts: dict[str, str], code: str
) -> None:
    problems = found(params=DAY, sources=NEW % ("csv", form), **parts)
    assert [problem for problem, _, _ in problems] == [code]
