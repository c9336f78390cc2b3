"""Text as people typed it and systems mangled it: cleaning, folding, working on distinct values.

Belongs here: what every field needs. Does not: what a field means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import ftfy
import numpy as np
import pandas as pd

# No cell of a customer file is longer; what is longer is no value but a damaged file.
MAX_CHARACTERS = 300
MAX_MENDINGS = 8
NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff\u00ad]+")
BLANKS = re.compile(r"\s+")
SUSPICIOUS = re.compile(
    "[\u00c2\u00c3\u00c4\u00c5\u00e2][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00ef\u00bb\u00bf"
)
# What code page 850 becomes when it is read as Latin-1, between letters.
CODE_PAGE_850 = {
    "\u00a4": "ñ", "\u00a5": "Ñ", "\u00a2": "ó", "\u00a3": "ú", "\u00a1": "í", "\u201a": "é",
}  # fmt: skip
IN_A_WORD = re.compile("(?<=[^\\W\\d_])[\u00a4\u00a5\u00a2\u00a3\u00a1\u201a](?=[^\\W\\d_])")
# The letters of our languages at one stroke; whatever else there is goes letter by letter.
WITHOUT_ACCENT = str.maketrans("áàâãäåéèêëíìîïóòôõöúùûüýÿ", "aaaaaaeeeeiiiiooooouuuuyy")
KEPT = str.maketrans("", "", "ñç")
# Letters that become two, or another one, when their case changes.
CHANGEABLE = re.compile("[\u0130\u0131\u0149\ufb00-\ufb06]")
WRITTEN_OUT = {"\u0130": "I", "\u0131": "i", "\u0149": "'n"}
EMPTY = frozenset(
    {"", "-", "--", ".", "..", "null", "none", "nan", "nat", "n/a", "n/d", "#n/a", "?"}
)


def clean(text: str) -> str:
    """Return the text in Unicode NFC, without invisible characters, mojibake and double blanks."""
    text = text[:MAX_CHARACTERS]
    if text.isascii() and text.isprintable():
        return text if "  " not in text and text == text.strip() else BLANKS.sub(" ", text).strip()
    # what one mending uncovers may want another; the bound is for texts that are no text
    for _ in range(MAX_MENDINGS):
        mended = _mend_once(text)
        if mended == text:
            break
        text = mended
    return text


def _mend_once(text: str) -> str:
    if SUSPICIOUS.search(text):
        text = ftfy.fix_encoding(text)
    text = unicodedata.normalize("NFC", text)
    text = CHANGEABLE.sub(_written_out, text)
    text = NOT_PRINTABLE.sub(" ", text)
    text = IN_A_WORD.sub(lambda found: CODE_PAGE_850[found[0]], text)
    return BLANKS.sub(" ", text).strip()


def _written_out(found: re.Match[str]) -> str:
    return WRITTEN_OUT.get(found[0]) or unicodedata.normalize("NFKC", found[0])


def settle(text: str, change: Callable[[str], str]) -> str:
    """Change a text until it stays as it is: letters in another case may want cleaning again.

    The bound is for texts that are no text.
    """
    for _ in range(MAX_MENDINGS):
        changed = change(text)
        if not changed.isascii():
            changed = clean(changed)
        if changed == text:
            break
        text = changed
    return text


def fold(text: str) -> str:
    """Return the text to look up by: lower case, no accents but ñ and ç."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    folded = lowered.translate(WITHOUT_ACCENT)
    if folded.translate(KEPT).isascii():
        return folded
    return "".join(
        character if character in "ñç" else _without_marks(character) for character in lowered
    )


@lru_cache(maxsize=4096)
def _without_marks(character: str) -> str:
    return "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
    )


def texts(values: pd.Series) -> pd.Series:
    """Return a column as texts, None where nothing was delivered."""
    column: pd.Series = values.astype("object")
    missing = column.isna()
    if missing.any():
        column = column.copy()
        column[missing] = None
    return column


def is_empty(text: str) -> bool:
    """Return whether a text only says that there is no value."""
    return text.lower() in EMPTY or not any(map(str.isalnum, text))


def by_distinct(
    values: pd.Series,
    function: Callable[[str], Sequence[Any]],
    columns: Mapping[str, str],
) -> pd.DataFrame:
    """Apply a function to each distinct text; a missing text gives missing values.

    Parameters
    ----------
    values : pandas.Series
        Texts; what is no text is turned into one.
    function : callable
        From a text to one value per column.
    columns : mapping
        Names and types (``object`` or ``boolean``) of the columns.
    """
    codes, distinct = pd.factorize(texts(values), use_na_sentinel=True)
    rows = [function(value if isinstance(value, str) else str(value)) for value in distinct]
    return frame_of_codes(rows, codes, columns, values.index)


def frame_of_codes(
    rows: Sequence[Sequence[Any]],
    codes: np.ndarray[Any, Any],
    columns: Mapping[str, str],
    index: pd.Index,
) -> pd.DataFrame:
    """Return a frame whose row ``i`` is ``rows[codes[i]]``; missing values where the code is -1."""
    result = {}
    for position, (name, kind) in enumerate(columns.items()):
        distinct = np.empty(len(rows) + 1, dtype="object")
        for number, row in enumerate(rows):
            distinct[number] = row[position]
        # the code -1 takes the last one
        distinct[len(rows)] = None
        result[name] = pd.Series(distinct[codes], index=index, dtype=kind)
    return pd.DataFrame(result, index=index)


def joined(*issues: str | None) -> str | None:
    """Return issue codes, comma separated, None when there are none."""
    return ",".join(issue for issue in issues if issue) or None
