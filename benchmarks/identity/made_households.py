"""A labelled file to measure on: people with slips, a quarter of them sharing a home and its telephone.

`python -m benchmarks.identity.made_households --records 1000000 --out FILE`. Belongs here: drawing people,
copying and spoiling them. Does not: the market of `simulation`, whose systems are spoilt in other ways.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.population.name_lists import REFERENCE, given_names, surnames
from simulation.randomness import WeightedDraw, stream

Objects = NDArray[Any]

DUPLICATE_SHARE = 0.4
SHARING_SHARE = 0.25
# Homes of two, three and four among those that are shared.
HOME_SIZES, HOME_WEIGHTS = np.array([2, 3, 4]), np.array([0.8, 0.15, 0.05])
# Share of duplicates whose value has a slip of the keyboard; originals have a tenth of it.
SLIPS = {
    "first_name": 0.12, "surname": 0.10, "dob": 0.05, "street": 0.12, "city": 0.06, "postcode": 0.06,
    "phone": 0.06, "email": 0.06,
}  # fmt: skip
# Share of duplicates with quite another value: moved away, another telephone, another mailbox.
MOVED, OTHER_PHONE, OTHER_EMAIL, INITIAL_ONLY = 0.05, 0.08, 0.08, 0.03
MISSING = {
    "first_name": 0.005, "dob": 0.06, "street": 0.03, "city": 0.02, "postcode": 0.03, "phone": 0.2,
    "email": 0.3,
}  # fmt: skip
_MAIL_HOSTS = ["gmail.com", "hotmail.com", "yahoo.es", "outlook.com", "telefonica.net"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_records(records: int, seed: int) -> pd.DataFrame:
    """Return labelled records in random order.

    Parameters
    ----------
    records : int
        How many; six in ten are people, the rest are second and later records of them.
    seed : int
        Of all draws.

    Returns
    -------
    pandas.DataFrame
        `record_id`, `person` and `household` (truth), `first_name`, `surname`, `dob` (ISO text),
        `street`, `city`, `postcode`, `phone`, `email`.
    """
    rng = stream(seed, "made households")
    people = _people(rng, max(1, round(records * (1 - DUPLICATE_SHARE))))
    again = rng.integers(0, len(people), records - len(people))
    whose = np.concatenate([np.arange(len(people)), again])
    made = people.iloc[whose].reset_index(drop=True)
    made.insert(0, "person", whose)
    is_copy = np.arange(records) >= len(people)
    _change(made, people, is_copy, rng)
    for column, share in SLIPS.items():
        hit = np.flatnonzero(rng.random(records) < np.where(is_copy, share, share / 10))
        values = made[column].to_numpy(dtype=object).copy()
        for row, places in zip(hit, rng.random((hit.size, 3)), strict=True):
            values[row] = _slip(values[row], *places)
        made[column] = values
    for column, share in MISSING.items():
        made.loc[rng.random(records) < share, column] = None
    made = made.iloc[rng.permutation(records)].reset_index(drop=True)
    made.insert(0, "record_id", np.arange(1, records + 1))
    return made


def _people(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Draw people without any slip."""
    sharing = WeightedDraw(HOME_WEIGHTS)(rng, max(1, int(count * SHARING_SHARE / 2.2)))
    sizes = np.concatenate([HOME_SIZES[sharing], np.ones(count, dtype=np.int64)])
    home = np.repeat(np.arange(sizes.size), sizes)[:count]
    homes = int(home[-1]) + 1
    names, families = given_names(), surnames()
    given = _drawn(rng, names.written, names.bearers_female + names.bearers_male, count)
    family = _drawn(rng, families.written, families.bearers, homes)[home]
    streets = (REFERENCE / "streets.txt").read_text(encoding="utf-8").splitlines()
    kinds = ["Calle", "Avenida", "Plaza", "Paseo", "Camino"]
    street = _drawn(rng, kinds, [70, 12, 8, 6, 4], homes) + " " + _drawn(rng, streets, None, homes)
    street = street + " " + rng.integers(1, 160, homes).astype(str).astype(object)
    town = WeightedDraw(1 / np.arange(3, 303))(rng, homes)
    towns = "Villa" + _drawn(rng, families.written, None, 300)
    postcode = (10000 + town * 130 + rng.integers(0, 130, homes)).astype(str).astype(object)
    phone = (600_000_000 + rng.integers(0, 200_000_000, homes)).astype(str).astype(object)
    born = np.datetime64("1932-01-01") + rng.integers(0, 27_000, count)
    return pd.DataFrame(
        {
            "household": home,
            "first_name": given,
            "surname": family,
            "dob": born.astype("datetime64[D]").astype(str).astype(object),
            "street": street[home],
            "city": towns[town][home],
            "postcode": postcode[home],
            "phone": phone[home],
            "email": _mailboxes(rng, given, family),
        }
    )


def _drawn(
    rng: np.random.Generator,
    values: list[str],
    weights: NDArray[np.float64] | list[float] | None,
    count: int,
) -> Objects:
    chosen = WeightedDraw(np.ones(len(values)) if weights is None else weights)(rng, count)
    return np.array(values, dtype=object)[chosen]


def _mailboxes(rng: np.random.Generator, given: Objects, family: Objects) -> Objects:
    plain = (
        pd.Series(given + "." + family)
        .str.lower()
        .str.normalize("NFKD")
        .str.replace(r"[^a-z.]", "", regex=True)
        .to_numpy(dtype=object)
    )
    number = rng.integers(1, 1000, given.size).astype(str).astype(object)
    boxes: Objects = plain + number + "@" + _drawn(rng, _MAIL_HOSTS, None, given.size)
    return boxes


def _change(
    made: pd.DataFrame, people: pd.DataFrame, is_copy: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Give some duplicates quite other values."""

    def hits(share: float) -> NDArray[np.intp]:
        return np.flatnonzero(is_copy & (rng.random(len(made)) < share))

    moved = hits(MOVED)
    elsewhere = rng.integers(0, len(people), moved.size)
    for column in ("street", "city", "postcode"):
        made.loc[moved, column] = people[column].to_numpy()[elsewhere]
    phones = hits(OTHER_PHONE)
    made.loc[phones, "phone"] = (
        (600_000_000 + rng.integers(0, 200_000_000, phones.size)).astype(str).astype(object)
    )
    boxes = hits(OTHER_EMAIL)
    made.loc[boxes, "email"] = _mailboxes(
        rng,
        made["surname"].to_numpy(dtype=object)[boxes],
        made["city"].to_numpy(dtype=object)[boxes],
    )
    short = hits(INITIAL_ONLY)
    made.loc[short, "first_name"] = made.loc[short, "first_name"].str[:1]


def _slip(value: str, kind: float, place: float, letter: float) -> str:
    """Replace, drop, double or swap a character behind the first; arguments are in [0, 1)."""
    if len(value) < 3:
        return value
    at = 1 + int(place * (len(value) - 1))
    if kind < 0.4:
        other = str(int(letter * 10)) if value[at].isdigit() else _LETTERS[int(letter * 26)]
        return value[:at] + other + value[at + 1 :]
    if kind < 0.6:
        return value[:at] + value[at + 1 :]
    if kind < 0.8:
        return value[:at] + value[at] + value[at:]
    return value[: at - 1] + value[at] + value[at - 1] + value[at + 1 :]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    make_records(options.records, options.seed).to_parquet(options.out, index=False)
    print(f"{options.records:,} records in {options.out}")


if __name__ == "__main__":
    main()
