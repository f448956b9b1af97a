"""What the tests of the services share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.wire.platform import Platform, platform


@pytest.fixture
async def served() -> AsyncIterator[Platform]:
    async with platform(heartbeat=0.05) as made:
        yield made
