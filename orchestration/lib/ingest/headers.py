"""Match the columns of a delivery with the declared ones, and say it well when one is missing.

Belongs here: names. Does not: types and values (`values`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError

MAXIMUM_COLUMNS = 2_000
NAMES_IN_A_MESSAGE = 60
RENAMED_NOTE = "columns under another name: "


def normal_name(name: str) -> str:
    """Return a column's name as it is compared: without case, BOM and surrounding blanks."""
    return re.sub(r"\s+", " ", name.replace("\ufeff", "").replace("\xa0", " ")).strip().casefold()


@dataclass(frozen=True)
class ColumnMatch:
    """Which delivered column feeds each declared one (None: it is absent), and what is left over."""

    source_of: Mapping[str, str | None]
    undeclared: tuple[str, ...]
    renamed: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """Sentence for the ledger when columns came under another of their accepted names."""
        return f"{RENAMED_NOTE}{', '.join(self.renamed)}" if self.renamed else None


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a header, without blanks around; empty and repeated ones get a number."""
    seen: set[str] = set()
    unique: list[str] = []
    for position, raw in enumerate(names, start=1):
        name = raw.replace("\ufeff", "").replace("\xa0", " ").strip() or f"column_{position}"
        candidate, count = name, 1
        while candidate.casefold() in seen:
            count += 1
            candidate = f"{name}_{count}"
        seen.add(candidate.casefold())
        unique.append(candidate)
    return tuple(unique)


def repeated_needed(table: TableContract, names: Sequence[str]) -> str | None:
    """Return a declared column that the header names twice, as it is delivered."""
    normal = [normal_name(name) for name in names]
    for column in table.columns:
        for accepted in column.accepted_names:
            if normal.count(normal_name(accepted)) > 1:
                return accepted
    return None


def count_known(table: TableContract, names: Iterable[str]) -> int:
    """Return how many declared columns the names contain."""
    normal = {normal_name(name) for name in names}
    return sum(
        any(normal_name(accepted) in normal for accepted in column.accepted_names)
        for column in table.columns
    )


def _source(column: ColumnContract, by_name: Mapping[str, str]) -> str | None:
    for accepted in column.accepted_names:
        if accepted in by_name.values():
            return accepted
    for accepted in column.accepted_names:
        if normal_name(accepted) in by_name:
            return by_name[normal_name(accepted)]
    return None


def _missing_sentence(
    table: TableContract, where: str, missing: Sequence[ColumnContract], found: Sequence[str]
) -> str:
    wanted = [" or ".join(repr(name) for name in column.accepted_names) for column in missing]
    originals = {name.lower(): name for name in found}
    hints = [
        f"'{originals[close[0]]}' looks like '{name}'"
        for column in missing
        for name in column.accepted_names
        if (close := difflib.get_close_matches(name.lower(), list(originals), n=1))
    ]
    shown = [name[:NAMES_IN_A_MESSAGE] for name in found[:NAMES_IN_A_MESSAGE]]
    more = f" and {len(found) - len(shown):,} more" if len(found) > len(shown) else ""
    return (
        f"{table.system}.{table.name}: the file {where} lacks the column(s) {', '.join(wanted)}; it "
        f"has {', '.join(shown)}{more}. "
        + (f"{'; '.join(hints)}. " if hints else "")
        + "Correct the export, or declare the new name as source_column in "
        f"staging/{table.system}/sources.yml."
    )


def match_columns(table: TableContract, found: Sequence[str], where: str) -> ColumnMatch:
    """Return which delivered column feeds which declared one.

    Raises
    ------
    InputError
        When a column that isn't optional is missing; the sentence names lookalikes.
    """
    by_name = {normal_name(name): name for name in reversed(found)}
    source_of = {column.name: _source(column, by_name) for column in table.columns}
    missing = [
        column
        for column in table.columns
        if source_of[column.name] is None and not column.is_optional
    ]
    if missing:
        raise InputError(_missing_sentence(table, where, missing, found))
    used = set(source_of.values())
    usual = {column.name: normal_name(column.accepted_names[0]) for column in table.columns}
    renamed = tuple(
        source
        for name, source in source_of.items()
        if source is not None and normal_name(source) != usual[name]
    )
    return ColumnMatch(source_of, tuple(name for name in found if name not in used), renamed)
