"""One real service for all tests of this folder; each test has pipelines and targets of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import Service, service


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("live")
    folder.chmod(0o755)
    with service(folder) as running:
        yield running
