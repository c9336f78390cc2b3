"""What others could read of a deployment is found, with the remedy; what we make is the owner's only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.doctor import _exposure
from orchestration.lib.keys import load_key, replace_key
from orchestration.lib.privacy.exposure import misplaced_keys, secrets_in_files, weak_modes
from orchestration.lib.private_files import private_folder, write_private
from orchestration.lib.publishing import make_working_copy
from orchestration.lib.run_lock import hold_run_lock
from orchestration.settings import DBT_PROJECT_DIR, Settings


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = private_folder(tmp_path / "home")
    for name in ("keys", "landing", "warehouse", "dagster", "privacy", "quarantine"):
        private_folder(home / name)
        write_private(home / name / "file", "x")
    write_private(home / "keys" / "pseudonym.key", "x" * 64)
    return home


def test_what_we_make_is_for_its_owner_whatever_the_umask(
    tmp_path: Path, usual_umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "unset")
    home = tmp_path / "new" / "home"
    with hold_run_lock(home / "warehouse", "a"):
        make_working_copy(home / "warehouse", "a")
    load_key("pseudonym", "", home / "keys")
    replace_key("pseudonym", home / "keys")
    prepare_dagster_home(home / "dagster")
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(made) >= 9
    for path in made:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_a_guarded_deployment_is_clean(home: Path) -> None:
    assert weak_modes(home) == []
    home.chmod(0o755)
    assert weak_modes(home) == []


@pytest.mark.parametrize(
    "name", ["landing", "warehouse", "dagster", "privacy", "quarantine", "outbox", "audit.html"]
)
def test_a_folder_or_file_that_others_reach_is_found(home: Path, name: str) -> None:
    path = home / name
    if name == "audit.html":
        write_private(path, "x")
        path.chmod(0o644)
    else:
        private_folder(path).chmod(0o750)
    # The home itself guards it.
    assert weak_modes(home) == []
    home.chmod(0o755)
    (found,) = weak_modes(home)
    assert found.path == path
    assert str(path) in found.remedy
    assert found.remedy.startswith("chmod")


def test_the_doctor_warns_of_folders_and_refuses_keys(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADENCIA_HOME", str(home))
    home.chmod(0o755)
    (home / "landing").chmod(0o755)
    (modes,) = [f for f in _exposure(Settings()) if f.name == "file modes"]
    assert (modes.is_good, modes.is_warning) == (False, True)
    (home / "keys" / "pseudonym.key").chmod(0o644)
    (modes,) = [f for f in _exposure(Settings()) if f.name == "file modes"]
    assert (modes.is_good, modes.is_warning) == (False, False)


def test_a_key_has_to_be_guarded_by_itself(home: Path) -> None:
    (home / "keys" / "pseudonym.key").chmod(0o640)
    (found,) = weak_modes(home)
    assert found.remedy == f"chmod 600 {home / 'keys' / 'pseudonym.key'}"


def test_what_the_project_brings_may_be_read(home: Path) -> None:
    home.chmod(0o755)
    (home / "README.md").write_text("x")
    (home / "README.md").chmod(0o644)
    assert weak_modes(home) == []


def test_keys_beside_the_data_are_found(home: Path) -> None:
    assert misplaced_keys(home, home / "keys") == []
    write_private(home / "warehouse" / "pseudonym.key", "x")
    (found,) = misplaced_keys(home, home / "keys")
    assert found.path == home / "warehouse" / "pseudonym.key"


def test_a_folder_of_keys_that_leads_into_the_warehouse_is_found(
    home: Path, tmp_path: Path
) -> None:
    private_folder(home / "warehouse" / "k")
    link = tmp_path / "keys"
    link.symlink_to(home / "warehouse" / "k")
    assert [each.path for each in misplaced_keys(home, link)] == [
        home / "keys" / "pseudonym.key",
        link,
    ]


@pytest.mark.parametrize(
    "line",
    [
        "password: Secret123",
        '  db_password: "Secret123"',
        "api_key = abcdef123456",
        '{"client_secret": "abc"}',
        "headers: {Authorization: Bearer abcdef}",
        "url: postgresql://reader:Secret123@db.example/crm",
        "access_token: abc",
    ],
)
def test_a_secret_in_plain_words_is_found_without_telling_it(tmp_path: Path, line: str) -> None:
    (tmp_path / "sources.yml").write_text(f"version: 2\n{line}\n")
    (found,) = secrets_in_files([tmp_path])
    assert str(found.path).endswith("sources.yml:2")
    assert "ecret123" not in found.remedy
    assert "abc" not in found.remedy


@pytest.mark.parametrize(
    "line",
    [
        "# password: Secret123",
        "password: \"{{ env_var('PASSWORD') }}\"",
        "token: ${TOKEN}",
        "auth: {type: bearer}",
        "description: Number of the password reset mail.",
        "access_token_url: https://login.example/token",
        "location: database://crm.customers",
        "url: https://shop.example/api",
        "next_token:",
    ],
)
def test_references_and_prose_are_no_secrets(tmp_path: Path, line: str) -> None:
    (tmp_path / "sources.yml").write_text(line)
    assert secrets_in_files([tmp_path]) == []


def test_the_project_itself_holds_no_secret() -> None:
    assert secrets_in_files([DBT_PROJECT_DIR]) == []
