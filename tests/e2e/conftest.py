"""One real service for all tests of this folder; each test has pipelines and targets of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.database import enterable_folder
from tests.live import Service, service


@pytest.fixture(scope="session")
def live() -> Iterator[Service]:
    with enterable_folder() as folder, service(folder) as running:
        yield running
