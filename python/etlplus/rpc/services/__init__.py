"""One servicer per service of the contract. They translate; the use cases decide."""

from etlplus.app.usecases import UseCases
from etlplus.rpc.registration import Service
from etlplus.rpc.services.auth import AuthServicer
from etlplus.rpc.services.connections import ConnectionServicer
from etlplus.rpc.services.jobs import JobServicer
from etlplus.rpc.services.pipelines import PipelineServicer
from etlplus.rpc.services.system import SystemServicer


def contract_services(use_cases: UseCases) -> list[Service]:
    """Every service of the contract, over these use cases."""
    return [
        Service.named(
            "etlplus.v1.PipelineService",
            PipelineServicer(
                use_cases.pipelines,
                use_cases.versions,
                use_cases.plans,
                use_cases.scheduling,
                use_cases.states,
            ),
        ),
        Service.named(
            "etlplus.v1.JobService",
            JobServicer(use_cases.jobs, use_cases.rollbacks, use_cases.replays),
        ),
        Service.named("etlplus.v1.ConnectionService", ConnectionServicer(use_cases.connections)),
        Service.named("etlplus.v1.SystemService", SystemServicer(use_cases.system)),
        Service.named("etlplus.v1.AuthService", AuthServicer(use_cases.auth)),
    ]
