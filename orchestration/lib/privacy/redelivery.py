"""Files that bring erased people back are scrubbed in the run that loaded them.

Belongs here: which files, and what the ledger keeps of them. Does not: refusing rows
(`ingest.refusals`), rewriting (`scrubbing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np

from orchestration.lib.contract import SystemContract
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.ingest.ledger import SUPERSEDED
from orchestration.lib.privacy.byte_search import compile_patterns
from orchestration.lib.privacy.landing_files import (
    LandingFile,
    follow_rewritten,
    is_undeclared_theirs,
    landing_files,
)
from orchestration.lib.privacy.raw_rows import policy_of, unlinked_columns
from orchestration.lib.privacy.scrubbing import DeliveredRows, RowDecisions, scrub_file
from orchestration.lib.privacy.tombstones import Recogniser
from orchestration.lib.private_files import replace_file

NOBODY = RowDecisions()


def decide_by_tombstones(
    connection: duckdb.DuckDBPyConnection,
    recogniser: Recogniser,
    delivered: DeliveredRows,
    *,
    blanks_undeclared: bool,
) -> tuple[RowDecisions, int]:
    """Return what becomes of the rows that the load refused or unlinked, and how many came anew."""
    policy = policy_of(delivered.table)
    if policy == "keep" or not delivered.rows.num_rows:
        return NOBODY, 0
    rows = delivered.rows  # noqa: F841 - DuckDB finds it by name
    connection.execute("create or replace temp table _delivered_rows as from rows")
    refused, anew = recogniser.find(connection, delivered.table, "_delivered_rows")
    mask = np.zeros(delivered.rows.num_rows, bool)
    if refused:
        numbers = connection.execute(
            "select row_id from _erased_rows where not is_later"
        ).fetchnumpy()["row_id"]
        mask[numbers] = True
    connection.execute("drop table _delivered_rows")
    if policy == "delete":
        return RowDecisions(delete=mask), anew
    blank = dict.fromkeys(unlinked_columns(delivered.table), mask)
    return RowDecisions(blank=blank, blank_undeclared=mask if blanks_undeclared else None), anew


def _brought_back(connection: duckdb.DuckDBPyConnection, run_id: str) -> set[tuple[str, str]]:
    """Return system and name of the files of a run that had rows of erased people, or may have.

    An older snapshot was counted only, so nobody looked at its rows yet; nor at those of a second file
    with the content of a first.
    """
    return set(
        connection.execute(
            """select distinct source_system,
                case when coalesce(archive, '') <> '' then archive else source_file end
            from raw._batches
            where run_id = $run and (status = $superseded or content_sha256 in (
                select content_sha256 from raw._batches
                where run_id = $run
                    and coalesce(rows_refused, 0) + coalesce(rows_unlinked, 0) > 0))""",
            {"run": run_id, "superseded": SUPERSEDED},
        ).fetchall()
    )


def scrub_redelivered(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    home: Path,
    landing_dir: Path,
    run_id: str,
    recogniser: Recogniser,
    working_dir: Path,
) -> list[str]:
    """Rewrite this run's files without erased people; return the files below the drop folder.

    Lines that no reader understood go when they hold an identifier of somebody erased. Until the run is
    published the ledger of the version before knows the old content, and would build the table anew
    from the same, scrubbed files.
    """
    wanted = _brought_back(connection, run_id)
    clean = _read_clean(home)
    rewritten: dict[str, tuple[str, int]] = {}
    names = []
    for file in landing_files(contracts, landing_dir):
        is_database = bool(file.tables) and file.tables[0].scheme == "database"
        if not file.tables or not (is_database or (file.system, file.name) in wanted):
            continue
        before = content_hash(file.path)
        if is_database and clean.get(file.shown) == [before, len(recogniser.tombstones)]:
            continue
        after = _scrub(file, recogniser, working_dir)
        if is_database:
            clean[file.shown] = [after, len(recogniser.tombstones)]
        if after != before:
            rewritten[before] = (after, file.path.stat().st_size)
            names.append(file.shown)
    follow_rewritten(connection, rewritten)
    if clean:
        replace_file(_clean_file(home), json.dumps(clean, sort_keys=True).encode() + b"\n")
    return names


def _clean_file(home: Path) -> Path:
    return home / "privacy" / "clean_databases.json"


def _read_clean(home: Path) -> dict[str, list[str | int]]:
    """Return by which content, and by how many tombstones, embedded databases were found clean.

    A run asks a database for what is new only, so a backup that was put back shows nobody who was erased
    long ago: each is looked through once.
    """
    path = _clean_file(home)
    found: dict[str, list[str | int]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _scrub(file: LandingFile, recogniser: Recogniser, working_dir: Path) -> str:
    """Scrub a file of the rows that a reader understands, then of other lines; return its hash."""
    came_anew = 0
    with duckdb.connect() as scratch:

        def decide(rows: DeliveredRows) -> RowDecisions:
            nonlocal came_anew
            decision, anew = decide_by_tombstones(
                scratch, recogniser, rows, blanks_undeclared=is_undeclared_theirs(file)
            )
            came_anew += anew
            return decision

        result = scrub_file(file.path, file.tables, decide, name=file.name, working_dir=working_dir)
        found = recogniser.tokens_in(file.path)
        # who came anew is in the file by right, with the same identifiers
        if found and not came_anew:
            result = scrub_file(
                file.path,
                file.tables,
                decide,
                patterns=compile_patterns(found),
                name=file.name,
                working_dir=working_dir,
            )
    return result.new_hash
