"""Ids and resource names."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import pytest

from etlplus.domain import names
from etlplus.domain.errors import InvalidInput

JOB = UUID("0190b3a1-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("parse", "name", "parts"),
    [
        (names.parse_workspace, "workspaces/w", "w"),
        (names.parse_pipeline, names.pipeline_name("w", "p-1_x"), ("w", "p-1_x")),
        (names.parse_version, names.version_name("w", "p", 12), ("w", "p", 12)),
        (names.parse_job, names.job_name("w", JOB), ("w", JOB)),
        (names.parse_connection, names.connection_name("w", "crm"), ("w", "crm")),
    ],
)
def test_names_are_read_as_they_are_written(
    parse: Callable[[str], object], name: str, parts: object
) -> None:
    assert parse(name) == parts


@pytest.mark.parametrize(
    "name",
    [
        "",
        "w/p",
        "workspaces/w",
        "workspaces/w/pipelines",
        "workspaces/w/pipelines/",
        "workspaces/w/pipelines/P",
        "workspaces/w/pipelines/p/versions/1",
        "workspaces/w/jobs/p",
        "workspaces/w/pipelines/p\n",
        "workspaces/../pipelines/p",
        "workspaces/w/pipelines/" + "p" * 64,
        "x" * 100_000,
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        names.parse_pipeline(name)
    assert caught.value.code == "NAME_INVALID"
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("version", ["0", "-1", "01", "1e3", "9999999999"])
def test_versions_are_positive_numbers(version: str) -> None:
    with pytest.raises(InvalidInput):
        names.parse_version(f"workspaces/w/pipelines/p/versions/{version}")


def test_ids_of_jobs_are_uuids_of_version_7_in_order_of_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [names.new_job_id() for _ in range(100)]
    after = time.time_ns() // 1_000_000
    assert len(set(made)) == 100
    for job in made:
        assert (job.version, job.variant) == (7, "specified in RFC 4122")
        assert before <= job.int >> 80 <= after
        assert names.parse_job(names.job_name("w", job)) == ("w", job)


def test_a_load_has_its_jobs_id() -> None:
    assert names.load_id(JOB) == "0190b3a1000070008000000000000001"


def test_ids_are_checked() -> None:
    assert names.check_id("orders_daily", "pipeline") == "orders_daily"
    with pytest.raises(InvalidInput, match="not a valid id for a pipeline"):
        names.check_id("Orders", "pipeline")
