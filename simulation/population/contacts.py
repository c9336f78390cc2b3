"""E-mail addresses built from names, mobiles and landlines by Spanish numbering.

Correct values only; typos and formats are the writers' matter.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import numpy as np
import pandas as pd

from simulation.frames import categorical
from simulation.population.households import Households
from simulation.population.names import Names
from simulation.population.national_ids import padded
from simulation.randomness import Booleans, Floats, Integers, WeightedDraw, spread_numbers

_DOMAINS: Final = (
    ("gmail.com", 0.62),
    ("hotmail.com", 0.16),
    ("hotmail.es", 0.04),
    ("yahoo.es", 0.05),
    ("outlook.es", 0.03),
    ("outlook.com", 0.025),
    ("icloud.com", 0.025),
    ("telefonica.net", 0.015),
    ("movistar.es", 0.008),
    ("live.com", 0.007),
    ("ono.com", 0.006),
    ("protonmail.com", 0.004),
    ("empresa-ejemplo.es", 0.01),
)
SCANNED_DOMAIN: Final = "empresa-ejemplo.es"

# Landline prefixes by province, 01 to 52; two digits where the province has them.
_LANDLINE_PREFIXES: Final = (
    945, 967, 96, 950, 920, 924, 971, 93, 947, 927, 956, 964, 926, 957, 981, 969, 972, 958,
    949, 943, 959, 974, 953, 987, 973, 941, 982, 91, 95, 968, 948, 988, 98, 979, 928, 986,
    923, 922, 942, 921, 95, 975, 977, 978, 925, 96, 983, 94, 980, 976, 956, 95,
)  # fmt: skip

_SHARED_EMAIL_SHARE: Final = 0.07
_SHARED_MOBILE_SHARE: Final = 0.05


class EmailMaker:
    """Makes unique addresses out of names.

    Parameters
    ----------
    names
        Names of the people.
    birth_year
        Their birth years.
    """

    def __init__(self, names: Names, birth_year: Integers) -> None:
        given = names.given_name
        self._given = _tokens(given, joined=True)
        self._short = _tokens(given, joined=False)
        self._surname_1 = _tokens(names.surname_1, joined=True)
        self._surname_2 = _tokens(names.surname_2, joined=True)
        self._year = birth_year

    def make(self, rng: np.random.Generator, rows: Integers) -> pd.Series:
        """Return an address, not yet unique, for each row."""
        count = len(rows)
        use_short = rng.random(count) < 0.45
        given = _pick(self._short, self._given, use_short, rows)
        first, second = _text(self._surname_1, rows), _text(self._surname_2, rows)
        initial = given.str.slice(0, 1)
        year = pd.Series(self._year[rows])
        two, four = padded(year.to_numpy() % 100, 2), year.astype("string[pyarrow]")
        number = pd.Series(rng.integers(1, 999, count)).astype("string[pyarrow]")
        patterns = (
            (given + "." + first, 0.20),
            (given + first, 0.13),
            (given + "_" + first, 0.06),
            (given + first + two, 0.15),
            ((given + "." + first + "." + second).str.rstrip("."), 0.09),
            (initial + first + second, 0.08),
            (initial + first, 0.06),
            (first + "." + given, 0.05),
            (given + two, 0.05),
            (given + "." + first + four, 0.06),
            (given + number, 0.03),
            (given + first + number, 0.04),
        )
        pattern = WeightedDraw([weight for _, weight in patterns])(rng, count)
        local = patterns[0][0].copy()
        for position, (text, _) in enumerate(patterns[1:], start=1):
            local = local.where(pd.Series(pattern != position), text)
        domain = WeightedDraw([weight for _, weight in _DOMAINS])(rng, count)
        domains = np.array([name for name, _ in _DOMAINS], dtype=object)
        return local + "@" + pd.Series(domains[domain], dtype="string[pyarrow]")


def make_unique(rng: np.random.Generator, emails: pd.Series) -> pd.Series:
    """Append numbers to addresses somebody has already; the first bearer keeps the plain one."""
    emails = emails.copy()
    digits = 2
    while True:
        taken = np.flatnonzero(emails.duplicated().to_numpy(dtype=bool) & emails.notna().to_numpy())
        if not len(taken):
            return emails
        parts = emails.iloc[taken].str.extract(r"^([^@]*)(@.*)$")
        number = pd.Series(rng.integers(1, 10**digits, len(taken)), index=parts.index)
        emails.iloc[taken] = parts[0] + number.astype("string[pyarrow]") + parts[1]
        digits += 1


def draw_has_email(rng: np.random.Generator, age: Floats) -> Booleans:
    """Return who has an e-mail address of their own or a share in one."""
    share = np.select(
        [age < 14, age < 18, age < 60, age < 70, age < 80], [0.0, 0.7, 0.95, 0.82, 0.55], 0.22
    )
    has: Booleans = rng.random(len(age)) < share
    return has


def share_emails(
    rng: np.random.Generator, households: Households, emails: pd.Series
) -> tuple[pd.Series, Booleans]:
    """Let a share of the households use the first person's e-mail for all their adults."""
    shares = rng.random(len(households.size)) < _SHARED_EMAIL_SHARE
    shares &= households.size > 1
    owner = households.first[households.household]
    is_shared = shares[households.household] & (owner != np.arange(len(owner)))
    is_shared &= (households.age_years >= 18) & emails.iloc[owner].notna().to_numpy()
    return _borrow(emails, owner, is_shared), is_shared


def draw_mobiles(rng: np.random.Generator, households: Households) -> tuple[pd.Series, Booleans]:
    """Return mobiles (6… and 71 to 74…) and whose is another household member's."""
    age = households.age_years
    value = spread_numbers(rng, len(age), 0, 140_000_000)
    number = np.where(value < 100_000_000, 600_000_000 + value, 610_000_000 + value)
    share = np.select([age < 11, age < 15, age < 75, age < 85], [0.0, 0.7, 0.98, 0.85], 0.6)
    mobiles = pd.Series(number).astype("string[pyarrow]")
    mobiles = mobiles.where(pd.Series(rng.random(len(age)) < share))
    owner = households.first[households.household]
    is_shared = (rng.random(len(age)) < _SHARED_MOBILE_SHARE) & (owner != np.arange(len(owner)))
    is_shared &= ((age > 65) | (age < 16)) & mobiles.iloc[owner].notna().to_numpy()
    return _borrow(mobiles, owner, is_shared), is_shared


def draw_landlines(
    rng: np.random.Generator, province: Integers, has_landline: Booleans
) -> pd.Series:
    """Return landlines with their provinces' prefixes, distinct within a call, or none."""
    prefixes = np.array(_LANDLINE_PREFIXES)
    prefix = prefixes[province]
    digits = np.where(prefix < 100, 7, 6)
    number = np.zeros(len(prefix), dtype=np.int64)
    for own in np.unique(prefix):
        rows = np.flatnonzero(prefix == own)
        # Subscriber numbers start with 2 to 8, so that no prefix of another province arises.
        unit = 1_000_000 if own < 100 else 100_000
        number[rows] = spread_numbers(rng, len(rows), 2 * unit, 9 * unit)
    landlines = pd.Series(prefix * 10**digits + number).astype("string[pyarrow]")
    return landlines.where(pd.Series(has_landline))


def _borrow(values: pd.Series, owner: Integers, is_shared: Booleans) -> pd.Series:
    others = values.iloc[owner].reset_index(drop=True)
    return values.where(pd.Series(~is_shared), others)


def _pick(
    one: pd.Categorical, other: pd.Categorical, use_one: Booleans, rows: Integers
) -> pd.Series:
    return _text(one, rows).where(pd.Series(use_one), _text(other, rows))


def _text(tokens: pd.Categorical, rows: Integers) -> pd.Series:
    vocabulary = pd.array(tokens.categories.tolist(), dtype="string[pyarrow]")
    return pd.Series(vocabulary.take(tokens.codes[rows], allow_fill=True)).fillna("")


def _tokens(names: pd.Categorical, *, joined: bool) -> pd.Categorical:
    """Return the names as e-mail addresses write them: plain ASCII letters."""
    written = [_ascii(name, joined=joined) for name in names.categories]
    codes, vocabulary = pd.factorize(np.array(written, dtype=object))
    mapped = np.where(names.codes < 0, -1, codes[names.codes])
    return categorical(mapped, pd.Index(vocabulary, dtype=object))


def _ascii(name: str, *, joined: bool) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = plain.replace("'", "").split()
    if not joined:
        return words[0]
    particles = ("de", "del", "la", "los", "las") if len(words) > 2 else ()
    return "".join(word for word in words if word not in particles) or plain.replace(" ", "")
