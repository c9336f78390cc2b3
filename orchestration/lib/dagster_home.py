"""The Dagster instance that the CLI and the UI share, under ``CADENCIA_HOME/dagster``."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg

from orchestration.lib.private_files import private_folder, write_private

PROCESS_TAG = "cadencia/process"

# One event file instead of one a run: a run of the graph writes 1,300 events, and the default storage
# opens three files for each of them (5 s a run).
DAGSTER_YAML = """\
# Written by cadencia; delete the file to get it again.
nux:
  enabled: false
telemetry:
  enabled: false
run_monitoring:
  enabled: true
event_log_storage:
  module: dagster._core.storage.event_log
  class: ConsolidatedSqliteEventLogStorage
  config:
    base_dir: {base_dir}
"""


def prepare_dagster_home(dagster_home: Path) -> Path:
    """Create the folder and its ``dagster.yaml``, and point ``DAGSTER_HOME`` at it."""
    private_folder(dagster_home)
    configuration = dagster_home / "dagster.yaml"
    if not configuration.exists():
        base_dir = json.dumps(str(dagster_home / "history"))
        write_private(configuration, DAGSTER_YAML.format(base_dir=base_dir))
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    return dagster_home


def open_instance(dagster_home: Path) -> dg.DagsterInstance:
    """Open the shared instance."""
    prepare_dagster_home(dagster_home)
    return dg.DagsterInstance.from_config(str(dagster_home))


@contextmanager
def hold_databases_open(dagster_home: Path) -> Iterator[None]:
    """Keep one idle connection to each of the instance's SQLite files while a run writes to them.

    Dagster opens and closes a connection for every event. Closing the last connection to a file in
    WAL mode writes the whole log back and deletes it, a thousand times a run; with one more
    connection open, SQLite does it once at the end.
    """
    with ExitStack() as stack:
        for path in sorted(dagster_home.rglob("*.db")):
            connection = stack.enter_context(closing(sqlite3.connect(path)))
            connection.execute("select count(*) from sqlite_master").fetchone()
        yield


def close_orphans(instance: dg.DagsterInstance | None, run_id: str = "") -> None:
    """Mark command-line runs whose process is gone (kill -9, power cut) as failed, but not ``run_id``."""
    if instance is None:
        return
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(filters=started):
        process = run.tags.get(PROCESS_TAG)
        if run.run_id != run_id and process and not Path(f"/proc/{process}").exists():
            instance.report_run_failed(run, "The process of this run died; nothing was published.")
