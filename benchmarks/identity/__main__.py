"""`python -m benchmarks.identity --records FILE --id COL --truth COL [--map role=column,...]`.

Resolves any labelled Parquet or CSV file with our resolver and with bare Splink, and prints how good, how
fast and how large each was. The resolvers see neither the truth nor the ids of the file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from benchmarks.identity.labelled_file import LabelledFileError, LabelledRecords, prepare
from benchmarks.identity.roles import ALIASES, MappingError
from benchmarks.identity.scoreboard import (
    Column,
    as_json,
    as_table,
    our_columns,
    splink_columns,
)
from benchmarks.identity.worker import Job, Outcome


class SideFailedError(RuntimeError):
    """One side's process ended badly; its last words follow."""


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.identity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Roles: {', '.join(ALIASES)}, and what people call them (dob, zip, forename, ...). "
        "A role may take several columns: street=number+address_1+address_2.",
    )
    parser.add_argument("--records", type=Path, required=True, metavar="FILE")
    parser.add_argument("--id", required=True, metavar="COL", help="unique id of a record")
    parser.add_argument("--truth", required=True, metavar="COL", help="true entity of a record")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="ROLE=COL,...",
        help="columns to compare; guessed by their names when left out",
    )
    parser.add_argument("--household-truth", metavar="COL", help="true household of a record")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-limit", default="4GB", metavar="SIZE", help="DuckDB's, each side")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    parser.add_argument(
        "--clusters",
        type=Path,
        metavar="FILE",
        help="write id, truth and our cluster of each record there (Parquet)",
    )
    parser.add_argument(
        "--increment",
        type=int,
        metavar="K",
        help="measure K new records against all others, ids maintained, instead",
    )
    parser.add_argument("--skip-splink", action="store_true", help="run our side only")
    return parser


def main(texts: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, or 2 when file or mapping can't be used, 1 when our side failed."""
    options = arguments().parse_args(texts)
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as name:
        folder = Path(name)
        try:
            labelled = prepare(
                options.records,
                id_column=options.id,
                truth_column=options.truth,
                household_column=options.household_truth,
                mapping=options.map,
                folder=folder,
                seed=options.seed,
            )
            print(_description(options.records, labelled, is_guessed=not options.map), flush=True)
            if options.increment:
                return _measure_increment(labelled, folder, options)
            ours = run_side("ours", labelled, folder, options)
            columns = our_columns(
                ours, labelled.truth, has_households=options.household_truth is not None
            )
            if not options.skip_splink:
                columns += _rival_columns(labelled, folder, options)
        except (LabelledFileError, MappingError) as error:
            print(error, file=sys.stderr)
            return 2
        except SideFailedError as error:
            print(error, file=sys.stderr)
            return 1
        print(as_table(columns))
        if options.json:
            report = as_json(columns) | {
                "records": str(options.records),
                "fields": labelled.fields,
                "columns": labelled.origins,
                "left_out": labelled.left_out,
                "unlabelled": labelled.unlabelled,
                "seed": options.seed,
            }
            options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
        if options.clusters:
            _write_clusters(labelled, ours, options.clusters)
    return 0


def _measure_increment(labelled: LabelledRecords, folder: Path, options: argparse.Namespace) -> int:
    """Print how long new records take; return 1 when they give anything else than doing all again."""
    # the other side's process must not hold it
    from benchmarks.identity.increment import measure

    outcome = measure(
        labelled.records,
        labelled.fields,
        options.increment,
        folder,
        threads=options.threads,
        memory_limit=options.memory_limit,
        seed=options.seed,
    )
    print(outcome.as_text())
    if options.json:
        options.json.write_text(json.dumps(dataclasses.asdict(outcome), indent=1), encoding="utf-8")
    return int(any(outcome.different.values()))


def run_side(
    side: str, labelled: LabelledRecords, folder: Path, options: argparse.Namespace
) -> Outcome:
    """Run one side in a process of its own and return what came of it.

    Raises
    ------
    SideFailedError
        When the process fails.
    """
    home = folder / side
    home.mkdir()
    job = Job(
        side=side,
        records=str(labelled.records),
        fields=labelled.fields,
        folder=str(home),
        seed=options.seed,
        threads=options.threads,
        memory_limit=options.memory_limit,
    )
    order = home / "job.json"
    order.write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.identity.worker", str(order)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise SideFailedError(f"The side '{side}' ended with {done.returncode}:\n{last}")
    shutil.rmtree(home / "spilled", ignore_errors=True)
    return Outcome(**json.loads((home / "outcome.json").read_text(encoding="utf-8")))


def _rival_columns(
    labelled: LabelledRecords, folder: Path, options: argparse.Namespace
) -> list[Column]:
    """Return bare Splink's columns; none, and why, when it can't cope with the file."""
    try:
        return splink_columns(run_side("splink", labelled, folder, options), labelled.truth)
    except SideFailedError as error:
        print(f"Bare Splink is left out. {error}", file=sys.stderr)
        return []


def _description(file: Path, labelled: LabelledRecords, *, is_guessed: bool) -> str:
    """Return what is compared, in words."""
    lines = [f"{labelled.count:,} records of {file.name}"]
    if labelled.unlabelled:
        lines.append(f"{labelled.unlabelled:,} of them have no truth: resolved, not scored")
    lines.append("roles guessed by column names:" if is_guessed else "roles as told:")
    lines += [
        f"  {role:<14}{' + '.join(labelled.origins[name] for name in names)}"
        for role, names in labelled.fields.items()
    ]
    if labelled.left_out:
        lines.append(f"  {'left out':<14}{', '.join(labelled.left_out)}")
    return "\n".join([*lines, ""])


def _write_clusters(labelled: LabelledRecords, ours: Outcome, target: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select truth.original_id as id, truth.truth, truth.household_truth,
                    clusters.predicted as person_cluster, clusters.household as household_cluster
                from '{labelled.truth}' as truth
                left join '{ours.clusters["chosen"]}' as clusters using (record_id)
            ) to '{target}' (format parquet)"""
        )


if __name__ == "__main__":
    raise SystemExit(main())
