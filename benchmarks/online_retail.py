"""UCI Online Retail II through the real job, beside the numbers that are known of its first year.

Runs `cadencia run --sources online_retail` on a copy of the file in a temporary deployment and prints
what the marts say. No file of the data set is shipped: the user names one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

# Sales of the first sheet: quantity and price above 0, no credit note, with a customer.
FIRST_YEAR = {"customers": 4_312, "orders": 19_213, "revenue": 8_832_003}
FIRST_YEAR_LINES = 525_461

SALES = """
    select
        count(distinct customer_id) as customers,
        count(*) as orders,
        cast(sum(net_amount) as double) as revenue
    from marts.fct_orders
    where is_purchase and customer_id is not null
"""
QUALITY = """
    select
        (select count(*) from marts.fct_order_lines) as lines,
        (select sum(repeated_lines) from quality.repeated_lines) as repeated_lines,
        (select count(*) from marts.fct_orders where is_return) as credit_notes,
        (select count(*) from marts.fct_orders where is_purchase and customer_id is null) as guest_orders,
        (select count(*) from marts.fct_order_lines where not is_product_line) as lines_without_product,
        (select sum(rows_rejected) from quality.reconciliation) as rows_rejected
"""


def run_job(home: Path) -> float:
    """Run the job on a deployment; return seconds of wall clock.

    Raises
    ------
    RuntimeError
        When the run fails; its output follows.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CADENCIA_")
    }
    started = time.perf_counter()
    outcome = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", "--sources", "online_retail"],
        env={**environment, "CADENCIA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise RuntimeError(f"The run failed:\n{outcome.stdout}{outcome.stderr}")
    return time.perf_counter() - started


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, float]:
    """Return the single row of a query by column name."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchall()[0], strict=True))


def main(arguments: list[str] | None = None) -> None:
    """Run the job and print the numbers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.online_retail",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", type=Path, required=True, help="workbook, CSV or Parquet file")
    file: Path = parser.parse_args(arguments).file
    if not file.is_file():
        parser.error(f"{file} does not exist; download Online Retail II from the UCI repository")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        landing = home / "landing" / "online_retail"
        landing.mkdir(parents=True)
        shutil.copyfile(file, landing / f"online_retail{file.suffix.lower()}")
        seconds = run_job(home)
        warehouse = (home / "warehouse" / "crm.duckdb").resolve()
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            sales, quality = one_row(connection, SALES), one_row(connection, QUALITY)
    is_first_year = quality["lines"] == FIRST_YEAR_LINES
    print(f"Online Retail II, {file.name}: {seconds:.0f} s")
    for name, found in sales.items():
        known = f"  (known: {FIRST_YEAR[name]:,})" if is_first_year else ""
        print(f"  {name:<22} {found:>14,.0f}{known}")
    for name, found in quality.items():
        print(f"  {name.replace('_', ' '):<22} {found:>14,.0f}")


if __name__ == "__main__":
    main()
