"""Webhooks against a real service: the documentation's own commands, and a stop in between."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.database import enterable_folder
from tests.e2e.folder import Folder
from tests.live import service

PAGE = Path(__file__).parents[2] / "docs" / "triggers.md"
#: The page's section on webhooks: its pipeline, how the secret is made, how a request is signed.
SECTION = PAGE.read_text(encoding="utf-8").split("## Webhooks")[1].split("\n## ")[0]
PIPELINE = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[0]
REQUEST = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)[0]
MAKE_SECRET = re.findall(r"^    (mkdir secrets\n    echo .*)$", SECTION, re.MULTILINE)[0]


@pytest.fixture(scope="module")
def hooked() -> Iterator[tuple[Folder, str]]:
    with enterable_folder() as folder:
        subprocess.run(["sh", "-euc", MAKE_SECRET], cwd=folder, check=True)
        kept = str(folder / "secrets")
        with service(folder, http_listen="127.0.0.1:0", pipeline_secrets=kept) as live:
            assert live.server.popen.stdout is not None
            line = live.server.popen.stdout.readline()
            assert line.startswith("HTTP on 127.0.0.1:")
            place = Folder(live)
            for name in ("in", "out"):
                (folder / name).mkdir()
            place.write("in/orders-2026-02-01.csv", "id\n1\n2\n")
            assert place.run("apply", place.write("orders.yaml", PIPELINE)).returncode == 0
            yield place, line.split()[-1]


def send(place: Folder, address: str) -> dict[str, str]:
    """Runs the page's commands and returns what the service answered."""
    script = REQUEST.replace("127.0.0.1:7480", address)
    done = subprocess.run(
        ["sh", "-euc", script], cwd=place.live.root, capture_output=True, text=True, check=False,
        env={name: os.environ[name] for name in ("PATH",)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def show(place: Folder, name: str) -> dict[str, Any]:
    assert name.startswith("workspaces/default/jobs/"), name
    place.run("jobs", "watch", name)
    found = place.run("jobs", "show", name, "-o", "json")
    assert found.returncode == 0, found.stderr
    shown: dict[str, Any] = json.loads(found.stdout)
    return shown


def test_the_commands_of_the_page_start_a_run(hooked: tuple[Folder, str]) -> None:
    place, address = hooked
    job = show(place, send(place, address)["job"])
    assert (job["state"], job["author"]) == ("SUCCEEDED", "webhook")
    assert job["params"] == {"day": "2026-02-01"}
    written = Path(place.live.root) / "out" / "orders-2026-02-01.csv"
    assert written.read_text() == "id\n1\n2\n"


def test_the_path_is_listed(hooked: tuple[Folder, str]) -> None:
    place, address = hooked
    job = send(place, address)["job"]
    lines = place.run("triggers", "list").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("orders")]
    assert "POST /v1/hooks/orders" in line
    assert job.rpartition("/")[2] in line.split()
    (found,) = json.loads(place.run("triggers", "list", "-o", "json").stdout)
    assert found["trigger_state"]["webhook_path"] == "/v1/hooks/orders"
    assert found["trigger_state"]["last_job"] == job


def test_the_log_holds_no_secret_and_no_body(hooked: tuple[Folder, str]) -> None:
    place, address = hooked
    secret = Path(place.live.root) / "secrets" / "hooks.orders"
    kept = secret.read_text()
    secret.write_text("whsec_hunter2hunter2")
    assert send(place, address)["code"] == "WEBHOOK_REFUSED"
    secret.write_text(kept)
    log = (place.live.data / "server.log").read_text()
    assert "the webhook of orders cannot use secret.hooks.orders" in log
    assert "WEBHOOK_REFUSED" in log
    for hidden in ("hunter2", kept.strip().removeprefix("whsec_"), '"params"', "v1,"):
        assert hidden not in log
