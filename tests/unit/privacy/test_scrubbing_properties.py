"""Rows that were not chosen stay, whatever they hold: drawn contents of every format."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.privacy.scrubbing import (
    scrub_file,
)
from tests.unit.privacy.scrub_samples import (
    COLUMNS,
    NAMES,
    Asked,
    column,
    contract,
    expected,
    read,
    without_numbers,
)

# A lone carriage return would end a line: no writer leaves it unquoted on purpose.
CELL = st.lists(st.sampled_from([*"abñ€;,|\"\n\t 'é1", "\r\n"]), max_size=6).map("".join)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["K1", "K2", "K3"]), CELL, CELL), max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    has_end=st.booleans(),
)
def test_rows_that_were_not_chosen_stay_whatever_they_hold(
    tmp_path_factory, rows, delimiter, line_end, encoding, quoting, has_end
):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(NAMES[:3])
    writer.writerows(rows)
    content = text.getvalue()
    path.write_bytes((content if has_end else content.removesuffix(line_end)).encode(encoding))
    table = contract(
        columns=COLUMNS[:3],
        encoding="cp1252" if encoding == "cp1252" else "auto",
        delimiter=delimiter,
    )
    before = read(path, table)
    scrub_file(path, [table], Asked("K1", "K2"))
    assert without_numbers(read(path, table)) == expected(before)
    kept = [row for row in rows if row[0] == "K3"]
    left = list(
        csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter)
    )
    assert [tuple(row) for row in left if row and row[0] == "K3"] == kept
    once = path.read_bytes()
    scrub_file(path, [table], Asked("K1", "K2"))
    assert path.read_bytes() == once


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["K1", "K2", "K3"]), JSON_VALUE, st.text(max_size=5)),
        min_size=1,
        max_size=8,
    ),
    indent=st.sampled_from([None, 1]),
    is_ascii=st.booleans(),
    is_lines=st.booleans(),
)
def test_json_records_that_were_not_chosen_stay(tmp_path_factory, rows, indent, is_ascii, is_lines):
    path = tmp_path_factory.mktemp("any") / ("a.ndjson" if is_lines else "a.json")
    records = [{"id": each, "extra": extra, "name": name} for each, extra, name in rows]
    if is_lines:
        text = "".join(json.dumps(each, ensure_ascii=is_ascii) + "\n" for each in records)
        text = text.replace("\x85", "").replace("\u2028", "")
    else:
        text = json.dumps({"x": [1], "data": records}, ensure_ascii=is_ascii, indent=indent)
    path.write_text(text, newline="", encoding="utf-8", errors="replace")
    table = contract(
        columns=(column("id"), column("name", is_optional=True)),
        records=None if is_lines else "data",
    )
    was = path.read_bytes().decode()
    before = (
        [json.loads(line) for line in was.split("\n") if line]
        if is_lines
        else json.loads(was)["data"]
    )
    scrub_file(path, [table], Asked("K1", "K2", columns=("name",)))
    now = path.read_bytes().decode()
    after = (
        [json.loads(line) for line in now.split("\n") if line]
        if is_lines
        else json.loads(now)["data"]
    )
    kept = [each for each in before if each["id"] != "K1"]
    assert [each for each in after if each["id"] == "K3"] == [
        each for each in kept if each["id"] == "K3"
    ]
    assert [each["id"] for each in after] == [each["id"] for each in kept]
    assert all(not each["name"] and not each["extra"] for each in after if each["id"] == "K2")


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["K1", "K2", "K3"]),
            st.text("añ1 ", min_size=1, max_size=4),
            st.text("bé", max_size=3),
        ),
        min_size=1,
        max_size=8,
    ),
    kind=st.sampled_from(["parquet", "xlsx", "txt"]),
)
def test_tables_whose_rows_were_not_chosen_stay(tmp_path_factory, rows, kind):
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    keys: dict[str, Any] = {"columns": COLUMNS[:3]}
    if kind == "parquet":
        names = zip(NAMES[:3], zip(*rows, strict=True), strict=True)
        pq.write_table(
            pa.table({name: list(values) for name, values in names}), path, row_group_size=3
        )
    elif kind == "xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([NAMES[:3], *rows]):
                sheet.write_row(number, 0, row)
    else:
        path.write_text("".join(f"{row[0]}{row[1]:<6}{row[2]:<5}|\n" for row in rows))
        places = zip(COLUMNS[:3], [(1, 2), (3, 6), (9, 5)], strict=True)
        columns = tuple(column(each.name, position=place) for each, place in places)
        keys = {"columns": columns, "format": "fixed_width"}
    table = contract(**keys)
    before = read(path, table)
    scrub_file(path, [table], Asked("K1", "K2"))
    assert without_numbers(read(path, table)) == expected(before)
    once = path.read_bytes()
    assert not scrub_file(path, [table], Asked("K1", "K2")).is_rewritten
    assert path.read_bytes() == once
