"""How the settings let the service listen."""

from __future__ import annotations

from pathlib import Path

from etlplus.app.webhooks import Webhooks
from etlplus.domain.errors import InvalidInput
from etlplus.http.config import HttpConfig
from etlplus.http.server import HttpServer
from etlplus.rpc.config import Certificate, ServerConfig
from etlplus.settings import Settings, parse_listen


def http_server(settings: Settings, webhooks: Webhooks) -> HttpServer | None:
    """The HTTP server; None unless an address is set."""
    if not settings.http_listen:
        return None
    host, port = parse_listen(settings.http_listen)
    chain, key = settings.tls_cert, settings.tls_key
    return HttpServer(
        HttpConfig(
            host=host,
            port=port,
            certificate=(chain, key) if chain and key else None,
            insecure_plaintext=settings.insecure_plaintext,
            most_per_minute=settings.http_most_per_minute,
            readiness_seconds=settings.readiness_seconds,
            grace_seconds=settings.stop_grace_seconds,
        ),
        webhooks,
    )


def rpc_config(settings: Settings) -> ServerConfig:
    """How the gRPC server listens. Raises InvalidInput for a certificate that cannot be read."""
    host, port = parse_listen(settings.listen)
    return ServerConfig(
        host=host,
        port=port,
        certificate=_certificate(settings.tls_cert, settings.tls_key),
        insecure_plaintext=settings.insecure_plaintext,
        max_message_bytes=settings.max_message_bytes,
        reflection=settings.reflection,
        reflection_without_token=settings.reflection_without_token,
        readiness_seconds=settings.readiness_seconds,
        grace_seconds=settings.stop_grace_seconds,
    )


def _certificate(chain: Path | None, key: Path | None) -> Certificate | None:
    if chain is None or key is None:
        return None
    try:
        return Certificate(chain.read_bytes(), key.read_bytes())
    except OSError as error:
        raise InvalidInput(
            f"The certificate cannot be read: {error.strerror}",
            place=str(error.filename),
            hint="Check tls_cert and tls_key",
        ) from error
