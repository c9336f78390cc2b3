"""Names: case, abbreviations, given names and surnames taken apart, companies, what is no name.

Belongs here: what becomes of the name of one record. Does not: vocabulary (`name_words`) and
frequencies (`name_frequencies`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import log

import pandas as pd

from ml.identity.normalise import name_words as words
from ml.identity.normalise.name_frequencies import LOST_LETTER, NameFrequencies, units_of
from ml.identity.normalise.text import clean, fold, frame_of_codes, is_empty, joined, settle, texts

INPUT = ["full_name", "given_name", "surnames", "surname_1", "surname_2"]
COLUMNS = {
    "is_company": "boolean",
    "given_name": "object",
    "surname_1": "object",
    "surname_2": "object",
    "given_name_root": "object",
    "is_name_valid": "boolean",
    "name_issue": "object",
}
COMPANY_FORM = re.compile(
    rf"(?:[,\s]+(?:{words.COMPANY_FORMS})|,\s*(?:{'|'.join(words.BARE_COMPANY_FORMS.split())}))\.?$"
)
BARE_FORM = re.compile(rf"\s(?:{'|'.join(words.BARE_COMPANY_FORMS.split())})$")
NOT_IN_A_NAME = re.compile(r"[^\w\s.,'\u2019ª·º()/&-]|[\d_]")
IN_PARENTHESES = re.compile(r"\s*[(\[{][^)\]}]*[)\]}]?")
INITIALS = re.compile(r"(?<![^\W\d_]{2})([^\W\d_]\.)(?=[^\W\d_])")
MIXED_CASE = re.compile(r"(?:[^\W\d_]['\u2019])?[A-ZÀ-Ý][a-zà-ÿ]+(?:[A-ZÀ-Ý][a-zà-ÿ]+)*")
MC = re.compile(r"mc(?=[a-z]{3})")

Judged = tuple[bool | None, str | None, str | None, str | None, str | None, bool | None, str | None]
NOTHING: Judged = (None, None, None, None, None, None, None)


def normalise_names(frame: pd.DataFrame, frequencies: NameFrequencies) -> pd.DataFrame:
    """Normalise names and take them apart.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any of ``full_name``, ``given_name``, ``surnames``, ``surname_1``, ``surname_2``.
    frequencies : NameFrequencies
        Bearers of given names and surnames.

    Returns
    -------
    pandas.DataFrame
        ``is_company``, ``given_name``, ``surname_1`` (the whole name of a company), ``surname_2``,
        ``given_name_root`` (folded, nicknames resolved), ``is_name_valid`` and ``name_issue``:
        placeholder_name, invalid_name, names_in_one_field, swapped_name_fields, mended.
    """
    given = pd.DataFrame(
        {
            name: texts(frame[name]) if name in frame else pd.Series(None, frame.index, "object")
            for name in INPUT
        },
        index=frame.index,
    )
    combined = pd.Series(
        list(given.itertuples(index=False, name=None)), index=frame.index, dtype="object"
    )
    codes, distinct = pd.factorize(combined)
    rows = [_normalise(row, frequencies) for row in distinct]
    return frame_of_codes(rows, codes, COLUMNS, frame.index)


def _normalise(row: tuple[object, ...], frequencies: NameFrequencies) -> Judged:
    full, given, surnames, first, second = (
        _text(value, frequencies) if isinstance(value, str) else None for value in row
    )
    issue = None
    surname_field = surnames or " ".join(part for part in (first, second) if part) or None
    whole = full if full and not (given or surname_field) else None
    if whole is None and not (given and surname_field):
        whole = given or surname_field
        if whole is not None and len(whole.split(" ")) < 2:
            whole = None
    written = " ".join(part for part in (given, surname_field) if part) or full
    if written is None:
        return NOTHING
    is_plain = _is_plain(given or full or "") and _is_plain(surname_field or "")
    if not is_plain:
        judged = _judge_written(written, has_both_fields=bool(given and surname_field))
        if judged is not None:
            return judged
    given_part: str | None
    surname_part: str | None
    if whole is not None and not (full or given) and "," not in whole:
        # surnames alone, as many as there are
        given_part, surname_part = None, whole
    elif whole is not None:
        given_part, surname_part = _split_whole(whole, frequencies, full is None)
        if full is None:
            issue = "names_in_one_field" if given_part and surname_part else None
            if issue is None:
                given_part, surname_part = (given, surname_field)
        first = second = None
    else:
        given_part, surname_part = given, surname_field
    if first and second and not surnames:
        surname_1, surname_2 = _proper(first, True), _proper(second, True)
    else:
        surname_1, surname_2 = split_surnames(surname_part, frequencies)
    given_name = _given(given_part)
    cleaned = " ".join(part for part in (given_name, surname_1, surname_2) if part)
    if cleaned and not (is_plain and len(cleaned) > 1):
        # what cleaning left may be a company after all, or no name
        judged = _judge_written(cleaned, has_both_fields=bool(given_name and surname_1))
        if judged is not None:
            return judged
    if whole is None and given_name and surname_1 and frequencies.is_swapped(given_name, surname_1):
        given_name, (surname_1, surname_2) = (
            _given(surname_part), split_surnames(given_part, frequencies),
        )  # fmt: skip
        issue = "swapped_name_fields"
    was_mended = (given or full) and _was_mended(given or full, False)
    was_mended = was_mended or (surname_field and _was_mended(surname_field, True))
    mended = "mended" if was_mended else None
    return (
        False, given_name, surname_1, surname_2, root_of(given_name), True, joined(issue, mended),
    )  # fmt: skip


def _text(value: str, frequencies: NameFrequencies) -> str | None:
    text = _cleaned(value)
    if text is not None and LOST_LETTER.search(text):
        return frequencies.restore_lost_letters(text)
    return text


@lru_cache(maxsize=200_000)
def _cleaned(text: str) -> str | None:
    cleaned = clean(text).strip(" ,;:*\"'-_")
    return None if is_empty(cleaned) else cleaned


@lru_cache(maxsize=400_000)
def _is_plain(text: str) -> bool:
    """Return whether nothing about a part of a name calls for a closer look."""
    bare = text.replace(" ", "")
    return not bare or (
        bare.isalpha() and len(set(bare)) > 1 and words.SUSPICIOUS.isdisjoint(fold(text).split(" "))
    )


def _judge_written(written: str, *, has_both_fields: bool) -> Judged | None:
    """Return the judgement on companies and on what is no name at all, nothing for a person."""
    low = fold(written)
    if is_company(written, low, has_both_fields=has_both_fields):
        return True, None, written, None, None, True, None
    bare = re.sub(r"[^\wñç]+", " ", low).strip()
    letters = [character for character in bare if character.isalpha()]
    if (
        bare in words.PLACEHOLDER_PHRASES
        or (bare and all(word in words.PLACEHOLDERS for word in bare.split(" ")))
        or (len(letters) > 2 and len(set(letters)) == 1)
    ):
        return False, None, None, None, None, False, "placeholder_name"
    if len(letters) < 2 or any(character.isdigit() for character in bare) or "@" in written:
        return False, None, written, None, None, False, "invalid_name"
    return None


def is_company(written: str, low: str, *, has_both_fields: bool) -> bool:
    """Return whether a name is that of a company; given name and surname apart are a person's."""
    if COMPANY_FORM.search(low):
        return True
    tokens = re.sub(r"[^\wñç]+", " ", low).split()
    if (
        not has_both_fields
        and BARE_FORM.search(low)
        and tokens[-2:-1]
        and tokens[-2] not in words.PARTICLES
    ):
        # written as a word a legal form may be a surname: Sa, Cb and Sc are none
        return written.rsplit(" ", 1)[-1].isupper() and (
            tokens[-1] in ("sl", "slu", "sll", "slp", "sau", "srl", "ute", "cb", "sc")
            or len(tokens) > 2
        )
    if " ".join(tokens).startswith(words.COMPANY_STARTS):
        return True
    return bool(tokens) and tokens[0] in words.COMPANY_WORDS and len(tokens) > 1


def _split_whole(
    whole: str, frequencies: NameFrequencies, is_field_of_given_names: bool
) -> tuple[str | None, str | None]:
    """Part a text that holds given name and surnames, or a given name of several words."""
    if whole.count(",") == 1:
        surnames, given = (part.strip() for part in whole.split(","))
        if _tokens(given) and _tokens(surnames, True):
            return given, surnames
    tokens = _tokens(whole)
    units = units_of(tokens)
    if len(units) < 2:
        return whole, None
    given_units, surname_units = frequencies.split_full_name(units)
    # a given name of two words is no given name and surname: José Luis, María del Carmen
    if _is_given_only(units, frequencies, 1 / 3 if is_field_of_given_names else 20):
        return " ".join(units), None
    return " ".join(given_units), " ".join(surname_units)


def _is_given_only(units: list[str], frequencies: NameFrequencies, odds: float) -> bool:
    """Return whether the units are one given name, that many times as likely as name and surname."""
    if len(units) > 3:
        return False
    as_given = frequencies.given(fold(" ".join(units)))
    with_surname = max(
        frequencies.given(fold(" ".join(units[:cut])))
        + frequencies.surname(fold(" ".join(units[cut:])))
        for cut in range(1, len(units))
    )
    return as_given > with_surname + log(odds)


@lru_cache(maxsize=400_000)
def _tokens(text: str, is_surname: bool = False) -> tuple[str, ...]:
    """Return the words of a name: initials apart, abbreviations written out, titles left away."""
    if text.replace(" ", "").isalpha():
        plain = text.split(" ")
        if words.TO_WRITE_OUT.isdisjoint(text.lower().split(" ")):
            return tuple(plain)
    text = IN_PARENTHESES.sub(" ", text).replace("\u2019", "'").replace("\u00b4", "'")
    text = NOT_IN_A_NAME.sub(" ", text)
    text = INITIALS.sub(r"\1 ", text)
    tokens = []
    for token in re.split(r"[\s,/]+", text):
        bare = fold(token).strip("-'")
        full = words.ABBREVIATIONS.get(token.lower().rstrip(".")) or words.ABBREVIATIONS.get(
            bare.rstrip(".")
        )
        stripped = full or token.strip("-'·&")
        if len(stripped) > 2 and stripped.endswith("."):
            stripped = stripped.rstrip(".")
        # brackets and marks left alone are no word of a name
        if any(map(str.isalpha, stripped)):
            tokens.append(stripped)
    # Doña before a given name is a title, alone in the surnames it is one of them
    while (
        not is_surname
        and len(tokens) > 1
        and (
            fold(tokens[0]).rstrip(".") in words.TITLES
            or (tokens[0].rstrip(".").lower() in words.TITLES)
            or (fold(tokens[0]) == "d." and not tokens[1].endswith("."))
        )
    ):
        tokens = tokens[1:]
    return tuple(tokens)


@lru_cache(maxsize=200_000)
def _given(text: str | None) -> str | None:
    return _proper(text, False) if text else None


@lru_cache(maxsize=400_000)
def _proper(text: str, is_surname: bool) -> str | None:
    """Return a name in proper case; particles in lower case but at the head of a given name."""
    return settle(text, lambda each: _recased(each, is_surname)) or None


def _recased(text: str, is_surname: bool) -> str:
    result: list[str] = []
    for token in _tokens(text, is_surname):
        low = token.lower()
        is_particle = low in words.SMALL_PARTICLES and bool(is_surname or result)
        result.append(low if is_particle else proper_word(token))
    return " ".join(result)


def proper_word(word: str) -> str:
    """Return a word of a name in proper case, hyphens, apostrophes and Mc minded."""
    if word.isalpha():
        if word[:1].isupper() and word[1:].islower():
            return word
        if (word.isupper() or word.islower()) and word[:2].lower() != "mc":
            return _capital(word.lower())
    if MIXED_CASE.fullmatch(word):
        return word
    parts = []
    for part in word.split("-"):
        if MIXED_CASE.fullmatch(part):
            parts.append(part)
            continue
        pieces = part.lower().split("'")
        mended = "'".join(_capital(piece) for piece in pieces)
        # d'Ors and l'Hospital keep the small letter only where the source wrote it so
        parts.append(mended)
    return "-".join(parts)


def _capital(piece: str) -> str:
    found = MC.match(piece)
    if found:
        return f"Mc{piece[2:].capitalize()}"
    # one letter stays one: ß has no capital
    first = piece[:1].upper()
    return (first if len(first) == 1 else piece[:1]) + piece[1:]


@lru_cache(maxsize=400_000)
def split_surnames(text: str | None, frequencies: NameFrequencies) -> tuple[str | None, str | None]:
    """Part surnames into the first and the second."""
    if not text:
        return None, None
    tokens = _tokens(text, True)
    units = units_of(tokens)
    if not units:
        return None, None
    if len(units) == 1:
        return _proper(units[0], True), None
    cut, _ = frequencies.split_surnames(units)
    second = " ".join(units[cut:])
    return _proper(" ".join(units[:cut]), True), _proper(second, True) if second else None


@lru_cache(maxsize=200_000)
def root_of(given_name: str | None) -> str | None:
    """Return the given name to compare by: folded, nicknames resolved, María left out before others."""
    if not given_name:
        return None
    names = [
        word for word in re.split(r"[\s\-]+", fold(given_name).replace(".", ""))
        if word and word not in words.PARTICLES
    ]  # fmt: skip
    if not names:
        return fold(given_name)
    root = words.NICKNAMES.get(" ".join(names))
    if root is None:
        root = " ".join(words.NICKNAMES.get(name, name) for name in names)
    parts = root.split(" ")
    if len(parts) == 2 and parts[0] == "maria" and parts[1] in words.AFTER_MARIA:
        return parts[1]
    return root


@lru_cache(maxsize=400_000)
def _was_mended(text: str, is_surname: bool) -> bool:
    """Return whether words of a name were written out or left away."""
    return _word_bag(text) != _word_bag(" ".join(_tokens(text, is_surname)))


def _word_bag(text: str) -> list[str]:
    return sorted(re.sub(r"[^\wñç]+", " ", fold(text)).split())
