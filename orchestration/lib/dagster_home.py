"""The Dagster instance that the CLI and the UI share, under ``CADENCIA_HOME/dagster``."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

DAGSTER_YAML = """\
# Written by cadencia; delete the file to get it again.
telemetry:
  enabled: false
run_monitoring:
  enabled: true
"""


def prepare_dagster_home(dagster_home: Path) -> Path:
    """Create the folder and its ``dagster.yaml``, and point ``DAGSTER_HOME`` at it."""
    dagster_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    configuration = dagster_home / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(DAGSTER_YAML)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    return dagster_home


def open_instance(dagster_home: Path) -> dg.DagsterInstance:
    """Open the shared instance."""
    prepare_dagster_home(dagster_home)
    return dg.DagsterInstance.from_config(str(dagster_home))
