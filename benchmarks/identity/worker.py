"""One side of the benchmark in a process of its own, so that its peak of memory is its own.

`python -m benchmarks.identity.worker JOB.json` writes what the job asks for. Belongs here: opening a
database, timing, the peak. Does not: choosing fields or scoring; no truth comes here.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.identity import bare_splink


@dataclass(frozen=True)
class Job:
    """What to run.

    Attributes
    ----------
    side : str
        `ours` or `splink`.
    records : str
        Parquet file with `record_id`.
    fields : dict
        Columns by role.
    folder : str
        For the outcome, the clusters and what doesn't fit in memory.
    seed, threads : int
        Of sampling; of DuckDB.
    memory_limit : str
        DuckDB's, like `4GB`.
    """

    side: str
    records: str
    fields: dict[str, list[str]]
    folder: str
    seed: int
    threads: int
    memory_limit: str


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes
    ----------
    seconds : float
        From reading the records to the clusters.
    cpu_seconds : float
        Time of all its threads: hardly touched by what else the machine does.
    peak_bytes : int
        Most memory of the process.
    pairs : int or None
        Pairs of records that were scored; None where the side doesn't say.
    clusters : dict
        Parquet file by threshold; `chosen` is what the side itself chose.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    pairs: int | None
    clusters: dict[str, str]


def run(job: Job) -> Outcome:
    """Resolve the records and write the clusters."""
    folder = Path(job.folder)
    with duckdb.connect(
        str(folder / "work.duckdb"),
        config={
            "threads": job.threads,
            "memory_limit": job.memory_limit,
            "temp_directory": str(folder / "spilled"),
        },
    ) as connection:
        started, started_cpu = time.perf_counter(), time.process_time()
        connection.execute(f"create table records as from '{job.records}'")
        if job.side == "splink":
            read, read_cpu = time.perf_counter() - started, time.process_time() - started_cpu
            bare = bare_splink.link(connection, "records", job.fields, seed=job.seed, folder=folder)
            chosen = bare.clusters[bare_splink.DEFAULT_WEIGHT]
            return Outcome(
                seconds=read + bare.seconds,
                cpu_seconds=read_cpu + bare.cpu_seconds,
                peak_bytes=peak_bytes(),
                pairs=None,
                clusters={"chosen": str(chosen)}
                | {str(weight): str(path) for weight, path in bare.clusters.items()},
            )
        # not imported by the other side: its peak is Splink's alone
        from ml.identity.linking import resolve

        report = resolve(connection, "records", job.fields, seed=job.seed)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
        target = folder / "clusters.parquet"
        connection.execute(
            "copy (select record_id, person_cluster as predicted, household_cluster as household "
            f"from identity.record_clusters) to '{target}'"
        )
        return Outcome(
            seconds=seconds,
            cpu_seconds=cpu_seconds,
            peak_bytes=peak_bytes(),
            pairs=report.scored_pairs,
            clusters={"chosen": str(target)},
        )


def peak_bytes() -> int:
    """Return the most memory this process has held.

    getrusage would tell the parent's peak where that was higher before the process became this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def main() -> None:
    """Run the job of the command line."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    outcome = run(job)
    (Path(job.folder) / "outcome.json").write_text(
        json.dumps(dataclasses.asdict(outcome)), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
