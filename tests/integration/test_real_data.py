"""The packaged data sets, whole, against the numbers that are known of them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.conftest import cadencia

pytestmark = pytest.mark.slow


def run(home: Path, source: str) -> duckdb.DuckDBPyConnection:
    outcome = cadencia("run", "--sources", source, home=home)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return duckdb.connect(str((home / "warehouse" / "crm.duckdb").resolve()), read_only=True)


def test_complete_journey(home: Path) -> None:
    with run(home, "complete_journey") as connection:
        assert connection.execute(
            """select
                (select sum(rows_delivered) from raw._batches where table_name = 'transactions'),
                (select count(*) from marts.fct_order_lines),
                (select count(*) from marts.fct_orders),
                (select count(*) from marts.dim_customers),
                (select sum(net_amount)::double from marts.fct_orders),
                (select as_of_date::varchar from ops.settings),
                (select count(*) from marts.fct_messages),
                (select unknown_lines from quality.unknown_members where dimension = 'product')"""
        ).fetchall() == [
            (1_469_307, 1_469_307, 155_848, 2_469, 4_596_039.58, "2018-01-02", 6_589, 4_836)
        ]
        ((top_20_share,),) = connection.execute(
            "select revenue_share from marts.pareto_curve where customer_percentile = 20"
        ).fetchall()
        assert round(top_20_share, 3) == 0.546
        ((plays,),) = connection.execute(
            "select count(distinct play) from plan.candidates"
        ).fetchall()
        assert plays >= 6
        assert connection.execute(
            "select count(*) from ml.model_runs "
            "where is_champion and not is_abstaining and model <> 'gamma_gamma'"
        ).fetchall() == [(1,)]


def test_cdnow(home: Path) -> None:
    with run(home, "cdnow") as connection:
        assert connection.execute(
            """select
                (select count(*) from marts.dim_customers), (select count(*) from marts.fct_orders),
                (select sum(net_amount)::double from marts.fct_orders),
                (select as_of_date::varchar from ops.settings)"""
        ).fetchall() == [(23_570, 69_659, 2_500_315.63, "1998-07-01")]
        ((horizon,),) = connection.execute(
            "select distinct horizon_days from ml.calibration"
        ).fetchall()
        assert horizon == 39 * 7
