"""Ingestion of a CSV: bare DuckDB `read_csv` into a table, and ours with types, rejects and ledger.

Prints seconds of both sides, their ratio, and the overhead of each file; decides and stores nothing.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.ingest.files import load_table

REPETITIONS = 5
COLUMNS = {
    "ticket_id": "varchar",
    "line": "integer",
    "customer_id": "varchar",
    "sku": "varchar",
    "description": "varchar",
    "quantity": "integer",
    "amount": "decimal(18,4)",
    "sold_at": "timestamp",
}
LINES = """
select 'T' || lpad(cast(i // 5 as varchar), 9, '0') as ticket_id, 1 + i % 5 as line,
    'C' || cast(hash(i // 5) % 100000 as varchar) as customer_id,
    'SKU' || cast(hash(i) % 1500 as varchar) as sku,
    'Descripción del artículo ' || cast(hash(i) % 1500 as varchar) as description,
    1 + hash(i + 1) % 5 as quantity, cast(hash(i + 2) % 10000 as decimal(18, 2)) / 100 as amount,
    strftime(timestamp '2024-01-01' + to_seconds(cast(i // 5 * 60 as bigint)), '%Y-%m-%d %H:%M:%S')
        as sold_at
from range($rows) as lines(i)
"""


def contract(**keys: object) -> TableContract:
    """Return the contract of the lines."""
    columns = tuple(
        ColumnContract(name, kind, "none", name, is_required=name == "ticket_id")
        for name, kind in COLUMNS.items()
    )
    table = TableContract(
        system="bench",
        name="lines",
        identifier="bench__lines",
        description="One row per line of a ticket.",
        location="landing://lines_*.csv",
        format="csv",
        columns=columns,
        primary_key=("ticket_id", "line"),
    )
    return replace(table, **keys)  # type: ignore[arg-type]


@contextmanager
def database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a new database file, as a run has it."""
    path = folder / "bench.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 2")
        connection.execute("set timezone = 'UTC'")
        yield connection


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds on the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def bare(folder: Path, path: Path) -> None:
    """Read the file as DuckDB's manual shows."""
    with database(folder) as connection:
        connection.execute(f"create table lines as from read_csv('{path}')")


def ours(folder: Path, table: TableContract) -> None:
    """Load the file by its contract."""
    with database(folder) as connection:
        result = load_table(
            connection, table, landing_dir=folder, loaded_at=datetime(2026, 1, 1), run_id="bench"
        )
        if result.rows_rejected or not result.is_balanced:
            raise ValueError(
                f"{result.rows_rejected} rows were rejected; the figures mean nothing."
            )


def compare(folder: Path, rows: int) -> None:
    """Print both sides for one big file, in turns so that a busy spell hits both alike."""
    path = folder / "bench" / "lines_2024-01.csv"
    duckdb.execute(f"copy ({LINES}) to '{path}' (header)", {"rows": rows})
    variants = {
        "snapshot": contract(primary_key=()),
        "snapshot, primary key": contract(),
        "append": contract(primary_key=(), delivery="append"),
        "upsert": contract(delivery="upsert", version_by=("sold_at",)),
    }
    print(f"One CSV of {rows:,} lines, {path.stat().st_size / 1e6:,.0f} MB")
    theirs: list[tuple[float, float]] = []
    mine: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(REPETITIONS):
        theirs.append(timed(lambda: bare(folder, path)))
        for name, table in variants.items():
            mine[name].append(timed(lambda table=table: ours(folder, table)))  # type: ignore[misc]
    wall, cpu = (statistics.median(side) for side in zip(*theirs, strict=True))
    print(f"  bare read_csv           {wall:6.2f} s  {cpu:6.2f} s of processor")
    for name, times in mine.items():
        our_wall, our_cpu = (statistics.median(side) for side in zip(*times, strict=True))
        print(
            f"  ours, {name:<22} {our_wall:6.2f} s  {our_cpu:6.2f} s of processor  "
            f"throughput ratio {wall / our_wall:.2f} (clock), {cpu / our_cpu:.2f} (processor)"
        )
    path.unlink()


def many_files(folder: Path, files: int) -> None:
    """Print what each file costs when there are many small ones."""
    for number in range(files):
        day = date(2022, 1, 1) + timedelta(days=number)
        path = folder / "bench" / f"lines_{day:%Y%m%d}.csv"
        query = LINES.replace("range($rows)", f"range({number * 100}, {number * 100 + 100})")
        duckdb.execute(f"copy ({query}) to '{path}' (header)")
    table = contract(delivery="upsert")
    wall, cpu = timed(lambda: ours(folder, table))
    print(
        f"{files} daily files of 100 lines: {wall:.2f} s, {wall / files * 1000:.0f} ms a file "
        f"({cpu / files * 1000:.0f} ms of processor)"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--files", type=int, default=730)
    options = parser.parse_args(arguments)
    if options.rows < 1 or options.files < 1:
        parser.error("--rows and --files must be at least 1")
    folder = Path(tempfile.mkdtemp(prefix="bench_ingest_"))
    try:
        (folder / "bench").mkdir()
        compare(folder, options.rows)
        many_files(folder, options.files)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
