"""Erase planted people from a simulated deployment and look, by what was planted, for what is left.

    python -m benchmarks.erasure --home HOME [--people 50] [--kills 20] [--redeliver] [--next-run]

HOME is a deployment after a run on the simulated group (`make demo`); it is copied, never changed. Whom
to erase and what to look for comes from the truth of the simulation, not from the warehouse.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.lib.privacy.byte_search import compile_patterns, full_names, search_tree

# Tables of a run about itself, and what linking makes anew.
ABOUT_RUNS = ("ops.", "quality.", "privacy.", "raw._batches", "identity.linking_runs")
Identifiers = list[tuple[str, str]]


@dataclass(frozen=True)
class Planted:
    """People of the simulation to erase: their golden customers, and what they alone are known by."""

    people: tuple[int, ...]
    customers: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]


def cadencia(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("CADENCIA_", "DAGSTER_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment | {"CADENCIA_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def copied(home: Path, target: Path) -> Path:
    """Copy a deployment; its copy keeps its own history of runs."""
    shutil.copytree(home, target, symlinks=True)
    (target / "dagster" / "dagster.yaml").unlink(missing_ok=True)
    return target


def truth_of(home: Path) -> Path:
    """Return the folder of what was planted."""
    folders = (home / "simulation" / "truth", home / "landing" / "truth")
    return next(each for each in folders if (each / "people.parquet").exists())


def choose(home: Path, count: int, seed: int) -> Planted:
    """Choose people at random among those who are customers."""
    truth = truth_of(home)
    with duckdb.connect(str(home / "warehouse" / "crm.duckdb"), read_only=True) as connection:
        pairs = connection.execute(
            """select records.person_id, identities.customer_id
            from read_parquet(?) as records
            inner join marts.customer_identities as identities
                using (source_system, source_customer_id)
            where identities.valid_to is null""",
            [str(truth / "source_records.parquet")],
        ).fetchall()
        people = sorted({person for person, _ in pairs})
        chosen = set(random.Random(seed).sample(people, count))
        customers = {customer for person, customer in pairs if person in chosen}
        # whoever the linking took for one of them goes too, so what they have is not others'
        chosen |= {person for person, customer in pairs if customer in customers}
        connection.execute(
            "create temp table chosen as select unnest(?) as person_id", [list(chosen)]
        )
        identifiers = list(_alone(connection, truth / "people.parquet"))
        identifiers += _cards_and_devices(connection, sorted(customers))
    return Planted(tuple(sorted(chosen)), tuple(sorted(customers)), tuple(sorted(set(identifiers))))


def _alone(connection: duckdb.DuckDBPyConnection, people: Path) -> Iterator[tuple[str, str]]:
    """Yield what the truth says that the chosen people have and nobody else has."""
    connection.execute(
        f"""create temp table known as
        select person_id in (select person_id from chosen) as is_chosen, * exclude (person_id)
        from read_parquet('{people}')"""
    )
    faults = people.with_name("planted_faults.parquet")
    for kind, columns in (
        ("email", ("email", "next_email")),
        ("phone", ("mobile", "landline")),
        ("national_id", ("national_id",)),
    ):
        values = " union all ".join(
            f"select cast({column} as varchar) as value, is_chosen from known" for column in columns
        )
        for (value,) in connection.execute(
            f"""select value from ({values}) where nullif(value, '') is not null
                -- what a fault wrote into the record of somebody else is theirs too
                and lower(value) not in (
                    select lower(delivered_value) from read_parquet('{faults}')
                    where fault_kind like 'shared%' and delivered_value is not null)
            group by value having bool_and(is_chosen)"""
        ).fetchall():
            yield kind, value
    for given, first, second in connection.execute(
        """select cast(given_name as varchar), cast(surname_1 as varchar), cast(surname_2 as varchar)
        from known group by all having bool_and(is_chosen)"""
    ).fetchall():
        yield from full_names(given, first, second)


def _cards_and_devices(
    connection: duckdb.DuckDBPyConnection, customers: Sequence[str]
) -> Identifiers:
    """Return cards of the customers, and devices on which nobody else logged in."""
    cards = connection.execute(
        """select distinct source_customer_id from marts.customer_identities
        where source_system = 'pos' and customer_id in (select unnest(?))""",
        [list(customers)],
    ).fetchall()
    devices = connection.execute(
        """select device_id from marts.fct_web_sessions where customer_id is not null
        group by device_id having bool_and(customer_id in (select unnest(?)))""",
        [list(customers)],
    ).fetchall()
    return [("loyalty_card", row[0]) for row in cards] + [("device_id", row[0]) for row in devices]


def hits(home: Path, planted: Planted) -> tuple[int, str]:
    """Return how many planted identifiers stand anywhere under the home, and where."""
    report = search_tree(
        home, compile_patterns(list(planted.identifiers)), leave_out=(home / "keys",)
    )
    places = sorted({f"{hit.path} {hit.where} ({hit.kind})" for hit in report.hits})
    return sum(hit.count for hit in report.hits), "; ".join(places[:6])


def differences(before: Path, after: Path, customers: Sequence[str]) -> list[str]:
    """Return tables of ``crm.duckdb`` in which a row that is nobody's of them came, went or changed."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{(before / 'warehouse/crm.duckdb').resolve()}' as old (read_only)"
        )
        connection.execute(
            f"attach '{(after / 'warehouse/crm.duckdb').resolve()}' as new (read_only)"
        )
        connection.execute("create temp table gone as select unnest(?) as id", [list(customers)])
        # a household of nobody else, a device on which nobody else logged in or wrote
        connection.execute(
            """create temp table houses as select household_id from old.marts.dim_customers
            group by household_id having bool_and(customer_id in (select id from gone));
            create temp table cars as select vehicles.vin from old.raw.dms__vehicles as vehicles
            inner join old.marts.customer_identities as keepers
                on keepers.source_system = 'dms'
                and keepers.source_customer_id = vehicles.owner_customer_no
            where keepers.customer_id in (select id from gone);
            create temp table devices as select device_id from (
                select device_id, customer_id from old.marts.fct_web_sessions
                union all select device_id, customer_id from old.marts.fct_form_submissions)
            where customer_id is not null
            group by device_id having bool_and(customer_id in (select id from gone))"""
        )
        for schema, table in connection.execute(
            """select schema_name, table_name from duckdb_tables() where database_name = 'old'
            and schema_name in ('marts', 'ml', 'plan', 'plays', 'intermediate') order by all"""
        ).fetchall():
            columns = [
                row[0]
                for row in connection.execute(
                    """select column_name from duckdb_columns() where database_name = 'old'
                    and schema_name = ? and table_name = ?""",
                    [schema, table],
                ).fetchall()
            ]
            keys = [each for each in columns if "customer_id" in each]
            parts = [f"{key} in (select id from gone)" for key in keys]
            if "plate" in columns:  # a car that they keep loses its plate
                parts.append("vin in (from cars)")
            if "device_id" in columns:
                parts.append("device_id in (select device_id from devices)")
            if not keys:
                parts += [f"{each} in (from houses)" for each in columns if "household_id" in each]
            theirs = " or ".join(f"coalesce({part}, false)" for part in parts) or "false"
            name = f"{schema}.{table}"
            others = f"select * from old.{name} where not ({theirs})"
            ((lost,),) = connection.execute(
                f"select count(*) from ({others} except all select * from new.{name})"
            ).fetchall()
            if lost:
                found.append(f"{name}: {lost}")
    return found


def contents(home: Path) -> dict[str, tuple[int, str]]:
    """Return rows and an order-free hash of every table that is not about runs."""
    found = {}
    with duckdb.connect(str(home / "warehouse" / "crm.duckdb"), read_only=True) as connection:
        for schema, table in connection.execute(
            """select schema_name, table_name from duckdb_tables()
            where not starts_with(table_name, 'linkage_') order by all"""
        ).fetchall():
            name = f"{schema}.{table}"
            if name.startswith(ABOUT_RUNS):
                continue
            columns = [
                row[0]
                for row in connection.execute(
                    """select column_name from duckdb_columns() where schema_name = ?
                    and table_name = ? and column_name not in ('_loaded_at', '_batch_id',
                        '_source_file', '_row_number', '_delivery', 'batch_id', 'run_id', 'rejected_at',
                        'row_number')""",
                    [schema, table],
                ).fetchall()
            ]
            texts = ", ".join(f'"{each}"' for each in columns)
            rows = connection.execute(
                f"select count(*), cast(sum(hash({texts})) as varchar) from {name}"
            ).fetchall()
            found[name] = rows[0]
    return found


def redelivered(before: Path, after: Path) -> int:
    """Deliver all files of before the erasure again, under other names; return how many."""
    count = 0
    for path in sorted((before / "landing").rglob("*")):
        if not path.is_file() or "truth" in path.parts or path.suffix == ".sqlite":
            continue
        name = path.relative_to(before / "landing")
        stem, dot, rest = name.name.partition(".")
        shutil.copyfile(path, after / "landing" / name.with_name(f"{stem}_otra_vez{dot}{rest}"))
        count += 1
    for path in (before / "landing").rglob("*.sqlite"):
        shutil.copyfile(path, after / "landing" / path.relative_to(before / "landing"))
        count += 1
    return count


def write_requests(path: Path, customers: Sequence[str]) -> None:
    """Write the batch as the data-protection officer would hand it in."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id"])
        writer.writerows([customer] for customer in customers)


def erase_with_kills(home: Path, requests: Path, seconds: float, kills: int, seed: int) -> int:
    """Erase, killed with -9 at random moments of the way; return how often it was."""
    draw = random.Random(seed)
    arguments = ["erase", "--file", str(requests), "--yes"]
    killed = 0
    while killed < kills:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CADENCIA_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            env=environment | {"CADENCIA_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(timeout=draw.uniform(2.5, max(seconds * 0.9, 3)))
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
        folder = home / "privacy" / "erasures"
        if folder.is_dir() and any(folder.glob("*/request.json")):
            arguments = ["erase", "--resume"]
    return killed


def main() -> None:
    """Run what was asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--redeliver", action="store_true")
    parser.add_argument("--next-run", action="store_true")
    parser.add_argument("--work", type=Path, default=None, help="Where copies go and stay.")
    options = parser.parse_args()
    console = Console(width=160)
    table = Table(title=f"Erasing {options.people} planted people")
    table.add_column("what")
    table.add_column("measured")
    work = options.work or Path(tempfile.mkdtemp(prefix="erasure_"))
    work.mkdir(parents=True, exist_ok=True)
    planted = choose(options.home, options.people, options.seed)
    requests = work / "requests.csv"
    write_requests(requests, planted.customers)
    before, _ = hits(options.home, planted)
    table.add_row("identifiers planted", f"{len(planted.identifiers)}, {before:,} hits before")

    home = copied(options.home, work / "erased")
    started = time.monotonic()
    outcome = cadencia(home, "erase", "--file", str(requests), "--yes")
    seconds = time.monotonic() - started
    told = (outcome.stdout + outcome.stderr).strip().splitlines()
    table.add_row("erasure", f"{seconds:.0f} s, exit code {outcome.returncode}: {told[-1][:110]}")
    left, where = hits(home, planted)
    table.add_row("hits afterwards", f"{left} {where}")
    table.add_row(
        "tables of others that differ",
        "; ".join(differences(options.home, home, planted.customers)) or "none",
    )
    console.print(table)
    if options.kills:
        killed = copied(options.home, work / "killed")
        times = erase_with_kills(killed, requests, seconds, options.kills, options.seed)
        cadencia(killed, "erase", "--resume")
        one, other = contents(home), contents(killed)
        unequal = [name for name in one if one[name] != other.get(name)]
        table.add_row(
            f"killed {times} times and resumed",
            f"{hits(killed, planted)[0]} hits; tables unlike the undisturbed: {unequal or 'none'}",
        )
    if options.next_run:
        for name, more in (("next", ()), ("refreshed", ("--full-refresh",))):
            copy = copied(home, work / name)
            outcome = cadencia(copy, "run", "--sources", "demo", *more)
            if outcome.returncode:
                console.print(outcome.stdout[-1500:], outcome.stderr[-3000:])
        one, other = contents(work / "next"), contents(work / "refreshed")
        unequal = [
            f"{name} {one[name]} {other.get(name)}" for name in one if one[name] != other.get(name)
        ]
        table.add_row("next run unlike a full refresh", "; ".join(unequal) or "none")
        table.add_row("customer ids of others", ids_kept(home, work / "next"))
        table.add_row("hits after the next run", str(hits(work / "next", planted)))
    if options.redeliver:
        again = copied(home, work / "again")
        count = redelivered(options.home, again)
        outcome = cadencia(again, "run", "--sources", "demo")
        if outcome.returncode:
            console.print(outcome.stdout[-1500:], outcome.stderr[-3000:])
        left, where = hits(again, planted)
        table.add_row(
            f"{count} old files delivered again", f"exit {outcome.returncode}; {left} hits {where}"
        )
        table.add_row("customers who came back", ids_kept(home, again))
    console.print(table)


def ids_kept(before: Path, after: Path) -> str:
    """Tell how many customers two warehouses have in common."""
    found = []
    for home in (before, after):
        with duckdb.connect(str(home / "warehouse" / "crm.duckdb"), read_only=True) as connection:
            rows = connection.execute("select customer_id from marts.dim_customers").fetchall()
        found.append({row[0] for row in rows})
    one, other = found
    return f"{len(one & other):,} the same, {len(one - other)} gone, {len(other - one)} new"


if __name__ == "__main__":
    main()
