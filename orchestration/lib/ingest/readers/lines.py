"""Physical lines of a text file and the records they make, tolerant of damage.

One bad line costs one row: what can't be read is a broken record, and reading goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINE_BYTES = 2_000_000
RECORD_LINES = 500
CHUNK_BYTES = 1 << 20
NEWLINE = re.compile(rb"\r\n|\n|\r")
CUT_BYTES = 4_000


@dataclass(frozen=True)
class Line:
    """A line without its end; ``problem`` says why it can't be read as text."""

    text: str
    problem: str | None = None


def _decoded(raw: bytes) -> Line:
    if len(raw) > LINE_BYTES:
        cut = raw[:CUT_BYTES].decode("utf-8", errors="replace").replace("\0", "\ufffd")
        return Line(cut, f"the line is longer than {LINE_BYTES:,} bytes")
    if b"\0" in raw:
        shown = raw.decode("utf-8", errors="replace").replace("\0", "\ufffd")
        return Line(shown, "the line holds NUL bytes")
    try:
        return Line(raw.decode("utf-8"))
    except UnicodeDecodeError:
        shown = raw.decode("utf-8", errors="replace")
        return Line(shown, "the line holds bytes that are not UTF-8")


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a UTF-8 file, ended by LF, CRLF or CR; over-long ones are cut."""
    held = b""
    dropped = 0
    is_first = True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)  # CRLF may be cut in two
            if is_first:
                chunk, is_first = chunk.removeprefix(b"\xef\xbb\xbf"), False
            parts = NEWLINE.split(held + chunk)
            held = parts.pop()
            if dropped and parts:
                parts[0] = parts[0] + b" " * max(0, LINE_BYTES + 1 - len(parts[0]))
                dropped = 0
            for part in parts:
                yield _decoded(part)
            if len(held) > LINE_BYTES + CHUNK_BYTES:
                dropped += len(held) - CUT_BYTES
                held = held[:CUT_BYTES]
    if held or dropped:
        yield _decoded(held + b" " * LINE_BYTES if dropped else held)


def split_record(text: str, delimiter: str, quote: str) -> list[str] | None:
    """Split a record into its fields; None when a quoted field isn't closed or goes on behind it."""
    if not quote or quote not in text:
        return text.split(delimiter)
    fields: list[str] = []
    position = 0
    while True:
        if text.startswith(quote, position):
            end = position + 1
            while True:
                end = text.find(quote, end)
                if end < 0:
                    return None
                if text.startswith(quote, end + 1):
                    end += 2
                    continue
                break
            fields.append(text[position + 1 : end].replace(quote * 2, quote))
            position = end + 1
            if position == len(text):
                return fields
            if not text.startswith(delimiter, position):
                return None
        else:
            end = text.find(delimiter, position)
            if end < 0:
                fields.append(text[position:])
                return fields
            fields.append(text[position:end])
            position = end
        position += len(delimiter)


@dataclass(frozen=True)
class Record:
    """A record of a delimited file: its fields, or why it is broken."""

    fields: list[str]
    raw: str
    problem: str | None = None


class RecordReader:
    """Makes records from lines; a record may span lines inside quotes."""

    def __init__(
        self, lines: Iterator[Line], delimiter: str, quote: str, width: int | None
    ) -> None:
        self._lines = lines
        self._waiting: list[Line] = []
        self._delimiter = delimiter
        self._quote = quote
        self._width = width

    def _take(self) -> Line | None:
        return self._waiting.pop() if self._waiting else next(self._lines, None)

    def _fits(self, fields: list[str] | None) -> list[str] | None:
        """Return the fields when they are as many as the header's; empty ones behind are let go."""
        if fields is None or self._width is None or len(fields) == self._width:
            return fields
        if len(fields) > self._width and not any(fields[self._width :]):
            return fields[: self._width]
        return None

    def _over_lines(self, first: Line) -> list[str] | None:
        """Try to close the quotes of a record with the lines that follow; put them back if not."""
        taken: list[Line] = []
        text = first.text
        while len(taken) < RECORD_LINES and len(text) < LINE_BYTES:
            line = self._take()
            if line is None:
                break
            taken.append(line)
            if line.problem:
                break
            text = f"{text}\n{line.text}"
            if self._quote not in line.text:
                continue
            fields = split_record(text, self._delimiter, self._quote)
            if fields is not None:
                kept = self._fits(fields)
                if kept is not None:
                    return kept
                break
        self._waiting.extend(reversed(taken))
        return None

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; blank lines are none."""
        while (line := self._take()) is not None:
            if line.problem:
                yield Record([], line.text, line.problem)
                continue
            if not line.text.strip(" "):
                continue
            fields = split_record(line.text, self._delimiter, self._quote)
            if fields is None:
                fields = self._over_lines(line)
                problem = "the line opens a quote that is not closed properly"
            else:
                problem = f"the line has {len(fields)} fields where the header has {self._width}"
                fields = self._fits(fields)
            yield Record([], line.text, problem) if fields is None else Record(fields, line.text)
