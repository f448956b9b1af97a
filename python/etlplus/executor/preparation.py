"""Makes of a stored definition what the engine takes: plan bytes and runtime bytes."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from etlplus.app.connections import built_in_connection
from etlplus.app.ports import ConnectionStore, Language, RunContext, SecretResolver
from etlplus.domain import names
from etlplus.domain.connection import Connection, ResolvedConnection
from etlplus.domain.errors import InvalidInput, NotFound, RunError
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.replay import ReadAgain
from etlplus.domain.window import SourcePart
from etlplus.executor.environment import Environment

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
#: More records than any piece of a file has that is read at once.
_WHOLE_CHUNKS = 1 << 24


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the engine takes, with the connections that publishing needs."""

    plan: bytes = field(repr=False)
    runtime: bytes = field(repr=False)
    connections: Mapping[str, ResolvedConnection]


@dataclass(frozen=True, slots=True)
class Claim:
    """For whom it is prepared: run id (`${run.id}`), load id, epoch, the instant it is for.

    `zone` tells that instant; empty for the zone of the definition's schedule.
    """

    run_id: str
    load_id: str
    epoch: int
    asked: datetime
    zone: str = ""


class Preparation:
    """Resolves connections and secrets, lowers definitions."""

    def __init__(
        self, language: Language, environment: Environment, secrets: SecretResolver
    ) -> None:
        """Works with what the machine gives."""
        self._language = language
        self._environment = environment
        self._secrets = secrets

    async def look_up(
        self, store: ConnectionStore, workspace: str, summary: SpecSummary
    ) -> list[Connection]:
        """The stored connections that a definition names.

        Raises:
            RunError: CONNECTION_UNKNOWN.
        """
        found = []
        for name in summary.connections:
            if name != names.LOCAL_CONNECTION:
                try:
                    found.append(await store.get(workspace, name))
                except NotFound:
                    raise unknown_connection(name) from None
        return found

    def resolve(
        self, summary: SpecSummary, stored: Sequence[Connection]
    ) -> dict[str, ResolvedConnection]:
        """Connections with their secrets, by id. Blocks for as long as files take.

        Raises:
            RunError: SECRET_UNRESOLVED, CONNECTION_UNKNOWN.
        """
        resolved = {each.name: self.open(each) for each in stored}
        if names.LOCAL_CONNECTION in summary.connections:
            resolved[names.LOCAL_CONNECTION] = self.local()
        return resolved

    def open(self, connection: Connection) -> ResolvedConnection:
        """A connection with its password. Raises RunError (SECRET_UNRESOLVED)."""
        if connection.name == names.LOCAL_CONNECTION:
            return self.local()
        options = dict(connection.options)
        if connection.password:
            options["password"] = self._secrets.resolve(connection.password)
        return ResolvedConnection(connection.name, connection.kind, options)

    def built_in(self, workspace: str) -> Connection | None:
        """The built-in connection as a stored one would be; None without a warehouse."""
        if self._environment.local is None:
            return None
        return built_in_connection(workspace, self._environment.local)

    def local(self) -> ResolvedConnection:
        """The built-in connection. Raises RunError (CONNECTION_UNKNOWN) without a warehouse."""
        if self._environment.local is None:
            raise unknown_connection(names.LOCAL_CONNECTION)
        return ResolvedConnection(names.LOCAL_CONNECTION, "postgres", dict(self._environment.local))

    def values(self, spec: bytes, params: Mapping[str, str]) -> bytes:
        """What parameters and variables make of a definition, the same for each run of it.

        What belongs to one run, its id and its instant, is left open, and so are secrets.
        """
        context = RunContext(
            run_id="",
            scheduled=_NO_TIME,
            env=self._environment.variables,
            secret=lambda _: "",
        )
        try:
            return self._language.lower(spec, params, context)
        except InvalidInput:
            # A parameter of another type than text gets its value from what is left open.
            return json.dumps(sorted(params.items())).encode()

    def lower(self, spec: bytes, params: Mapping[str, str], claim: Claim) -> bytes:
        """The plan of a run. It may hold secrets.

        Raises:
            InvalidInput: SPEC_INVALID, PARAM_INVALID.
            RunError: SECRET_UNRESOLVED.
        """
        context = RunContext(
            run_id=claim.run_id,
            scheduled=claim.asked,
            env=self._environment.variables,
            secret=self._secrets.named,
            memory=self._environment.memory,
            zone=claim.zone,
        )
        return self._language.lower(spec, params, context)

    def prepare(
        self,
        spec: bytes,
        params: Mapping[str, str],
        claim: Claim,
        connections: Mapping[str, ResolvedConnection],
        work_dir: Path,
        *,
        replays: Sequence[ReadAgain] = (),
        parts: Sequence[SourcePart] = (),
    ) -> Prepared:
        """What the engine takes. Makes the work folder, readable by this user alone.

        Raises:
            InvalidInput: SPEC_INVALID, PARAM_INVALID.
            RunError: SECRET_UNRESOLVED; DISK_FULL or SINK_UNWRITABLE for the work folder.
        """
        plan = self.lower(spec, params, claim)
        make_folder(work_dir)
        roots = [str(root) for root in self._environment.file_roots]
        runtime = self._language.runtime(
            connections=list(connections.values()),
            file_roots=roots,
            base_dir=roots[0] if roots else "",
            work_dir=str(work_dir),
            load_id=claim.load_id,
            epoch=claim.epoch,
            threads=self._environment.threads,
            replays=replays,
            parts=parts,
        )
        return Prepared(plan, runtime, connections)

    def sample_runtime(self, claim: Claim, work_dir: Path, out: Path, *, measures: bool) -> bytes:
        """The runtime of a sample: it reaches files alone, and writes beneath `out`.

        One thread reads, so that the first records are those at the beginning of the files. Where
        it measures, a batch has all records that are read at once: the bytes are theirs then.
        """
        roots = [str(root) for root in self._environment.file_roots]
        return self._language.runtime(
            connections=(),
            file_roots=[*roots, str(out)],
            base_dir=roots[0] if roots else "",
            work_dir=str(work_dir),
            load_id=claim.load_id,
            epoch=claim.epoch,
            threads=1,
            batch_rows=_WHOLE_CHUNKS if measures else 0,
        )


def make_folder(folder: Path) -> None:
    """Makes a folder that only this user may read. Raises RunError (DISK_FULL, SINK_UNWRITABLE)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RunError(
            f"The folder {folder} cannot be made: {error.strerror}",
            code="DISK_FULL" if is_full else "SINK_UNWRITABLE",
            place=str(folder),
            hint="Free space there" if is_full else "Check the data folder and its permissions",
        ) from error


def unknown_connection(name: str) -> RunError:
    """The error for a connection that nobody has made."""
    return RunError(
        f"There is no connection {name!r}",
        code="CONNECTION_UNKNOWN",
        place=name,
        hint=f"Create it with `etlplus conn add {name}`, or name another",
        metadata={"name": name},
    )
