"""Faults of files and rows: what the ledger and the rejects say of the planted ones.

Belongs here: comparing the ledger with the truth. Does not: customer records (`planted_faults`).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

import duckdb
import pandas as pd

FILE_KINDS: Final = (
    "duplicated_file",
    "late_file",
    "renamed_columns",
    "duplicated_row",
    "damaged_row",
)
RENAMED: Final = "columns under another name: "
FileCounts = tuple[int, int, int, int | None, str]


def measure_file_fault(
    connection: duckdb.DuckDBPyConnection, planted: pd.DataFrame, kind: str
) -> FileCounts:
    """Return planted, held, found, false positives and how, for one kind.

    Parameters
    ----------
    connection
        The published warehouse.
    planted
        The planted faults.
    kind
        One of `FILE_KINDS`.
    """
    faults = planted[planted["fault_kind"] == kind]
    batches = connection.execute(
        """select source_system, table_name, source_file, archive, status, rows_unchanged,
            rows_loaded, note, delivery_date, content_sha256
        from raw._batches"""
    ).df()
    batches["name"] = batches["archive"].where(
        batches["archive"].fillna("") != "", batches["source_file"]
    )
    batches["name"] = batches["name"].map(lambda name: PurePosixPath(str(name)).name)
    measure = {
        "duplicated_file": _duplicated_files,
        "late_file": _late_files,
        "renamed_columns": _renamed_columns,
    }.get(kind)
    if measure is not None:
        return measure(faults, batches)
    return _rows(connection, faults, batches, kind)


def _names(batches: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(batches["source_system"], batches["name"], strict=True))


def _duplicated_files(faults: pd.DataFrame, batches: pd.DataFrame) -> FileCounts:
    planted = set(zip(faults["source_system"], faults["delivered_value"], strict=True))
    # Which of two equal files is the copy is a matter of names: either may be told as the repeat.
    originals = set(zip(faults["source_system"], faults["true_value"], strict=True))
    told = _names(batches[batches["status"] == "duplicate"])
    # A catalogue that did not change from one quarter to the next is a repeat without being a fault.
    same = batches.groupby(["source_system", "table_name", "content_sha256"])["name"]
    repeated = _names(batches[same.transform("nunique") > 1])
    pairs = zip(
        faults["source_system"], faults["delivered_value"], faults["true_value"], strict=True
    )
    found = {
        (system, copy)
        for system, copy, original in pairs
        if {(system, copy), (system, original)} & told
    }
    return (
        len(planted),
        len(planted & _names(batches)),
        len(found),
        len(told - planted - originals - repeated),
        "ledger: duplicate",
    )


def _late_files(faults: pd.DataFrame, batches: pd.DataFrame) -> FileCounts:
    planted = set(zip(faults["source_system"], faults["delivered_value"], strict=True))
    taken = _names(batches[(batches["status"] == "loaded") & (batches["rows_loaded"] > 0)])
    return (
        len(planted),
        len(planted & _names(batches)),
        len(planted & taken),
        None,
        "ledger: its rows were taken",
    )


def _renamed_columns(faults: pd.DataFrame, batches: pd.DataFrame) -> FileCounts:
    planted = set(
        zip(faults["source_system"], faults["source_file"], faults["delivered_value"], strict=True)
    )
    told = {
        (system, name, column.strip())
        for system, name, note in zip(
            batches["source_system"], batches["name"], batches["note"], strict=True
        )
        if isinstance(note, str) and note.startswith(RENAMED)
        for column in note.removeprefix(RENAMED).split(",")
    }
    known = _names(batches[batches["status"] == "loaded"])
    # A file that is sent again under another name has its columns.
    resent = {name for _, name, _ in told if "_reenvio" in name}
    held = {fault for fault in planted if fault[:2] in known}
    false_positives = len({fault for fault in told - planted if fault[1] not in resent})
    return len(planted), len(held), len(held & told), false_positives, "ledger: note"


def _rows(
    connection: duckdb.DuckDBPyConnection,
    faults: pd.DataFrame,
    batches: pd.DataFrame,
    kind: str,
) -> FileCounts:
    """Return how many damaged rows were rejected, and repeated rows taken once."""
    rejects = connection.execute(
        "select source_system, source_file, row_number, reason, raw_line from raw._rejects"
    ).df()
    rejects["name"] = rejects["source_file"].map(lambda name: PurePosixPath(str(name)).name)
    is_repeat = rejects["reason"].str.contains("repeat", regex=False)
    wanted = rejects[is_repeat] if kind == "duplicated_row" else rejects[~is_repeat]
    by_file = {key: rows for key, rows in wanted.groupby(["source_system", "name"])}
    unchanged = batches.groupby(["source_system", "name"])["rows_unchanged"].sum().to_dict()
    held = found = 0
    matched: set[tuple[str, str, int]] = set()
    known = _names(batches)
    distinct = faults.drop_duplicates(["source_system", "source_file", "record_key", "field"])
    for (system, name), rows in distinct.groupby(["source_system", "source_file"]):
        key = (str(system), str(name))
        if key not in known:
            continue
        held += len(rows)
        lines = by_file.get(key)
        told = 0
        if lines is not None:
            told = min(len(rows), lines["row_number"].nunique())
            matched |= {(*key, int(number)) for number in lines["row_number"].unique()[: len(rows)]}
        if kind == "duplicated_row":
            told = min(len(rows), told + int(unchanged.get(key, 0)))
        found += told
    numbers = wanted.drop_duplicates(["source_system", "name", "row_number"])
    false_positives = None if kind == "duplicated_row" else len(numbers) - len(matched)
    how = "taken once: unchanged or rejected as repeat" if kind == "duplicated_row" else "rejected"
    return len(distinct), held, found, false_positives, how
