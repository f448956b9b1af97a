"""Use cases of versions: what changed between two, and going back to one."""

from __future__ import annotations

import difflib

from etlplus.app.pipelines import Pipelines
from etlplus.app.ports import Language
from etlplus.domain.difference import Difference, changes
from etlplus.domain.errors import NotFound
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.principal import Principal


class Versions:
    """Compares versions of a pipeline and restores one. Names are resource names."""

    def __init__(self, pipelines: Pipelines, language: Language) -> None:
        """Over the stored pipelines."""
        self._pipelines = pipelines
        self._language = language

    async def compare(
        self, caller: Principal, name: str, *, old: int = 0, new: int = 0
    ) -> Difference:
        """What changed from a version, by default the one before `new`, to `new`, the newest.

        Raises:
            NotFound: PIPELINE_NOT_FOUND; VERSION_NOT_FOUND, also before the first version.
        """
        later = await self._pipelines.get(caller, name, version=new)
        earlier = await self._pipelines.get(caller, name, version=old or _before(later))
        said = self._language.as_data
        parts = tuple(changes(said(earlier.spec), said(later.spec)))
        text = self._text(earlier, later)
        return Difference(later.name, earlier.version, later.version, parts, text)

    async def restore(
        self,
        caller: Principal,
        name: str,
        version: int,
        *,
        message: str = "",
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> Pipeline:
        """Stores an earlier version again, as the next one; what it loaded stays as it is.

        Raises:
            NotFound: PIPELINE_NOT_FOUND, VERSION_NOT_FOUND.
            EtagMismatch: the pipeline has changed since `etag`.
            InvalidInput: as for storing the definition now.
        """
        now = await self._pipelines.get(caller, name)
        wanted = await self._pipelines.get(caller, name, version=version)
        return await self._pipelines.update(
            caller,
            name,
            spec=None if wanted.source_text else wanted.spec,
            source_text=wanted.source_text,
            message=message or f"Restore version {version}",
            # A repeat of the request must not fail because the first one changed the pipeline.
            etag=etag or ("" if request_id else now.etag),
            request_id=request_id,
            validate_only=validate_only,
        )

    def _text(self, earlier: Pipeline, later: Pipeline) -> str:
        """The difference of both texts; a last line without an end gets one."""
        old, new = (
            (each.source_text or self._language.as_text(each.spec)).splitlines()
            for each in (earlier, later)
        )
        titles = f"version {earlier.version}", f"version {later.version}"
        found = difflib.unified_diff(old, new, *titles, lineterm="")
        return "".join(f"{line}\n" for line in found)


def _before(later: Pipeline) -> int:
    if later.version == 1:
        raise NotFound(
            f"{later.name} has no version before its first",
            code="VERSION_NOT_FOUND",
            hint="Name both versions, or store a second one first",
        )
    return later.version - 1
