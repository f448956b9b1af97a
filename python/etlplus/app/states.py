"""Use cases of what pipelines have read: showing it, and going on from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from etlplus.app.access import enter
from etlplus.app.ports import Stores
from etlplus.domain import names
from etlplus.domain.cursor import CursorPosition, CursorWindow
from etlplus.domain.errors import InvalidInput
from etlplus.domain.newfiles import FilesWindow
from etlplus.domain.principal import Principal
from etlplus.domain.window import Json, Position


class PipelineStates:
    """Shows and resets how far pipelines have come. Names are resource names."""

    def __init__(self, stores: Stores) -> None:
        """Positions are kept beside the pipelines."""
        self._stores = stores

    async def get(self, caller: Principal, name: str) -> Sequence[Position]:
        """The positions by source; none where nothing is read part by part.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
        """
        workspace, pipeline = names.parse_pipeline(name)
        await self._stores.pipelines.get(enter(caller, workspace), pipeline)
        return await self._stores.windows.positions(workspace, pipeline)

    async def reset(
        self, caller: Principal, name: str, *, source: str = "", value: str = ""
    ) -> Sequence[Position]:
        """Lets a source, or all, go on from a value or from the beginning.

        Raises:
            NotFound: PIPELINE_NOT_FOUND, STATE_NOT_FOUND.
            InvalidInput: the value is not of the column's type, or there is no column yet.
            WrongState: PIPELINE_BUSY.
        """
        workspace, pipeline = names.parse_pipeline(name)
        positions = await self.get(caller, name)
        wanted = _at(positions, source, value) if value else None
        return await self._stores.windows.reset(workspace, pipeline, source, wanted)


def _at(positions: Sequence[Position], source: str, value: str) -> Json:
    chosen = [each for each in positions if source in ("", each.source)]
    if len(chosen) != 1:
        raise _invalid(f"A value is of one source, and {len(chosen)} are meant", "Name the source")
    now = chosen[0].value
    if now is not None and now["kind"] == FilesWindow.kind:
        hint = "Reset it without a value: all files are new then"
        raise _invalid(f"The source {chosen[0].source!r} is read by its files", hint)
    if now is None or now["kind"] != CursorWindow.kind:
        hint = "Reset it without a value, and write `start` where the source is defined"
        raise _invalid(f"The source {chosen[0].source!r} has not been read by a column yet", hint)
    column = CursorPosition.from_json(now)
    try:
        return column.at(value).to_json()
    except ValueError:
        hint = f"{column.column} is a {column.type}; the present value is {column.value}"
        raise _invalid(f"{value!r} is no {column.type}", hint) from None


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, place="value", hint=hint)
