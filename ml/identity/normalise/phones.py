"""Telephone numbers: E.164, mobile or landline, placeholders, several in one cell.

Belongs here: what can be told from the number alone. Does not: whose it is.
"""

from __future__ import annotations

import re

import pandas as pd
import phonenumbers

from ml.identity.normalise.text import by_distinct, clean, is_empty, joined

COLUMNS = {
    "phone": "object",
    "phone_kind": "object",
    "phone_second": "object",
    "is_phone_valid": "boolean",
    "phone_issue": "object",
}
SEPARATORS = str.maketrans("", "", " .-()/'_\t\u00a0\u2010\u2011\u2012\u2013\u2014")
# The plan of the regulator: 6, 71-74 and 78 are mobile, 8 and 9 landline; services are left to the library.
MOBILE = re.compile(r"(?:6\d|7[1-48])\d{7}")
LANDLINE = re.compile(
    r"8(?:[1356]\d|[28][0-8]|[47][1-9])\d{6}|9(?:[1356]\d|[28][0-8]|[47][1-9])\d{6}"
)
PREFIXED = re.compile(r"(?:\+|00)?34(\d{9})")
EMBEDDED = re.compile(r"(?<!\d)(?:(?:\+|00)\s?34[\s.-]*)?([6789](?:[\s.\-]?\d){8})(?!\d)")
EXPONENT = re.compile(r"(\d)[.,](\d+)e\+?0?(\d{1,2})", re.IGNORECASE)
TELLTALE = frozenset({"123456789", "987654321", "612345678", "912345678", "012345678", "654321000"})


def normalise_phones(values: pd.Series, region: str = "ES") -> pd.DataFrame:
    """Normalise telephone numbers; ``region`` is where a number without a country code is dialled.

    Returns
    -------
    pandas.DataFrame
        ``phone`` (E.164, missing when there is none), ``phone_kind`` (mobile, landline, other),
        ``phone_second`` (another number in the same cell), ``is_phone_valid`` and ``phone_issue``:
        invalid_phone, placeholder_phone, several_phones, mended.
    """
    return by_distinct(values, lambda text: _normalise(text, region), COLUMNS)


def _normalise(
    text: str, region: str
) -> tuple[str | None, str | None, str | None, bool | None, str | None]:
    digits = text.translate(SEPARATORS)
    if len(digits) != 9 or not digits.isascii():
        prefixed = PREFIXED.fullmatch(digits)
        if prefixed:
            digits = prefixed[1]
    if region == "ES" and digits.isascii() and digits.isdigit() and len(digits) == 9:
        return _spanish(digits, None)
    written = clean(text).removesuffix(".0")
    if is_empty(written) or not any(character.isdigit() for character in written):
        missing = is_empty(written)
        return None, None, None, None if missing else False, None if missing else "invalid_phone"
    exponent = EXPONENT.fullmatch(written)
    if exponent:
        written = (exponent[1] + exponent[2]).ljust(int(exponent[3]) + 1, "0")
    found = _numbers_in(written, region)
    if not found:
        return _by_library(written, region)
    first, *others = found
    second = next((other for other in others if other != first), None)
    number, kind, _, is_valid, issue = _spanish(first, None)
    second_number = _spanish(second, None)[0] if second else None
    note = "several_phones" if second_number else _note(written)
    return number, kind, second_number, is_valid, joined(issue, note)


def _note(written: str) -> str | None:
    """Return whether more was done than taking separators and the country code away."""
    plain = written.translate(SEPARATORS)
    return None if PREFIXED.fullmatch(plain) or len(plain) == 9 else "mended"


def _numbers_in(written: str, region: str) -> list[str]:
    """Return the Spanish numbers that stand in a text, in their order."""
    if region != "ES" or (written.startswith("+") and not written.startswith("+34")):
        return []
    if written.startswith("00") and not written.startswith("0034"):
        return []
    plain = written.translate(SEPARATORS)
    if len(plain) == 18 and plain.isdigit() and plain.isascii():
        halves = [plain[:9], plain[9:]]
        if all(_kind(half) for half in halves):
            return halves
    found = [part.translate(SEPARATORS) for part in EMBEDDED.findall(written)]
    return [part for part in found if part.isascii() and _kind(part)]


def _kind(digits: str) -> str | None:
    if MOBILE.fullmatch(digits):
        return "mobile"
    if LANDLINE.fullmatch(digits):
        return "landline"
    number = phonenumbers.PhoneNumber(country_code=34, national_number=int(digits))
    return "other" if phonenumbers.is_valid_number(number) else None


def _is_placeholder(digits: str) -> bool:
    return len(set(digits[1:])) == 1 or digits in TELLTALE


def _spanish(
    digits: str, issue: str | None
) -> tuple[str | None, str | None, str | None, bool, str | None]:
    kind = _kind(digits)
    if _is_placeholder(digits):
        return None, None, None, False, "placeholder_phone"
    if kind is None:
        return None, None, None, False, "invalid_phone"
    return f"+34{digits}", kind, None, True, issue


def _by_library(
    written: str, region: str
) -> tuple[str | None, str | None, str | None, bool, str | None]:
    """Judge what is not plainly Spanish."""
    digits = re.sub(r"\D", "", written)
    if len(digits) >= 6 and len(set(digits)) == 1:
        return None, None, None, False, "placeholder_phone"
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None, None, None, False, "invalid_phone"
    if not phonenumbers.is_valid_number(number):
        return None, None, None, False, "invalid_phone"
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kinds = {
        phonenumbers.PhoneNumberType.MOBILE: "mobile",
        phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    }
    return formatted, kinds.get(phonenumbers.number_type(number), "other"), None, True, None
