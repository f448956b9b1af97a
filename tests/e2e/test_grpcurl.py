"""A client that knows nothing of this product, in another language, uses the service."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.live import WORKSPACE, Service

pytestmark = pytest.mark.grpcurl

GRPCURL = os.environ.get("GRPCURL", "grpcurl")
CONTRACT = resources.files("etlplus.v1") / "contract.binpb"
UNAUTHENTICATED = 64 + 16

PIPELINE = """\
api: etlplus/v1
name: from_go
sources:
  numbers: {{csv: {{uri: "{file}", columns: {{id: bigint, word: text}}}}}}
steps:
  - filter: "id > 1"
sinks:
  table: {{postgres: {{connection: local, table: from_go, mode: replace}}}}
"""


def methods() -> list[str]:
    """Return every method of the contract as `package.Service/Method`."""
    files = FileDescriptorSet.FromString(CONTRACT.read_bytes())
    return [
        f"{file.package}.{service.name}/{method.name}"
        for file in files.file
        if file.package == "etlplus.v1"
        for service in file.service
        for method in service.method
    ]


def grpcurl(live: Service, *arguments: str, token: bool = True) -> subprocess.CompletedProcess[str]:
    """Run grpcurl with arguments that follow the address."""
    header = ["-H", f"authorization: Bearer {live.token}"] if token else []
    command = [GRPCURL, "-plaintext", "-max-time", "120", *header, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def call(live: Service, method: str, **request: Any) -> list[dict[str, Any]]:
    """Call a method by reflection and return its answers."""
    body = json.dumps(request)
    result = grpcurl(live, "-d", body, live.address, f"etlplus.v1.{method}")
    assert result.returncode == 0, result.stderr
    decoder, text, answers = json.JSONDecoder(), result.stdout.strip(), []
    while text:
        answer, end = decoder.raw_decode(text)
        answers.append(answer)
        text = text[end:].lstrip()
    return answers


def test_it_lists_the_services(live: Service) -> None:
    result = grpcurl(live, live.address, "list")
    assert result.returncode == 0, result.stderr
    listed = set(result.stdout.split())
    assert listed >= {method.split("/")[0] for method in methods()}
    assert "grpc.health.v1.Health" in listed


def test_it_runs_a_pipeline_and_watches_the_job(live: Service) -> None:
    file: Path = live.root / "from_go.csv"
    file.write_text("id,word\n1,a\n2,b\n3,c\nfour,d\n")
    name = f"{WORKSPACE}/pipelines/from_go"
    call(
        live,
        "PipelineService/CreatePipeline",
        parent=WORKSPACE,
        pipelineId="from_go",
        pipeline={"sourceText": PIPELINE.format(file=file)},
    )
    [job] = call(live, "PipelineService/RunPipeline", name=name)
    events = call(live, "JobService/WatchJob", name=job["name"])
    assert events[-1]["snapshot"]["state"] == "STATE_SUCCEEDED", events[-1]
    sequences = [int(event["sequence"]) for event in events]
    assert sequences == sorted(sequences)
    [ended] = call(live, "JobService/GetJob", name=job["name"])
    books = ended["sinks"][0]["books"]
    assert books == {"read": "4", "loaded": "2", "rejected": "1", "filtered": "1"}
    [batch] = call(live, "JobService/ListRejects", parent=job["name"])
    assert batch["rejects"][0]["line"] == "5"
    assert live.query("select id, word from from_go order by id") == [(2, "b"), (3, "c")]


@pytest.mark.parametrize("method", methods())
def test_without_a_token_no_method_answers(live: Service, method: str) -> None:
    contract = ("-protoset", str(CONTRACT))
    result = grpcurl(live, *contract, "-d", "{}", live.address, method, token=False)
    assert result.returncode == UNAUTHENTICATED, result.stderr
    assert "Code: Unauthenticated" in result.stderr
    assert not result.stdout


def test_without_a_token_even_the_services_are_not_listed(live: Service) -> None:
    result = grpcurl(live, live.address, "list", token=False)
    assert result.returncode != 0
    assert "Unauthenticated" in result.stderr
