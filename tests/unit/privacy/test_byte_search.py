"""The byte search finds planted identifiers in every container and encoding, and nothing else."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
import zlib
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.privacy.byte_search import (
    compile_patterns,
    files,
    full_names,
    search_file,
    search_tree,
)

IDENTIFIERS = [
    ("email", "Begoña.Núñez@correo.example"),
    ("phone", "+34 612 345 678"),
    ("national_id", "04857980N"),
    ("full_name", "Begoña Núñez Ibáñez"),
    ("loyalty_card", "2926332593569"),
    ("device_id", "179713.1690179713"),
    ("address", "Calle Calderón de la Barca, 1, 6º A"),
    ("full_name", "Ana Gil"),
]
PATTERNS = compile_patterns(IDENTIFIERS)
EVERYONE = frozenset(range(len(IDENTIFIERS)))
TEXT = "\n".join(value for _, value in IDENTIFIERS) + "\n"


def positions(path: Path) -> set[int]:
    report = search_file(path, PATTERNS)
    assert report.is_complete, report.not_searched
    return {hit.position for hit in report.hits}


def test_nothing_is_refused_that_can_be_found():
    assert PATTERNS.refused == ()


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        ("given_name", "Begoña", "shared"),
        ("surname", "García", "shared"),
        ("full_name", "Begoña", "one word"),
        ("full_name", "Li Yu", "letters"),
        ("customer_key", "1524153", "chance"),
        ("phone", "12345", "chance"),
        ("national_id", "1234X", "chance"),
        ("email", "nobody", "no e-mail"),
        ("address", "Calle Mayor de la Villa", "without a number"),
        ("other", " ", "empty"),
    ],
)
def test_values_that_chance_would_find_are_refused_without_being_told(kind, value, word):
    (refused,) = compile_patterns([(kind, value)]).refused
    assert word in refused.reason
    assert value.strip() == "" or value not in refused.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_text_in_every_encoding_and_case(tmp_path, encoding, change):
    path = tmp_path / "text.csv"
    path.write_bytes(change(TEXT).encode(encoding))
    assert positions(path) == EVERYONE


@pytest.mark.parametrize(
    ("line", "position"),
    [
        ("BEGONA NUNEZ IBANEZ", 3),
        ("Núñez Ibáñez, Begoña", 3),
        ("Begoña;Núñez Ibáñez;", 3),
        ('"Begoña","Núñez Ibáñez"', 3),
        ("Begoña\tNúñez\tIbáñez", 3),
        ('{"nombre": "Begoña", "apellidos": "Núñez Ibáñez"}', 3),
        (json.dumps({"nombre": "Begoña", "apellidos": "Núñez Ibáñez"}), 3),
        ("<name>Begoña</name><surname>Núñez Ibáñez</surname>", 3),
        ("Ana;Gil;", 7),
        ("Gil, Ana", 7),
        ("tel. 612345678.", 1),
        ("34612345678;", 1),
        ("0034612345678", 1),
        ("+34612345678", 1),
        ("612 34 56 78", 1),
        ("612-345-678", 1),
        ("612.345.678", 1),
        ("+34.612.345.678", 1),
        ("04857980-n", 2),
        ("4.857.980-N", 2),
        ("4857980N", 2),
        ("?email=bego%C3%B1a.n%C3%BA%C3%B1ez%40correo.example&x=1", 0),
        (json.dumps({"message": "Hola\nbegoña.núñez@correo.example\n"}), 0),
        ("c001023+begoña.núñez@correo.example+sent", 0),
        ("c001023-begoña.núñez@correo.example-2024", 0),
        ("2024_begoña.núñez@correo.example_sent", 0),
        ("mailing:begoña.núñez@correo.example:2024", 0),
        ("begoña.núñez@correo.example.2024", 0),
        ("id=179713.1690179713&", 5),
    ],
)
def test_spellings(line, position):
    assert PATTERNS.positions_in(line) == {position}


@pytest.mark.parametrize(
    "line",
    [
        "9612345678",
        "6123456780",
        "0.612345678",
        "104857980N",
        "04857980NX",
        "maribegoña.núñez@correo.example",
        "begoña.núñez@correo.example.org",
        "begoña.núñez@correo.examples",
        "la-begoña.núñez@correo.example",
        "la_begoña.núñez@correo.example",
        "Begoña Núñez",
        "Begoña Pérez;Núñez Ibáñez",
        "Susana Gil",
        "Ana Gilabert",
        "Ana Gió",
        "29263325935691",
        "1179713.1690179713",
    ],
)
def test_longer_values_and_other_people_are_no_hits(line):
    assert PATTERNS.positions_in(line) == set()


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(0, 300),
    position=st.sampled_from(sorted(EVERYONE)),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "cp1252"]),
    chunks=st.integers(1, 3),
)
def test_planted_at_the_border_of_chunks(tmp_path_factory, at, position, encoding, chunks):
    """With small chunks every place of a pattern and of its margin is a border at some time."""
    path = tmp_path_factory.mktemp("border") / "text.txt"
    border = chunks * 1024
    before = (border - at) // (2 if encoding == "utf-16-le" else 1)
    value = IDENTIFIERS[position][1]
    text = " " * max(0, before) + value + " " * 2000
    path.write_bytes(text.encode(encoding))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK_BYTES", 1024)
        report = search_file(path, PATTERNS)
    assert [(hit.position, hit.count) for hit in report.hits] == [(position, 1)]


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_nothing_is_found_where_nothing_is(text):
    report = PATTERNS.positions_in(text)
    for position in report:  # hypothesis may write "Ana Gil" itself
        assert IDENTIFIERS[position][1].split()[0].lower()[:3] in text.lower()
    assert PATTERNS.positions_in(text + "\n" + IDENTIFIERS[0][1]) >= {0}


def write_zip(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def write_xlsx(path: Path) -> None:
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet()
    for row, (_, value) in enumerate(IDENTIFIERS):
        sheet.write(row, 1, value)
    workbook.close()


def write_parquet(path: Path, compression: str) -> None:
    values = [value for _, value in IDENTIFIERS]
    table = pa.table(
        {
            "plain": pa.array(values[:1] + [None] * 7),
            "dictionary": pa.array([None, *values[1:2], *[None] * 6]).dictionary_encode(),
            "nested": pa.array([{"user": {"ids": values[2:]}}] + [None] * 7),
        }
    )
    pq.write_table(table, path, compression=compression)


def write_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema other")
        connection.execute(
            "create table other.t as select i, 'begoña núñez no' as x from range(5000) r(i)"
        )
        connection.execute("create table n (ids varchar[], p bigint, s struct(card varchar))")
        connection.execute(
            "insert into n values (?, 34612345678, {'card': '2926332593569'})",
            [[IDENTIFIERS[0][1], IDENTIFIERS[2][1], IDENTIFIERS[5][1]]],
        )
        connection.execute("create table names (given_name varchar, age int, surname_1 varchar)")
        connection.execute("insert into names values ('Ana', 3, 'Gil')")
        connection.execute("comment on table names is 'for Begoña Núñez Ibáñez'")
        connection.execute(
            "create view v as select 'Calle Calderón de la Barca, 1, 6º A' as street"
        )


def write_sqlite(path: Path, *, in_log: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal" if in_log else "pragma journal_mode = delete")
    connection.execute("create table t (id integer, given_name text, surname text, phone integer)")
    connection.execute("create table log (body blob, text text)")
    connection.commit()
    if in_log:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("pragma wal_autocheckpoint = 0")
    connection.execute("insert into t values (1, 'Ana', 'Gil', 612345678)")
    rest = json.dumps([IDENTIFIERS[i][1] for i in (0, 3, 5)]).encode()
    connection.execute("insert into log values (?, ?)", [zlib.compress(rest), "x 04857980N y"])
    connection.execute("insert into log values (null, ?)", [IDENTIFIERS[4][1]])
    connection.execute("insert into log values (null, ?)", [IDENTIFIERS[6][1]])
    connection.commit()
    return connection


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_parquet(tmp_path, compression):
    write_parquet(tmp_path / "a.parquet", compression)
    assert positions(tmp_path / "a.parquet") == EVERYONE


def test_duckdb_tables_definitions_and_comments(tmp_path):
    write_duckdb(tmp_path / "a.duckdb")
    assert positions(tmp_path / "a.duckdb") == EVERYONE


@pytest.mark.parametrize("in_log", [False, True])
def test_sqlite_and_its_log(tmp_path, in_log):
    connection = write_sqlite(tmp_path / "a.db", in_log=in_log)
    before = (tmp_path / "a.db").read_bytes()
    assert positions(tmp_path / "a.db") == EVERYONE
    assert (tmp_path / "a.db").read_bytes() == before
    connection.close()


def test_workbook(tmp_path):
    write_xlsx(tmp_path / "a.xlsx")
    assert positions(tmp_path / "a.xlsx") == EVERYONE


def test_a_row_of_a_workbook_is_searched_as_a_whole(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet("Ana Gil")
        sheet.write_row(0, 0, ["Teléfono", "Nombre", "Apellidos"])
        sheet.write_row(1, 0, [612345678.0, "Begoña", "Núñez Ibáñez"])
        sheet.write_row(2, 0, [1, "Begoña", "Otra"])
    report = search_file(tmp_path / "a.xlsx", PATTERNS)
    assert {(hit.position, hit.where) for hit in report.hits if "cells" in hit.where} == {
        (1, "cells of sheet 1"),
        (3, "cells of sheet 1"),
    }


def test_nothing_is_found_in_noise(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, 3_000_000, dtype=np.uint8)
    (tmp_path / "noise.bin").write_bytes(noise.tobytes())
    (tmp_path / "digits.txt").write_bytes((noise % 10 + 48).tobytes())
    report = search_tree(tmp_path, PATTERNS)
    assert report.is_complete and report.hits == () and report.inside == ()


def test_packed_streams_and_archives_in_archives(tmp_path):
    content = TEXT.encode()
    write_xlsx(tmp_path / "inner.xlsx")
    write_parquet(tmp_path / "inner.parquet", "zstd")
    array = io.BytesIO()
    np.save(array, np.array([value for _, value in IDENTIFIERS]))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text.csv.gz", gzip.compress(content))
        archive.writestr("book.xlsx", (tmp_path / "inner.xlsx").read_bytes())
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "a.csv.gz").write_bytes(gzip.compress(content))
    (packed / "b.csv.bz2").write_bytes(bz2.compress(content))
    (packed / "c.csv.xz").write_bytes(lzma.compress(content))
    (packed / "d.csv.zst").write_bytes(pa.compress(content, "zstd", asbytes=True))
    (packed / "e.gz").write_bytes(gzip.compress((tmp_path / "inner.parquet").read_bytes()))
    write_zip(packed / "f.zip", a=b"nothing", b=inner.getvalue())
    np.savez(packed / "g.npz", names=np.array([value for _, value in IDENTIFIERS]))
    report = search_tree(packed, PATTERNS)
    assert report.is_complete, report.not_searched
    for path in packed.iterdir():
        assert {hit.position for hit in report.hits if hit.path == path} == EVERYONE, path


def test_values_next_to_each_other_in_a_binary_file_are_told_apart(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\0\x01begona.nunez@correo.example612345678x\0" + b"\0" * 50)
    report = search_file(
        tmp_path / "a.bin", compile_patterns([("email", "begona.nunez@correo.example")])
    )
    assert not report.hits
    assert [hit.position for hit in report.inside] == [0]


def test_what_cannot_be_searched_is_told(tmp_path):
    good = gzip.compress(TEXT.encode() * 200)
    (tmp_path / "cut.gz").write_bytes(good[: len(good) // 2])
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 this is no archive")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing PAR1")
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\x00" + b"\x07" * 200)
    (tmp_path / "bad.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\x01" * 5000)
    (tmp_path / "bad.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x01" * 600)
    (tmp_path / "closed.7z").write_bytes(b"7z\xbc\xaf\x27\x1c....")
    (tmp_path / "link").symlink_to("/etc")
    report = search_tree([tmp_path, tmp_path / "missing"], PATTERNS)
    told = {each.path.name for each in report.not_searched}
    assert told == {
        "cut.gz",
        "bad.zip",
        "bad.parquet",
        "bad.db",
        "bad.duckdb",
        "bad.xls",
        "closed.7z",
        "missing",
    }
    assert "8 could not be searched" in report.sentence()


def test_names_of_files_count_and_no_report_holds_a_value(tmp_path):
    folder = tmp_path / "for 04857980N"
    folder.mkdir()
    write_zip(folder / "a.zip", **{"612345678.txt": TEXT.encode()})
    report = search_tree(tmp_path, PATTERNS)
    assert (2, "name") in {(hit.position, hit.where) for hit in report.hits}
    assert (1, "name of a member") in {(hit.position, hit.where) for hit in report.hits}
    wheres = " ".join(hit.where for hit in report.hits)
    assert not PATTERNS.positions_in(wheres)


def test_a_root_may_be_a_link_and_several_files_are_searched_at_a_time(tmp_path):
    (tmp_path / "real").mkdir()
    for number in range(5):
        (tmp_path / "real" / f"{number}.txt").write_text(TEXT)
    (tmp_path / "current").symlink_to("real")
    one = search_tree(tmp_path / "current", PATTERNS)
    several = search_tree([tmp_path / "current", tmp_path], PATTERNS, threads=3)
    assert one.hits == several.hits and len(one.hits) == 5 * len(EVERYONE)
    assert one.files == several.files == 5


def test_a_column_of_values_by_row():
    values = pa.chunked_array([["x", None, "Ana Gil"], ["tel 612345678", "612345678"]])
    rows, found = PATTERNS.find_in_values(values)
    assert sorted(zip(rows.tolist(), found.tolist(), strict=True)) == [(2, 7), (3, 1), (4, 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_very_long_text_is_found_by_its_beginning(tmp_path, encoding):
    note = "la señora llamó otra vez " * 60
    (tmp_path / "a.txt").write_bytes(f"x {note} y".encode(encoding))
    patterns = compile_patterns([("free_text", note)])
    assert len(search_file(tmp_path / "a.txt", patterns).hits) == 1


def test_the_full_name_takes_both_surnames():
    assert full_names("Ana", "Gil", "Ruiz") == [("full_name", "Ana Gil Ruiz")]
    assert full_names("Ana", None) == []
