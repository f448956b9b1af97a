"""All use cases, as the edges take them."""

from __future__ import annotations

from dataclasses import dataclass

from etlplus.app.auth import Auth
from etlplus.app.connections import Connections
from etlplus.app.jobs import Jobs
from etlplus.app.pipelines import Pipelines
from etlplus.app.planning import Plans
from etlplus.app.replay import JobReplays
from etlplus.app.rollback import JobRollbacks
from etlplus.app.scheduling import Scheduling
from etlplus.app.states import PipelineStates
from etlplus.app.system import System
from etlplus.app.versions import Versions
from etlplus.app.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the service can do."""

    pipelines: Pipelines
    versions: Versions
    plans: Plans
    jobs: Jobs
    rollbacks: JobRollbacks
    replays: JobReplays
    connections: Connections
    auth: Auth
    system: System
    scheduling: Scheduling
    states: PipelineStates
    webhooks: Webhooks
