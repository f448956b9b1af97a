"""Where commands find the server and the token."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from etlplus.cli.service import keep
from etlplus.cli.session import Remote, record, recorded, session, token
from etlplus.settings import load


def test_a_running_server_records_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETLPLUS_DATA_DIR", str(tmp_path))
    with record(tmp_path, "127.0.0.1:9", 1), session(Remote()) as opened:
        assert recorded(tmp_path) == "127.0.0.1:9"
        assert opened.address == "127.0.0.1:9"
    assert recorded(tmp_path) == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"address": 1}'])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text)
    assert recorded(tmp_path) == ""


def test_what_is_given_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETLPLUS_DATA_DIR", str(tmp_path))
    with record(tmp_path, "127.0.0.1:9", 1):
        monkeypatch.setenv("ETLPLUS_SERVER", "127.0.0.1:8")
        with session(Remote()) as opened:
            assert opened.address == "127.0.0.1:8"
        with session(Remote(server="127.0.0.1:7", workspace="other")) as opened:
            assert opened.address == "127.0.0.1:7"
            assert opened.pipeline("a") == "workspaces/other/pipelines/a"
            assert opened.connection("workspaces/x/connections/c") == "workspaces/x/connections/c"


def test_the_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    assert token(settings) is None
    keep("etlp_first", settings)
    keep("etlp_second", settings)
    assert token(settings) == "etlp_second"
    assert stat.S_IMODE(settings.token_file.stat().st_mode) == 0o600
    assert token(load(data_dir=tmp_path, token="etlp_given")) == "etlp_given"
