"""What the client sends and how it takes answers, over a channel that goes nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import grpc
import grpc_testing  # type: ignore[import-untyped]
import pytest
from google.rpc import error_details_pb2, status_pb2

from etlplus.client.options import is_repeatable, service_config, services
from etlplus.client.outgoing import Outgoing
from etlplus.client.session import Client
from etlplus.domain.errors import NotFound, Unavailable
from etlplus.v1 import auth_pb2, job_pb2, pipeline_pb2

NAME = "workspaces/default/pipelines/orders"
OK = ((), grpc.StatusCode.OK, "")


class Adapter:
    """grpcio-testing's channel, with the two newer arguments of calls left out."""

    def __init__(self, channel: Any) -> None:  # noqa: ANN401 untyped
        self._channel = channel

    def unary_unary(self, *names: Any, **options: Any) -> Any:  # noqa: ANN401 untyped
        made = self._channel.unary_unary(*names, **options)
        return SimpleNamespace(with_call=partial(_call, made.with_call))

    def unary_stream(self, *names: Any, **options: Any) -> Any:  # noqa: ANN401 untyped
        return partial(_call, self._channel.unary_stream(*names, **options))


def _call(make: Any, request: Any, **how: Any) -> Any:  # noqa: ANN401 untyped
    try:
        return make(request, timeout=how["timeout"], metadata=how["metadata"])
    except grpc.RpcError as error:
        raise Failed(error) from error


class Failed(grpc.RpcError):
    """A failed call as the real channel has it: a future, too."""

    def __init__(self, error: Any) -> None:  # noqa: ANN401 untyped
        self._error = error

    def code(self) -> grpc.StatusCode:
        code: grpc.StatusCode = self._error.code()
        return code

    def details(self) -> str:
        return str(self._error.details())

    def trailing_metadata(self) -> Any:  # noqa: ANN401 untyped
        return self._error.trailing_metadata()

    def result(self, _timeout: float | None = None) -> None:
        raise self


class Line:
    """A client in a thread at one end, the test at the other."""

    def __init__(self) -> None:
        clock = grpc_testing.strict_fake_time(0)
        self.channel = grpc_testing.channel(services(), clock)
        adapted: Any = Adapter(self.channel)
        self.client = Client(adapted, Outgoing("there:7433", "etlp_root_a_b"))
        self._pool = ThreadPoolExecutor(1)

    def begin(self, call: Callable[[], Any]) -> Future[Any]:
        """Makes a call in the client's thread."""
        return self._pool.submit(call)

    def take(self, name: str) -> tuple[dict[str, str], Any, Any]:
        """The metadata and the request of the call that was made, and how to answer it."""
        (method,) = [s.methods_by_name[name] for s in services() if name in s.methods_by_name]
        if method.server_streaming:
            metadata, request, rpc = self.channel.take_unary_stream(method)
        else:
            metadata, request, rpc = self.channel.take_unary_unary(method)
        return dict(metadata), request, rpc

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def failure(code: grpc.StatusCode, reason: str, message: str) -> tuple[Any, Any, str]:
    """How a server of ours ends a call."""
    status = status_pb2.Status(code=code.value[0], message=message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason=reason, domain="etlplus", metadata={"place": "here", "name": "x"}
        )
    )
    return (("grpc-status-details-bin", status.SerializeToString()),), code, message


def test_each_call_carries_the_token(line: Line) -> None:
    answer = line.begin(lambda: line.client.auth.WhoAmI(auth_pb2.WhoAmIRequest()))
    metadata, _, rpc = line.take("WhoAmI")
    assert metadata["authorization"] == "Bearer etlp_root_a_b"
    rpc.terminate(auth_pb2.WhoAmIResponse(principal="root"), *OK)
    assert answer.result(10).principal == "root"


def test_a_change_gets_a_request_id_and_keeps_a_given_one(line: Line) -> None:
    for given in ("", "8c0e0d0a-6a9f-4f3b-9a57-0f2f4f1b2c3d"):
        request = pipeline_pb2.RunPipelineRequest(name=NAME, request_id=given)
        answer = line.begin(partial(line.client.pipelines.RunPipeline, request))
        _, sent, rpc = line.take("RunPipeline")
        assert uuid.UUID(sent.request_id).version == 4
        assert given in ("", sent.request_id)
        assert request.request_id == given
        rpc.terminate(job_pb2.Job(name="j"), *OK)
        assert answer.result(10).name == "j"


def test_a_failure_is_an_error_of_the_domain(line: Line) -> None:
    request = pipeline_pb2.GetPipelineRequest(name=NAME)
    answer = line.begin(lambda: line.client.pipelines.GetPipeline(request))
    _, _, rpc = line.take("GetPipeline")
    rpc.terminate(None, *failure(grpc.StatusCode.NOT_FOUND, "PIPELINE_NOT_FOUND", "none"))
    with pytest.raises(NotFound) as raised:
        answer.result(10)
    assert (raised.value.code, raised.value.place) == ("PIPELINE_NOT_FOUND", "here")
    assert raised.value.metadata == {"name": "x"}


def test_a_stream_gives_what_came_and_then_fails(line: Line) -> None:
    seen: SimpleQueue[int] = SimpleQueue()

    def follow() -> None:
        for event in line.client.jobs.WatchJob(job_pb2.WatchJobRequest(name="j")):
            seen.put(event.sequence)

    watching = line.begin(follow)
    _, _, rpc = line.take("WatchJob")
    rpc.send_initial_metadata(())
    for sequence in (1, 2):
        rpc.send_response(job_pb2.WatchJobResponse(sequence=sequence))
        assert seen.get(timeout=10) == sequence
    rpc.terminate(*failure(grpc.StatusCode.UNAVAILABLE, "DRAINING", "stopping"))
    with pytest.raises(Unavailable) as raised:
        watching.result(10)
    assert raised.value.code == "DRAINING"


def test_calls_are_repeated_only_where_that_is_safe() -> None:
    names = {m.name for service in services() for m in service.methods if is_repeatable(m)}
    assert {"GetJob", "ListJobs", "WatchJob", "CancelJob", "RunPipeline", "WhoAmI"} <= names
    assert not names & {"PlanPipeline", "PreviewPipeline", "TestConnection", "DiscoverConnection"}
    assert '"method": "RunPipeline"' in service_config()


def test_a_token_is_not_shown() -> None:
    assert "etlp" not in repr(Outgoing("there:1", "etlp_root_a_b"))
