"""The truth behind the files, for tests and benchmarks only: who is who, what was planted, what would be.

Belongs here: the tables of the truth folder, written as they grow. Does not: how truth comes about
(`engine`) or faults are drawn (`person_faults`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulation.frames import CONSENT_EVENTS, POTENTIAL_OUTCOMES, RENEWALS, Slice

_REPEATING_TEXT = pa.dictionary(pa.int32(), pa.string())
_PLANTED_FAULTS: Final = pa.schema(
    [
        ("source_system", _REPEATING_TEXT),
        ("source_table", _REPEATING_TEXT),
        ("source_file", _REPEATING_TEXT),
        ("record_key", pa.string()),
        ("field", _REPEATING_TEXT),
        ("fault_kind", _REPEATING_TEXT),
        ("true_value", pa.string()),
        ("delivered_value", pa.string()),
    ]
)
_SOURCE_RECORDS: Final = pa.schema(
    [
        ("source_system", pa.string()),
        ("source_table", pa.string()),
        ("source_customer_id", pa.string()),
        ("person_id", pa.int64()),
        ("household_id", pa.int64()),
    ]
)
# Which rows of a growing table a continuation replaces, should it be repeated after a crash.
_REPLACED_BY: Final = {
    "planted_faults": "source_system, source_file, record_key, field, fault_kind",
    POTENTIAL_OUTCOMES.name: "campaign_id, person_id",
    RENEWALS.name: "person_id, line, bought_at",
    CONSENT_EVENTS.name: "person_id, system, purpose, channel, occurred_at, is_granted",
}


@dataclass
class _GrowingTable:
    """A Parquet file that takes rows during a run and shows them when the run ends well."""

    path: Path
    writer: pq.ParquetWriter | None = None

    @property
    def _new_rows(self) -> Path:
        return self.path.with_name(f".{self.path.name}.partial")

    def append(self, table: pa.Table) -> None:
        """Add rows; the first ones set the columns' types."""
        if self.writer is None:
            self.writer = pq.ParquetWriter(self._new_rows, table.schema, compression="zstd")
        self.writer.write_table(table.cast(self.writer.schema))

    def close(self, replaced_by: str) -> None:
        """Put the new rows behind the old ones that they don't replace."""
        if self.writer is None:
            return
        self.writer.close()
        self.writer = None
        if self.path.exists():
            merged = self.path.with_name(f".{self.path.name}.merged")
            # One thread: rows keep their order through the anti join.
            with duckdb.connect(config={"threads": 1}) as connection:
                connection.execute(
                    f"""copy (
                        select * from read_parquet($old) as old
                        where not exists (
                            select 1 from read_parquet($new) as new
                            where ({_prefixed("old", replaced_by)}) = ({_prefixed("new", replaced_by)})
                        )
                        union all
                        select * from read_parquet($new)
                    ) to '{merged}' (format parquet, compression zstd)""",
                    {"old": str(self.path), "new": str(self._new_rows)},
                )
            merged.replace(self._new_rows)
        _settle(self._new_rows, self.path)

    def discard(self) -> None:
        """Drop the new rows."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        self._new_rows.unlink(missing_ok=True)


@dataclass
class Truth:
    """The folder of the truth; grows with the slices and is complete after `finish`.

    Parameters
    ----------
    folder
        Where its Parquet files lie.
    household_ids
        Household of each person.
    """

    folder: Path
    household_ids: NDArray[np.int64]
    _identities: list[pa.Table] = field(default_factory=list)
    _retracted: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare the folder and its growing tables."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._growing = {
            table: _GrowingTable(self.folder / f"{table}.parquet") for table in _REPLACED_BY
        }

    def plant(
        self,
        system: str,
        table: str,
        file: str,
        keys: Sequence[str] | NDArray[Any],
        hits: pd.DataFrame,
    ) -> None:
        """Note the faults of a file's records.

        Parameters
        ----------
        system, table, file
            Where they were delivered.
        keys
            Key of each record of the file, as delivered.
        hits
            row (position in ``keys``), field, fault_kind, true_value, delivered_value.
        """
        if hits.empty:
            return
        count = len(hits)
        record_keys = np.asarray(keys, dtype=object)[hits["row"].to_numpy(dtype=np.int64)]
        columns = {
            "source_system": [system] * count,
            "source_table": [table] * count,
            "source_file": [file] * count,
            "record_key": record_keys,
            **{
                name: hits[name].to_numpy(dtype=object)
                for name in ("field", "fault_kind", "true_value", "delivered_value")
            },
        }
        arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        self._growing["planted_faults"].append(pa.table(arrays).cast(_PLANTED_FAULTS))

    def plant_in_file(
        self,
        system: str,
        table: str,
        file: str,
        kind: str,
        *,
        true_value: str,
        delivered_value: str,
        field: str = "",
    ) -> None:
        """Note a fault of a whole file; its record key is empty."""
        hit = {
            "row": 0,
            "field": field,
            "fault_kind": kind,
            "true_value": true_value,
            "delivered_value": delivered_value,
        }
        self.plant(system, table, file, [""], pd.DataFrame([hit]))

    def identify(
        self,
        system: str,
        table: str,
        source_customer_ids: Sequence[str] | NDArray[Any],
        person_ids: NDArray[np.int64],
    ) -> None:
        """Note who stands behind a system's customer ids; repeated pairs are kept once."""
        if not len(person_ids):
            return
        columns = [
            pa.repeat(system, len(person_ids)),
            pa.repeat(table, len(person_ids)),
            pa.array(source_customer_ids, pa.string()),
            pa.array(person_ids),
            pa.array(self.household_ids[person_ids]),
        ]
        self._identities.append(pa.Table.from_arrays(columns, schema=_SOURCE_RECORDS))

    def retract(self, system: str, source_customer_ids: Iterable[str]) -> None:
        """Forget customer ids that the system itself replaced by another one."""
        self._retracted.update((system, identifier) for identifier in source_customer_ids)

    def absorb(self, happened: Slice) -> None:
        """Take the truth of a slice: potential outcomes, renewals, consents given and withdrawn."""
        for name in (POTENTIAL_OUTCOMES.name, RENEWALS.name, CONSENT_EVENTS.name):
            if len(happened[name]):
                table = pa.Table.from_pandas(happened[name], preserve_index=False)
                self._growing[name].append(table.replace_schema_metadata(None))

    def replace(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table of the truth anew."""
        self._write(name, pa.Table.from_pandas(frame, preserve_index=False))

    def finish(self) -> None:
        """Complete the growing tables; only now do their files show the new rows."""
        for name, table in self._growing.items():
            table.close(_REPLACED_BY[name])
        known = self.folder / "source_records.parquet"
        before = [pq.read_table(known)] if known.exists() else []
        records = pa.concat_tables([*before, _SOURCE_RECORDS.empty_table(), *self._identities])
        if self._retracted:
            pairs = zip(
                records["source_system"].to_pylist(),
                records["source_customer_id"].to_pylist(),
                strict=True,
            )
            records = records.filter(pa.array([pair not in self._retracted for pair in pairs]))
        self._write(known.stem, _distinct(records))
        self._identities.clear()
        self._retracted.clear()

    def abandon(self) -> None:
        """Drop what was not finished."""
        for table in self._growing.values():
            table.discard()

    def _write(self, name: str, table: pa.Table) -> None:
        path = self.folder / f"{name}.parquet"
        temporary = path.with_name(f".{path.name}.partial")
        pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd")
        _settle(temporary, path)


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column.strip()}" for column in columns.split(","))


def _distinct(records: pa.Table) -> pa.Table:
    """Return each row once, in the order of first appearance."""
    numbered = records.append_column("row", pa.array(np.arange(records.num_rows)))
    first = numbered.group_by(records.column_names, use_threads=False).aggregate([("row", "min")])
    return records.take(np.sort(first["row_min"].to_numpy()))


def _settle(temporary: Path, path: Path) -> None:
    temporary.chmod(0o600)
    temporary.replace(path)
