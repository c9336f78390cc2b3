"""The atomic publish, rollback, pruning and the run lock, on plain files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.lib.errors import ConfigurationError, RunLockedError
from orchestration.lib.publishing import (
    current_run_dir,
    make_working_copy,
    publish,
    published_runs,
    rollback,
)
from orchestration.lib.run_lock import hold_run_lock


def publish_version(warehouse: Path, run_id: str, content: str, keep: int = 5) -> Path:
    folder = make_working_copy(warehouse, run_id)
    for name in ("crm.duckdb", "analytics.duckdb"):
        (folder / name).write_text(content)
    return publish(warehouse, folder, {"as_of_date": "2018-01-02"}, keep)


def read_both(warehouse: Path) -> tuple[str, str]:
    return (
        (warehouse / "crm.duckdb").read_text(),
        (warehouse / "analytics.duckdb").read_text(),
    )


def test_readers_see_the_last_published_version(tmp_path: Path) -> None:
    assert current_run_dir(tmp_path) is None
    publish_version(tmp_path, "run-1", "one")
    assert read_both(tmp_path) == ("one", "one")
    publish_version(tmp_path, "run-2", "two")
    assert read_both(tmp_path) == ("two", "two")
    assert [(run.run_id, run.is_current) for run in published_runs(tmp_path)] == [
        ("run-2", True),
        ("run-1", False),
    ]


def test_a_reader_keeps_the_version_it_opened(tmp_path: Path) -> None:
    publish_version(tmp_path, "run-1", "one", keep=1)
    with (tmp_path / "crm.duckdb").open() as reader:
        publish_version(tmp_path, "run-2", "two", keep=1)
        assert reader.read() == "one"


def test_a_working_copy_starts_from_the_published_one_and_stays_invisible(tmp_path: Path) -> None:
    publish_version(tmp_path, "run-1", "one")
    folder = make_working_copy(tmp_path, "run-2")
    assert (folder / "crm.duckdb").read_text() == "one"
    (folder / "crm.duckdb").write_text("half of two")
    assert read_both(tmp_path) == ("one", "one")


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    left = make_working_copy(tmp_path, "run-1")
    (left / "crm.duckdb").write_text("half")
    make_working_copy(tmp_path, "run-2")
    assert not left.exists()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = publish_version(tmp_path, "run-1", "one")
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "crm.duckdb").stat().st_mode & 0o077 == 0


def test_rollback_goes_back_one_version_or_to_a_named_one(tmp_path: Path) -> None:
    for run_id in ("run-a", "run-b", "run-c"):
        publish_version(tmp_path, run_id, run_id)
    assert rollback(tmp_path).run_id == "run-b"
    assert read_both(tmp_path) == ("run-b", "run-b")
    assert rollback(tmp_path).run_id == "run-a"
    with pytest.raises(ConfigurationError, match="no version before"):
        rollback(tmp_path)
    assert rollback(tmp_path, "run-c").run_id == "run-c"
    assert read_both(tmp_path) == ("run-c", "run-c")
    for wrong in ("nothing", "run-"):
        with pytest.raises(ConfigurationError, match="kept: run-c, run-b, run-a"):
            rollback(tmp_path, wrong)


def test_pruning_keeps_the_newest_and_the_current(tmp_path: Path) -> None:
    for number in range(4):
        publish_version(tmp_path, f"run-{number}", str(number), keep=2)
    assert [run.run_id for run in published_runs(tmp_path)] == ["run-3", "run-2"]


KILLED_PUBLISHER = """
import sys
from pathlib import Path
from orchestration.lib.publishing import make_working_copy, publish
warehouse = Path(sys.argv[1])
number = 0
while True:
    folder = make_working_copy(warehouse, f"run-{sys.argv[2]}-{number}")
    for name in ("crm.duckdb", "analytics.duckdb"):
        (folder / name).write_text(f"{sys.argv[2]}-{number}")
    publish(warehouse, folder, {}, 3)
    number += 1
"""


def test_a_publisher_killed_at_any_moment_leaves_a_whole_version(tmp_path: Path) -> None:
    publish_version(tmp_path, "run-0", "first")
    for attempt in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_PUBLISHER, str(tmp_path), str(attempt)]
        )
        time.sleep(0.25 + 0.037 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        crm, analytics = read_both(tmp_path)
        assert crm == analytics
        assert crm != ""
    publish_version(tmp_path, "run-last", "last")
    assert read_both(tmp_path) == ("last", "last")


def _hold_until(warehouse: Path, ready: object, release: object) -> None:
    with hold_run_lock(warehouse, "run-of-another"):
        ready.set()  # type: ignore[attr-defined]
        release.wait(30)  # type: ignore[attr-defined]


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, release = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold_until, args=(tmp_path, ready, release))
    other.start()
    assert ready.wait(30)
    with (
        pytest.raises(
            RunLockedError, match=rf"run-of-another \(process {other.pid}.*still writing"
        ),
        hold_run_lock(tmp_path, "mine"),
    ):
        pass
    release.set()
    other.join(30)
    with hold_run_lock(tmp_path, "mine"):
        assert str(os.getpid()) in (tmp_path / ".run.lock").read_text()


def test_a_killed_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, release = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold_until, args=(tmp_path, ready, release))
    other.start()
    assert ready.wait(30)
    other.kill()
    other.join(30)
    with hold_run_lock(tmp_path, "mine"):
        assert "mine" in (tmp_path / ".run.lock").read_text()
