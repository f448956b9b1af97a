"""The gRPC server: one process, one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import grpc

from etlplus.app.listening import check_plaintext, join_address
from etlplus.domain.errors import Unavailable
from etlplus.rpc.access import Access
from etlplus.rpc.authenticator import Authenticator
from etlplus.rpc.config import ServerConfig
from etlplus.rpc.drain import Drain
from etlplus.rpc.health import HEALTH, HealthServicer
from etlplus.rpc.interceptors.authentication import Authentication
from etlplus.rpc.interceptors.authorisation import Authorisation
from etlplus.rpc.interceptors.deadline import Deadline
from etlplus.rpc.interceptors.draining import Draining
from etlplus.rpc.interceptors.errors import Errors
from etlplus.rpc.interceptors.identification import Identification
from etlplus.rpc.interceptors.interceptor import Interceptor
from etlplus.rpc.interceptors.room import Room
from etlplus.rpc.interceptors.validation import Validation
from etlplus.rpc.registration import Service, register, register_reflection

_MINUTE: Final = 60_000
#: Calls at once, beside the watches.
_MOST_CALLS: Final = 1000


class Server:
    """Serves. It is made in one loop and used there only.

    Raises when it is made:
        Bug: a method of a service does not say what it requires.
    """

    def __init__(
        self, config: ServerConfig, authenticator: Authenticator, services: Sequence[Service]
    ) -> None:
        self._config = config
        self._drain = Drain()
        names = [service.descriptor.full_name for service in services]
        self._health = HealthServicer(names)
        access = Access(
            (service.descriptor for service in services),
            reflection_without_token=config.reflection_without_token,
        )
        chain = _chain(access, authenticator, self._drain, config)
        self._server = grpc.aio.server(
            interceptors=chain,
            options=_options(config),
            maximum_concurrent_rpcs=config.most_watches + _MOST_CALLS,
        )
        for service in (*services, Service.named(HEALTH, self._health)):
            register(self._server, service)
        if config.reflection:
            register_reflection(self._server, [*names, HEALTH])
        self._stopped = asyncio.Event()

    async def start(self) -> str:
        """Listens and becomes healthy. Returns HOST:PORT with the port that is used.

        Raises:
            InvalidInput: plaintext beyond loopback without the explicit flag, or a certificate
                that cannot be used.
            Unavailable: the address cannot be listened on.
        """
        port = self._listen()
        await self._server.start()
        self._health.set(serving=True)
        return join_address(self._config.host, port)

    async def stop(self) -> None:
        """Stops in order: not healthy, time for balancers to see it, watches, all else.

        Calls that go on longer than the grace period are cancelled.
        """
        self._health.set(serving=False)
        await asyncio.sleep(self._config.readiness_seconds)
        self._drain.begin()
        await self._server.stop(self._config.grace_seconds)
        self._stopped.set()

    async def wait(self) -> None:
        """Returns when the server has stopped."""
        await self._stopped.wait()

    def _listen(self) -> int:
        config = self._config
        certificate = config.certificate
        try:
            if certificate is not None:
                credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
                return self._server.add_secure_port(config.address, credentials)
            check_plaintext(
                config.host, config.port, insecure=config.insecure_plaintext, place="listen"
            )
            return self._server.add_insecure_port(config.address)
        except RuntimeError as error:
            raise Unavailable(
                f"cannot listen on {config.address}",
                place="listen",
                hint="Another program may use the port, or the certificate may not be PEM",
                metadata={"address": config.address},
            ) from error


def _chain(
    access: Access, authenticator: Authenticator, drain: Drain, config: ServerConfig
) -> list[Interceptor]:
    """The interceptors, outermost first."""
    return [
        Identification(),
        Errors(),
        Authentication(access, authenticator),
        Authorisation(access, authenticator),
        Room(config.most_watches),
        Deadline(config.default_deadline),
        Validation(),
        Draining(drain),
    ]


def _options(config: ServerConfig) -> list[tuple[str, int]]:
    return [
        # A second server on the port is to fail, not to share the calls silently.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.max_send_message_length", config.max_message_bytes),
        ("grpc.keepalive_time_ms", _MINUTE),
        ("grpc.keepalive_timeout_ms", _MINUTE // 3),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _MINUTE // 6),
        # Streams beyond this are refused, not queued; the calls of one client may be all there are.
        ("grpc.max_concurrent_streams", config.most_watches + _MOST_CALLS),
        ("grpc.max_connection_idle_ms", 10 * _MINUTE),
    ]
