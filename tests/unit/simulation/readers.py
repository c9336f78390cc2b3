"""Plain readers of the systems' files, independent of the writers and of the ingestion.

Belongs here: files into rows. Does not: what the rows must say.
"""

from __future__ import annotations

import csv
import gzip
import io
import sqlite3
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

Row = dict[str, str]


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode(encoding)


def read_csv(path: Path, delimiter: str = ",", encoding: str = "utf-8-sig") -> list[Row]:
    return parse_csv(read_text(path, encoding), delimiter)


def parse_csv(text: str, delimiter: str = ",") -> list[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = list(reader)
    assert all(None not in row and None not in row.values() for row in rows), "ragged rows"
    return rows


def header_of(path: Path, delimiter: str = ",", encoding: str = "utf-8-sig") -> list[str]:
    return next(csv.reader(io.StringIO(read_text(path, encoding)), delimiter=delimiter))


def read_zip(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def read_workbook(path: Path) -> tuple[list[list], list[dict]]:
    """Return the lines above the header, and the rows."""
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Casos").to_python()
    return rows[:2], [dict(zip(rows[2], row, strict=True)) for row in rows[3:]]


def read_events(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def read_table(path: Path, table: str) -> list[dict]:
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"select * from {table}")]
