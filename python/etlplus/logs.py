"""Log set-up: structlog through the standard library, so that all lines look alike.

Lines go to standard error, one JSON object each, or coloured text on a terminal. What is bound with
`structlog.contextvars` (the request id, the principal) is in every line, also of libraries.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(
    r"(?i)(^|[_.-])(password|passwd|passphrase|secret|token|authorization|api_?key|private_?key"
    r"|cookie|database_url|conninfo|dsn)s?$"
)
#: Secrets inside texts: our tokens, bearer headers, passwords in URLs and connection strings.
_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\betlp_([a-z]+)_([A-Za-z0-9]+)_[A-Za-z0-9_-]+"), rf"etlp_\1_\2_{_HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {_HIDDEN}"),
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{_HIDDEN}@"),
    (re.compile(r"(?i)\b(password|passwd|secret)(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s,;&)]+)"),
     rf"\1\2{_HIDDEN}"),
)  # fmt: skip


def hide(text: str) -> str:
    """`text` without the secrets that can be recognised in it."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _hidden(value: object) -> object:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {
            key: _HIDDEN if _SECRET_NAME.search(str(key)) else _hidden(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(item) for item in value]
    # A number cannot hold a secret's text; anything else is logged by its text.
    return value if isinstance(value, int | float | None) else hide(str(value))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: secrets become `[hidden]`, by name and by look, at any depth."""
    return {
        key: _HIDDEN if _SECRET_NAME.search(key) else _hidden(value) for key, value in event.items()
    }


def configure(
    form: Literal["auto", "json", "console"] = "auto",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Sets up logging for this process. Calling it again replaces the earlier set-up.

    Args:
        form: `auto` is `console` when `stream` is a terminal, else `json`.
        level: the least severe level that is written.
        stream: where lines go; standard error when None.
    """
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(out, console=console))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Pools and pollers say at INFO what nobody needs.
    for name in ("psycopg.pool", "asyncio", "grpc"):
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    """What happens to lines of structlog and of the standard library alike."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(out: TextIO, *, console: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), timestamp_key="time")
        if console
        else structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )
