"""The drop-folder sensor: one run per state of the folders, none while files are being written."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.ingest import drop_folder as sensor_module
from orchestration.defs.ingest.drop_folder import drop_folder


class Folder:
    """A drop folder and a sensor that looks at it at times of our choosing."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.landing = home / "landing"
        self.cursor: str | None = None
        self.now = 1_000_000.0
        self.instance = dg.DagsterInstance.ephemeral()
        monkeypatch.setattr(sensor_module, "seconds_now", lambda: self.now)

    def drop(self, name: str, text: str = "a") -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def look(self, after: float = 0) -> list[str]:
        """Return the run keys asked for; ``after`` seconds pass before."""
        self.now += after
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = drop_folder.evaluate_tick(context)
        self.cursor = result.cursor
        return [request.run_key or "" for request in result.run_requests or []]

    def settle(self) -> list[str]:
        return [*self.look(), *self.look(after=31)]


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("CADENCIA_HOME", str(home))
    monkeypatch.setenv("CADENCIA_SOURCES", "cdnow,complete_journey")
    return Folder(home, monkeypatch)


def test_an_empty_or_missing_folder_starts_nothing(folder: Folder) -> None:
    assert folder.settle() == []
    folder.landing.mkdir(parents=True)
    assert folder.settle() == []


def test_a_new_file_starts_one_run_when_it_has_been_still(folder: Folder) -> None:
    folder.drop("cdnow/CDNOW_master.txt")
    assert folder.look() == []
    assert folder.look(after=29) == []
    (key,) = folder.look(after=1)
    assert folder.look(after=100) == []
    assert folder.look(after=100) == []
    folder.drop("cdnow/2024/more.txt")
    (other,) = folder.settle()
    assert other != key


def test_a_file_that_grows_waits_even_when_its_times_stay(folder: Folder) -> None:
    path = folder.drop("cdnow/CDNOW_master.txt")
    folder.look()
    for size in range(2, 6):
        path.write_text("a" * size)
        os.utime(path, (0, 0))
        assert folder.look(after=20) == []
    assert folder.look(after=29) == []
    assert len(folder.look(after=1)) == 1


def test_a_changed_file_is_news_a_removed_one_is_not(folder: Folder) -> None:
    path = folder.drop("cdnow/CDNOW_master.txt")
    folder.drop("complete_journey/transactions.parquet")
    assert len(folder.settle()) == 1
    os.utime(path, (1, 1))
    assert len(folder.settle()) == 1
    path.unlink()
    assert folder.settle() == []
    folder.drop("cdnow/CDNOW_master.txt", "longer")
    assert len(folder.settle()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "cdnow/big.csv.part",
        "cdnow/big.csv.tmp",
        "cdnow/.hidden",
        "cdnow/~$casos.xlsx",
        "cdnow/dms.sqlite-wal",
        "cdnow/.cache/big.csv",
        "erp/of_a_system_that_is_not_enabled.csv",
        "stray.csv",
    ],
)
def test_what_is_unfinished_or_not_ours_is_left_alone(folder: Folder, name: str) -> None:
    folder.drop(name)
    assert folder.settle() == []


def test_a_memory_that_can_not_be_read_counts_as_none(folder: Folder) -> None:
    folder.drop("cdnow/CDNOW_master.txt")
    folder.cursor = "not json"
    assert len(folder.settle()) == 1


def test_the_wait_is_a_setting(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_SENSOR_SETTLE_SECONDS", "300")
    folder.drop("cdnow/CDNOW_master.txt")
    folder.look()
    assert folder.look(after=299) == []
    assert len(folder.look(after=1)) == 1
