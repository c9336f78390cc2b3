"""A small shop that delivers files in every format; tests drop them and load."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.ingest.files import load_table
from orchestration.lib.ingest.ledger import LoadResult

LOADED_AT = datetime(2026, 11, 22, 10)


def column(name: str, data_type: str = "varchar", **rules: Any) -> ColumnContract:
    return ColumnContract(
        **{
            "name": name,
            "data_type": data_type,
            "data_class": "none",
            "source_column": name,
            **rules,
        }
    )


def contract(*columns: ColumnContract, location: str, **keys: Any) -> TableContract:
    return TableContract(
        **{
            "system": "shop",
            "name": "sales",
            "identifier": "shop__sales",
            "description": "One row per sale.",
            "location": f"landing://{location}",
            "format": "auto",
            "columns": columns,
            **keys,
        }
    )


@dataclass
class Shop:
    """A landing folder and a database."""

    connection: duckdb.DuckDBPyConnection
    landing: Path

    @property
    def folder(self) -> Path:
        return self.landing / "shop"

    def drop(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, table: TableContract, **options: Any) -> LoadResult:
        result = load_table(
            self.connection,
            table,
            landing_dir=self.landing,
            loaded_at=LOADED_AT,
            run_id="run",
            **options,
        )
        assert result.is_balanced, result
        self.require_balance(table)
        return result

    def require_balance(self, table: TableContract) -> None:
        """Check that the ledger adds up, and that its rejects are the rows of raw._rejects."""
        broken = self.connection.execute(
            """select source_file, rows_delivered, rows_loaded, rows_rejected, rows_unchanged
            from raw._batches where rows_delivered <> rows_loaded + rows_rejected + rows_unchanged"""
        ).fetchall()
        assert not broken
        counted = self.connection.execute(
            """select source_file from raw._batches as batches
            where status in ('loaded', 'duplicate', 'superseded') and rows_rejected <> (
                select count(distinct row_number) from raw._rejects as rejects
                where rejects.batch_id = batches.batch_id)"""
        ).fetchall()
        assert not counted

    def rows(self, query: str = "select * exclude (_loaded_at, _batch_id) from sales") -> list[Any]:
        return self.connection.execute(query.replace("sales", 'raw."shop__sales"')).fetchall()

    def reasons(self) -> list[tuple[int, str, str]]:
        return self.connection.execute(
            "select row_number, column_name, reason from raw._rejects order by all"
        ).fetchall()

    def statuses(self) -> dict[str, str]:
        return dict(
            self.connection.execute(
                "select source_file, status from raw._batches where status <> 'replaced'"
            ).fetchall()
        )


@pytest.fixture
def shop(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Shop:
    connection.execute("set timezone = 'UTC'")
    (tmp_path / "landing" / "shop").mkdir(parents=True)
    return Shop(connection, tmp_path / "landing")
