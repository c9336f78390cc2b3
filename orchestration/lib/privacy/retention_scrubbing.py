"""Take old rows out of delivered files that hold younger ones as well.

The next run sees the file as corrected under its name and builds its table again, which gives the same
rows: the old ones are cut off in any case. Belongs here: which rows. Does not: rewriting (`scrubbing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from orchestration.lib.contract import SystemContract
from orchestration.lib.errors import CadenciaError
from orchestration.lib.privacy.landing_files import LandingFile, landing_files
from orchestration.lib.privacy.retention_files import rows_of_file
from orchestration.lib.privacy.retention_policy import RetentionPolicy
from orchestration.lib.privacy.scrubbing.decisions import DeliveredRows, RowDecisions
from orchestration.lib.privacy.scrubbing.files import scrub_file


@dataclass(frozen=True)
class Scrubbed:
    """What became of the files: how many were rewritten, and those that have to stay as they are."""

    rewritten: int
    left: frozenset[str]


def scrub_mixed_files(
    names: Iterable[str],
    contracts: Mapping[str, SystemContract],
    policy: RetentionPolicy,
    cuts: Mapping[str, date],
    landing_dir: Path,
) -> Scrubbed:
    """Rewrite the named files (``system/name``) without the rows before the cut.

    A file that several tables read stays: a record that one of them may keep no longer can be the proof
    of another.
    """
    wanted = frozenset(names)
    rewritten, left = 0, set()
    for file in landing_files(contracts, landing_dir):
        if file.shown not in wanted:
            continue
        is_done = _scrub(file, policy, cuts, landing_dir)
        if is_done is None:
            left.add(file.shown)
        rewritten += bool(is_done)
    return Scrubbed(rewritten, frozenset(left))


def _scrub(
    file: LandingFile, policy: RetentionPolicy, cuts: Mapping[str, date], landing_dir: Path
) -> bool | None:
    """Rewrite one file; return whether it changed, None when it can't be done."""
    if len(file.tables) != 1:
        return None
    (table,) = file.tables
    name = f"raw.{table.identifier}"
    rule = next((rule for rule in policy.rules if rule.name == name), None)
    if rule is None or name not in cuts:
        return None
    found = rows_of_file(table, rule, cuts[name], file.path, file.name, landing_dir)
    if found is None:
        return None

    def decide(rows: DeliveredRows) -> RowDecisions:
        numbers = rows.rows["_row_number"].to_numpy()
        going = [number for source_file, number in found.old if source_file == rows.source_file]
        return RowDecisions(delete=np.isin(numbers, np.array(going, np.int64)))

    try:
        return scrub_file(file.path, [table], decide, name=file.name).is_rewritten
    except CadenciaError:
        return None  # a format that can't be written back
