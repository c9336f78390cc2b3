"""The truth and state of a simulated market: it holds planted people, so they go from it too.

Belongs here: which people of the simulation a customer is, and their rows in its files. Does not: the
simulation (`simulation`), whose continuation draws everybody anew from its seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from orchestration.lib.privacy.scrubbing import replace_file
from orchestration.lib.privacy.subjects import Subject

RECORDS = "source_records.parquet"
PEOPLE_COLUMN = "person_id"
PLANTED = {
    "email": ("email", "next_email"),
    "phone": ("mobile", "landline"),
    "national_id": ("national_id",),
}


def truth_folders(home: Path) -> list[Path]:
    """Return the folders of truth: of the demo, and of a market simulated into the landing folder."""
    return [
        folder
        for folder in (home / "simulation" / "truth", home / "landing" / "truth")
        if (folder / RECORDS).exists()
    ]


def truth_people(home: Path, subjects: Sequence[Subject]) -> tuple[int, ...]:
    """Return the simulation's numbers of the people, by their source records."""
    records = [pair for subject in subjects for pair in subject.records]
    frame = pa.table(  # noqa: F841 - DuckDB finds it by name
        {
            "source_system": pa.array([system for system, _ in records], pa.string()),
            "source_customer_id": pa.array([key for _, key in records], pa.string()),
        }
    )
    found: set[int] = set()
    for folder in truth_folders(home):
        with duckdb.connect() as connection:
            rows = connection.execute(
                """select distinct person_id from read_parquet(?)
                inner join frame using (source_system, source_customer_id)""",
                [str(folder / RECORDS)],
            ).fetchall()
        found |= {row[0] for row in rows}
    return tuple(sorted(found))


def truth_identifiers(home: Path, people: Sequence[int]) -> list[tuple[str, str]]:
    """Return what the simulation planted for the people and for nobody else.

    A planted fault tells the true value beside the delivered one, which no delivery ever held.
    """
    found: list[tuple[str, str]] = []
    for folder in truth_folders(home):
        path = folder / "people.parquet"
        if not people or not path.exists():
            continue
        known = set(pq.read_schema(path).names)
        with duckdb.connect() as connection:
            for kind, columns in PLANTED.items():
                values = " union all ".join(
                    f"select cast({name} as varchar) as value, "
                    "list_contains($people, person_id) as is_theirs from read_parquet($path)"
                    for name in columns
                    if name in known
                )
                rows = connection.execute(
                    f"""select value from ({values}) where nullif(value, '') is not null
                    group by value having bool_and(is_theirs) order by value""",
                    {"people": list(people), "path": str(path)},
                ).fetchall()
                found += [(kind, row[0]) for row in rows]
    return found


def truth_files(home: Path) -> Iterator[Path]:
    """Yield the Parquet files of the truth that know people by number."""
    for folder in truth_folders(home):
        for path in sorted(folder.rglob("*.parquet")):
            # of the state only what has text about people; the rest are numbers in the order of people
            is_state = "state" in path.relative_to(folder).parts
            if is_state and path.name != "contact_center.open_cases.parquet":
                continue
            if PEOPLE_COLUMN in pq.read_schema(path).names:
                yield path


def remove_people(path: Path, people: Sequence[int]) -> int:
    """Write a file anew without the rows of some people; return how many went."""
    table = pq.read_table(path)
    numbers = pa.array(list(people), table.schema.field(PEOPLE_COLUMN).type)
    keep = pa.compute.invert(pa.compute.is_in(table[PEOPLE_COLUMN], value_set=numbers))
    kept = table.filter(keep)
    gone = table.num_rows - kept.num_rows
    if gone:
        replace_file(path, lambda target: pq.write_table(kept, target, compression="zstd"))
    return int(gone)
