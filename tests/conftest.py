"""What every test shares: isolation from the user's own settings."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Shared machines are slow at times; a test fails for what it found, not for how long it took.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away `ETLPLUS_…` variables, so that a test sees the settings it makes."""
    for name in list(os.environ):
        if name.startswith("ETLPLUS_") and not name.startswith("ETLPLUS_TEST_"):
            monkeypatch.delenv(name)
