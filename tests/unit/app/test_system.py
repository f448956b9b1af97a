"""What the service says of itself."""

from __future__ import annotations

import json

from tests.unit.app.service import Service


async def test_catalogues_hold_kinds_with_schemas(service: Service) -> None:
    connectors = await service.system.connectors()
    steps = await service.system.steps()
    assert {"csv", "postgres"} <= {entry.kind for entry in connectors}
    assert {"map", "validate"} <= {entry.kind for entry in steps}
    for entry in (*connectors, *steps):
        assert entry.summary
        assert json.loads(entry.options_schema)


async def test_versions_are_told(service: Service) -> None:
    assert (await service.system.info()).languages == ("etlplus/v1",)
