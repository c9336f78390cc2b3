"""A text file as bytes with places: lines, and copying all of them but some.

Belongs here: encodings that can be written back exactly, line ends, cutting and replacing by place. Does
not: what a record or a field is (`delimited`, `line_formats`, `json_text`).
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestration.lib.ingest.text import WESTERN, TextFile
from orchestration.lib.privacy.byte_search import MARGIN, PatternSet

BACK_TO_BYTES = {character: value for value, character in WESTERN.items()}
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")
NEWLINE, RETURN = 10, 13
BLOCK_BYTES = 1 << 23
"""Bytes looked at together: what is computed of them is several times as big."""
WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Replacement:
    """Bytes from ``start`` to ``end`` give way to others."""

    start: int
    end: int
    content: bytes = b""


@dataclass(frozen=True)
class TextContent:
    """The bytes of a text file in an encoding whose ASCII characters are single bytes.

    UTF-16 and UTF-32 are held as UTF-8 that can be turned back exactly: ``codec`` says into what, and
    ``tail`` is what is left of a character that was cut off.
    """

    data: bytes
    encoding: str
    codec: str | None = None
    tail: bytes = b""

    def encode(self, text: str) -> bytes:
        """Return a text in the encoding of the file."""
        if self.encoding == "western":
            return bytes(BACK_TO_BYTES[ord(character)] for character in text)
        return text.encode("utf-8", "surrogateescape")

    def decode(self, raw: bytes) -> str:
        """Return bytes of the file as text; ``encode`` gives the same bytes back."""
        if self.encoding == "western":
            return codecs.charmap_decode(raw, "strict", WESTERN)[0]
        return raw.decode("utf-8", "surrogateescape")

    @cached_property
    def mark(self) -> int:
        """Length of the byte order mark."""
        return 3 if self.data.startswith(codecs.BOM_UTF8) else 0

    def places_of(self, byte: int) -> NDArray[np.int64]:
        """Return where a byte stands, in order."""
        found = [
            np.flatnonzero(np.frombuffer(self.data[start : start + BLOCK_BYTES], np.uint8) == byte)
            + start
            for start in range(0, len(self.data), BLOCK_BYTES)
        ]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    @cached_property
    def _line_ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the text of each line ends and where the next line begins."""
        newlines, returns = self.places_of(NEWLINE), self.places_of(RETURN)
        after_return = np.zeros(len(newlines), bool)
        if len(returns):
            nearest = np.minimum(np.searchsorted(returns, newlines - 1), len(returns) - 1)
            after_return = returns[nearest] == newlines - 1
            alone = np.ones(len(returns), bool)
            alone[nearest[after_return]] = False
            returns = returns[alone]
        text_ends = np.concatenate([newlines - after_return, returns])
        next_starts = np.concatenate([newlines + 1, returns + 1])
        order = np.argsort(text_ends, kind="stable")
        text_ends, next_starts = text_ends[order], next_starts[order]
        last = next_starts[-1] if len(next_starts) else self.mark
        if last < len(self.data):
            text_ends = np.append(text_ends, len(self.data))
            next_starts = np.append(next_starts, len(self.data))
        return text_ends.astype(np.int64), next_starts.astype(np.int64)

    @property
    def line_text_ends(self) -> NDArray[np.int64]:
        """Where the text of each line ends."""
        return self._line_ends[0]

    @property
    def line_stops(self) -> NDArray[np.int64]:
        """Where each line ends with its line end."""
        return self._line_ends[1]

    @cached_property
    def line_starts(self) -> NDArray[np.int64]:
        """Where each line begins; a byte order mark is no part of the first."""
        stops = self.line_stops
        return (
            np.concatenate([np.array([self.mark], np.int64), stops[:-1]]) if len(stops) else stops
        )

    def matches(self, patterns: PatternSet | None) -> list[tuple[int, int]]:
        """Return the places of whole identifiers, in order."""
        if patterns is None:
            return []
        found: set[tuple[int, int]] = set()
        for start in range(0, len(self.data), BLOCK_BYTES):
            # A match belongs to the block in which it begins; what confirms it may stand around.
            first = max(0, start - MARGIN)
            block = self.data[first : start + BLOCK_BYTES + MARGIN]
            found |= {
                (first + match.start, first + match.end)
                for match in patterns.find(block, is_text=True)
                if start <= first + match.start < start + BLOCK_BYTES
            }
        return sorted(found)

    def replaced(self, replacements: Sequence[Replacement]) -> bytes:
        """Return the file with some places replaced; replacements don't overlap."""
        parts: list[bytes] = []
        position = 0
        for each in sorted(replacements, key=lambda one: (one.start, one.end)):
            parts += [self.data[position : each.start], each.content]
            position = each.end
        parts.append(self.data[position:])
        content = b"".join(parts)
        if self.codec is None:
            return content
        text = content.decode("utf-8", "surrogatepass")
        return text.encode(self.codec, "surrogatepass") + self.tail


def text_content(path: Path, text: TextFile) -> TextContent:
    """Return the bytes of a delivered text file, of which the reader made ``text``."""
    data = path.read_bytes()
    if text.encoding not in WIDE:
        return TextContent(data, "utf-8" if text.encoding == "utf-8" else "western")
    codec = _wide_codec(data[:4], text.encoding)
    unit = 4 if codec.startswith("utf-32") else 2
    whole = len(data) - len(data) % unit
    content = data[:whole].decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
    return TextContent(content, "utf-8", codec, data[whole:])


def _wide_codec(head: bytes, encoding: str) -> str:
    """Return the exact codec of a file in UTF-16 or UTF-32; the mark stays a character."""
    for mark, codec in WIDE_MARKS:
        if head.startswith(mark):
            return codec
    return "utf-16-le" if encoding == "utf-16" else encoding
