"""The paths of the HTTP side and what they answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from etlplus.app.webhooks import Webhooks
from etlplus.domain.errors import Bug, EtlError, LimitExceeded
from etlplus.domain.names import job_name
from etlplus.domain.webhook import Delivery, webhook_path
from etlplus.http.answers import refusal
from etlplus.http.body import read_body
from etlplus.http.config import HttpConfig
from etlplus.http.rate import Rate

_logger: Final = structlog.stdlib.get_logger(__name__)


def application(config: HttpConfig, webhooks: Webhooks, is_ready: Callable[[], bool]) -> Starlette:
    """The ASGI application. `is_ready`: whether balancers should send requests."""
    hooks = _Hooks(config, webhooks)

    async def ready(_request: Request) -> Response:
        good = is_ready()
        return JSONResponse({"status": "ready" if good else "stopping"}, 200 if good else 503)

    return Starlette(
        routes=[
            Route(webhook_path("{pipeline}"), hooks.post, methods=["POST"]),
            Route("/healthz", _alive, methods=["GET"]),
            Route("/readyz", ready, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_such_path},
    )


class _Hooks:
    """Answers posts to webhooks."""

    def __init__(self, config: HttpConfig, webhooks: Webhooks) -> None:
        self._config = config
        self._webhooks = webhooks
        self._rate = Rate(config.most_per_minute)

    async def post(self, request: Request) -> Response:
        """202 with the job's name, or a refusal with a stable code. Bodies are not logged."""
        pipeline = request.path_params["pipeline"]
        try:
            job = await self._webhooks.deliver(pipeline, await self._read(request))
        except _TooFast as error:
            return refusal(error, {"retry-after": str(error.seconds)})
        except Bug as error:
            _logger.exception("a webhook met a fault of the service", code=error.code)
            return refusal(_closed(error.code))
        except EtlError as error:
            _logger.info("a webhook was refused", code=error.code, pipeline=pipeline[:63])
            return refusal(error)
        except Exception:
            _logger.exception("a webhook met a fault of the service", code=Bug.default)
            return refusal(_closed(Bug.default))
        return JSONResponse({"job": job_name(job.workspace, job.uid)}, 202)

    async def _read(self, request: Request) -> Delivery:
        """The delivery. What is cheap to refuse is refused first."""
        wait = self._rate.wait(request.client.host if request.client else "")
        if wait > 0:
            raise _TooFast(wait)
        body = await read_body(
            request, largest=self._config.largest_body, seconds=self._config.body_seconds
        )
        return Delivery(
            id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            body=body,
        )


class _TooFast(LimitExceeded):
    """TOO_MANY_REQUESTS, and after how many whole seconds there may be another."""

    def __init__(self, wait: float) -> None:
        self.seconds = math.ceil(wait)
        super().__init__(
            "Requests come too fast from this address",
            code="TOO_MANY_REQUESTS",
            hint=f"Send it again in {self.seconds} s",
        )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _no_such_path(_request: Request, error: Exception) -> Response:
    """What the router refuses: a path that there is not, or another method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = "There is no such path, or not by this method"
    return JSONResponse({"code": "NOT_FOUND", "message": text}, status)


def _closed(code: str) -> Bug:
    """What a sender is told of a fault."""
    return Bug("a fault of the service; its log has the details", code=code)
