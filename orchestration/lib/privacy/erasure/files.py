"""The stages of an erasure that rewrite files beside the published databases.

Belongs here: landing files by contract, everything else by the identifiers in it. Does not: databases of
the warehouse (`versions`), how a file is rewritten (`scrubbing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.byte_search import PatternSet, search_file
from orchestration.lib.privacy.erasure.journal import Journal, Lookup
from orchestration.lib.privacy.erasure.simulated import remove_people, truth_files
from orchestration.lib.privacy.landing_files import (
    LandingFile,
    hashes_of,
    is_undeclared_theirs,
    landing_files,
)
from orchestration.lib.privacy.raw_rows import policy_of, unlinked_columns
from orchestration.lib.privacy.scrubbing import (
    DeliveredRows,
    RowDecisions,
    remove_leftovers,
    scrub_by_patterns,
    scrub_file,
)
from orchestration.lib.privacy.targets import Targets, content_condition, stage
from orchestration.settings import Settings

LANDING, OTHER, TRUTH = "landing", "other_files", "simulation"


class Decider:
    """Says what becomes of the rows of a delivery, and keeps the counts.

    Parameters
    ----------
    targets
        What the people's rows are recognised by.
    blanks_undeclared
        Whether unlinking empties columns that the table doesn't declare.
    """

    def __init__(self, targets: Targets, *, blanks_undeclared: bool) -> None:
        self._blanks_undeclared = blanks_undeclared
        self._connection = duckdb.connect()
        stage(self._connection, targets)
        self.counts: Counter[str] = Counter()

    def __call__(self, delivered: DeliveredRows) -> RowDecisions:
        """Return the decision about one table in one delivery."""
        policy = policy_of(delivered.table)
        rows = delivered.rows
        if policy == "keep" or not rows.num_rows:
            return RowDecisions()
        numbered = rows.append_column("_index", pa.array(range(rows.num_rows), pa.int64()))
        self._connection.register("delivered", numbered)
        found = self._connection.execute(
            f"select _index from delivered where {content_condition(delivered.table, 'delivered.')}"
        ).fetchnumpy()["_index"]
        self._connection.unregister("delivered")
        theirs = np.zeros(rows.num_rows, bool)
        theirs[found] = True
        if policy == "delete":
            self.counts[f"deleted:{delivered.table.identifier}"] += int(theirs.sum())
            return RowDecisions(delete=theirs)
        self.counts[f"unlinked:{delivered.table.identifier}"] += int(theirs.sum())
        return RowDecisions(
            blank=dict.fromkeys(unlinked_columns(delivered.table), theirs),
            blank_undeclared=theirs if self._blanks_undeclared else None,
        )

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()


def _holds_people(file: LandingFile) -> bool:
    """Whether identifiers in a file can be the people's: not in a list of shops or products."""
    return not file.tables or any(policy_of(table) != "keep" for table in file.tables)


def erase_from_landing(
    settings: Settings,
    contracts: Mapping[str, SystemContract],
    lookup: Lookup,
    patterns: PatternSet,
    journal: Journal,
    working_dir: Path,
) -> Iterator[str]:
    """Rewrite the files of every system without the people; yield each file's name before it is done."""
    remove_leftovers(settings.landing_dir)
    truth = settings.landing_dir / "truth"
    for file in landing_files(contracts, settings.landing_dir):
        is_truth = truth in file.path.parents and file.path.suffix == ".parquet"
        if journal.is_finished(LANDING, file.shown) or is_truth or not _holds_people(file):
            continue
        yield file.shown
        decider = Decider(lookup.targets, blanks_undeclared=is_undeclared_theirs(file))
        shown = file.shown

        def decide(
            delivered: DeliveredRows, decider: Decider = decider, shown: str = shown
        ) -> RowDecisions:
            decision = decider(delivered)
            journal.note(LANDING, shown, decider.counts, is_finished=False)
            return decision

        result = scrub_file(
            file.path,
            file.tables,
            decide,
            patterns=patterns,
            name=file.name,
            working_dir=working_dir,
        )
        decider.close()
        counts = {
            **decider.counts,
            "cells": result.cells_blanked,
            "lines": result.broken_deleted,
        }
        journal.note(LANDING, file.shown, counts)


def rewritten_files(
    settings: Settings, contracts: Mapping[str, SystemContract], lookup: Lookup
) -> dict[str, tuple[str, int]]:
    """Return new hash and size of the landing files that are not as they were, by the hash before."""
    found = {}
    files = landing_files(contracts, settings.landing_dir)
    now = hashes_of(files)
    for file in files:
        before = lookup.hashes.get(file.shown)
        if before is not None and before != now[file.shown]:
            found[before] = (now[file.shown], file.path.stat().st_size)
    return found


def other_files(settings: Settings, journal: Journal) -> Iterator[Path]:
    """Yield the files under the home that no other stage rewrites."""
    handled = (
        settings.landing_dir,
        settings.warehouse_dir,
        settings.keys_dir,
        journal.folder,
    )
    for path in sorted(settings.home.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if not any(folder in path.parents for folder in handled):
            yield path


def erase_from_others(
    settings: Settings, lookup: Lookup, patterns: PatternSet, journal: Journal
) -> Iterator[str]:
    """Rewrite rejects set aside, Dagster's storage and logs, pages and what else lies in the home."""
    for path in truth_files(settings.home):
        shown = path.relative_to(settings.home).as_posix()
        if lookup.truth_people and not journal.is_finished(TRUTH, shown):
            yield shown
            journal.note(TRUTH, shown, {"rows": remove_people(path, lookup.truth_people)})
    truth = settings.landing_dir / "truth"
    leftover = [path for path in truth.rglob("*") if path.is_file()] if truth.is_dir() else []
    for path in [*other_files(settings, journal), *leftover]:
        shown = path.relative_to(settings.home).as_posix()
        if journal.is_finished(OTHER, shown) or not search_file(path, patterns).hits:
            continue
        yield shown
        result = scrub_by_patterns(path, patterns, deletes_rows=_loses_rows(path, settings))
        counts = {
            "rows": result.rows_deleted,
            "cells": result.cells_blanked,
            "lines": result.broken_deleted,
        }
        journal.note(OTHER, shown, counts)


def _loses_rows(path: Path, settings: Settings) -> bool:
    """Whether records with an identifier go as a whole; an event of Dagster only loses the value."""
    return settings.dagster_home not in path.parents
