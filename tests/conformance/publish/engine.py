"""Runs pipelines in the engine against the warehouse and publishes what they stage."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.connectors import publishers
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.run import Load, Published, RejectRow, RunOutcome
from etlplus.engine import RustEngine

CONTEXT = RunContext("0" * 32, datetime(2026, 1, 1, tzinfo=UTC), {}, lambda name: name)


@dataclass(frozen=True)
class Finished:
    """What a run staged and published, and what it rejected."""

    outcome: RunOutcome
    published: tuple[Published, ...]
    rejects: tuple[RejectRow, ...]


@dataclass
class Bench:
    """A folder for files and the warehouse as `local`."""

    folder: Path
    warehouse: ResolvedConnection

    def run(
        self,
        text: str,
        streams: Mapping[str, object] | None = None,
        *,
        threads: int = 2,
        batch_rows: int = 0,
        publish: bool = True,
    ) -> Finished:
        """Runs a pipeline as a load of its own. Raises what the engine or a target raises."""
        load = Load(uuid4().hex, epoch=1, job="job", pipeline="p", version=1)
        engine = RustEngine()
        plan, runtime = self.lowered(text, load, threads=threads, batch_rows=batch_rows)
        outcome = engine.start(plan, runtime, streams).wait()
        published = []
        for staged in outcome.sinks if publish else ():
            connection = self.warehouse if staged.connection else None
            published.append(publishers()[staged.kind].publish(staged, load, connection))
        path = outcome.rejects.path
        rejects = [row for batch in engine.read_rejects(path) for row in batch] if path else []
        return Finished(outcome, tuple(published), tuple(rejects))

    def lowered(
        self, text: str, load: Load, *, threads: int = 2, batch_rows: int = 0
    ) -> tuple[bytes, bytes]:
        """The plan and the runtime of a pipeline."""
        parsed = language.parse(text)
        assert parsed.spec is not None, language.render(parsed.problems)
        work = self.folder / "work" / load.load_id
        work.mkdir(parents=True)
        runtime = language.runtime(
            connections=[self.warehouse],
            file_roots=[str(self.folder)],
            base_dir=str(self.folder),
            work_dir=str(work),
            load_id=load.load_id,
            epoch=load.epoch,
            threads=threads,
            batch_rows=batch_rows,
        )
        return language.lower(parsed.spec, {}, CONTEXT), runtime


@contextmanager
def bench_in(warehouse: ResolvedConnection) -> Iterator[Bench]:
    """A bench with a folder that is removed in the end."""
    with tempfile.TemporaryDirectory() as name:
        yield Bench(Path(name), warehouse)
