"""From an identifier to the byte sequences under which it may stand in a file.

Belongs here: spellings, encodings, and which values are too short to be told from chance. Does not:
matching (`matcher`).

Spellings: as given, in upper and lower case, with and without accents (composed or not), telephones
and ids with customary separators, names with the fields between them; encodings: UTF-8, UTF-16,
cp1252, and as JSON, HTML and addresses of web pages escape them. Letters A-Z are compared without
case throughout.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

Word = TypeVar("Word", str, bytes)

UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOLD = bytes.maketrans(UPPER, UPPER.lower())
WINDOW = 6
"""Bytes by which a candidate is found; no pattern is shorter."""

DIGITS, WORD, LETTERS, EMAIL, OPEN = "digits", "word", "letters", "email", "open"
"""What must not stand directly before and behind a match; open: anything may, it is a part."""

PHONE_GROUPS = ((3, 3, 3), (3, 2, 2, 2), (2, 3, 2, 2), (3, 6))
PHONE_SEPARATORS = (" ", "-", ".", "/")
MINIMUM_DIGITS = 9
MINIMUM_CHARACTERS = {"national_id": 8, "vehicle": 7, "email": 6, "address": 10, "free_text": 20}
USUAL_MINIMUM = 8
MINIMUM_NAME_LETTERS = 6
NAMES_ALONE = ("given_name", "surname")
# Between the parts of a name: a blank, a delimiter with quotes, the name of the next JSON field, or
# the tags of the next XML element.
GLUE = (
    rb"(?:[\"']?[\s,;|\x00-\x1f]{1,3}[\"']?"
    rb"|[\"']\s{0,3},\s{0,3}[\"'][\w .-]{1,32}[\"']\s{0,3}:\s{0,3}[\"']"
    rb"|</[\w:]{1,24}>\s{0,8}<[\w: =\"]{1,40}>)"
)
PLAIN_JOINERS = 5
JOINERS = (" ", ",", ", ", ";", "\t", "|", '","', '";"', "', '", '", "')
CONTEXT = 256
"""Bytes around a candidate that a comparison may need."""
LONGEST = 512
MARGIN = CONTEXT + LONGEST
"""Bytes around a place that tell whether a pattern stands there: none is longer with its context."""


@dataclass(frozen=True)
class Refused:
    """An identifier that can't be searched for, and why; the value is not told."""

    position: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Form:
    """One byte sequence of an identifier, with A-Z in lower case.

    ``width`` is the bytes a character takes (2 in UTF-16). With ``confirm`` the sequence is only a
    part: the expression must match around it, which it can't without ``other``.
    """

    content: bytes
    position: int
    boundary: str
    width: int = 1
    confirm: re.Pattern[bytes] | None = None
    other: bytes = b""
    length: int = 0

    @property
    def least(self) -> int:
        """Bytes that a match takes at least."""
        return max(self.length, len(self.content))


def without_accents(text: str) -> str:
    """Return a text without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def full_names(given_name: str, *surnames: str | None) -> list[tuple[str, str]]:
    """Return a person's name as identifiers: with all surnames, which is what is told apart best.

    Of a person with two surnames the pair with the first one alone is left away: it is also the
    beginning of many other people's names.
    """
    parts = [part.strip() for part in (given_name, *surnames) if part and part.strip()]
    return [("full_name", " ".join(parts))] if len(parts) > 1 else []


def refusal_of(kind: str, value: str) -> str | None:
    """Return why a value can't be searched for, or None when it can."""
    text = value.strip()
    if not text:
        return "it is empty"
    if kind in NAMES_ALONE:
        return "a given name or a surname alone is shared by many people; search for the full name"
    if kind == "full_name":
        if len(text.split()) < 2:
            return "it is one word; a name is searched with its surname"
        letters = sum(char.isalpha() for char in text)
        if letters < MINIMUM_NAME_LETTERS:
            return f"it has fewer than {MINIMUM_NAME_LETTERS} letters"
        return None
    if kind == "email" and ("@" not in text or "." not in text):
        return "it is no e-mail address"
    plain = re.sub(r"[^\w]", "", text)
    if kind == "phone" or plain.isdecimal():
        if len(re.sub(r"\D", "", text)) < MINIMUM_DIGITS:
            return f"a number of fewer than {MINIMUM_DIGITS} digits stands in many places by chance"
        return None
    least = MINIMUM_CHARACTERS.get(kind, USUAL_MINIMUM)
    if len(text if kind in ("email", "address", "free_text") else plain) < least:
        return f"a value of fewer than {least} characters stands in many places by chance"
    if kind == "address" and not any(char.isdecimal() for char in text):
        return "an address without a number is shared by a whole street"
    return None


def _cases(text: str) -> Iterator[str]:
    """Yield the spellings of a text that differ beyond A-Z."""
    for form in (text, unicodedata.normalize("NFD", text), without_accents(text)):
        yield from (form, form.upper(), form.lower())


def _phones(value: str) -> Iterator[str]:
    """Yield a telephone number without prefix, in the customary groups."""
    digits = re.sub(r"\D", "", value)
    national = re.sub(r"^(?:00)?34(?=\d{9}$)", "", digits)
    yield value
    yield digits
    yield national
    if len(national) != 9:
        return
    for groups in PHONE_GROUPS:
        parts, start = [], 0
        for length in groups:
            parts.append(national[start : start + length])
            start += length
        yield from (separator.join(parts) for separator in PHONE_SEPARATORS)


def _national_ids(value: str) -> Iterator[str]:
    """Yield a NIF or NIE as written with hyphens, points and blanks, and without leading zeros."""
    plain = re.sub(r"[^0-9A-Za-z]", "", value)
    yield value
    yield plain
    if plain[:1] == "0" and len(plain.lstrip("0")) >= MINIMUM_CHARACTERS["national_id"]:
        yield plain.lstrip("0")
    parted = re.fullmatch(r"([A-Za-z]?)(\d+)([A-Za-z]?)", plain)
    if parted is None:
        return
    first, number, last = parted.groups()
    dotted = f"{int(number):,}".replace(",", ".")
    for separator in ("-", " ", "/", "."):
        yield separator.join(part for part in (first, number, last) if part)
        yield separator.join(part for part in (first, dotted, last) if part)


def _grouped(value: str) -> Iterator[str]:
    yield value
    plain = re.sub(r"[^0-9A-Za-z]", "", value)
    if len(plain) >= USUAL_MINIMUM:
        yield plain


def spellings(kind: str, value: str) -> tuple[str, ...]:
    """Return the texts by which an identifier is written, beyond case and accents."""
    text = unicodedata.normalize("NFC", value.strip())
    if kind == "phone":
        found: Iterable[str] = _phones(text)
    elif kind == "national_id":
        found = _national_ids(text)
    elif kind in ("loyalty_card", "account", "vehicle"):
        found = _grouped(text)
    else:
        found = [text, " ".join(text.split())]
    return tuple(dict.fromkeys(found))


def _encodings(text: str) -> Iterator[tuple[bytes, int]]:
    """Yield a text in the encodings in which files are written, with the width of a character."""
    yield text.encode(), 1
    yield html.escape(text).encode(), 1
    yield json.dumps(text)[1:-1].encode(), 1
    yield quote(text).encode(), 1
    with suppress(UnicodeEncodeError):
        yield text.encode("cp1252"), 1
    # Without the last byte the sequence is that of both byte orders, for characters below 256.
    yield text.encode("utf-16-le")[:-1], 2


def _boundary_of(kind: str, text: str) -> str:
    if kind == "email":
        return EMAIL
    if kind == "full_name":
        return LETTERS
    return DIGITS if not any(char.isalpha() for char in text) else WORD


def _rotations(words: Sequence[Word]) -> list[list[Word]]:
    """Return the orders of a name: the surnames may stand first."""
    twice = list(words) + list(words)
    return [twice[start : start + len(words)] for start in range(len(words))]


def _cp1252(text: str) -> bytes | None:
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        return None


WORD_ENCODINGS: tuple[Callable[[str], bytes | None], ...] = (
    str.encode,
    lambda word: json.dumps(word)[1:-1].encode(),
    _cp1252,
)


def _name_forms(position: int, value: str) -> Iterator[Form]:
    """Yield the forms of a name: its longest word, confirmed by the others around it."""
    for text in dict.fromkeys(_cases(" ".join(value.replace(",", " ").split()))):
        words = text.split()
        for order in _rotations(words):
            for joiner in JOINERS[:PLAIN_JOINERS]:
                wide = joiner.join(order).encode("utf-16-le")[:-1]
                yield Form(wide.translate(FOLD), position, LETTERS, 2)
        for encode in WORD_ENCODINGS:
            encoded = [found.translate(FOLD) for word in words if (found := encode(word))]
            if len(encoded) == len(words):
                yield from _joined_names(position, encoded)


def _joined_names(position: int, words: Sequence[bytes]) -> Iterator[Form]:
    longest = max(words, key=len)
    if len(longest) >= WINDOW:
        orders = [GLUE.join(map(re.escape, order)) for order in _rotations(words)]
        others = [word for word in words if word is not longest]
        length = sum(map(len, words)) + len(others)
        confirm = re.compile(b"|".join(orders))
        yield Form(longest, position, LETTERS, 1, confirm, max(others, key=len), length)
        return
    for joiner in JOINERS:
        for each in _rotations(words):
            yield Form(joiner.encode().join(each), position, LETTERS)


def _form(content: bytes, position: int, boundary: str, width: int) -> Form:
    """Return the form of a text; of a very long one the beginning, behind which anything may stand."""
    if len(content) > LONGEST:
        return Form(content[: LONGEST - 1], position, OPEN, width)
    return Form(content, position, boundary, width)


def forms_of(position: int, kind: str, value: str) -> Iterator[Form]:
    """Yield the byte sequences of an identifier; none is shorter than the window, few repeat."""
    seen: set[tuple[bytes, re.Pattern[bytes] | None]] = set()
    if kind == "full_name":
        found: Iterable[Form] = _name_forms(position, unicodedata.normalize("NFC", value))
    else:
        found = (
            _form(content.translate(FOLD), position, _boundary_of(kind, text), width)
            for spelling in spellings(kind, value)
            for text in dict.fromkeys(_cases(spelling))
            for content, width in _encodings(text)
        )
    for form in found:
        key = (form.content, form.confirm)
        if len(form.content) >= WINDOW and key not in seen:
            seen.add(key)
            yield form
