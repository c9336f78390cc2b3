"""Small deliveries in every format for the tests of scrubbing, and a decision by the id.

No assertions in here.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.privacy.scrubbing import (
    DeliveredRows,
    RowDecisions,
    scrub_file,
)

PEOPLE = [
    ("K1", "Ana Núñez", "ana@correo.example", "12,5", "2024-01-01"),
    ("K2", 'Íñigo "Iñaki" Gil', "inigo@correo.example", "1", "2024-01-02"),
    ("K3", "Begoña Ruiz\nde la Torre", "begona@correo.example", "x", "2024-01-03"),
    ("K1", "Ana Núñez", "ana@correo.example", "3", "no date"),
    ("K4", "", "", "4", "2024-01-05"),
]
NAMES = ("id", "name", "email", "amount", "sold_on")


def column(name: str, data_type: str = "varchar", **keys: Any) -> ColumnContract:
    return ColumnContract(
        **{
            "name": name,
            "data_type": data_type,
            "data_class": "none",
            "source_column": name,
            **keys,
        }
    )


COLUMNS = (
    column("id", is_required=True),
    column("name"),
    column("email"),
    column("amount", "decimal(18,4)"),
    column("sold_on", "date"),
)


def contract(location: str = "*", name: str = "sales", **keys: Any) -> TableContract:
    return TableContract(
        **{
            "system": "shop",
            "name": name,
            "identifier": f"shop__{name}",
            "description": "",
            "location": f"landing://{location}",
            "format": "auto",
            "columns": COLUMNS,
            **keys,
        }
    )


class Asked:
    """Decides by the id, and remembers the rows it was shown."""

    def __init__(self, delete: str = "", blank: str = "", **more: Any) -> None:
        self.delete, self.blank, self.more = delete, blank, more
        self.seen: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def __call__(self, delivered: DeliveredRows) -> RowDecisions:
        rows = delivered.rows.to_pylist()
        self.seen[(delivered.table.name, delivered.source_file)] = rows
        ids = [row.get("id") for row in rows]
        blank = np.array([each == self.blank for each in ids], bool)
        return RowDecisions(
            delete=np.array([each == self.delete for each in ids], bool),
            blank={name: blank for name in self.more.get("columns", ("name", "email"))},
            blank_undeclared=blank,
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        (rows,) = self.seen.values()
        return rows


def read(path: Path, *tables: TableContract) -> list[dict[str, Any]]:
    asked = Asked()
    scrub_file(path, tables or [contract()], asked)
    return asked.rows


def without_numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "_row_number"} for row in rows]


def expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is left when K1 is deleted and K2's name and e-mail are emptied."""
    kept = [dict(row) for row in rows if row["id"] != "K1"]
    for row in kept:
        if row["id"] == "K2":
            row["name"] = row["email"] = None
    return without_numbers(kept)


def csv_bytes(
    encoding: str, delimiter: str, line_end: str, quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(NAMES)
    writer.writerows(PEOPLE)
    return text.getvalue().encode(encoding)


def excel_bytes() -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Datos")
        sheet.write(0, 0, "Listado")
        for number, row in enumerate([NAMES, *PEOPLE], start=2):
            sheet.write_row(number, 0, row)
        sheet.write(2, 6, "Teléfono")
        sheet.write_number(4, 6, 612345678)
        book.add_worksheet("Otra").write(0, 0, "Ana Núñez")
    return buffer.getvalue()


def dictionaries() -> list[dict[str, str]]:
    return [dict(zip(NAMES, row, strict=True)) for row in PEOPLE]


def fixed_bytes() -> bytes:
    lines = [
        f"{row[0]:<3}{row[1][:12]:<14}{row[2]:<22}{row[3]:>5}{row[4]:>11}".replace("\n", " ")
        for row in PEOPLE
    ]
    return ("\n".join(lines) + "\n").encode("cp1252")


FIXED = tuple(
    column(each.name, each.data_type, position=position)
    for each, position in zip(COLUMNS, [(1, 3), (4, 14), (18, 22), (40, 5), (45, 11)], strict=True)
)


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(dictionaries()), buffer, compression="zstd")
    return buffer.getvalue()


def zip_bytes(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("sales_1.csv", (2024, 1, 2, 3, 4, 6)), content)
        archive.writestr("readme.txt", "Nothing of note.\n")
    return buffer.getvalue()


CSV = csv_bytes("utf-8", ",", "\n")
NDJSON = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in dictionaries()).encode()
CASES: list[tuple[str, bytes, dict[str, Any]]] = [
    ("a.csv", CSV, {}),
    ("windows.csv", csv_bytes("cp1252", ";", "\r\n", csv.QUOTE_ALL), {"encoding": "cp1252"}),
    ("bom.csv", csv_bytes("utf-8-sig", "\t", "\r\n"), {}),
    ("wide.csv", csv_bytes("utf-16", ";", "\r\n"), {}),
    ("plain.csv", csv_bytes("utf-8", "|", "\n").replace(b"Ruiz\nde", b"Ruiz de"), {}),
    ("ragged.csv", CSV + b"K9,too,few\nK8,a,b@c.example,1,2024-01-01,,,\n\n\n", {}),
    ("packed.csv.gz", gzip.compress(CSV), {}),
    ("packed.zip", zip_bytes(CSV), {"member": "sales_*.csv", "format": "csv"}),
    ("a.ndjson", NDJSON, {}),
    ("bom.ndjson", b"\xef\xbb\xbf" + NDJSON, {}),
    (
        "a.json",
        json.dumps({"n": 5, "data": dictionaries()}, indent=1).encode(),
        {"records": "data"},
    ),
    ("flat.json", json.dumps(dictionaries(), ensure_ascii=False).encode("cp1252"), {}),
    ("a.txt", fixed_bytes(), {"format": "fixed_width", "columns": FIXED}),
    ("a.parquet", parquet_bytes(), {}),
    ("a.xlsx", excel_bytes(), {"header_row": 3, "sheet": "Datos"}),
]


def dms(path: Path, *, in_log: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"pragma journal_mode = {'wal' if in_log else 'delete'}")
    connection.executescript(
        """create table people (id text, name text, email text, amount numeric, sold_on text, phone int);
        create index by_email on people (email);
        create table other (note text);
        create table keyed (code text primary key, name text not null) without rowid;"""
    )
    connection.executemany("insert into people values (?, ?, ?, ?, ?, 612345678)", PEOPLE)
    connection.execute("insert into other values ('call ana@correo.example'), ('nothing')")
    connection.execute("insert into keyed values ('c', 'ana@correo.example')")
    connection.commit()
    return connection
