"""Match thousands of byte sequences in one pass over the bytes.

Belongs here: the compiled patterns and matching of bytes and of columns of values. Does not: files.

Every pattern has one window of six bytes that few others have. The windows are entered in a table by
a hash of 20 bits; the six bytes at each place of the text are hashed with numpy and looked up, and
what is left is compared byte by byte. That takes about 4 ns a byte whatever the number of patterns;
an automaton (Aho-Corasick) in Python's own loop takes fifty times that, and a compiled one would be
one more dependency.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.lib.privacy.byte_search.patterns import (
    CONTEXT,
    DIGITS,
    EMAIL,
    FOLD,
    LETTERS,
    OPEN,
    WINDOW,
    Form,
    Refused,
    forms_of,
    refusal_of,
)

MASK = np.uint64((1 << (8 * WINDOW)) - 1)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
TABLE_BITS = 20
SHIFT = np.uint64(64 - TABLE_BITS)
BLOCK_BYTES = 1 << 18
"""Bytes hashed at once: they stay in the processor's cache."""

ESCAPE_BEFORE = re.compile(rb"(?:\\[nrtbf]|\\u[0-9a-f]{4}|%[0-9a-f]{2})\Z")
SPANISH_PREFIX = re.compile(rb"(?:\A|[^0-9])(?:00)?34\Z")
DECIMAL_BEFORE = re.compile(rb"[0-9]\.\Z")
DIGIT_BYTES = frozenset(b"0123456789")
LETTER_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz")
WORD_BYTES = DIGIT_BYTES | LETTER_BYTES
# What goes on before an e-mail address makes it another one (x.ana@…); a plus does not (c01+ana@…).
EMAIL_BYTES = WORD_BYTES | frozenset(b"._%-")
KEY_BEFORE = re.compile(rb"[0-9]{4}[-_]\Z")
# First bytes of UTF-8 characters that are no letters: the no-break space, quotation marks, dashes.
NO_LETTERS = (0xC2, 0xE2)
ACCENTED = 0xC3


Places = NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """A pattern at a place; ``is_whole`` when no letter or digit goes on around it."""

    position: int
    start: int
    end: int
    is_whole: bool


@dataclass(frozen=True)
class PatternSet:
    """Compiled identifiers; make them with ``compile_patterns``."""

    kinds: tuple[str, ...]
    refused: tuple[Refused, ...]
    _forms: tuple[Form, ...] = ()
    _keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    _entries: tuple[tuple[tuple[int, Form], ...], ...] = ()
    _least: Places = field(default_factory=lambda: np.empty(0, np.int64))
    _table: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, bool))
    numbers: tuple[NDArray[np.int64], NDArray[np.int64]] = field(
        default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64))
    )

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def forms(self) -> int:
        """Number of byte sequences that are looked for."""
        return len(self._forms)

    def _candidates(self, low: bytes) -> Iterator[tuple[Places, Places]]:
        """Yield the places whose six bytes are a window of some pattern, with the windows' numbers."""
        if not len(self._keys):
            return
        padded = low + b"\0" * 8
        work = np.empty(BLOCK_BYTES // 8 + 1, np.uint64)
        for block in range(0, len(low), BLOCK_BYTES):
            for shift in range(8):
                first = block + shift
                count = (min(len(low), block + BLOCK_BYTES) - first + 7) // 8
                if count <= 0:
                    continue
                content = np.frombuffer(padded, "<u8", count=count, offset=first)
                hashed = work[:count]
                np.bitwise_and(content, MASK, out=hashed)
                np.multiply(hashed, MULTIPLIER, out=hashed)
                np.right_shift(hashed, SHIFT, out=hashed)
                places = self._table.take(hashed.view(np.int64)).nonzero()[0]
                if not len(places):
                    continue
                exact = content[places] & MASK
                found = np.searchsorted(self._keys, exact)
                found[found == len(self._keys)] = 0
                is_key = self._keys[found] == exact
                if is_key.any():
                    yield first + 8 * places[is_key], found[is_key]

    def find(self, content: bytes, *, is_text: bool = True) -> Iterator[Match]:
        """Yield the patterns in a text; in what is not text also those that are not whole."""
        low = content.translate(FOLD)
        for places, keys in self._candidates(low):
            for place, key in zip(places.tolist(), keys.tolist(), strict=True):
                for offset, form in self._entries[key]:
                    yield from _confirmed(low, place - offset, form, 0, len(low), is_text=is_text)

    def positions_in(self, content: str | bytes) -> frozenset[int]:
        """Return which identifiers stand in a short text, as whole words."""
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return frozenset(match.position for match in self.find(raw))

    def find_in_values(
        self, values: pa.Array | pa.ChunkedArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (row, position) of the identifiers in a column of strings or bytes.

        The ends of a value count as ends of a word.
        """
        rows: list[int] = []
        positions: list[int] = []
        start = 0
        chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        for chunk in chunks:
            for row, position in self._in_chunk(chunk):
                rows.append(start + row)
                positions.append(position)
            start += len(chunk)
        return np.array(rows, np.int64), np.array(positions, np.int64)

    def _in_chunk(self, chunk: pa.Array) -> Iterator[tuple[int, int]]:
        if pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_decode()
        is_binary = pa.types.is_binary(chunk.type) or pa.types.is_large_binary(chunk.type)
        chunk = chunk.cast(pa.large_binary() if is_binary else pa.large_string())
        _, offset_buffer, data = chunk.buffers()
        if data is None or not len(chunk):
            return
        offsets = np.frombuffer(offset_buffer, np.int64, len(chunk) + 1, chunk.offset * 8)
        base = int(offsets[0])
        low = bytes(memoryview(data)[base : int(offsets[-1])]).translate(FOLD)
        for places, keys in self._candidates(low):
            rows = np.searchsorted(offsets, base + places, side="right") - 1
            # Most candidates are a frequent surname in a column of surnames: too short for a name.
            is_long = offsets[rows + 1] - offsets[rows] >= self._least[keys]
            chosen = (each[is_long].tolist() for each in (places, keys, rows))
            for place, key, row in zip(*chosen, strict=True):
                first, last = int(offsets[row]) - base, int(offsets[row + 1]) - base
                for offset, form in self._entries[key]:
                    for match in _confirmed(low, place - offset, form, first, last, is_text=True):
                        yield row, match.position


def _confirmed(
    low: bytes, start: int, form: Form, first: int, last: int, *, is_text: bool
) -> Iterator[Match]:
    """Yield the match of a form at a place between two limits, if it is one."""
    end = start + len(form.content)
    if start < first or end > last or low[start:end] != form.content:
        return
    if form.confirm is None:
        spans = [(start, end)]
    else:
        begin = max(first, start - CONTEXT)
        around = low[begin : min(last, end + CONTEXT)]
        if form.other not in around:
            return
        spans = [
            (begin + found.start(), begin + found.end())
            for found in form.confirm.finditer(around)
            if begin + found.start() <= start and end <= begin + found.end()
        ]
    for begin, stop in spans:
        is_whole = _is_whole(low, begin, stop, form, first, last)
        if is_whole or (not is_text and form.confirm is None):
            yield Match(form.position, begin, stop, is_whole)


def _is_whole(low: bytes, start: int, end: int, form: Form, first: int, last: int) -> bool:
    """Whether nothing goes on around a match that would make it a part of something else."""
    if form.boundary == OPEN:
        return True
    width = form.width
    before = low[start - width] if start - width >= first else 0x20
    behind_at = end + width - 1
    behind = low[behind_at] if behind_at < last else 0x20
    if form.boundary == DIGITS:
        return _is_number_whole(low, start, before, behind, form, first)
    head = low[max(first, start - WINDOW) : start]
    is_open = width == 1 and bool(ESCAPE_BEFORE.search(head))
    if form.boundary == EMAIL:
        goes_on = behind in WORD_BYTES or (
            behind in b"." and behind_at + width < last and low[behind_at + width] in LETTER_BYTES
        )
        is_open = is_open or KEY_BEFORE.search(head) is not None
        return not goes_on and (is_open or before not in EMAIL_BYTES)
    if form.boundary == LETTERS:
        if behind in LETTER_BYTES or (behind >= 0xC0 and behind not in NO_LETTERS):
            return False
        is_accent = before >= 0xC0 or (
            before >= 0x80 and start - 2 >= first and low[start - 2] == ACCENTED
        )
        return is_open or not (before in LETTER_BYTES or is_accent)
    return behind not in WORD_BYTES and (is_open or before not in WORD_BYTES)


def _is_number_whole(
    low: bytes, start: int, before: int, behind: int, form: Form, first: int
) -> bool:
    if behind in DIGIT_BYTES:
        return False
    if form.width == 1 and DECIMAL_BEFORE.search(low[max(first, start - 2) : start]):
        return SPANISH_PREFIX.search(low[max(first, start - 6) : start - 1]) is not None
    if before not in DIGIT_BYTES:
        return True
    head = low[max(first, start - 6 * form.width) : start]
    if form.width == 2:
        head = head[::2] if len(head) % 2 == 0 else head[1::2]
    is_escaped = form.width == 1 and ESCAPE_BEFORE.search(head) is not None
    return is_escaped or SPANISH_PREFIX.search(head) is not None


def _windows(content: bytes) -> Iterator[tuple[int, bytes]]:
    for offset in range(len(content) - WINDOW + 1):
        yield offset, content[offset : offset + WINDOW]


def _anchors(forms: Sequence[Form]) -> dict[bytes, list[tuple[int, Form]]]:
    """Give every form the window that the fewest identifiers have, of those the one with most kinds.

    Frequent parts (``gmail.``, a frequent surname) are avoided where a form has another part.
    """
    users: Counter[bytes] = Counter()
    for form in forms:
        users.update({window for _, window in _windows(form.content)})
    anchors: defaultdict[bytes, list[tuple[int, Form]]] = defaultdict(list)
    for form in forms:
        offset, window = min(
            _windows(form.content),
            key=lambda each: (users[each[1]], -len(set(each[1])), each[0]),
        )
        anchors[window].append((offset, form))
    return anchors


def compile_patterns(identifiers: Sequence[tuple[str, str]]) -> PatternSet:
    """Compile identifiers (kind, value); values that chance would find are refused with a reason.

    Parameters
    ----------
    identifiers
        Kinds are those of ``identifier_kind`` in the yml of a column. A hit names an identifier by its
        position in this sequence.

    Returns
    -------
    PatternSet
        The patterns, and in ``refused`` what is not searched for.
    """
    refused: list[Refused] = []
    forms: list[Form] = []
    for position, (kind, value) in enumerate(identifiers):
        reason = refusal_of(kind, value)
        if reason is not None:
            refused.append(Refused(position, kind, reason))
            continue
        forms.extend(forms_of(position, kind, value))
    anchors = _anchors(forms)
    by_key = {int.from_bytes(window, "little"): entries for window, entries in anchors.items()}
    keys = np.array(sorted(by_key), np.uint64)
    table = np.zeros(1 << TABLE_BITS, bool)
    table[((keys * MULTIPLIER) >> SHIFT).astype(np.int64)] = True
    return PatternSet(
        kinds=tuple(kind for kind, _ in identifiers),
        refused=tuple(refused),
        _forms=tuple(forms),
        _keys=keys,
        _entries=tuple(tuple(by_key[int(key)]) for key in keys),
        _least=np.array(
            [min(form.least for _, form in by_key[int(key)]) for key in keys], np.int64
        ),
        _table=table,
        numbers=_numbers(forms),
    )


def _numbers(forms: Sequence[Form]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the patterns that a column of whole numbers may hold, sorted, with their positions."""
    found = {
        (int(content), form.position)
        for form in forms
        for content in ([form.content] if form.boundary == DIGITS and form.width == 1 else [])
        if content.isdigit() and len(content) <= 18
    }
    found |= {
        (34 * 10**9 + number, position) for number, position in found if len(str(number)) == 9
    }
    values = sorted(found)
    return (
        np.array([number for number, _ in values], np.int64),
        np.array([position for _, position in values], np.int64),
    )
