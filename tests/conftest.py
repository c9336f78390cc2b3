"""Shared fixtures: deployments in temporary folders, samples of the packaged data, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks.journey_sample import write_sample

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SAMPLE_HOUSEHOLDS = 150


def drop_journey_sample(home: Path, *, before: str | None = None) -> Path:
    """Drop a sample of households into the landing folder; ``before`` cuts events at a date."""
    return write_sample(home, SAMPLE_HOUSEHOLDS, before)


def environment_of(home: Path, **extra: str) -> dict[str, str]:
    """Return the environment of a deployment, without the caller's own settings."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CADENCIA_", "DAGSTER_"))
    }
    return {**clean, "CADENCIA_HOME": str(home), "COLUMNS": "200", **extra}


def cadencia(*arguments: str, home: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment_of(home, **extra),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty deployment."""
    return tmp_path / "home"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return an in-memory database."""
    with duckdb.connect() as opened:
        yield opened
