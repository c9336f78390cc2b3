"""Generator of damaged deliveries: every kind of fault a drop folder sees, over several formats.

No assertions in here; `test_damaged_files` loads each case and says what must become of it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

ROWS = 12
HEADER = ("id", "name", "amount", "sold_on")
LOADED, REJECTED, REFUSED, SKIPPED = "loaded", "rejected", "refused", "skipped"
ANY = frozenset({LOADED, REJECTED, REFUSED, SKIPPED})


@dataclass(frozen=True)
class Damaged:
    """One case: how to drop it, how its table is declared, and which ends are right."""

    fault: str
    name: str
    drop: Callable[[Path], None]
    ends: frozenset[str]
    keys: dict[str, object] = field(default_factory=dict)
    rows: int | None = None

    @property
    def label(self) -> str:
        """Name of the test."""
        return f"{self.fault}-{self.name}"


def records(count: int = ROWS) -> list[tuple[str, str, str, str]]:
    """Return good rows."""
    return [
        (f"K{number:04}", f"Muñoz {number}", f"{number}.50", f"2024-01-{number % 28 + 1:02}")
        for number in range(1, count + 1)
    ]


def csv_text(rows: list[tuple[str, ...]] | None = None, delimiter: str = ",") -> str:
    """Return a CSV with header."""
    lines = [delimiter.join(row) for row in [HEADER, *(records() if rows is None else rows)]]
    return "\n".join(lines) + "\n"


def dictionaries() -> list[dict[str, str]]:
    """Return good rows by name."""
    return [dict(zip(HEADER, row, strict=True)) for row in records()]


def ndjson_text() -> str:
    """Return the rows as NDJSON."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in dictionaries())


def json_text() -> str:
    """Return the rows as a JSON document."""
    return json.dumps(dictionaries(), ensure_ascii=False, indent=1)


def parquet_bytes() -> bytes:
    """Return the rows as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(dictionaries()), buffer)
    return buffer.getvalue()


def excel_bytes(change: Callable[[xlsxwriter.Workbook, object], None] | None = None) -> bytes:
    """Return the rows as a workbook; ``change`` may write over its sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Datos")
        for number, row in enumerate([HEADER, *records()]):
            sheet.write_row(number, 0, row)
        if change:
            change(book, sheet)
    return buffer.getvalue()


def zip_bytes(members: dict[str, bytes], *, encrypted: bool = False) -> bytes:
    """Return an archive; ``encrypted`` only sets the flag, as a reader sees it first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    content = bytearray(buffer.getvalue())
    if encrypted:
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = content.find(mark)
            content[at + offset] |= 1
    return bytes(content)


WHOLE: dict[str, Callable[[], bytes]] = {
    "a.csv": lambda: csv_text().encode(),
    "a.tsv": lambda: csv_text(delimiter="\t").encode(),
    "a.csv.gz": lambda: gzip.compress(csv_text().encode()),
    "a.ndjson": lambda: ndjson_text().encode(),
    "a.ndjson.gz": lambda: gzip.compress(ndjson_text().encode()),
    "a.json": lambda: json_text().encode(),
    "a.parquet": parquet_bytes,
    "a.xlsx": excel_bytes,
    "a.zip": lambda: zip_bytes({"b.csv": csv_text().encode()}),
}
LINE_WISE = ("a.csv", "a.tsv", "a.ndjson")


def writes(content: bytes, name: str) -> Callable[[Path], None]:
    """Return a drop that writes bytes."""
    return lambda folder: (folder / name).write_bytes(content) and None  # type: ignore[func-returns-value]


def case(
    fault: str, name: str, content: bytes | str, *ends: str, rows: int | None = None, **keys: object
) -> Damaged:
    """Return a case of one file."""
    raw = content.encode() if isinstance(content, str) else content
    return Damaged(fault, name, writes(raw, name), frozenset(ends) or ANY, dict(keys), rows)


def truncated() -> Iterator[Damaged]:
    """Yield every format cut at many places."""
    for name, make in WHOLE.items():
        whole = make()
        for percent in (1, 5, 20, 35, 50, 65, 80, 95, 99):
            yield case(f"cut at {percent} %", name, whole[: len(whole) * percent // 100])


def flipped() -> Iterator[Damaged]:
    """Yield every format with bytes overwritten at random places."""
    for name, make in WHOLE.items():
        for seed in range(8):
            content = bytearray(make())
            chance = random.Random(seed)
            for _ in range(1 + seed * 2):
                content[chance.randrange(len(content))] = chance.randrange(256)
            yield case(f"random bytes {seed}", name, bytes(content))


def wrong_kind() -> Iterator[Damaged]:
    """Yield files that are of another format than their name says."""
    for name in WHOLE:
        for other, make in WHOLE.items():
            if name.split(".")[1] != other.split(".")[1]:
                yield case(f"is {other} in truth", name, make())


def empty() -> Iterator[Damaged]:
    """Yield files without content or with a header only."""
    for name in WHOLE:
        yield case("empty", name, b"", REFUSED)
        yield case("blanks only", name, b" \n \n")
        yield case("one NUL", name, b"\0")
    yield case("header only", "a.csv", ",".join(HEADER) + "\n", REFUSED)
    yield case("header only", "a.csv", ",".join(HEADER), LOADED, rows=0, delivery="append")
    yield case("no records", "a.json", "[]", REFUSED)
    yield case("no records", "a.xlsx", excel_bytes(lambda book, sheet: None))


def bad_bytes() -> Iterator[Damaged]:
    """Yield lines with NUL bytes and wrong encodings."""
    for name in LINE_WISE:
        whole = WHOLE[name]()
        for number in (2, 6, 11):
            lines = whole.split(b"\n")
            lines[number] = lines[number].replace(b"K", b"K\0", 1)
            yield case(f"NUL in line {number}", name, b"\n".join(lines), REJECTED, rows=ROWS)
            lines[number] = lines[number].replace(b"\0", b"\xff\xfe")
            yield case(f"no UTF-8 in line {number}", name, b"\n".join(lines), REJECTED, rows=ROWS)
        for encoding in ("cp1252", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            text = whole.decode().encode(encoding)
            yield case(f"in {encoding}", name, text, LOADED, rows=ROWS)
        yield case(
            "cp1252 said to be UTF-8", name, whole.decode().encode("cp1252"), encoding="utf-8"
        )
        yield case("UTF-8 said to be UTF-16", name, whole, encoding="utf-16")


def broken_lines() -> Iterator[Damaged]:
    """Yield CSV whose structure is broken in one record."""
    broken = {
        "quote opened": 'K9,"never closed,1.00,2024-01-01',
        "quote opened at the end": 'K9,x,1.00,"2024-01-01',
        "text behind a quote": 'K9,"x" y,1.00,2024-01-01',
        "field too many": "K9,x,1.00,2024-01-01,extra",
        "field missing": "K9,x,1.00",
        "one field": "K9",
        "wrong decimal": 'K9,x,"1,50",2024-01-01',
        "impossible date": "K9,x,1.00,2024-02-30",
        "day and month swapped": "K9,x,1.00,2024-31-01",
        "no key": ",x,1.00,2024-01-01",
        "key twice": "K0001,x,1.00,2024-01-01",
        "infinite": "K9,x,inf,2024-01-01",
    }
    lines = csv_text().splitlines()
    for fault, line in broken.items():
        for place in (1, 5, len(lines)):
            text = "\n".join([*lines[:place], line, *lines[place:]]) + "\n"
            yield case(f"{fault} in line {place}", "a.csv", text, REJECTED, rows=ROWS + 1)
    for ending in ("\n", "\r\n", "\r"):
        yield case(f"mixed ends {ending!r}", "a.csv", ending.join(lines[:5]) + "\n" + "\r\n".join(lines[5:]), LOADED, rows=ROWS)  # fmt: skip # noqa: E501
    for content in ("=cmd|'/C calc'!A0", "=1+1", "@SUM(A1)", "+1", "-1", "\tx"):
        text = "\n".join([*lines, f"K9,{content},1.00,2024-01-01"]) + "\n"
        yield case(f"formula {content!r}", "a.csv", text, LOADED, rows=ROWS + 1)


def headers() -> Iterator[Damaged]:
    """Yield headers that can't be meant, and wrong delimiters."""
    body = "\n".join(",".join(row) for row in records()) + "\n"
    for fault, header, ends in (
        ("duplicated header", "id,id,amount,sold_on", REFUSED),
        ("header in other case twice", "id,ID,amount,sold_on,name", REFUSED),
        ("renamed header", "ident,nombre,importe,fecha", REFUSED),
        ("blank header", ",,,", REFUSED),
        ("quoted header never closed", '"id,name,amount,sold_on', REFUSED),
        ("missing header", "", REFUSED),
        ("padded header", " ID ,\u00a0Name, amount,sold_on ", LOADED),
    ):
        yield case(fault, "a.csv", f"{header}\n{body}", ends)
    for delimiter in (";", "|", "\t"):
        yield case(
            f"delimiter {delimiter!r}", "a.csv", csv_text(delimiter=delimiter), LOADED, rows=ROWS
        )
        yield case(f"delimiter {delimiter!r} not declared", "a.csv", csv_text(delimiter=delimiter), REFUSED, delimiter=",")  # fmt: skip # noqa: E501
    yield case("unknown delimiter", "a.csv", csv_text(delimiter="^"), REFUSED)
    wide = ",".join([*HEADER, *(f"c{number}" for number in range(10_000))])
    yield case("10,000 columns", "a.csv", f"{wide}\n{',' * 10_003}\n", REFUSED)


def long_lines() -> Iterator[Damaged]:
    """Yield lines of 3 and 50 MB."""
    for megabytes in (3, 50):
        line = f"K9,{'x' * (megabytes << 20)},1.00,2024-01-01\n"
        text = csv_text() + line + "K8,after,1.00,2024-01-01\n"
        yield case(f"line of {megabytes} MB", "a.csv", text, REJECTED, rows=ROWS + 2)
    text = (
        ndjson_text() + '{"id": "' + "x" * (3 << 20) + '"}\n' + ndjson_text().splitlines()[0] + "\n"
    )
    yield case("line of 3 MB", "a.ndjson", text, LOADED, rows=ROWS + 2, primary_key=())


def archives() -> Iterator[Damaged]:
    """Yield archives that play tricks."""
    good = csv_text().encode()
    for trick in (
        "../b.csv",
        "/etc/b.csv",
        "x/../../b.csv",
        "..\\b.csv",
        "C:\\b.csv",
        "\\\\host\\b.csv",
    ):
        yield case(f"member {trick!r}", "a.zip", zip_bytes({trick: good}), REFUSED)
    yield case("password", "a.zip", zip_bytes({"b.csv": good}, encrypted=True), REFUSED)
    yield case("archive inside", "a.zip", zip_bytes({"b.zip": zip_bytes({"c.csv": good})}), REFUSED)
    yield case(
        "archive inside by its bytes", "a.zip", zip_bytes({"b.csv": zip_bytes({"c.csv": good})})
    )
    yield case(
        "gzip inside by its bytes", "a.zip", zip_bytes({"b.csv": gzip.compress(good)}), REFUSED
    )
    yield case("no member", "a.zip", zip_bytes({}), REFUSED)
    yield case("no member that fits", "a.zip", zip_bytes({"b.csv": good}), REFUSED, member="x*.csv")
    yield case("members beside", "a.zip", zip_bytes({"b.csv": good, "__MACOSX/._b.csv": b"\0", ".c.csv": b"x", "d/": b""}), LOADED, rows=ROWS)  # fmt: skip # noqa: E501
    yield case(
        "two members", "a.zip", zip_bytes({"b.csv": good, "c.csv": good}), REJECTED, rows=2 * ROWS
    )
    bomb = b"id,name,amount,sold_on\n" + b"0" * (80 << 20)
    yield case("bomb", "a.zip", zip_bytes({"b.csv": bomb}), REFUSED)
    yield case("bomb", "a.csv.gz", gzip.compress(bomb, 9), REFUSED)
    link = zipfile.ZipInfo("b.csv")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    yield case("member is a link", "a.zip", buffer.getvalue(), REFUSED)
    yield case("rubbish behind", "a.csv.gz", gzip.compress(good) + b"rubbish")
    yield case(
        "two streams", "a.csv.gz", gzip.compress(good) + gzip.compress(b""), LOADED, rows=ROWS
    )


def workbooks() -> Iterator[Damaged]:
    """Yield workbooks that people wrote by hand."""

    def merged(book: xlsxwriter.Workbook, sheet: object) -> None:
        sheet.merge_range(0, 4, 0, 6, "note")  # type: ignore[attr-defined]

    def error_cell(book: xlsxwriter.Workbook, sheet: object) -> None:
        sheet.write_formula(3, 2, "=1/0", None, "#DIV/0!")  # type: ignore[attr-defined]

    def far_cell(book: xlsxwriter.Workbook, sheet: object) -> None:
        sheet.write(900_000, 3, "x")  # type: ignore[attr-defined]

    def twice(book: xlsxwriter.Workbook, sheet: object) -> None:
        sheet.write(0, 4, "name")  # type: ignore[attr-defined]

    def swapped(book: xlsxwriter.Workbook, sheet: object) -> None:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_datetime(1, 3, date(2024, 3, 1), day)  # type: ignore[attr-defined]
        sheet.write(2, 3, 45322)  # type: ignore[attr-defined]

    yield case("merged header", "a.xlsx", excel_bytes(merged), LOADED, rows=ROWS)
    yield case("error cell", "a.xlsx", excel_bytes(error_cell), REJECTED, rows=ROWS)
    yield case("a cell far away", "a.xlsx", excel_bytes(far_cell), REJECTED, rows=ROWS + 1)
    yield case("column twice", "a.xlsx", excel_bytes(twice), REFUSED)
    yield case("dates and serials", "a.xlsx", excel_bytes(swapped), LOADED, rows=ROWS)
    yield case("other sheet", "a.xlsx", excel_bytes(), REFUSED, sheet="Ventas")


def json_faults() -> Iterator[Damaged]:
    """Yield JSON that isn't, or that is something else."""
    good = ndjson_text().splitlines()
    for fault, line in {
        "no JSON": "{id: 1}",
        "list": "[1]",
        "text": '"x"',
        "null": "null",
        "comma at the end": '{"id": "K9",}',
        "two in a line": '{"id": "K9"}{"id": "K8"}',
    }.items():
        text = "\n".join([*good[:4], line, *good[4:]])
        # DuckDB forgives a comma at the end.
        ends = (LOADED,) if fault.startswith("comma") else (REJECTED,)
        yield case(fault, "a.ndjson", text, *ends, rows=ROWS + 1)
    nested = '{"id": "K9", "name": ' + "[" * 5_000 + "]" * 5_000 + "}"
    yield case("deeply nested", "a.ndjson", "\n".join([*good, nested]))
    deep = "[" * 200_000
    yield case("deeply nested", "a.json", deep, REFUSED)
    yield case("no list", "a.json", "5", REFUSED)
    yield case("list of texts", "a.json", '["a", "b"]')
    yield case("records elsewhere", "a.json", json_text(), REFUSED, records="data.items")


def folder_faults() -> Iterator[Damaged]:
    """Yield what is no file, or not yet one."""
    good = csv_text().encode()

    def link_out(folder: Path) -> None:
        outside = folder.parent.parent / "outside.csv"
        outside.write_bytes(good)
        (folder / "a.csv").symlink_to(outside)

    def fifo(folder: Path) -> None:
        os.mkfifo(folder / "a.csv")

    def within(folder: Path) -> None:
        (folder / "kept").mkdir()
        (folder / "kept" / "x.csv").write_bytes(good)
        (folder / "a.csv").symlink_to(folder / "kept" / "x.csv")

    yield Damaged("link out of the folder", "a.csv", link_out, frozenset({REFUSED}))
    yield Damaged("link to nowhere", "a.csv", lambda f: (f / "a.csv").symlink_to("/nowhere/x"), frozenset({REFUSED}))  # fmt: skip # noqa: E501
    yield Damaged("link to itself", "a.csv", lambda f: (f / "a.csv").symlink_to("a.csv"), frozenset({REFUSED}))  # fmt: skip # noqa: E501
    yield Damaged("link within the folder", "a.csv", within, frozenset({LOADED}), rows=ROWS)
    yield Damaged(
        "a folder", "a.csv", lambda f: (f / "a.csv").mkdir(), frozenset({REFUSED, SKIPPED})
    )
    yield Damaged("a pipe", "a.csv", fifo, frozenset({REFUSED, SKIPPED}))
    for ending in (".part", ".tmp", ".filepart", ".crdownload", ".partial", "~"):
        name = f"a.csv{ending}"
        yield Damaged(
            f"written as {name}", "a.csv", writes(good, name), frozenset({REFUSED, SKIPPED})
        )
    yield Damaged("hidden", "a.csv", writes(good, ".a.csv.tmp"), frozenset({REFUSED, SKIPPED}))


def all_cases() -> list[Damaged]:
    """Return every case, by its label."""
    makers = (
        truncated, flipped, wrong_kind, empty, bad_bytes, broken_lines, headers, long_lines, archives,
        workbooks, json_faults, folder_faults,
    )  # fmt: skip
    return [each for make in makers for each in make()]
