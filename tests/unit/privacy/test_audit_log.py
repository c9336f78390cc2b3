"""The audit log: appending from several processes, surviving kill -9, and what the commands record."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.lib.errors import CheckFailedError, ConfigurationError
from orchestration.lib.privacy.audit_log import (
    Anchor,
    anchor_file,
    append,
    load_audit_key,
    log_file,
    read_anchor,
    read_entries,
    subject_pseudonym,
    write_anchor,
)
from orchestration.lib.privacy.audit_log_console import print_verification
from orchestration.lib.privacy.audit_log_table import load_audit_log
from orchestration.lib.privacy.audit_log_verification import Head, verify
from orchestration.lib.publishing import make_working_copy, publish
from orchestration.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def write_entries(home: Path, count: int) -> None:
    for number in range(count):
        append(home, "publish", {"number": number}, now=NOW)


def test_entries_are_numbered_chained_and_for_their_owner_only(tmp_path: Path) -> None:
    first = append(tmp_path, "publish", {"run_id": "a"}, now=NOW)
    second = append(tmp_path, "erase", {}, now=NOW, subject=subject_pseudonym(tmp_path, "C1"))
    assert [first.sequence, second.sequence] == [1, 2]
    assert first.previous == "0" * 64
    assert second.previous == first.hash
    assert second.at == "2026-01-02T03:04:05.000000+00:00"
    assert read_entries(tmp_path) == [first, second]
    for file in (log_file(tmp_path), anchor_file(tmp_path)):
        assert file.stat().st_mode & 0o077 == 0
    assert log_file(tmp_path).parent.stat().st_mode & 0o077 == 0
    result = verify(tmp_path)
    assert (result.is_good, result.count, result.head) == (True, 2, second.hash)


def test_a_person_stands_there_as_a_keyed_pseudonym(tmp_path: Path) -> None:
    pseudonym = subject_pseudonym(tmp_path, "C1")
    assert pseudonym == subject_pseudonym(tmp_path, "C1") != subject_pseudonym(tmp_path, "C2")
    assert pseudonym != subject_pseudonym(tmp_path / "other deployment", "C1")


def test_what_looks_like_personal_data_is_withheld(tmp_path: Path) -> None:
    run_id = "3f2504e0-4f89-11d3-9a0c-612345678901"
    append(
        tmp_path,
        "erase",
        {
            "note": "ana@example.es, +34 612 345 678 and 12345678Z",
            "of": ["612345678"],
            "run": run_id,
        },
        now=NOW,
    )
    content = log_file(tmp_path).read_text()
    assert run_id in content
    for personal in ("ana@", "612 345 678", '"612345678"', "12345678Z"):
        assert personal not in content.replace(run_id, "")


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        append(tmp_path, "publish", {}, now=datetime(2026, 1, 1))


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert verify(tmp_path).is_good
    assert not anchor_file(tmp_path).exists()


def test_several_processes_never_fork_the_chain(tmp_path: Path) -> None:
    load_audit_key(tmp_path)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=write_entries, args=(tmp_path, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    result = verify(tmp_path)
    assert (result.fault, result.count) == ("", 100)


APPENDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from orchestration.lib.privacy.audit_log import append
for number in range(10_000):
    entry = append(Path(sys.argv[1]), "publish", {"n": number}, now=datetime.now(UTC))
    print(entry.sequence, flush=True)
"""


def test_no_kill_loses_an_entry_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for seed in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(random.Random(seed).uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        acknowledged = int(lines[-1])
        result = verify(tmp_path)
        assert result.fault == ""
        assert result.count in (acknowledged, acknowledged + 1)
    append(tmp_path, "publish", {}, now=NOW)
    assert verify(tmp_path).count >= acknowledged + 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99, 1.0])
def test_a_torn_line_is_completed(tmp_path: Path, share: float) -> None:
    """The states that a kill leaves: the anchor is pending, the line is there up to some byte."""
    write_entries(tmp_path, 2)
    whole = log_file(tmp_path).read_bytes()
    key = load_audit_key(tmp_path)
    anchor = read_anchor(tmp_path, key)
    assert anchor is not None
    length = len(anchor.entry.line())
    written = len(whole) - 1 - length + int(share * length)
    os.truncate(log_file(tmp_path), written)
    write_anchor(tmp_path, key, Anchor(anchor.entry, is_committed=False))
    assert verify(tmp_path).fault == ""
    assert log_file(tmp_path).read_bytes() == whole
    write_entries(tmp_path, 1)
    assert (verify(tmp_path).fault, verify(tmp_path).count) == ("", 3)


def test_an_end_that_was_cut_off_stays_a_gap_after_later_entries(tmp_path: Path) -> None:
    write_entries(tmp_path, 4)
    lines = log_file(tmp_path).read_bytes().splitlines(keepends=True)
    log_file(tmp_path).write_bytes(b"".join(lines[:2]))
    assert "Entry 3 and those after it were cut off" in verify(tmp_path).fault
    write_entries(tmp_path, 1)
    assert verify(tmp_path).fault.startswith("Entry 3 was deleted")


def test_a_lost_anchor_is_noted_for_ever(tmp_path: Path) -> None:
    write_entries(tmp_path, 2)
    anchor_file(tmp_path).unlink()
    assert "anchor" in verify(tmp_path).fault
    write_entries(tmp_path, 1)
    result = verify(tmp_path)
    assert (result.fault, result.count) == ("", 4)
    assert "entry 3" in result.notes[0]


def test_log_and_anchor_put_back_together_differ_from_a_noted_head(tmp_path: Path) -> None:
    write_entries(tmp_path, 2)
    old = {file: file.read_bytes() for file in (log_file(tmp_path), anchor_file(tmp_path))}
    write_entries(tmp_path, 1)
    head = Head(3, verify(tmp_path).head, "the noted head")
    for file, content in old.items():
        file.write_bytes(content)
    assert verify(tmp_path).is_good
    assert "Entry 3" in verify(tmp_path, [head]).fault
    append(tmp_path, "erase", {}, now=NOW)
    assert "Entry 3 is another one" in verify(tmp_path, [head]).fault


def test_another_key_can_not_write_the_chain_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_entries(tmp_path, 2)
    monkeypatch.setenv("CADENCIA_AUDIT_KEY", "somebody else's key")
    log_file(tmp_path).unlink()
    anchor_file(tmp_path).unlink()
    write_entries(tmp_path, 2)
    assert verify(tmp_path).is_good
    monkeypatch.delenv("CADENCIA_AUDIT_KEY")
    assert verify(tmp_path).fault.startswith("Entry 1 (line 1) was altered")


def test_what_can_not_be_recorded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "privacy").write_text("a file where the folder belongs")
    with pytest.raises(ConfigurationError, match="nothing is done"):
        append(tmp_path, "publish", {}, now=NOW)


def published(home: Path) -> Settings:
    """Publish a version that has the log's table."""
    settings = Settings(home=home)
    folder = make_working_copy(settings.warehouse_dir, "run-1")
    columns = {
        "sequence": "bigint", "logged_at": "timestamp", "actor": "varchar", "action": "varchar",
        "subject": "varchar", "details": "varchar", "previous": "varchar", "hash": "varchar",
    }  # fmt: skip
    for name in ("crm.duckdb", "analytics.duckdb"):
        with duckdb.connect(str(folder / name)) as connection:
            assert load_audit_log(connection, read_entries(home), columns) == len(
                read_entries(home)
            )
    publish(settings.warehouse_dir, folder, {}, 5)
    return settings


def test_published_versions_vouch_for_the_head_they_knew(tmp_path: Path) -> None:
    write_entries(tmp_path, 3)
    settings = published(tmp_path)
    console = Console(file=(tmp_path / "out").open("w"))
    print_verification(settings, "", console)
    log_file(tmp_path).unlink()
    anchor_file(tmp_path).unlink()
    write_entries(tmp_path, 1)
    with pytest.raises(CheckFailedError, match="Entry 2 and those after it were cut off"):
        print_verification(settings, "", console)
    with pytest.raises(ConfigurationError, match="--expect"):
        print_verification(settings, "nonsense", console)


def test_the_table_has_the_entries_with_their_types(tmp_path: Path) -> None:
    append(tmp_path, "erase", {"rows": 3}, now=NOW, subject="S1", actor="ana")
    settings = published(tmp_path)
    with duckdb.connect(str(settings.warehouse_dir / "crm.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select sequence, logged_at, actor, action, subject, details from privacy.audit_log"
        ).fetchall()
    assert rows == [(1, NOW.replace(tzinfo=None), "ana", "erase", "S1", json.dumps({"rows": 3}))]


def test_looking_at_personal_data_is_recorded_without_what_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from orchestration.lib.sql_shell import run_query

    append(tmp_path, "publish", {}, now=NOW)
    settings = published(tmp_path)
    console = Console(file=(tmp_path / "out").open("w"))
    query = "select * from privacy.audit_log where actor = 'ana.garcia@example.es'"
    run_query(settings, "crm", query, "csv", 10, console)
    run_query(settings, "analytics", "select 1", "csv", 10, console)
    last = read_entries(tmp_path)[-1]
    assert (last.action, last.details["tables"]) == ("sql_crm", ["privacy.audit_log"])
    assert len(read_entries(tmp_path)) == 2
    assert "ana" not in log_file(tmp_path).read_text()


def test_a_rollback_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from orchestration.cli import app

    append(tmp_path, "publish", {}, now=NOW)
    settings = published(tmp_path)
    folder = make_working_copy(settings.warehouse_dir, "run-2")
    (folder / "analytics.duckdb").touch()
    publish(settings.warehouse_dir, folder, {"as_of_date": "2026-01-02"}, 5)
    monkeypatch.setenv("CADENCIA_HOME", str(tmp_path))
    outcome = CliRunner().invoke(app, ["rollback", "run-1"])
    assert outcome.exit_code == 0
    last = read_entries(tmp_path)[-1]
    assert (last.action, last.details["run_id"]) == ("rollback", "run-1")


def test_the_doctor_says_when_the_log_was_altered(tmp_path: Path) -> None:
    from orchestration.lib.doctor import _audit_log

    write_entries(tmp_path, 2)
    settings = Settings(home=tmp_path)
    assert _audit_log(settings).detail == "2 entries, whole"
    log_file(tmp_path).write_bytes(log_file(tmp_path).read_bytes().replace(b"publish", b"erase", 1))
    finding = _audit_log(settings)
    assert not finding.is_good
    assert "Entry 1" in finding.detail
