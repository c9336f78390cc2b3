"""Rotating the key of the pseudonyms: a new key, all kept versions under it, readers undisturbed."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.analytics import build_analytics, pseudonyms
from orchestration.lib.errors import CheckFailedError, ConfigurationError
from orchestration.lib.keys import load_key
from orchestration.lib.privacy import key_rotation
from orchestration.lib.privacy.audit_log import read_entries
from orchestration.lib.privacy.key_rotation import rotate_pseudonyms
from orchestration.lib.publishing import make_working_copy, publish, published_runs, rollback
from orchestration.settings import Settings

MANIFEST: dict[str, Any] = {"nodes": {}, "sources": {}}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CADENCIA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CADENCIA_PSEUDONYM_KEY", raising=False)
    return Settings()


def publish_version(settings: Settings, run_id: str, customers: int) -> None:
    folder = make_working_copy(settings.warehouse_dir, run_id)
    with duckdb.connect(str(folder / "crm.duckdb")) as connection:
        connection.execute(
            f"""create schema if not exists marts; create schema if not exists privacy;
            create or replace table marts.dim_customers as
                select 'C' || n as customer_id from range({customers}) as r(n);
            create or replace table privacy.personal_columns as
                select 'marts' as schema_name, 'dim_customers' as table_name,
                'customer_id' as column_name, 'customer_key' as data_class,
                'customer_key' as identifier_kind"""
        )
    key = load_key("pseudonym", "", settings.keys_dir)
    columns = key_rotation.registry_of(folder / "crm.duckdb", MANIFEST)
    build_analytics(folder / "crm.duckdb", folder / "analytics.duckdb", columns, key)
    publish(settings.warehouse_dir, folder, {"as_of_date": "2026-01-01"}, keep=5)


def analysts_see(settings: Settings) -> set[str]:
    path = (settings.warehouse_dir / "analytics.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return {row[0] for row in connection.execute("from marts.dim_customers").fetchall()}


def test_every_kept_version_changes_its_pseudonyms(settings: Settings) -> None:
    publish_version(settings, "first", 2)
    publish_version(settings, "second", 3)
    old_key, before = load_key("pseudonym", "", settings.keys_dir), analysts_see(settings)
    opened = duckdb.connect(
        str((settings.warehouse_dir / "analytics.duckdb").resolve()), read_only=True
    )
    done = rotate_pseudonyms(settings, MANIFEST)
    new_key = load_key("pseudonym", "", settings.keys_dir)
    assert new_key != old_key
    assert stat.S_IMODE((settings.keys_dir / "pseudonym.key").stat().st_mode) == 0o600
    assert [path.name for path in settings.keys_dir.glob("*pseudonym*")] == ["pseudonym.key"]
    assert analysts_see(settings) == set(pseudonyms(["C0", "C1", "C2"], new_key))
    assert not analysts_see(settings) & before
    # Who had the file open goes on with what it opened.
    assert {row[0] for row in opened.execute("from marts.dim_customers").fetchall()} == before
    runs = published_runs(settings.warehouse_dir)
    assert [run.run_id for run in runs] == [done.run_id, "second", "first"]
    assert done.rebuilt == 2
    rollback(settings.warehouse_dir, "first")
    assert analysts_see(settings) == set(pseudonyms(["C0", "C1"], new_key))
    for file in settings.warehouse_dir.rglob("*"):
        assert file.is_symlink() or not file.stat().st_mode & 0o077, file
    (entry,) = read_entries(settings.home)
    assert (entry.action, entry.details) == ("rotate_key", {"key": "pseudonym"})


def test_a_key_of_the_environment_is_used_and_not_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version(settings, "first", 1)
    kept = (settings.keys_dir / "pseudonym.key").read_text()
    monkeypatch.setenv("CADENCIA_PSEUDONYM_KEY", "another sufficiently long key")
    assert rotate_pseudonyms(Settings(), MANIFEST).is_key_from_environment
    assert analysts_see(settings) == set(pseudonyms(["C0"], b"another sufficiently long key"))
    assert (settings.keys_dir / "pseudonym.key").read_text() == kept


def test_nothing_changes_when_nothing_is_published(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="Nothing is published yet"):
        rotate_pseudonyms(settings, MANIFEST)
    assert not settings.keys_dir.exists()


@pytest.mark.parametrize("step", ["_publish_again", "_rebuild"])
def test_a_rotation_that_was_killed_is_run_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    publish_version(settings, "first", 2)
    publish_version(settings, "second", 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rotate_pseudonyms(settings, MANIFEST)
    rotate_pseudonyms(settings, MANIFEST)
    expected = set(pseudonyms(["C0", "C1"], load_key("pseudonym", "", settings.keys_dir)))
    for run in published_runs(settings.warehouse_dir):
        rollback(settings.warehouse_dir, run.run_id)
        assert analysts_see(settings) == expected


def test_an_identifier_in_the_new_database_stops_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version(settings, "first", 1)
    monkeypatch.setattr(key_rotation, "leaks_in_analytics", lambda *_: [_leak()])
    with pytest.raises(CheckFailedError, match=r"marts\.t\.x: 1 known"):
        rotate_pseudonyms(settings, MANIFEST)
    (run,) = published_runs(settings.warehouse_dir)
    assert (run.run_id, run.is_current) == ("first", True)
    assert not list((settings.warehouse_dir / "work").glob("*"))
    assert json.loads((settings.warehouse_dir / "runs/first/run.json").read_text())


def _leak() -> object:
    from orchestration.lib.privacy.leaks import Leak

    return Leak("marts.t.x", "email", 1, 1)
