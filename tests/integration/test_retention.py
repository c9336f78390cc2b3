"""The job `retention` on a simulated market: figures and files follow from what is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.lib.connection import open_published
from tests.conftest import cadencia
from tests.shared_runs import copy_home

# The tiny market has 120 days: a period that some of its visits outlive.
OWN_PERIODS = "classes: {web: {days: 40}}\n"


@pytest.mark.slow
def test_visits_older_than_their_period_are_gone_from_tables_figures_and_files(
    market_home: Path, tmp_path: Path
) -> None:
    home = copy_home(market_home, tmp_path / "home")
    (home / "privacy").mkdir(exist_ok=True, mode=0o700)
    (home / "privacy" / "retention.yml").write_text(OWN_PERIODS)
    before = sorted(path.name for path in (home / "landing" / "web").iterdir())
    foreseen = cadencia("retention", "--dry-run", home=home)
    assert foreseen.returncode == 0, foreseen.stderr
    assert sorted(path.name for path in (home / "landing" / "web").iterdir()) == before

    outcome = cadencia("retention", home=home)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    crm_file = home / "warehouse" / "crm.duckdb"
    with open_published(crm_file) as connection:
        ((cut, deleted, oldest),) = connection.execute(
            """select cut_date, rows_deleted, cast(oldest_kept_at as date) from privacy.retention
            where table_name = 'raw.web__events'"""
        ).fetchall()
        assert deleted > 0
        assert oldest >= cut
        ((sessions, first),) = connection.execute(
            "select count(*), cast(min(started_at) as date) from marts.fct_web_sessions"
        ).fetchall()
        assert sessions > 0
        # A session begins on the day of its first event, by the clock of the web.
        assert (cut - first).days <= 1
        ((orders,),) = connection.execute("select count(*) from marts.fct_orders").fetchall()
    with open_published(market_home / "warehouse" / "crm.duckdb") as connection:
        assert connection.execute("select count(*) from marts.fct_orders").fetchall() == [(orders,)]
    after = sorted(path.name for path in (home / "landing" / "web").iterdir())
    assert len(after) < len(before)
    log = json.loads(cadencia("audit-log", "--format", "json", home=home).stdout)
    assert [entry["action"] for entry in log][-3:] == [
        "retention",
        "publish",
        "retention_completed",
    ]
    assert log[-1]["details"]["rows"] >= deleted
    assert log[-1]["details"]["files"] == len(before) - len(after)
    assert cadencia("audit-log", "--verify", home=home).returncode == 0
