"""The use case of webhooks: a signed request starts a run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from etlplus.app.planning import Plans
from etlplus.app.ports import Aside, SecretResolver, Stores
from etlplus.domain import names
from etlplus.domain.errors import InvalidInput, NotFound, RunError
from etlplus.domain.job import Job
from etlplus.domain.principal import Principal
from etlplus.domain.webhook import Delivery, is_signed, key_of, refused

#: Who asks for the runs that webhooks start.
AUTHOR: Final = "webhook"
_LOG = logging.getLogger(__name__)
#: Signatures are compared with this where there is no key, so that it takes as long.
_NO_KEY: Final = bytes(32)
_MOST_DIGITS: Final = 40


class Webhooks:
    """Starts runs for whoever has a pipeline's secret. There is one workspace."""

    def __init__(
        self,
        stores: Stores,
        plans: Plans,
        secrets: SecretResolver,
        aside: Aside,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads secrets `aside`, anew each time. `clock` tells seconds since 1970."""
        self._stores = stores
        self._plans = plans
        self._secrets = secrets
        self._aside = aside
        self._clock = clock

    async def deliver(self, pipeline: str, delivery: Delivery) -> Job:
        """Queues a run, once for each `webhook-id` within a day; the same id has the same answer.

        Raises:
            Unauthenticated: WEBHOOK_REFUSED, for all that is not signed as the pipeline says.
            InvalidInput: BODY_INVALID, PARAM_INVALID, REQUEST_ID_REUSED.
            WrongState: TRIGGERS_PAUSED.
        """
        workspace = names.DEFAULT_WORKSPACE
        keys = await self._keys(workspace, pipeline)
        if not is_signed(delivery, keys or [_NO_KEY], self._clock()) or not keys:
            raise refused()
        return await self._plans.run(
            Principal(id=AUTHOR, kind=AUTHOR, workspace=workspace, token_id=""),
            names.pipeline_name(workspace, pipeline),
            params=read_params(delivery.body),
            request_id=f"{AUTHOR} {pipeline} {delivery.id}",
            webhook=True,
        )

    async def _keys(self, workspace: str, pipeline: str) -> Sequence[bytes]:
        """What signatures are checked with; nothing for a pipeline without a webhook."""
        try:
            stored = await self._stores.pipelines.get(
                workspace, names.check_id(pipeline, "pipeline")
            )
        except (NotFound, InvalidInput):
            return []
        if stored.triggers is None:
            return []
        found = []
        for name in stored.triggers.triggers.webhook:
            try:
                found.append(key_of(await self._aside.call(self._secrets.named, name)))
            except (RunError, ValueError) as error:
                _LOG.warning("the webhook of %s cannot use secret.%s: %s", pipeline, name, error)
        return found


def read_params(body: bytes) -> Mapping[str, str]:
    """Values of parameters in a body, as text: `{"params": {...}}`. Other members mean nothing.

    Raises:
        InvalidInput: BODY_INVALID.
    """
    if not body.strip():
        return {}
    try:
        # Numbers keep the digits that were sent; true is `true`.
        read = json.loads(body, parse_int=_digits, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _invalid("it is not JSON in UTF-8") from None
    if not isinstance(read, dict):
        raise _invalid("it is not an object")
    given = read.get("params", {})
    if not isinstance(given, dict):
        raise _invalid("`params` is not an object")
    values = {_sound(name): _text(name, value) for name, value in given.items()}
    return {name: _sound(value) for name, value in values.items()}


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise _invalid(f"the value of {name[:63]!r} is not a text, a number, true or false")


def _sound(text: str) -> str:
    """The text, when it can be stored: halves of characters and NUL cannot."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _invalid("a text in it holds NUL, or half of a character")
    return text


def _digits(text: str) -> str:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number of so many digits fits nothing")
    return text


def _no_constant(text: str) -> str:
    raise ValueError(f"{text} is not JSON")


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(
        f"The body cannot be used: {reason}",
        code="BODY_INVALID",
        place="body",
        hint='Send none, or an object as in {"params": {"day": "2026-01-31"}}',
    )
