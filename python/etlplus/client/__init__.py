"""The Python client.

    from etlplus.client import connect
    from etlplus.v1 import pipeline_pb2

    with connect("127.0.0.1:7433", token="etlp_…") as client:
        job = client.pipelines.RunPipeline(
            pipeline_pb2.RunPipelineRequest(name="workspaces/default/pipelines/flights")
        )

Calls raise the errors of `etlplus.domain.errors`, with the server's code, place and hint.
"""

from etlplus.client.session import AsyncClient, Client, connect, connect_async

__all__ = ["AsyncClient", "Client", "connect", "connect_async"]
