"""Every format gives the same rows; what is told, sniffed and refused about each."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import date, datetime

import duckdb
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.readers import delimited
from orchestration.lib.ingest.readers.lines import RecordReader, read_lines
from tests.unit.ingest.conftest import Shop, column, contract

COLUMNS = (
    column("code", is_required=True, source_column=("CODCLI", "COD_CLIENTE")),
    column("name", source_column="NOMBRE"),
    column("amount", "decimal(18,2)", source_column="IMPORTE"),
    column("sold_on", "date", source_column="FECHA", date_format=("%d/%m/%Y", "%Y-%m-%d")),
)
SPANISH = {"delimiter": ";", "decimal": ",", "thousands": "."}
ROWS = [
    ("001", "Muñoz, José", 1234.5, date(2024, 1, 31)),
    ("002", 'Peña "Lola"\nde la Fuente', -0.5, date(2024, 2, 29)),
    ("003", None, None, None),
]
SPANISH_TEXT = (
    "CODCLI;NOMBRE;IMPORTE;FECHA\r\n"
    "001;Muñoz, José;1.234,50;31/01/2024\r\n"
    '002;"Peña ""Lola""\nde la Fuente";-0,5;29/02/2024\r\n'
    "003;;;\r\n"
)
SELECT = "select code, name, amount::double, sold_on from sales order by code"


def zipped(**members: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def workbook(rows: list[list[object]], *, sheet: str = "Casos", titles: int = 0) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for number in range(titles):
            page.write(number, 0, f"Informe {number}")
        for number, row in enumerate(rows, start=titles):
            for place, cell in enumerate(row):
                if isinstance(cell, datetime | date):
                    page.write_datetime(number, place, cell, day)
                elif isinstance(cell, str) and cell.startswith("="):
                    page.write_formula(number, place, cell, None, "#DIV/0!")
                elif cell is not None:
                    page.write(number, place, cell)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("a.csv", SPANISH_TEXT, {}),
        ("a.csv", "\ufeff" + SPANISH_TEXT, {}),
        ("a.csv", SPANISH_TEXT.encode("cp1252"), {}),
        ("a.csv", SPANISH_TEXT.encode("latin-1"), {"encoding": "latin-1"}),
        ("a.csv", SPANISH_TEXT.encode("utf-16"), {}),
        ("a.csv", SPANISH_TEXT.encode("utf-16-le"), {"encoding": "utf-16"}),
        ("a.csv", SPANISH_TEXT.encode("utf-16-be"), {}),
        ("a.csv", SPANISH_TEXT, {"delimiter": "auto"}),
        ("a.csv", SPANISH_TEXT.replace("\r\n", "\r").replace("\n", " \n"), {"delimiter": "auto"}),
        ("a.csv", "Listado\n\n" + SPANISH_TEXT, {"header_row": 3}),
        ("a.csv", SPANISH_TEXT.replace("CODCLI", " cod_cliente\u00a0"), {}),
        ("a.csv", SPANISH_TEXT.replace("003;;;", "003"), {"expected": ROWS[:2], "rejected": 1}),
        ("a.tsv", "CODCLI\tNOMBRE\tIMPORTE\tFECHA\n003\t\t\t\n", {"expected": ROWS[2:], "delimiter": "auto"}),
        ("a.csv.gz", gzip.compress(SPANISH_TEXT.encode()), {}),
        ("a.zip", zipped(b__csv=SPANISH_TEXT), {}),
        ("a.zip", zipped(b__csv=SPANISH_TEXT, leeme__txt="x"), {"member": "*.csv"}),
    ],
)  # fmt: skip
def test_csv_in_all_its_forms(shop: Shop, name: str, content: bytes | str, keys: dict) -> None:
    expected, rejected = keys.pop("expected", ROWS), keys.pop("rejected", 0)
    shop.drop(name, content)
    table = contract(*COLUMNS, location=name, **{**SPANISH, **keys})
    result = shop.load(table)
    found = shop.rows(SELECT)
    squeezed = [
        tuple(" ".join(v.split()) if isinstance(v, str) else v for v in row) for row in found
    ]
    wanted = [
        tuple(" ".join(v.split()) if isinstance(v, str) else v for v in row) for row in expected
    ]
    assert squeezed == wanted
    assert result.rows_rejected == rejected


def test_values_of_booleans_and_times(shop: Shop) -> None:
    columns = (
        column("yes", "boolean"),
        column("moment", "timestamp"),
        column("zoned", "timestamp", date_format=("%Y-%m-%d %H:%M:%S %z", "%d/%m/%Y %H:%M")),
        column("units", "integer"),
        column("ratio", "double"),
        column("detail", "json"),
    )
    shop.drop(
        "a.csv",
        "yes|moment|zoned|units|ratio|detail\n"
        'sí|2024-01-31T12:00:00+02:00|2024-01-31 12:00:00 +0100|5.0|1e-3|{"a": 1}\n'
        "N|2024-07-31 12:00:00|31/07/2024 12:00|7||\n"
        "1|2024-01-31T12:00:00Z|2024-01-31 12:00:00 Z|8|2|[1]\n"
        "maybe|never|31-07-2024|12.7|nan|{a\n",
    )
    table = contract(*columns, location="a.csv", timezone="Europe/Madrid", quote="")
    result = shop.load(table)
    assert (result.rows_loaded, result.rows_rejected) == (3, 1)
    assert shop.rows("select yes, moment, zoned, units from sales order by _row_number") == [
        (True, datetime(2024, 1, 31, 10), datetime(2024, 1, 31, 11), 5),
        (False, datetime(2024, 7, 31, 10), datetime(2024, 7, 31, 10), 7),
        (True, datetime(2024, 1, 31, 12), datetime(2024, 1, 31, 12), 8),
    ]
    assert {name for _, name, _ in shop.reasons()} == {each.name for each in columns}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234.567,89", 1234567.89),
        ("1234,5", 1234.5),
        ("-3", -3.0),
        ("+1.000", 1000.0),
        (" 12,50 ", 12.5),
        (",5", 0.5),
        ("12.5", None),
        ("1.23", None),
        ("1,234,567", None),
        ("12,50 €", None),
        ("1.2345,6", None),
    ],
)
def test_spanish_numbers_are_read_as_written_or_rejected(
    shop: Shop, text: str, value: float | None
) -> None:
    shop.drop("a.csv", f'amount;x\n"{text}";1\n')
    table = contract(column("amount", "decimal(18,4)"), column("x"), location="a.csv", **SPANISH)
    result = shop.load(table)
    assert result.rows_rejected == (value is None)
    assert shop.rows("select amount::double from sales") == (
        [(value,)] if value is not None else []
    )


def test_fixed_width(shop: Shop) -> None:
    columns = (
        column("code", position=(1, 4), is_required=True),
        column("name", position=(5, 6)),
        column("amount", "decimal(18,2)", position=(11, 6)),
    )
    shop.drop("a.txt", "0001Muñoz   12,50\n0002Peña    -1,00\n\n0003\n".encode("cp1252"))
    result = shop.load(contract(*columns, location="a.txt", format="fixed_width", decimal=","))
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (3, 2, 1)
    assert shop.rows("select code, name, amount::double, _row_number from sales order by code") == [
        ("0001", "Muñoz", 12.5, 1),
        ("0002", "Peña", -1.0, 2),
    ]
    assert shop.reasons()[0][2] == "the line is shorter than the place of its last field"


TICKETS = [
    {
        "ticket_id": "t1",
        "store": {"id": 7},
        "lines": [{"sku": "a", "q": 1.5}, {"sku": "b", "q": 2}],
    },
    {"ticket_id": "t2", "store": None, "lines": []},
    {"ticket_id": "t3", "Store": {"id": 9}, "note": "ñ", "lines": [{"sku": "c", "q": None}]},
]


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("a.ndjson", "\n".join(json.dumps(ticket) for ticket in TICKETS), {}),
        ("a.ndjson.gz", gzip.compress("\n".join(map(json.dumps, TICKETS)).encode()), {}),
        ("a.json", json.dumps(TICKETS, indent=1), {}),
        ("a.json", json.dumps({"page": {"items": TICKETS}}), {"records": "page.items"}),
        ("a.json", "\ufeff" + json.dumps(TICKETS, ensure_ascii=False), {}),
        ("a.zip", zipped(b__ndjson="\r\n".join(map(json.dumps, TICKETS))), {}),
    ],
)
def test_json_records_and_their_lists(
    shop: Shop, name: str, content: bytes | str, keys: dict
) -> None:
    shop.drop(name, content)
    tickets = contract(
        column("ticket_id", is_required=True),
        column("store_id", "bigint", source_column="store.id"),
        column("note"),
        column("lines", "json"),
        column("absent", is_optional=True),
        location=name,
        **keys,
    )
    assert shop.load(tickets).rows_loaded == 3
    assert shop.rows("select ticket_id, note, json_array_length(lines) from sales order by 1") == [
        ("t1", None, 2),
        ("t2", None, 0),
        ("t3", "ñ", 1),
    ]
    shop.connection.execute("drop schema raw cascade")
    lines = contract(
        column("ticket_id"),
        column("sku", source_column="lines.sku", is_required=True),
        column("quantity", "double", source_column="lines.q"),
        location=name,
        explode="lines",
        **keys,
    )
    assert shop.load(lines).rows_delivered == 3
    assert shop.rows("select ticket_id, sku, quantity from sales order by sku") == [
        ("t1", "a", 1.5),
        ("t1", "b", 2.0),
        ("t3", "c", None),
    ]


def test_broken_lines_of_ndjson_cost_one_row_each(shop: Shop) -> None:
    shop.drop("a.ndjson", b'{"id": 1}\n{"id": 2\n[3]\n\n{"id": 4}\xff\n{"id": 5}\x00\n{"id": 6}\n')
    result = shop.load(contract(column("id", "bigint"), location="a.ndjson"))
    assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (6, 2, 4)
    assert shop.rows("select id, _row_number from sales order by id") == [(1, 1), (6, 7)]
    assert [number for number, _, _ in shop.reasons()] == [2, 3, 5, 6]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"items": [1', "not valid JSON"),
        ('{"rows": []}', "no list of records at 'items'"),
        ('{"items": 5}', "no list of records at 'items'"),
    ],
)
def test_json_that_is_none_is_refused(shop: Shop, content: str, words: str) -> None:
    shop.drop("a.json", content)
    with pytest.raises(InputError, match=words):
        shop.load(contract(column("id"), location="a.json", records="items"))


def test_nested_parquet(shop: Shop) -> None:
    """GA4's layout: structs, and values by key in a list."""
    duckdb.execute(
        f"""copy (select 'u1' as user_pseudo_id, {{'category': 'mobile'}} as device,
            [{{'key': 'page', 'value': {{'string_value': '/x', 'int_value': null::bigint}}}},
             {{'key': 'session', 'value': {{'string_value': null, 'int_value': 42}}}}] as params,
            [{{'item_id': 'A'}}] as items, 12345.0::double as number
        ) to '{shop.folder / "a.parquet"}' (format parquet)"""
    )
    table = contract(
        column("user_pseudo_id"),
        column("device", source_column="device.category"),
        column("session", "bigint", source_column="params[session].int_value"),
        column("page", source_column="params[page].string_value"),
        column("search", source_column="params[nothing].string_value"),
        column("item", source_column="items[0].item_id"),
        column("second", source_column="items[1].item_id"),
        column("items", "json"),
        column("number"),
        column("country", source_column="geo.country", is_optional=True),
        location="a.parquet",
    )
    shop.load(table)
    columns = "device, session, page, search, item, second, items, number, country"
    assert shop.rows(f"select {columns} from sales") == [
        ("mobile", 42, "/x", None, "A", None, '[{"item_id":"A"}]', "12345", None)
    ]


def test_excel_titles_dates_numbers_and_error_cells(shop: Shop) -> None:
    rows = [
        ["Nº caso", "Fecha", "Teléfono", "Nota", "Satisfacción (1-5)"],
        ["C1", datetime(2024, 1, 31, 12, 30), 600123123.0, "ñ", 5],
        [2, 45322.5, "600 1", None, 4.5],
        [None, None, None, None, None],
        ["C3", "31/01/2024", None, "=1/0", "x"],
    ]
    shop.drop("casos_2024-01.xlsx", workbook(rows, titles=2))
    columns = (
        column("case_id", source_column="Nº caso", is_required=True),
        column("opened_at", "timestamp", source_column="Fecha", date_format="%d/%m/%Y"),
        column("phone", source_column="Teléfono"),
        column("note", source_column="Nota"),
        column("score", "double", source_column="Satisfacción (1-5)"),
    )
    for keys in ({"header_row": 3}, {}, {"sheet": "Cas*"}):
        result = shop.load(contract(*columns, location="casos_*.xlsx", **keys))
        assert (result.rows_delivered, result.rows_loaded, result.rows_rejected) == (3, 2, 1)
        assert shop.rows("select case_id, opened_at, phone, score from sales order by 1") == [
            ("2", datetime(2024, 1, 31, 12), "600 1", 4.5),
            ("C1", datetime(2024, 1, 31, 12, 30), "600123123", 5.0),
        ]
    assert ("note", "note is an error value of the spreadsheet") in {r[1:] for r in shop.reasons()}
    with pytest.raises(InputError, match=r"has no sheet 'Ventas'; it has Casos"):
        shop.load(contract(*columns, location="casos_*.xlsx", sheet="Ventas"))


def test_a_missing_column_names_the_alternatives_and_an_optional_one_is_null(shop: Shop) -> None:
    shop.drop("a.csv", "CODIGO_CLIENTE;NOMBRE\n1;x\n")
    needed = column("code", source_column=("CODCLI", "COD_CLIENTE"))
    name = column("name", source_column="NOMBRE")
    with pytest.raises(InputError, match=r"lacks the column\(s\) 'CODCLI' or 'COD_CLIENTE'.*looks"):
        shop.load(contract(needed, name, location="a.csv"))
    optional = column("code", source_column="CODCLI", is_optional=True)
    result = shop.load(contract(optional, name, location="a.csv"))
    assert result.undeclared_columns == ("CODIGO_CLIENTE",)
    assert shop.rows("select code, name from sales") == [(None, "x")]


def test_an_optional_table_without_a_file_is_empty_and_typed(shop: Shop) -> None:
    table = contract(column("id", "bigint"), location="x_*.csv", is_optional=True)
    assert shop.load(table).files == ()
    types = shop.connection.execute('select typeof(id) from (from raw."shop__sales" limit 0)')
    assert types.fetchall() == []
    assert "id" in {
        row[0] for row in shop.connection.execute('describe raw."shop__sales"').fetchall()
    }
    shop.drop("x_1.csv", "id\n1\n")
    assert shop.load(table).rows_loaded == 1


@pytest.mark.parametrize(
    ("name", "none", "one"),
    [("x.csv", "id\n", "id\n1\n"), ("x.tsv", "id\tother", "id\tother\n1\t2\n")],
)
def test_a_snapshot_without_rows_empties_an_optional_table_only(
    shop: Shop, name: str, none: str, one: str
) -> None:
    columns = column("id", "bigint", is_required=True)
    needed = contract(columns, location=name, format="auto")
    optional = contract(columns, location=name, format="auto", is_optional=True)
    shop.drop(name, one)
    assert shop.load(optional).emptied_by == ()
    shop.drop(name, none)
    with pytest.raises(InputError, match=rf"{name} is empty\. Deliver it again.*is_optional"):
        shop.load(needed)
    assert shop.rows("select id from sales") == [(1,)]
    result = shop.load(optional)
    assert (result.emptied_by, result.rows_held, result.is_balanced) == ((name,), 0, True)
    assert shop.rows("select id from sales") == []
    ((status, note),) = shop.connection.execute(
        "select status, note from raw._batches where rows_delivered = 0"
    ).fetchall()
    assert (status, note) == ("loaded", "a delivery without rows: the table is empty")
    again = shop.load(optional)
    assert (again.is_unchanged, again.emptied_by) == (True, ())
    shop.drop(name, one)
    assert shop.load(optional).rows_loaded == 1


def test_a_file_without_a_header_is_refused_of_an_optional_table_too(shop: Shop) -> None:
    shop.drop("x.csv", "")
    with pytest.raises(InputError, match=r"x\.csv is empty"):
        shop.load(contract(column("id"), location="x.csv", is_optional=True))


def test_the_format_must_be_known(shop: Shop) -> None:
    shop.drop("a.xyz", "id\n1\n")
    with pytest.raises(InputError, match="doesn't tell its format"):
        shop.load(contract(column("id"), location="a.xyz"))


fields = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\x1f", exclude_categories=("Cs",)),
    max_size=6,
)


@given(rows=st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_tolerant_reader_reads_what_duckdb_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    """On well-formed files the two ways of reading agree, record by record."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    quoted = [["x" + field.replace('"', '""') for field in row] for row in rows]
    text = "".join(",".join(f'"{field}"' for field in row) + "\n" for row in quoted)
    path.write_bytes(("a,b,c\n" + text).encode())
    header = delimited.Header(",", ("a", "b", "c"), 1)
    scan = delimited._scan_sql(path, header, '"', 1)
    fast = duckdb.execute(f"select * from {scan}").fetchall()
    lines = read_lines(path)
    next(lines)
    slow = [tuple(record.fields) for record in RecordReader(lines, ",", '"', 3)]
    assert slow == fast == [tuple("x" + field for field in row) for row in rows]
