"""A service in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.app.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Service:
    return Service(tmp_path)
