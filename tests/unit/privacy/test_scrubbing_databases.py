"""Scrubbing of databases, of files without a contract, and replacing files at once."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from orchestration.lib.contract import TableContract
from orchestration.lib.privacy.byte_search import compile_patterns, search_file
from orchestration.lib.privacy.scrubbing import (
    DeliveredRows,
    RowDecisions,
    ScrubError,
    remove_leftovers,
    scrub_by_patterns,
    scrub_file,
)
from orchestration.lib.privacy.scrubbing import atomic as atomic_module
from orchestration.lib.privacy.scrubbing import sqlite as sqlite_module
from tests.unit.privacy.scrub_samples import (
    CSV,
    PEOPLE,
    Asked,
    column,
    contract,
    dms,
    excel_bytes,
    without_numbers,
)


@pytest.mark.parametrize("in_log", [False, True])
def test_a_database_in_the_drop_folder(tmp_path, in_log):
    path = tmp_path / "a.sqlite"
    held = dms(path, in_log=in_log)
    if not in_log:
        held.close()
    schema = (
        held.execute("select sql from sqlite_master order by name").fetchall() if in_log else None
    )
    table = contract(location="x", name="people")
    table = contract(name="people", format="database")
    table = TableContract(**{**vars(table), "location": "database://people"})
    patterns = compile_patterns(
        [("email", "ana@correo.example"), ("email", "inigo@correo.example")]
    )
    asked = Asked("K1", "K2")
    result = scrub_file(path, [table], asked, patterns=patterns)
    held.close()
    assert [row["id"] for row in asked.rows] == [row[0] for row in PEOPLE]
    assert (result.rows_deleted, result.is_rewritten) == (2, True)
    assert search_file(path, patterns).hits == () and search_file(path, patterns).inside == ()
    assert not path.with_name("a.sqlite-wal").exists()
    with sqlite3.connect(path) as connection:
        assert connection.execute("select id, name, email, phone from people").fetchall() == [
            ("K2", None, None, None),
            ("K3", PEOPLE[2][1], PEOPLE[2][2], 612345678),
            ("K4", "", "", 612345678),
        ]
        assert connection.execute("select * from other").fetchall() == [(None,), ("nothing",)]
        assert connection.execute("select * from keyed").fetchall() == [("c", "")]
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        if schema:
            assert (
                connection.execute("select sql from sqlite_master order by name").fetchall()
                == schema
            )
    connection.close()
    assert not scrub_file(path, [table], asked, patterns=patterns).is_rewritten


@pytest.mark.parametrize("at_log", [False, True])
def test_a_database_that_a_program_has_open_is_scrubbed_in_place(tmp_path, at_log):
    path = tmp_path / "event_log.db"
    server = dms(path, in_log=True)
    patterns = compile_patterns([("email", "ana@correo.example")])
    assert search_file(path, patterns).hits
    log = path.with_name("event_log.db-wal")
    result = scrub_by_patterns(log if at_log else path, patterns, deletes_rows=False)
    assert result.is_rewritten and result.cells_blanked == 4
    assert log.stat().st_size == 0
    report = search_file(path, patterns)
    assert report.hits == () and report.inside == ()
    server.execute("insert into other values ('goes on')")
    server.commit()
    server.close()
    with sqlite3.connect(path) as reader:
        assert reader.execute("select * from other").fetchall()[-1] == ("goes on",)
    reader.close()


def test_a_database_that_is_written_to_just_now_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "event_log.db"
    server = dms(path)
    server.execute("begin exclusive")
    monkeypatch.setattr(sqlite_module, "LOCK_SECONDS", 0.05)
    with pytest.raises(ScrubError, match="in use"):
        scrub_by_patterns(path, compile_patterns([("email", "ana@correo.example")]))
    server.close()


def test_a_killed_scrub_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    monkeypatch.setattr(atomic_module.Path, "replace", lambda *_: os._exit(9))
    child = os.fork()
    if child == 0:
        scrub_file(path, [contract()], Asked("K1"))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    monkeypatch.undo()
    assert os.waitstatus_to_exitcode(status) == 9
    assert path.read_bytes() == CSV
    assert remove_leftovers(tmp_path) == 1
    assert scrub_file(path, [contract()], Asked("K1")).rows_deleted == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_written_to_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)

    def decide(delivered: DeliveredRows) -> RowDecisions:
        return Asked("K1")(delivered)

    original = atomic_module.content_hash
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            atomic_module.shutil, "copymode", lambda *_: path.write_bytes(CSV + b"K9,,,,\n")
        )
        with pytest.raises(ScrubError, match="written to while"):
            scrub_file(path, [contract()], decide)
    assert original(path) and path.read_bytes() == CSV + b"K9,,,,\n"
    assert list(tmp_path.iterdir()) == [path]


def test_logs_pages_and_set_aside_rows_by_their_identifiers(tmp_path):
    patterns = compile_patterns([("email", "ana@correo.example"), ("phone", "612345678")])
    (tmp_path / "run.log").write_text("start\nfor ana@correo.example\nend\n")
    (tmp_path / "page.html").write_text("<p>tel 612 345 678</p>\n<p>x</p>\n")
    (tmp_path / "rejects.csv").write_text('row,line\n1,"a\nana@correo.example,x"\n2,"b\nc"\n')
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x\nana@correo.example\ny\n", mtime=1))
    pq.write_table(
        pa.table({"mail": ["ana@correo.example", "b"], "n": [1, 612345678]}), tmp_path / "t.parquet"
    )
    connection = dms(tmp_path / "a.db")
    connection.close()
    book = tmp_path / "book.xlsx"
    book.write_bytes(excel_bytes())
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv.gz", gzip.compress(b"x\nana@correo.example\ny\n"))
        archive.write(tmp_path / "t.parquet", "t.parquet")
        archive.write(tmp_path / "a.db", "a.db")
        archive.write(book, "book.xlsx")
        archive.writestr("other.txt", "nothing")
    (tmp_path / "wide.txt").write_bytes("x\r\nana@correo.example\r\ny\r\n".encode("utf-16"))
    for path in list(tmp_path.iterdir()):
        assert scrub_by_patterns(path, patterns).is_rewritten, path
        assert not search_file(path, patterns).hits, path
        assert not scrub_by_patterns(path, patterns).is_rewritten, path
    assert (tmp_path / "run.log").read_text() == "start\nend\n"
    assert (tmp_path / "page.html").read_text() == "<p>tel ***********</p>\n<p>x</p>\n"
    assert (tmp_path / "rejects.csv").read_text() == 'row,line\n2,"b\nc"\n'
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == b"x\ny\n"
    assert (tmp_path / "wide.txt").read_bytes().decode("utf-16") == "x\r\ny\r\n"
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(ScrubError, match="damaged"):
        scrub_by_patterns(tmp_path / "cut.parquet", patterns)
    (tmp_path / "a.bin").write_bytes(b"\x00 ana@correo.example \x00")
    with pytest.raises(ScrubError, match="can't be rewritten"):
        scrub_by_patterns(tmp_path / "a.bin", patterns)


def test_a_name_that_is_parted_over_cells_goes_from_all_of_them(tmp_path):
    patterns = compile_patterns([("full_name", "Begoña Núñez Ibáñez")])
    rows = [("1", "Begoña", "Núñez Ibáñez"), ("2", "Begoña", "Gil"), ("3", "Ana", "Núñez Ibáñez")]
    names = ("id", "name", "surname")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([names, *rows]):
            sheet.write_row(number, 0, row)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    (tmp_path / "a.json").write_text(
        json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    )
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("create table people (id text, name text, surname text)")
        connection.executemany("insert into people values (?, ?, ?)", rows)
    connection.close()
    wanted = [dict.fromkeys(names, None) | {"id": "1"}]
    wanted += [dict(zip(names, row, strict=True)) for row in rows[1:]]
    declared = contract(columns=tuple(map(column, names)))
    database = {**vars(declared), "location": "database://people", "format": "database"}
    for path in sorted(tmp_path.iterdir()):
        table = TableContract(**database) if path.suffix == ".sqlite" else declared
        assert search_file(path, patterns).hits, path
        result = scrub_file(path, [table], Asked(columns=()), patterns=patterns)
        assert (result.cells_blanked, result.rows_blanked) == (2, 1), path
        asked = Asked(columns=())
        scrub_file(path, [table], asked)
        assert without_numbers(asked.rows) == wanted, path
        assert not search_file(path, patterns).hits, path


def test_a_file_that_no_table_reads_is_scrubbed_by_its_identifiers(tmp_path):
    patterns = compile_patterns([("email", "ana@correo.example")])
    path = tmp_path / "book.xlsx"
    path.write_bytes(excel_bytes())
    assert scrub_file(path, [], Asked(), patterns=patterns).cells_blanked == 2
    assert not search_file(path, patterns).hits
