"""Postal codes, municipalities and provinces by code, from what a record says of its place.

Belongs here: the look-ups of places. Does not: streets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from ml.identity.normalise.reference import Reference
from ml.identity.normalise.text import clean, fold, frame_of_codes, is_empty, joined, settle, texts

INPUT = [
    "postal_code", "city", "province_name", "province_code", "municipality_code", "country_code",
]  # fmt: skip
COLUMNS = {
    "postal_code": "object",
    "is_postal_code_valid": "boolean",
    "postal_code_issue": "object",
    "city": "object",
    "province_code": "object",
    "municipality_code": "object",
    "country_code": "object",
}
SPAIN = frozenset(
    {"es", "esp", "espana", "españa", "spain", "espanya", "espainia", "espagne", "724"}
)
POSTAL_LABEL = re.compile(r"^(?:c\.?\s?p\.?|e|es|d\.?p\.?)[\s:.-]*(?=\d)", re.IGNORECASE)
# Ministries, big senders and post-office boxes: no street has them, so the register does not.
NO_STREET = re.compile(r"\d{2}0[78]\d")
LEADING_ARTICLE = re.compile(r"^(?:(?:la|el|los|las|les|els|a|o|os|as|es|sa|ses|lo)\s+|[ld]')")
TRAILING_ARTICLE = re.compile(
    r"^(.*?)[,\s]*[,(]\s*(?:la|el|los|las|les|els|a|o|os|as|es|sa|lo|l')\s*\)?$"
)
NOT_A_LETTER = re.compile(r"[^\wñç]+")
PROVINCE_WORDS = re.compile(r"^(?:provincia|prov|comunidad|principado|region)\b\.?\s*(?:de|d')?\s*")
OTHER_PROVINCE_NAMES = {
    "coruna": "15", "lerida": "25", "gerona": "17", "orense": "32", "guipuzcoa": "20",
    "vizcaya": "48", "alava": "01", "baleares": "07", "islas baleares": "07", "balears": "07",
    "mallorca": "07", "menorca": "07", "ibiza": "07", "eivissa": "07", "castellon de la plana": "12",
    "castello de la plana": "12", "palmas": "35", "palmas de gran canaria": "35", "gran canaria": "35",
    "fuerteventura": "35", "lanzarote": "35", "tenerife": "38", "s c tenerife": "38",
    "sta cruz de tenerife": "38", "s c de tenerife": "38", "sc tenerife": "38", "la palma": "38",
    "santa cruz tenerife": "38", "nafarroa": "31", "logrono": "26", "oviedo": "33", "gijon": "33",
    "asturies": "33", "santander": "39", "pamplona": "31", "vitoria": "01", "san sebastian": "20",
    "bilbao": "48", "ciudad de ceuta": "51", "ciudad de melilla": "52", "c real": "13", "cdad real": "13",
}  # fmt: skip
OTHER_CITY_NAMES = {
    "lerida": "25120", "gerona": "17079", "orense": "32054", "san sebastian": "20069",
    "donostia": "20069", "vitoria": "01059", "gasteiz": "01059", "bilbo": "48020", "irunea": "31201",
    "pamplona": "31201", "iruna": "31201", "palma de mallorca": "07040", "ibiza": "07026",
    "mahon": "07032", "ciudadela": "07015", "palmas": "35016", "las palmas": "35016",
    "santa cruz": "38038", "sta cruz de tenerife": "38038", "s c tenerife": "38038",
    "la laguna": "38023", "jerez": "11020", "jerez de la fra": "11020", "hospitalet": "08101",
    "hospitalet de llobregat": "08101", "san cugat del valles": "08205", "san cugat": "08205",
    "villafranca del penedes": "08305", "tarrasa": "08279", "villanueva y geltru": "08307",
    "san baudilio de llobregat": "08200", "alcala": "28005", "sagunto": "46220", "sagunt": "46220",
    "jativa": "46145", "villarreal": "12135", "puerto de santa maria": "11027", "pto sta maria": "11027",
    "castellon": "12040", "palma": "07040", "el ferrol": "15036", "santiago": "15078",
    "carballino": "32019", "la estrada": "36017", "mieres": "33037", "cangas de narcea": "33011",
}  # fmt: skip
PARTICLES = frozenset(
    [
        "de",
        "del",
        "la",
        "las",
        "los",
        "el",
        "y",
        "i",
        "d'",
        "l'",
        "les",
        "els",
        "da",
        "do",
        "das",
        "dos",
        "en",
        "sobre",
        "a",
        "o",
        "al",
        "amb",
        "of",
    ]
)


def place_key(name: str) -> str:
    """Return a place's name to look up by: folded, without its article and punctuation."""
    folded = fold(name.strip())
    turned = TRAILING_ARTICLE.match(folded)
    bare = LEADING_ARTICLE.sub("", turned[1] if turned else folded)
    return NOT_A_LETTER.sub(" ", bare).strip()


@dataclass(frozen=True)
class Places:
    """Look-ups made of the reference frames."""

    province_by_name: dict[str, str]
    municipality_names: dict[str, str]
    municipality_by_name: dict[tuple[str, str], str]
    municipalities_of_name: dict[str, list[str]]
    municipalities_of_postal_code: dict[str, list[str]]


def index_places(reference: Reference) -> Places:
    """Return the look-ups of a reference."""
    provinces = reference.provinces
    by_name = dict(OTHER_PROVINCE_NAMES)
    for code, name, letters in zip(
        provinces["province_code"],
        provinces["province_name"],
        provinces["shopify_code"],
        strict=True,
    ):
        for part in (*str(name).split("/"), str(name)):
            by_name[place_key(part)] = code
        by_name[code] = code
        # the letters last: no name is that short
        by_name.setdefault(str(letters).lower(), code)
    names: dict[str, str] = {}
    by_place: dict[tuple[str, str], str] = {}
    of_name: dict[str, list[str]] = defaultdict(list)
    municipalities = reference.municipalities
    for code, name, province in zip(
        municipalities["municipality_code"],
        municipalities["municipality_name"],
        municipalities["province_code"],
        strict=True,
    ):
        names[code] = name
        for key in {place_key(part) for part in (*name.split("/"), name)}:
            by_place[province, key] = code
            of_name[key].append(code)
    for key, code in OTHER_CITY_NAMES.items():
        if code in names:
            by_place.setdefault((code[:2], key), code)
            of_name.setdefault(key, [code])
    of_postal_code: dict[str, list[str]] = defaultdict(list)
    pairs = reference.postal_codes
    for postal_code, code in zip(pairs["postal_code"], pairs["municipality_code"], strict=True):
        of_postal_code[postal_code].append(code)
    return Places(by_name, names, by_place, dict(of_name), dict(of_postal_code))


def normalise_places(frame: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Normalise postal code, city, province and municipality of each row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any of ``postal_code``, ``city``, ``province_name``, ``province_code``,
        ``municipality_code``, ``country_code``.
    places : Places
        Look-ups from :func:`index_places`.

    Returns
    -------
    pandas.DataFrame
        The same without ``province_name``, with ``is_postal_code_valid`` and ``postal_code_issue``:
        zero_restored, invalid_postal_code, unknown_postal_code, province_mismatch. A postal code is
        valid when the register knows it and it fits the province that the record names.
    """
    given = pd.DataFrame(
        {
            name: texts(frame[name]) if name in frame else pd.Series(None, frame.index, "object")
            for name in INPUT
        },
        index=frame.index,
    )
    combined = list(given.itertuples(index=False, name=None))
    codes, distinct = pd.factorize(pd.Series(combined, dtype="object", index=frame.index))
    rows = [_normalise(*row, places=places) for row in distinct]
    return frame_of_codes(rows, codes, COLUMNS, frame.index)


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    cleaned = clean(value)
    return None if is_empty(cleaned) else cleaned


def _normalise(
    postal: object, city: object, province: object, code: object, municipality: object,
    country: object, *, places: Places,
) -> tuple[str | None, bool | None, str | None, str | None, str | None, str | None, str | None]:  # fmt: skip
    postal_text, city_text = _text(postal), _text(city)
    country_text = _text(country)
    if country_text is not None:
        country_text = "ES" if fold(country_text) in SPAIN else country_text.upper()
        if country_text != "ES":
            return postal_text, None, None, proper_place(city_text), None, None, country_text
    stated = _province(_text(code), places) or _province(_text(province), places)
    given_code = _text(municipality)
    if given_code in places.municipality_names:
        stated = stated or given_code[:2] if given_code else stated
    postal_code, issue = _postal_code(postal_text)
    candidates = places.municipalities_of_postal_code.get(postal_code or "", [])
    found = _municipality(city_text, postal_code, stated, candidates, places)
    if given_code in places.municipality_names and (found is None or not candidates):
        found = given_code
    is_valid: bool | None = None
    if postal_text is not None:
        is_valid, check = _check(postal_code, candidates, stated, found)
        issue = joined(issue, check)
    prefix = postal_code[:2] if postal_code and is_valid else None
    province_code = found[:2] if found else prefix or stated
    if province_code is None and postal_code and "01" <= postal_code[:2] <= "52":
        province_code = postal_code[:2]
    name = _city_name(city_text, found, places)
    return postal_code or postal_text, is_valid, issue, name, province_code, found, country_text


def _province(text: str | None, places: Places) -> str | None:
    if text is None:
        return None
    key = place_key(text)
    by_name = places.province_by_name
    if key.isdigit():
        return by_name.get(key.zfill(2))
    found = by_name.get(key) or by_name.get(PROVINCE_WORDS.sub("", key))
    if found is None and ("/" in text or "(" in text or "-" in text):
        parts = [place_key(part) for part in re.split(r"[/()-]", text)]
        found = next((by_name[part] for part in parts if part in by_name), None)
    return found


def _postal_code(text: str | None) -> tuple[str | None, str | None]:
    """Return five digits and what was mended, or nothing when the text can be no postal code."""
    if text is None:
        return None, None
    bare = POSTAL_LABEL.sub("", text.strip(" '\"=.")).removesuffix(".0").removesuffix(",0")
    digits = re.sub(r"[\s.\-]", "", bare)
    if not (digits.isascii() and digits.isdigit()) or not 4 <= len(digits) <= 5:
        return None, "invalid_postal_code"
    restored = digits.zfill(5)
    if not "01" <= restored[:2] <= "52":
        return None, "invalid_postal_code"
    return restored, "zero_restored" if len(digits) == 4 else None


def _check(
    postal_code: str | None, candidates: list[str], stated: str | None, found: str | None
) -> tuple[bool, str | None]:
    if postal_code is None:
        return False, None
    if not candidates and not NO_STREET.fullmatch(postal_code):
        return False, "unknown_postal_code"
    if found in candidates:
        return True, None
    provinces = {code[:2] for code in candidates} | {postal_code[:2]}
    if (stated and stated not in provinces) or (found and found[:2] not in provinces):
        return False, "province_mismatch"
    return True, None


def _municipality(
    city: str | None,
    postal_code: str | None,
    province: str | None,
    candidates: list[str],
    places: Places,
) -> str | None:
    """Return the municipality that postal code and name agree on, else what one of them says."""
    keys = []
    if city is not None:
        parts = [city, *re.split(r"[/(,;]| - ", city)]
        keys = [key for key in dict.fromkeys(place_key(part) for part in parts) if key]
    of_name = {code for key in keys for code in places.municipalities_of_name.get(key, ())}
    agreed = [code for code in candidates if code in of_name]
    if agreed:
        return agreed[0]
    for prefix in (province, postal_code[:2] if postal_code else None):
        for key in keys:
            code = places.municipality_by_name.get((prefix or "", key))
            if code:
                return code
    if len(candidates) == 1 and province in (None, candidates[0][:2], (postal_code or "")[:2]):
        return candidates[0]
    return next(iter(of_name)) if len(of_name) == 1 and not candidates and not province else None


def _city_name(city: str | None, municipality: str | None, places: Places) -> str | None:
    if city is None:
        return None
    name = places.municipality_names.get(municipality or "")
    if name is not None:
        key = place_key(city)
        for part in name.split("/"):
            if place_key(part) == key:
                return part
        if place_key(name) == key or OTHER_CITY_NAMES.get(key) == municipality:
            return name
    return proper_place(city)


def proper_place(text: str | None) -> str | None:
    """Return a place's name in proper case when it was written in one case only."""
    if text is None or not (text.isupper() or text.islower()):
        return text
    recased = settle(text, _recased)
    return None if is_empty(recased) else recased


def _recased(text: str) -> str:
    words = text.lower().split(" ")
    return " ".join(
        word
        if place and word in PARTICLES
        else "-".join(part.capitalize() for part in word.split("-"))
        for place, word in enumerate(words)
    )
