"""What the machine gives to runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.domain.errors import RunError
from etlplus.executor.environment import Environment, Secrets
from etlplus.executor.preparation import make_folder


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "crm.password").write_text("hunter2\n", encoding="utf-8")
    (tmp_path / "outside").write_text("not yours", encoding="utf-8")
    return Secrets(
        Environment(tmp_path, (tmp_path,), {"CRM": "from env", "EMPTY": ""}, None, folder)
    )


def test_references_lead_to_variables_and_files(secrets: Secrets, tmp_path: Path) -> None:
    assert secrets.resolve("env:CRM") == "from env"
    assert secrets.resolve("env:EMPTY") == ""
    assert secrets.resolve(f"file:{tmp_path}/secrets/crm.password") == "hunter2"


def test_names_lead_to_files_of_one_folder(secrets: Secrets) -> None:
    assert secrets.named("crm.password") == "hunter2"


@pytest.mark.parametrize(
    "reference", ["env:NOT_SET", "env:", "file:", "file:/does/not/exist", "hunter2", "http:x", ""]
)
def test_references_that_lead_nowhere_are_refused(secrets: Secrets, reference: str) -> None:
    with pytest.raises(RunError) as caught:
        secrets.resolve(reference)
    assert caught.value.code == "SECRET_UNRESOLVED"


@pytest.mark.parametrize("name", ["nobody", "../outside", ".", "..", "", "/etc/hostname"])
def test_names_do_not_leave_the_folder(secrets: Secrets, name: str) -> None:
    with pytest.raises(RunError) as caught:
        secrets.named(name)
    assert caught.value.code == "SECRET_UNRESOLVED"


def test_without_a_folder_there_are_no_named_secrets(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder of secrets is set"):
        Secrets(Environment(tmp_path, ())).named("crm")


def test_devices_and_binary_files_are_not_secrets(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in ("/dev/zero", str(tmp_path / "binary"), str(tmp_path)):
        with pytest.raises(RunError):
            secrets.resolve(f"file:{path}")


def test_secrets_do_not_show(tmp_path: Path) -> None:
    shown = repr(Environment(tmp_path, (), {"CRM": "hunter2"}, {"password": "hunter2"}))
    assert "hunter2" not in shown


def test_work_folders_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_said_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        make_folder(tmp_path / "file" / "work")
    assert caught.value.code == "SINK_UNWRITABLE"


def test_folders_are_named_by_load_and_epoch(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ())
    assert environment.work_dir("ab", 7) == tmp_path / "work" / "ab-7"
    assert environment.rejects_file("ab") == tmp_path / "rejects" / "ab.arrow"
