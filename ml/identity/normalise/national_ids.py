"""National and tax ids of Spain: NIF, NIE, CIF; passports are recognised, not checked.

The rules of python-stdnum, for whole columns. Belongs here: form and check character. Does not:
whose number it is.
"""

from __future__ import annotations

import re

import pandas as pd

from ml.identity.normalise.text import by_distinct, clean, is_empty, joined, settle

COLUMNS = {
    "national_id": "object",
    "national_id_kind": "object",
    "is_national_id_valid": "boolean",
    "national_id_issue": "object",
}
NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
CIF_LETTERS = "JABCDEFGHI"
# The longest number of any country has half as many.
MAX_CHARACTERS = 40
SEPARATORS = re.compile(r"[\s.\-/_,:;'\"ºª·*()\\]+")
LABEL = re.compile(
    r"^(?:NIF/CIF|DNI/NIF|NIFCIF|DNINIF|N\.?I\.?F|D\.?N\.?I|C\.?I\.?F|N\.?I\.?E|VAT)(?=\W*[A-Z]?\W*\d)"
)
NIF = re.compile(r"(\d{1,8})([A-Z])")
NIE = re.compile(r"([XYZ])(\d{1,8})([A-Z])")
SPECIAL_NIF = re.compile(r"[KLM]\d{7}[A-Z]")
CIF = re.compile(r"[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]")
LETTER_FIRST = re.compile(r"([A-Z])(\d{8})")
PASSPORT = re.compile(r"[A-Z]{2,3}\d{6,7}[A-Z]?|[A-Z]\d{8}")
# Numbers that people make up; several have the right letter.
TELLTALE = frozenset({"12345678Z", "87654321X", "X1234567L", "Y1234567X", "A12345674", "B12345674"})

Judged = tuple[str | None, str | None, bool | None, str | None]


def normalise_national_ids(values: pd.Series) -> pd.DataFrame:
    """Normalise national and tax ids.

    Returns
    -------
    pandas.DataFrame
        ``national_id`` (no separators, leading zeros restored), ``national_id_kind`` (nif, nie, cif,
        passport, unknown), ``is_national_id_valid`` (missing for a passport, which has nothing to
        check) and ``national_id_issue``: wrong_letter, missing_letter, zeros_restored, letter_first,
        placeholder_national_id, unknown_format.
    """
    return by_distinct(values, _normalise, COLUMNS)


def _nif_letter(digits: str) -> str:
    return NIF_LETTERS[int(digits) % 23]


def _cif_checks(digits: str) -> tuple[str, str]:
    """Return the check digit and the check letter of seven digits."""
    even = sum(int(digit) for digit in digits[1::2])
    odd = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::2])
    check = -(even + odd) % 10
    return str(check), CIF_LETTERS[check]


def _normalise(text: str) -> Judged:
    written = text if text.isascii() and text.isprintable() else clean(text)
    if is_empty(written.strip()):
        return None, None, None, None
    compact = settle(written, _compact)
    if is_empty(compact):
        return None, None, None, None
    if not compact.isascii():
        return compact, "unknown", False, "unknown_format"
    judged = _judge(compact)
    if judged[0] in TELLTALE or _has_one_digit(compact, judged[1]):
        return judged[0], judged[1], False, "placeholder_national_id"
    return judged


def _has_one_digit(compact: str, kind: str | None) -> bool:
    """Return whether a number is one digit again and again, lost zeros left aside."""
    digits = re.sub(r"\D", "", compact)
    own = digits.lstrip("0") if kind in ("nif", "nie") else digits
    return bool(digits) and len(set(own)) <= 1


def _compact(written: str) -> str:
    """Return what is left without separators, label and country."""
    compact = SEPARATORS.sub("", LABEL.sub("", written.upper().strip()))
    if compact.startswith("ES") and len(compact) == 11:
        compact = compact[2:]
    return compact[:MAX_CHARACTERS]


def _judge(compact: str) -> Judged:
    nif = NIF.fullmatch(compact)
    if nif:
        return _checked(nif[1].zfill(8) + nif[2], "nif", _nif_letter(nif[1]), nif[1], 8)
    nie = NIE.fullmatch(compact)
    if nie:
        # numbers of the nineties have a zero too many
        digits = nie[2][1:] if len(nie[2]) == 8 and nie[2][0] == "0" else nie[2]
        if len(digits) <= 7:
            padded = digits.zfill(7)
            letter = _nif_letter("XYZ".index(nie[1]).__str__() + padded)
            return _checked(nie[1] + padded + nie[3], "nie", letter, digits, 7)
    if SPECIAL_NIF.fullmatch(compact):
        return _checked(compact, "nif", _nif_letter(compact[1:-1]), compact[1:-1], 7)
    if CIF.fullmatch(compact):
        is_valid = compact[-1] in _cif_checks(compact[1:-1])
        return compact, "cif", is_valid, None if is_valid else "wrong_letter"
    first = LETTER_FIRST.fullmatch(compact)
    if first and _nif_letter(first[2]) == first[1]:
        return first[2] + first[1], "nif", True, "letter_first"
    if compact.isdigit() and len(compact) in (7, 8):
        return compact, "nif", False, "missing_letter"
    if PASSPORT.fullmatch(compact):
        return compact, "passport", None, None
    return compact, "unknown", False, "unknown_format"


def _checked(number: str, kind: str, letter: str, digits: str, places: int) -> Judged:
    """Judge a number by its letter; short ones only count when the letter proves the lost zeros."""
    zeros = "zeros_restored" if len(digits) < places else None
    if number[-1] == letter:
        return number, kind, True, zeros
    return number, kind, False, joined(zeros, "wrong_letter")
