"""Scrubbing takes out what was decided about and leaves every other row as it was, in each format."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib.contract import TableContract
from orchestration.lib.privacy.byte_search import compile_patterns, search_file
from orchestration.lib.privacy.scrubbing import (
    DeliveredRows,
    RowDecisions,
    ScrubError,
    scrub_file,
)
from tests.unit.privacy.scrub_samples import (
    CASES,
    Asked,
    column,
    contract,
    excel_bytes,
    expected,
    read,
    without_numbers,
)


@pytest.fixture(params=CASES, ids=[name for name, _, _ in CASES])
def delivered(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, TableContract]:
    name, content, keys = request.param
    path = tmp_path / name
    path.write_bytes(content)
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18))
    return path, contract(**keys)


def test_the_reader_gives_exactly_the_rows_that_were_kept(delivered):
    path, table = delivered
    before = read(path, table)
    result = scrub_file(path, [table], Asked("K1", "K2"))
    after = read(path, table)
    assert without_numbers(after) == expected(before)
    cells = 2 + (path.suffix == ".xlsx")  # its column that nobody declared
    assert (result.rows_deleted, result.rows_blanked, result.cells_blanked) == (
        2,
        1,
        cells,
    )
    assert result.is_rewritten and result.old_hash != result.new_hash
    kept = np.array([row["_row_number"] for row in before if row["id"] != "K1"], np.int64)
    (source_file,) = (each for _, each in result.deleted)
    numbers = result.renumbered("sales", source_file, kept)
    assert numbers.tolist() == [row["_row_number"] for row in after]
    state = path.stat()
    assert (state.st_mtime_ns, state.st_mode & 0o777) == (10**18, 0o640)


def test_scrubbing_twice_is_scrubbing_once(delivered):
    path, table = delivered
    first = scrub_file(path, [table], Asked("K1", "K2"))
    content = path.read_bytes()
    second = scrub_file(path, [table], Asked("K1", "K2"))
    assert not second.is_rewritten and second.old_hash == second.new_hash == first.new_hash
    assert path.read_bytes() == content


def test_without_anything_to_do_the_file_is_not_touched(delivered):
    path, table = delivered
    before = path.read_bytes(), path.stat().st_ino
    result = scrub_file(
        path, [table], Asked("nobody"), patterns=compile_patterns([("email", "no@body.example")])
    )
    assert not result.is_rewritten
    assert (path.read_bytes(), path.stat().st_ino) == before


def test_patterns_empty_the_cells_that_nobody_decided_about(delivered):
    path, table = delivered
    before = read(path, table)
    patterns = compile_patterns([("email", "INIGO@correo.example")])
    result = scrub_file(path, [table], Asked(), patterns=patterns)
    assert result.cells_blanked == 1 and result.left == 0
    for row in before:
        row["email"] = None if row["id"] == "K2" else row["email"]
    assert read(path, table) == before
    assert search_file(path, patterns).hits == ()


def test_what_was_kept_is_equal_byte_for_byte(tmp_path):
    for name, content, _ in CASES[:3]:
        path = tmp_path / name
        path.write_bytes(content)
        scrub_file(path, [contract()], Asked("K1"))
        lines = content.split(b"\r\n" if b"\r\n" in content else b"\n")
        kept = [line for line in lines if b"ana@" not in line]
        assert path.read_bytes() == (b"\r\n" if b"\r\n" in content else b"\n").join(kept)


def test_broken_lines_with_an_identifier_go_and_others_stay(tmp_path):
    path = tmp_path / "a.csv"
    broken = b"K7,ana@correo.example\nK8,other@correo.example\n\x00,ana@correo.example,\n"
    path.write_bytes(
        b"id,name,email,amount,sold_on\nK5,a,b,1,2024-01-01\n" + broken + b"K6,a,b,1,x\n"
    )
    result = scrub_file(
        path, [contract()], Asked(), patterns=compile_patterns([("email", "ana@correo.example")])
    )
    assert (result.broken_deleted, result.rows_deleted, result.cells_blanked) == (2, 0, 0)
    assert path.read_bytes() == (
        b"id,name,email,amount,sold_on\nK5,a,b,1,2024-01-01\nK8,other@correo.example\nK6,a,b,1,x\n"
    )


def test_undeclared_columns_are_emptied_with_the_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b'id,Street,name,email,amount,sold_on,Note\nK2,"Sol, 1",a,b,1,,x\nK3,Mar 2,c,d,2,,y\n'
    )
    result = scrub_file(path, [contract()], Asked("", "K2"))
    assert result.cells_blanked == 4
    assert path.read_bytes() == (
        b'id,Street,name,email,amount,sold_on,Note\nK2,"",,,1,,\nK3,Mar 2,c,d,2,,y\n'
    )


def test_a_file_that_no_run_accepts_is_scrubbed_by_its_identifiers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"wrong;header\n1;ana@correo.example\n2;other\n")
    patterns = compile_patterns([("email", "ana@correo.example")])
    result = scrub_file(path, [contract()], Asked(), patterns=patterns)
    assert result.broken_deleted == 1
    assert path.read_bytes() == b"wrong;header\n2;other\n"


EXPLODED = {
    "columns": (
        column("id"),
        column("line", source_column="lines.n"),
        column("sku", source_column="lines.sku"),
        column("email", source_column="who.email"),
    ),
    "explode": "lines",
    "name": "lines",
}
TICKETS = [
    {
        "id": "T1",
        "who": {"email": "a@b.example"},
        "lines": [{"n": 1, "sku": "x"}, {"n": 2, "sku": "y"}],
    },
    {"id": "T2", "who": {"email": "c@d.example"}, "lines": []},
    {"id": "T3", "who": None, "lines": [{"n": 1, "sku": "z"}]},
]


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_file_of_two_tables_with_lists_in_its_records(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    text = json.dumps(TICKETS) if kind == "json" else "\n".join(map(json.dumps, TICKETS))
    path.write_text(text)
    parents = contract(
        columns=(column("id"), column("email", source_column="who.email")), name="tickets"
    )
    lines = contract(**EXPLODED)

    def decide(delivered: DeliveredRows) -> RowDecisions:
        rows = delivered.rows.to_pylist()
        if delivered.table.name == "tickets":
            return RowDecisions(delete=np.array([row["id"] == "T3" for row in rows]))
        return RowDecisions(
            delete=np.array([row["line"] == "2" for row in rows]),
            blank={
                "email": np.array([row["id"] == "T1" for row in rows]),
                "sku": np.array([row["sku"] == "x" for row in rows]),
            },
        )

    result = scrub_file(path, [parents, lines], decide)
    text = path.read_text()
    left = json.loads(text) if kind == "json" else [json.loads(each) for each in text.splitlines()]
    assert left == [
        {"id": "T1", "who": {"email": None}, "lines": [{"n": 1, "sku": None}]},
        TICKETS[1],
    ]
    assert (result.rows_deleted, result.cells_blanked) == (2, 2)
    assert result.deleted[("tickets", path.name)].tolist() == [3]
    assert result.deleted[("lines", path.name)].tolist() == [2, 3]
    assert not scrub_file(path, [parents, lines], decide).is_rewritten


def test_parquet_keeps_schema_and_layout_and_reaches_nested_values(tmp_path):
    path = tmp_path / "events.parquet"
    params = [
        [{"key": "email", "value": {"s": "a@b.example"}}, {"key": "n", "value": {"s": "1"}}],
        None,
    ]
    table = pa.table(
        {
            "id": pa.array(["K1", "K2", "K3", "K4"]).dictionary_encode(),
            "params": pa.array([*params, *params]),
            "user": pa.array([{"mail": "c@d.example", "n": 1}] * 4),
            "at": pa.array([1, 2, 3, None], pa.timestamp("us", "UTC")),
        }
    ).replace_schema_metadata({"made by": "test"})
    pq.write_table(table, path, compression="gzip", row_group_size=2)
    table = pq.read_table(path)  # it names the elements of lists as Parquet does
    declared = contract(
        columns=(
            column("id"),
            column("email", source_column="params[email].s"),
            column("mail", source_column="user.mail"),
        )
    )
    result = scrub_file(path, [declared], Asked("K2", "K3", columns=("email", "mail")))
    after = pq.read_table(path)
    assert after.schema.equals(table.schema, check_metadata=True)
    assert pq.read_metadata(path).row_group(0).num_rows == 2
    assert pq.read_metadata(path).row_group(0).column(0).compression == "GZIP"
    wanted = [row for row in table.to_pylist() if row["id"] != "K2"]
    wanted[1]["user"]["mail"] = None
    wanted[1]["params"] = [{"key": "email", "value": {"s": None}}, params[0][1]]
    wanted[1]["at"] = None  # nobody declared it
    assert after.to_pylist() == wanted
    assert result.cells_blanked == 3


def test_a_workbook_lets_go_of_strings_that_no_cell_uses(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(excel_bytes())
    patterns = compile_patterns(
        [("email", "inigo@correo.example"), ("email", "ana@correo.example"), ("full_name", "Ana Núñez"),
         ("phone", "612345678")]
    )  # fmt: skip
    table = contract(header_row=3, sheet="Datos")
    scrub_file(path, [table], Asked("K1", "K2"))
    assert {hit.position for hit in search_file(path, patterns).hits} == {2}  # on the other sheet
    scrub_file(path, [table], Asked(), patterns=patterns)
    assert search_file(path, patterns).hits == ()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def test_packaged_files_are_not_ours(tmp_path):
    with pytest.raises(ScrubError, match="installed package"):
        scrub_file(Path(duckdb.__file__), [contract()], Asked())
