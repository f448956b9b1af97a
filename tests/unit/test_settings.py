"""Where settings come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus import settings
from etlplus.domain.errors import InvalidInput
from etlplus.settings import Settings, load, parse_listen, visible_environment


@pytest.fixture(autouse=True)
def _nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_the_defaults_are_safe() -> None:
    found = load()
    assert found.listen == "127.0.0.1:7433"
    assert not found.insecure_plaintext
    assert not found.reflection_without_token
    assert found.database_url is None
    assert found.file_roots == (Path.cwd(),)


def test_state_lies_in_the_checkout_and_elsewhere_in_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = settings.checkout()
    assert root is not None
    assert load().data_dir == root / ".etlplus"
    monkeypatch.setattr(settings, "checkout", lambda: None)
    assert load().data_dir == tmp_path / "data" / "etlplus"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load().data_dir == tmp_path / ".local" / "share" / "etlplus"
    monkeypatch.setenv("ETLPLUS_DATA_DIR", "elsewhere")
    assert load().data_dir == Path.cwd() / "elsewhere"


def test_the_nearest_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = tmp_path / "settings.toml"
    toml.write_text('listen = "127.0.0.1:1"\nworker_slots = 7\ndatabase_url = "from toml"\n')
    monkeypatch.setenv("ETLPLUS_CONFIG", str(toml))
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "etlplus_database_url").write_text("from secrets\n")
    assert load().listen == "127.0.0.1:1"
    monkeypatch.setenv("ETLPLUS_SECRETS_DIR", str(secrets))
    assert _url(load()) == "from secrets"
    file = tmp_path / "url"
    file.write_text("from file\n")
    monkeypatch.setenv("ETLPLUS_DATABASE_URL_FILE", str(file))
    assert _url(load()) == "from file"
    monkeypatch.setenv("ETLPLUS_DATABASE_URL", "from variable")
    monkeypatch.setenv("ETLPLUS_LISTEN", "127.0.0.1:2")
    assert (_url(load()), load().listen) == ("from variable", "127.0.0.1:2")
    assert load(listen="127.0.0.1:3", worker_slots=None).listen == "127.0.0.1:3"
    assert load(worker_slots=None).worker_slots == 7


def test_the_users_own_file_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "etlplus"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('job_memory = "64MiB"\n')
    assert load().job_memory == 64 << 20


def test_lists_are_written_as_paths_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETLPLUS_FILE_ROOTS", "/a:/b")
    assert load().file_roots == (Path("/a"), Path("/b"))
    assert load(file_roots=(Path("/c"),)).file_roots == (Path("/c"),)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"listen": "nowhere"}, "ETLPLUS_LISTEN"),
        ({"listen": "::1:80"}, "ETLPLUS_LISTEN"),
        ({"listen": "127.0.0.1:99999"}, "ETLPLUS_LISTEN"),
        ({"lease_seconds": "soon"}, "ETLPLUS_LEASE_SECONDS"),
        ({"job_memory": "1"}, "ETLPLUS_JOB_MEMORY"),
        ({"log_format": "xml"}, "ETLPLUS_LOG_FORMAT"),
        ({"file_roots": ()}, "ETLPLUS_FILE_ROOTS"),
        ({"nonsense": "1"}, "ETLPLUS_NONSENSE"),
        ({"tls_cert": "/x"}, "tls_cert and tls_key"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        load(**values)


def test_every_wrong_setting_is_named_at_once_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ETLPLUS_WORKER_SLOTS", "hunter2")
    monkeypatch.setenv("ETLPLUS_LEASE_SECONDS", "hunter2")
    with pytest.raises(InvalidInput) as refused:
        load()
    assert "ETLPLUS_WORKER_SLOTS" in refused.value.message
    assert "ETLPLUS_LEASE_SECONDS" in refused.value.message
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", ["listen =", "[[["])
def test_a_file_that_is_not_toml_is_an_error(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.toml").write_text(content)
    monkeypatch.setenv("ETLPLUS_CONFIG", str(tmp_path / "bad.toml"))
    with pytest.raises(InvalidInput):
        load()


@pytest.mark.parametrize("name", ["ETLPLUS_CONFIG", "ETLPLUS_DATABASE_URL_FILE"])
def test_a_file_that_is_named_and_missing_is_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/no/such/file")
    with pytest.raises(InvalidInput, match="/no/such/file"):
        load()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETLPLUS_DATABASE_URL", "postgres://u:hunter2@h/d")
    monkeypatch.setenv("ETLPLUS_TOKEN", "hunter2")
    found = load()
    assert "hunter2" not in repr(found) + str(found) + found.model_dump_json()


def test_pipelines_do_not_see_the_services_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETLPLUS_DATABASE_URL", "secret")
    monkeypatch.setenv("REGION", "north")
    seen = visible_environment()
    assert seen["REGION"] == "north"
    assert not any(name.startswith("ETLPLUS_") for name in seen)


@pytest.mark.parametrize(
    ("listen", "server", "target"),
    [
        ("127.0.0.1:7", "", "127.0.0.1:7"),
        ("0.0.0.0:7", "", "127.0.0.1:7"),
        ("[::]:7", "", "[::1]:7"),
        ("host:7", "other:8", "other:8"),
    ],
)
def test_commands_know_where_the_server_is(listen: str, server: str, target: str) -> None:
    assert load(listen=listen, server=server).target == target


@pytest.mark.parametrize(
    ("listen", "parsed"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:80", ("::1", 80)), ("a.b:65535", ("a.b", 65535))],
)
def test_addresses_are_taken_apart(listen: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(listen) == parsed


def _url(found: Settings) -> str:
    assert found.database_url is not None
    return found.database_url.get_secret_value()


def test_queues_are_names_joined_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().queues == ("default",)
    monkeypatch.setenv("ETLPLUS_QUEUES", "default, heavy")
    assert load().queues == ("default", "heavy")
    for wrong in ("Heavy", ",", "a b"):
        monkeypatch.setenv("ETLPLUS_QUEUES", wrong)
        with pytest.raises(InvalidInput, match="ETLPLUS_QUEUES"):
            load()
