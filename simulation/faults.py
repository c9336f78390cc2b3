"""The faults that systems plant into what they deliver: kinds, rates and what each does to a value.

Belongs here: pure functions of a value and random bits. Does not: which record is hit
(`person_faults`) nor how files go wrong (`file_faults`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

TYPO: Final = "typo"
MISSING_ACCENTS: Final = "missing_accents"
UPPER_CASE: Final = "upper_case"
MISSING_SURNAME_2: Final = "missing_surname_2"
SWAPPED_SURNAMES: Final = "swapped_surnames"
NICKNAME: Final = "nickname"
NAMES_IN_ONE_FIELD: Final = "names_in_one_field"
MOJIBAKE: Final = "mojibake"
SHARED_EMAIL: Final = "shared_email"
INVALID_EMAIL: Final = "invalid_email"
PLACEHOLDER_EMAIL: Final = "placeholder_email"
EMAIL_CASE: Final = "email_case"
GMAIL_DOTS: Final = "gmail_dots"
PHONE_FORMAT: Final = "phone_format"
SHARED_PHONE: Final = "shared_phone"
INVALID_PHONE: Final = "invalid_phone"
PLACEHOLDER_PHONE: Final = "placeholder_phone"
NATIONAL_ID_FORMAT: Final = "national_id_format"
NATIONAL_ID_WRONG_LETTER: Final = "national_id_wrong_letter"
NATIONAL_ID_MISSING_ZERO: Final = "national_id_missing_zero"
POSTAL_LEADING_ZERO: Final = "postal_leading_zero"
ADDRESS_ABBREVIATION: Final = "address_abbreviation"
MOVED_ADDRESS: Final = "moved_address"
DATE_DAY_MONTH: Final = "date_day_month"
IMPOSSIBLE_DATE: Final = "impossible_date"
DUPLICATED_FILE: Final = "duplicated_file"
LATE_FILE: Final = "late_file"
RENAMED_COLUMNS: Final = "renamed_columns"
DUPLICATED_ROW: Final = "duplicated_row"
DAMAGED_ROW: Final = "damaged_row"


@dataclass(frozen=True)
class PersonFaultRates:
    """Share of a system's records that each fault hits, among those it can hit.

    A rate of 0 keeps a system free of a fault: who enters the data says which are likely. Clerks
    mistype and abbreviate; customers who type their own data leave out a surname or use a nickname.
    """

    typo: float = 0.02
    missing_accents: float = 0.15
    upper_case: float = 0.08
    missing_surname_2: float = 0.05
    swapped_surnames: float = 0.01
    nickname: float = 0.01
    names_in_one_field: float = 0.0
    mojibake: float = 0.0
    shared_email: float = 0.03
    invalid_email: float = 0.015
    placeholder_email: float = 0.015
    email_case: float = 0.04
    gmail_dots: float = 0.02
    phone_format: float = 0.25
    shared_phone: float = 0.03
    invalid_phone: float = 0.01
    placeholder_phone: float = 0.015
    national_id_format: float = 0.15
    national_id_wrong_letter: float = 0.008
    national_id_missing_zero: float = 0.5
    postal_leading_zero: float = 0.0
    address_abbreviation: float = 0.35
    moved_address: float = 0.4
    date_day_month: float = 0.0
    impossible_date: float = 0.0


_TYPED_BY_CUSTOMER: Final = PersonFaultRates(
    typo=0.015,
    upper_case=0.04,
    missing_surname_2=0.25,
    nickname=0.04,
    shared_email=0.0,
    invalid_email=0.0,
    placeholder_email=0.0,
    placeholder_phone=0.005,
    address_abbreviation=0.25,
    moved_address=0.2,
)

PERSON_RATES: Final[Mapping[str, PersonFaultRates]] = {
    "erp": PersonFaultRates(
        upper_case=0.2,
        names_in_one_field=0.02,
        mojibake=0.02,
        postal_leading_zero=0.5,
        date_day_month=0.01,
        impossible_date=0.004,
    ),
    "ecommerce": replace(_TYPED_BY_CUSTOMER, mojibake=0.01),
    "dms": PersonFaultRates(upper_case=0.1, names_in_one_field=0.01, postal_leading_zero=0.2),
    "mailing": replace(_TYPED_BY_CUSTOMER, mojibake=0.02, postal_leading_zero=0.3),
    "contact_center": PersonFaultRates(
        typo=0.05, nickname=0.03, missing_surname_2=0.3, placeholder_email=0.0, invalid_email=0.02
    ),
    "forms": replace(_TYPED_BY_CUSTOMER, shared_email=0.02, date_day_month=0.01, mojibake=0.005),
}


@dataclass(frozen=True)
class FileFaultRates:
    """How often files and their rows go wrong.

    Parameters
    ----------
    duplicated_file
        Share of monthly files delivered once more under another name.
    late_file
        Share of monthly files part of whose rows arrive in a file of a later day.
    duplicated_row, damaged_row
        Share of rows.
    rows_for_damage
        Files with fewer rows are spared damage.
    byte_order_mark, windows_line_ends
        Share of CSV files in Unicode, and of CSV files.
    """

    duplicated_file: float = 0.06
    late_file: float = 0.12
    duplicated_row: float = 0.001
    damaged_row: float = 0.001
    rows_for_damage: int = 500
    byte_order_mark: float = 0.3
    windows_line_ends: float = 0.3


@dataclass(frozen=True)
class FaultConfig:
    """All rates of a market's faults.

    Parameters
    ----------
    person
        Rates of the faults in customer records, by system.
    files
        Rates of the faults in files and rows.
    """

    person: Mapping[str, PersonFaultRates] = field(default_factory=lambda: PERSON_RATES)
    files: FileFaultRates = FileFaultRates()


_KEYS: Final = ("qwertyuiop", "asdfghjklñ", "zxcvbnm")
_NEIGHBOURS: Final[Mapping[str, str]] = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _KEYS
    for at, key in enumerate(row)
}
_NICKNAMES: Final[Mapping[str, str]] = {
    "José": "Pepe",
    "Francisco": "Paco",
    "Manuel": "Manolo",
    "Antonio": "Toni",
    "Dolores": "Lola",
    "María Dolores": "Lola",
    "Concepción": "Concha",
    "Mercedes": "Merche",
    "Rosario": "Charo",
    "Isabel": "Isa",
    "Francisca": "Paqui",
    "Josefa": "Pepa",
    "María Carmen": "Mari Carmen",
    "María Teresa": "Maite",
    "Teresa": "Tere",
    "María José": "Marijose",
    "José María": "Chema",
    "Jesús": "Chus",
    "Ignacio": "Nacho",
    "Enrique": "Quique",
    "Alejandro": "Álex",
    "Daniel": "Dani",
    "Javier": "Javi",
    "Rafael": "Rafa",
    "Alberto": "Berto",
    "Eduardo": "Edu",
    "Guillermo": "Guille",
    "Cristina": "Cris",
    "Beatriz": "Bea",
    "Montserrat": "Montse",
    "Consuelo": "Chelo",
    "Encarnación": "Encarna",
    "Patricia": "Patri",
    "Susana": "Susi",
    "Gabriel": "Gabi",
    "Miguel": "Migue",
    "Santiago": "Santi",
    "Sebastián": "Sebas",
    "Fernando": "Fer",
    "Joaquín": "Quino",
}
_PLACEHOLDER_EMAILS: Final = (
    "noemail@noemail.com",
    "sinemail@sinemail.com",
    "no@tiene.es",
    "noaporta@mail.com",
    "x@x.com",
)
_PLACEHOLDER_PHONES: Final = ("600000000", "999999999", "000000000", "666666666", "123456789")
_STREET_ABBREVIATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Calle": ("C/", "C.", "Cl."),
    "Avenida": ("Avda.", "Av.", "Avd."),
    "Plaza": ("Pza.", "Pl.", "Plza."),
    "Paseo": ("Pº", "Pso."),
    "Carretera": ("Ctra.", "Crta."),
    "Camino": ("Cno.", "Cmno."),
    "Urbanización": ("Urb.", "Urbz."),
    "Travesía": ("Trv.", "Trav."),
    "Ronda": ("Rda.",),
    "Glorieta": ("Gta.",),
    "Rambla": ("Rbla.",),
    "Pasaje": ("Pje.", "Psje."),
    "Callejón": ("Cjón.",),
    "Polígono": ("Pol.",),
    "Barrio": ("Bº",),
}
_NIF_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"

ValueFault = Callable[[str, int], str]


def without_accents(value: str) -> str:
    """Return the text without diacritics, ñ included, as keyboards without them give it."""
    return (
        "".join(
            char for char in unicodedata.normalize("NFKD", value) if not unicodedata.combining(char)
        )
        .replace("ª", "a")
        .replace("º", "o")
    )


def with_typo(value: str, bits: int) -> str:
    """Swap, drop, double or mistype one letter, never the first."""
    if len(value) < 4:
        return value
    at = 1 + (bits >> 4) % (len(value) - 2)
    kind = bits % 4
    if kind == 0 and value[at] != value[at + 1]:
        return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    if kind == 1:
        return value[:at] + value[at + 1 :]
    if kind == 2:
        return value[:at] + value[at] + value[at:]
    near = _NEIGHBOURS.get(value[at].lower(), "")
    return value[:at] + near[(bits >> 20) % len(near)] + value[at + 1 :] if near else value


def with_nickname(value: str, bits: int) -> str:
    """Return the pet name of a given name, if it has one."""
    return _NICKNAMES.get(value, value)


def with_mojibake(value: str, bits: int) -> str:
    """Read UTF-8 as Windows-1252, where that gives characters at all."""
    try:
        return value.encode().decode("cp1252")
    except UnicodeDecodeError:
        return value


def invalid_email(value: str, bits: int) -> str:
    """Break an address so that no mail server takes it."""
    local, _, domain = value.partition("@")
    broken = (
        f"{local}{domain}",
        f"{local}@{domain.rpartition('.')[0]}",
        f"{local}@@{domain}",
        f"{local} @{domain}",
        f"{local}@.{domain}",
        f"{local}@{domain.replace('.', ',')}",
    )
    return broken[bits % len(broken)]


def placeholder_email(value: str, bits: int) -> str:
    """Return what a clerk types who must fill the field."""
    return _PLACEHOLDER_EMAILS[bits % len(_PLACEHOLDER_EMAILS)]


def with_email_case(value: str, bits: int) -> str:
    """Write an address in capitals or with capitals."""
    return value.upper() if bits % 2 else value[:1].upper() + value[1:]


def with_gmail_dots(value: str, bits: int) -> str:
    """Write a Gmail address with a dot or a tag that Gmail ignores."""
    local, _, domain = value.partition("@")
    if domain != "gmail.com" or len(local) < 3 or "+" in local:
        return value
    if bits % 3 == 0:
        return f"{local}+{('compras', 'promos', 'web')[(bits >> 8) % 3]}@{domain}"
    at = 1 + (bits >> 8) % (len(local) - 1)
    if local[at - 1] == "." or local[at] == ".":
        return f"{local.replace('.', '')}@{domain}"
    return f"{local[:at]}.{local[at:]}@{domain}"


def with_phone_format(value: str, bits: int) -> str:
    """Write nine digits in one of the ways people write them."""
    first, second, third = value[:3], value[3:6], value[6:]
    pairs = f"{value[3:5]} {value[5:7]} {value[7:]}"
    formats = (
        f"+34{value}",
        f"+34 {first} {second} {third}",
        f"0034{value}",
        f"{first} {second} {third}",
        f"{first}-{second}-{third}",
        f"{first}.{second}.{third}",
        f"{first} {pairs}",
        f"(+34) {first} {pairs}",
        f"34{value}",
    )
    return formats[bits % len(formats)]


def invalid_phone(value: str, bits: int) -> str:
    """Lose or double a digit, or begin with one no Spanish number begins with."""
    at = 2 + (bits >> 4) % 6
    broken = (value[:at] + value[at + 1 :], value[:at] + value[at] + value[at:], "1" + value[1:])
    return broken[bits % len(broken)]


def placeholder_phone(value: str, bits: int) -> str:
    """Return what a clerk types who must fill the field."""
    return _PLACEHOLDER_PHONES[bits % len(_PLACEHOLDER_PHONES)]


def with_national_id_format(value: str, bits: int) -> str:
    """Write a NIF or NIE with points, hyphen, blank or a small letter."""
    body, letter = value[:-1], value[-1]
    points = f"{body[:-6]}.{body[-6:-3]}.{body[-3:]}"
    formats = (
        f"{body}-{letter}",
        f"{points}-{letter}",
        f"{body} {letter}",
        value.lower(),
        f"{points}{letter}",
    )
    return formats[bits % len(formats)]


def with_wrong_letter(value: str, bits: int) -> str:
    """Give a NIF or NIE another check letter."""
    at = _NIF_LETTERS.index(value[-1])
    return value[:-1] + _NIF_LETTERS[(at + 1 + bits % (len(_NIF_LETTERS) - 1)) % len(_NIF_LETTERS)]


def without_leading_zeros(value: str, bits: int) -> str:
    """Drop leading zeros, as spreadsheets do."""
    return value.lstrip("0")


def with_abbreviations(value: str, bits: int) -> str:
    """Shorten the type of street; drop commas now and then."""
    kind, _, rest = value.partition(" ")
    short = _STREET_ABBREVIATIONS.get(kind)
    if short is None:
        return value
    abbreviation = short[bits % len(short)]
    if (bits >> 8) % 3 == 0:
        rest = rest.replace(",", "")
    glue = "" if abbreviation == "C/" and (bits >> 16) % 2 else " "
    return f"{abbreviation}{glue}{rest}"


def with_day_and_month_swapped(value: str, bits: int) -> str:
    """Swap the first two parts of dd/mm/yyyy where both can be a month and they differ."""
    day, month, year = value.split("/")
    return f"{month}/{day}/{year}" if int(day) <= 12 else value


def impossible_date(value: str, bits: int) -> str:
    """Return a day that never was, of the same year."""
    return f"{('30/02', '31/02', '31/04', '00/00', '31/11')[bits % 5]}/{value[-4:]}"
