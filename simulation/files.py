"""Files written whole or not at all: CSV in any dialect, gzip, zip, NDJSON, Parquet, always the same bytes.

Belongs here: bytes, names and modes. Does not: what a system's layout holds (`systems`) or its faults.
"""

from __future__ import annotations

import codecs
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Final

import duckdb

# Private-use characters stand for bytes that a correct CSV writer would quote or escape. They are
# put into a field of a row that is to arrive damaged, and become the plain byte on the way out.
STRAY_DELIMITER: Final = "\ue000"
STRAY_QUOTE: Final = "\ue001"

_CHUNK_BYTES: Final = 4 << 20
# A fixed gzip header: no file name, no time, "unknown" system.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True)
class TextLayout:
    r"""How a text file's characters become bytes.

    Parameters
    ----------
    delimiter
        Between the fields of a CSV file.
    encoding
        Python's name of the encoding.
    line_ending
        What ends a row; only ``\n`` leaves newlines within quoted fields as they are.
    has_bom
        Whether the file begins with a byte order mark.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    line_ending: str = "\n"
    has_bom: bool = False


@dataclass(frozen=True)
class Delivery:
    """A file that was written: where it went and how many rows of which table it holds."""

    system: str
    table: str
    file: str
    rows: int


@dataclass
class Landing:
    """The landing folder of all systems, with the list of what was delivered.

    Parameters
    ----------
    root
        Folder that gets one sub folder a system.
    connection
        DuckDB connection that writes the big files.
    """

    root: Path
    connection: duckdb.DuckDBPyConnection
    deliveries: list[Delivery] = field(default_factory=list)

    @contextmanager
    def replacing(self, system: str, name: str) -> Iterator[Path]:
        """Give a temporary path that becomes the file when the block ends well."""
        folder = self.root / system
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        # A leading dot and a last suffix that no contract asks for: never taken for a delivery.
        temporary = folder / f".{name}.partial"
        try:
            yield temporary
            temporary.chmod(_FILE_MODE)
            temporary.replace(folder / name)
        finally:
            temporary.unlink(missing_ok=True)

    def record(self, system: str, table: str, name: str, rows: int) -> None:
        """Note a delivered file."""
        self.deliveries.append(Delivery(system, table, name, rows))

    def write_csv(self, system: str, table: str, name: str, query: str, layout: TextLayout) -> None:
        """Write a query's rows as CSV; a name ending in .gz is compressed."""
        with self.replacing(system, name) as temporary:
            rows = self._copy_csv(temporary, query, layout)
            with _replacing_content(temporary) as (source, target):
                _transcode(source, target, layout, is_gzip=name.endswith(".gz"))
        self.record(system, table, name, rows)

    def write_zip(
        self,
        system: str,
        table: str,
        name: str,
        members: dict[str, str],
        layout: TextLayout,
        delivered_on: date,
    ) -> None:
        """Write a zip archive of CSV files, one a query, all dated on the day of delivery."""
        rows = 0
        with self.replacing(system, name) as temporary:
            plain = temporary.with_suffix(".member")
            try:
                with zipfile.ZipFile(
                    temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1
                ) as archive:
                    for member, query in members.items():
                        rows += self._copy_csv(plain, query, layout)
                        entry = zipfile.ZipInfo(
                            member,
                            (delivered_on.year, delivered_on.month, delivered_on.day, 6, 0, 0),
                        )
                        entry.compress_type = zipfile.ZIP_DEFLATED
                        entry.external_attr = 0o600 << 16
                        with plain.open("rb") as source, archive.open(entry, "w") as target:
                            _transcode(source, target, layout, is_gzip=False)
            finally:
                plain.unlink(missing_ok=True)
        self.record(system, table, name, rows)

    def write_ndjson(self, system: str, table: str, name: str, query: str) -> None:
        """Write a query's rows as gzipped JSON, one object a line."""
        with self.replacing(system, name) as temporary:
            rows = self._copy(temporary, query, "format json")
            with _replacing_content(temporary) as (source, target):
                _transcode(source, target, TextLayout(), is_gzip=True)
        self.record(system, table, name, rows)

    def write_parquet(self, system: str, table: str, name: str, query: str) -> None:
        """Write a query's rows as Parquet."""
        with self.replacing(system, name) as temporary:
            rows = self._copy(temporary, query, "format parquet, compression zstd")
        self.record(system, table, name, rows)

    def write_bytes(self, system: str, table: str, name: str, content: bytes, rows: int) -> None:
        """Write a small file."""
        with self.replacing(system, name) as temporary:
            temporary.write_bytes(content)
        self.record(system, table, name, rows)

    def repeat(self, system: str, name: str, other_name: str) -> None:
        """Deliver a file once more, byte for byte, under another name."""
        original = next(
            delivery
            for delivery in reversed(self.deliveries)
            if delivery.system == system and delivery.file == name
        )
        with self.replacing(system, other_name) as temporary:
            temporary.write_bytes((self.root / system / name).read_bytes())
        self.record(system, original.table, other_name, original.rows)

    def _copy_csv(self, path: Path, query: str, layout: TextLayout) -> int:
        return self._copy(path, query, f"format csv, header true, delimiter '{layout.delimiter}'")

    def _copy(self, path: Path, query: str, options: str) -> int:
        target = str(path).replace("'", "''")
        row = self.connection.execute(f"copy ({query}) to '{target}' ({options})").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _replacing_content(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Read a file while its next content is written beside it, then swap."""
    rewritten = path.with_suffix(".rewritten")
    try:
        with path.open("rb") as source, rewritten.open("wb") as target:
            yield source, target
        rewritten.replace(path)
    finally:
        rewritten.unlink(missing_ok=True)


def _transcode(source: IO[bytes], target: IO[bytes], layout: TextLayout, *, is_gzip: bool) -> None:
    """Turn plain UTF-8 lines into the layout's bytes, a few megabytes at a time."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS) if is_gzip else None
    checksum, size = 0, 0
    if compressor is not None:
        target.write(_GZIP_HEADER)
    for chunk in _encoded(source, layout):
        if compressor is None:
            target.write(chunk)
            continue
        checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
        target.write(compressor.compress(chunk))
    if compressor is not None:
        target.write(compressor.flush())
        target.write(checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))


def _encoded(source: IO[bytes], layout: TextLayout) -> Iterator[bytes]:
    if layout.has_bom:
        yield codecs.BOM_UTF8
    delimiter, quote = STRAY_DELIMITER.encode(), STRAY_QUOTE.encode()
    for chunk in _whole_lines(source):
        if b"\xee\x80" in chunk:
            chunk = chunk.replace(delimiter, layout.delimiter.encode()).replace(quote, b'"')
        if layout.line_ending != "\n":
            chunk = chunk.replace(b"\n", layout.line_ending.encode())
        if layout.encoding != "utf-8":
            # A character the encoding lacks arrives as "?", as from the real systems.
            chunk = chunk.decode().encode(layout.encoding, errors="replace")
        yield chunk


def _whole_lines(source: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := source.read(_CHUNK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
    if rest:
        yield rest
