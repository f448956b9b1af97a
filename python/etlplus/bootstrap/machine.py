"""What runs need of this machine: engine, language, targets, folders, secrets."""

from __future__ import annotations

from collections.abc import Mapping

from etlplus.app.ports import Stores
from etlplus.connectors import (
    connectors,
    cursors,
    evolvers,
    file_rollbacks,
    publishers,
    table_rollbacks,
)
from etlplus.engine import RustEngine
from etlplus.executor.environment import Environment, Secrets
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Preparation
from etlplus.language import PipelineLanguage
from etlplus.settings import Settings, visible_environment


def parts(settings: Settings, stores: Stores, local: Mapping[str, str] | None) -> Parts:
    """What the executor is made of. `local`: options of the built-in connection, if any."""
    engine = RustEngine()
    language = PipelineLanguage(engine.read_sql)
    environment = Environment(
        data_dir=settings.data_dir,
        file_roots=settings.file_roots,
        variables=visible_environment(),
        local=local,
        secrets_dir=settings.pipeline_secrets,
        memory=f"{int(settings.job_memory)}B",
        undo_keep=settings.undo_keep,
    )
    secrets = Secrets(environment)
    return Parts(
        stores=stores,
        language=language,
        engine=engine,
        publishers=publishers(),
        connectors=connectors(),
        environment=environment,
        preparation=Preparation(language, environment, secrets),
        secrets=secrets,
        table_rollbacks=table_rollbacks(),
        file_rollbacks=file_rollbacks(),
        cursors=cursors(),
        evolvers=evolvers(),
    )
