"""New records against a base with clusters and ids: how long each step takes, and that it is exact.

`python -m benchmarks.identity --records FILE --id COL --truth COL --increment 10000`. Belongs here: the two
days, timing them, comparing with resolving everything. Does not: what the steps do (`ml/identity`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

import ml.identity.golden as golden
from ml.identity.linking import RecordFields, resolve

SYSTEM = "file"
FIRST_DAY, SECOND_DAY = date(2024, 1, 1), date(2024, 1, 2)
CLUSTERS = "identity.record_clusters"
CUSTOMER_IDS = "identity.customer_ids"


@dataclass(frozen=True)
class Step:
    """A step of the second day.

    Attributes
    ----------
    name : str
        In words.
    seconds, cpu_seconds : float
        On the clock; of all threads, hardly touched by what else the machine does.
    """

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class IncrementOutcome:
    """What came of it.

    Attributes
    ----------
    base, new : int
        Records that were there, and that came.
    steps : tuple of Step
        Of the second day, in order.
    full : Step
        Linking everything with the model of the base.
    different : dict of str to int
        Table to rows that differ from those of doing everything again; 0 is right.
    """

    base: int
    new: int
    steps: tuple[Step, ...]
    full: Step
    different: Mapping[str, int]

    def as_text(self) -> str:
        """Return a table for the console."""
        lines = [f"{self.new:,} new records against {self.base:,}", f"{'':<28}clock   processor"]
        for step in (
            *self.steps,
            Step(
                "in all",
                sum(step.seconds for step in self.steps),
                sum(step.cpu_seconds for step in self.steps),
            ),
            self.full,
        ):
            lines.append(f"{step.name:<25}{step.seconds:7.2f} s{step.cpu_seconds:9.2f} s")
        lines += [f"rows of {table} that differ: {rows}" for table, rows in self.different.items()]
        return "\n".join(lines)


def measure(
    records: Path,
    fields: Mapping[str, Sequence[str]],
    new: int,
    folder: Path,
    *,
    threads: int,
    memory_limit: str,
    seed: int,
) -> IncrementOutcome:
    """Resolve all but the new records, then the new ones, then everything again.

    Parameters
    ----------
    records : Path
        Parquet file with record_id, as `labelled_file.prepare` writes it.
    fields : dict
        Columns by role.
    """
    with duckdb.connect(
        str(folder / "increment.duckdb"),
        config={
            "threads": threads,
            "memory_limit": memory_limit,
            "temp_directory": str(folder / "spilled"),
            # as the warehouse's own connections: what is written goes into the file at the end
            "checkpoint_threshold": "1GB",
        },
    ) as connection:
        columns = sorted({name for names in fields.values() for name in names})
        _put_records(connection, records, columns)
        ((count,),) = connection.execute("select count(*) from everybody").fetchall()
        connection.execute(
            "create table records as from everybody order by hash(record_id) limit ?", [count - new]
        )
        rules = golden.parse_rule_set(
            _rules(columns), "increment", [*columns, "is_there", "has_record"]
        )

        def link() -> None:
            resolve(connection, "records", RecordFields.of(fields), seed=seed)

        def give_ids(day: date) -> None:
            golden.assign_ids(connection, as_of=day, records="records", source_systems=[SYSTEM])

        def choose_values() -> None:
            golden.write_golden_customers(connection, rules, "records")

        link()
        give_ids(FIRST_DAY)
        choose_values()
        connection.execute("checkpoint")
        connection.execute("insert into records from everybody anti join records using (record_id)")
        steps = (
            _timed("linking", link),
            _timed("ids and ledger", lambda: give_ids(SECOND_DAY)),
            _timed("golden values", choose_values),
            _timed("writing to the file", lambda: connection.execute("checkpoint")),
        )
        tables = (CLUSTERS, CUSTOMER_IDS, golden.GOLDEN_CUSTOMERS)
        for number, table in enumerate(tables):
            connection.execute(f"create temp table partial_{number} as from {table}")
        _forget(connection)
        full = _timed("linking everything", link)
        give_ids(SECOND_DAY)
        choose_values()
        different = {
            table: _different(connection, f"partial_{number}", table)
            for number, table in enumerate(tables)
        }
    return IncrementOutcome(count - new, new, steps, full, different)


def _put_records(
    connection: duckdb.DuckDBPyConnection, records: Path, columns: Sequence[str]
) -> None:
    """Write `everybody`: the records as of one source, each first seen at a time of its own."""
    values = ", ".join(f'"{name}"' for name in columns)
    connection.execute(
        f"""create table everybody as
        select '{SYSTEM}:' || record_id as record_id, '{SYSTEM}' as source_system,
            cast(record_id as varchar) as source_customer_id,
            timestamp '2020-01-01' + to_seconds(hash(record_id) % 100000000) as first_seen_at,
            timestamp '2020-01-01' + to_seconds(hash(record_id) % 100000000) as record_updated_at,
            md5(concat_ws('|', {values})) as record_hash, md5(concat_ws('|', {values})) as content_hash,
            true as is_there, true as has_record, {values}
        from '{records}'"""
    )


def _rules(columns: Sequence[str]) -> str:
    """Return survivorship rules: the first two columns as a unit, the others each for itself."""
    unit = ", ".join(f'"{name}"' for name in columns[:2])
    alone = [*columns[2:], "is_there"]
    fields = "".join(f'\n  "{name}": {{rules: [most_frequent, most_recent]}}' for name in alone)
    return (
        f"version: 1\nsource_priority: [{SYSTEM}]\n"
        f"units:\n  together: {{columns: [{unit}], filled_when: [{unit}], rules: [most_recent]}}\n"
        f"fields:{fields}\nflags: [has_record]\n"
    )


def _timed(name: str, step: Callable[[], object]) -> Step:
    clock, processor = time.perf_counter(), time.process_time()
    step()
    return Step(name, time.perf_counter() - clock, time.process_time() - processor)


def _forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what is kept between runs, but for the model."""
    for (table,) in connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'identity' "
        "and starts_with(table_name, 'linkage_')"
    ).fetchall():
        connection.execute(f"drop table identity.{table}")


def _different(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    """Return how many rows stand in one of the tables only; probabilities to nine digits."""
    names = [row[0] for row in connection.execute(f"describe from {other}").fetchall()]
    picked = ", ".join(
        f'round("{name}", 9)' if "probability" in name else f'"{name}"' for name in names
    )
    exact = f"select {picked} from {{0}}"
    ((rows,),) = connection.execute(
        f"""select count(*) from (
            ({exact.format(one)} except {exact.format(other)})
            union all ({exact.format(other)} except {exact.format(one)}))"""
    ).fetchall()
    return int(rows)
