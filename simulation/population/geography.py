"""Where people live: provinces, municipalities with population and income, postal codes.

Reads the project's seeds and adds the populations of the larger towns; streets are `addresses`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from simulation.frames import MUNICIPALITIES
from simulation.population.name_lists import REFERENCE
from simulation.randomness import Booleans, Floats, GroupedDraw, Integers, WeightedDraw, stream

SEEDS: Final = Path(__file__).parents[2] / "dbt_project" / "seeds"

# Median of the municipalities' net income a person and year, INE ADRH 2022, rounded.
_INCOME_BY_PROVINCE: Final = (
    "15700 11200 11200 10700 13000 10000 14700 15700 15800 10700 10300 13300 10900 10300 12800 "
    "12300 15700 10200 15100 17600 10700 14400 9800 13500 14200 14400 12800 14200 10100 10500 "
    "17000 12600 14000 14500 12400 12000 13000 11700 13100 14500 10000 16700 13500 13800 11000 "
    "12500 14100 17400 12300 14200 13700 13100"
)
_INCOME_DEVIATION: Final = 0.12
_TOWN_INCOME_FACTOR: Final = 1.10
_PUBLISHED_FROM: Final = 100  # inhabitants
_REFERENCE_SEED: Final = 2022


@dataclass(frozen=True)
class Geography:
    """Municipalities that have a postal code, sorted by code, with their postal codes.

    ``postal_municipality`` is the position of each postal code's municipality.
    """

    province_codes: list[str]
    province_names: list[str]
    municipality_codes: list[str]
    municipality_names: list[str]
    municipality_province: Integers
    population: Integers
    income_per_person: Floats
    income_per_household: Floats
    postal_codes: list[str]
    postal_municipality: Integers

    @property
    def is_town(self) -> Booleans:
        """Municipalities of 20,000 inhabitants or more."""
        return self.population >= 20_000

    def draw_municipalities(self, rng: np.random.Generator, size: int) -> Integers:
        """Return municipalities drawn by population."""
        return WeightedDraw(self.population)(rng, size)

    def draw_in_province(self, rng: np.random.Generator, provinces: Integers) -> Integers:
        """Return a municipality of each province, drawn by population."""
        groups = GroupedDraw(
            self.municipality_province,
            self.population.astype(np.float64),
            len(self.province_codes),
        )
        return groups(rng, provinces)

    def draw_postal_codes(self, rng: np.random.Generator, municipalities: Integers) -> Integers:
        """Return a postal code of each municipality."""
        weights = np.ones(len(self.postal_codes))
        groups = GroupedDraw(self.postal_municipality, weights, len(self.municipality_codes))
        return groups(rng, municipalities)

    def frame(self) -> pd.DataFrame:
        """Return the municipalities with their market (MUNICIPALITIES)."""
        return MUNICIPALITIES.build(
            {
                "municipality_code": self.municipality_codes,
                "municipality_name": self.municipality_names,
                "province_code": [self.province_codes[p] for p in self.municipality_province],
                "population": self.population,
                "income_per_person": self.income_per_person,
                "income_per_household": self.income_per_household,
                "is_published": self.population >= _PUBLISHED_FROM,
            }
        )


@cache
def load_geography() -> Geography:
    """Return the geography of the project's seeds."""
    provinces = _read("provinces.csv")
    postal = _usual(_read("postal_codes.csv"))
    coded = {row["municipality_code"] for row in postal}
    municipalities = sorted(
        (row for row in _read("municipalities.csv") if row["municipality_code"] in coded),
        key=lambda row: row["municipality_code"],
    )
    code_position = {row["municipality_code"]: i for i, row in enumerate(municipalities)}
    postal = sorted(
        (row for row in postal if row["municipality_code"] in code_position),
        key=lambda row: (row["municipality_code"], row["postal_code"]),
    )
    province_codes = sorted(row["province_code"] for row in provinces)
    province_position = {code: i for i, code in enumerate(province_codes)}
    province = np.array([province_position[row["province_code"]] for row in municipalities])
    postal_municipality = np.array([code_position[row["municipality_code"]] for row in postal])
    population = _populations(provinces, municipalities, province, postal_municipality)
    income = _incomes(province, population)
    rng = stream(_REFERENCE_SEED, "household income")
    persons = np.clip(rng.normal(2.3, 0.25, len(income)), 1.5, 3.6)
    by_code = {row["province_code"]: row["province_name"] for row in provinces}
    return Geography(
        province_codes=province_codes,
        province_names=[_spoken(by_code[code]) for code in province_codes],
        municipality_codes=[row["municipality_code"] for row in municipalities],
        municipality_names=[_spoken(row["municipality_name"]) for row in municipalities],
        municipality_province=province,
        population=population,
        income_per_person=income,
        income_per_household=np.round(income * persons, 0),
        postal_codes=[row["postal_code"] for row in postal],
        postal_municipality=postal_municipality,
    )


def _usual(postal: list[dict[str, str]]) -> list[dict[str, str]]:
    """Drop codes of a neighbouring province where a municipality has codes of its own."""
    has_own = {
        row["municipality_code"]
        for row in postal
        if row["postal_code"][:2] == row["municipality_code"][:2]
    }
    return [
        row
        for row in postal
        if row["postal_code"][:2] == row["municipality_code"][:2]
        or row["municipality_code"] not in has_own
    ]


def _spoken(name: str) -> str:
    """Return the first of a place's two official names, as addresses carry it."""
    return name.split("/")[0].strip()


def _populations(
    provinces: list[dict[str, str]],
    municipalities: list[dict[str, str]],
    province: Integers,
    postal_municipality: Integers,
) -> Integers:
    """Return the towns' known populations and share the rest of a province among the others."""
    with (REFERENCE / "cities.csv").open(encoding="utf-8") as lines:
        known = {row["municipality_code"]: int(row["population"]) for row in csv.DictReader(lines)}
    codes = [row["municipality_code"] for row in municipalities]
    population = np.array([float(known.get(code, 0)) for code in codes])
    totals = np.zeros(len(provinces))
    for row in provinces:
        totals[int(row["province_code"]) - 1] = float(row["population"])
    postal_count = np.bincount(postal_municipality, minlength=len(codes))
    rng = stream(_REFERENCE_SEED, "population")
    weight = np.where(population > 0, 0.0, postal_count**1.2 * rng.lognormal(0.0, 1.3, len(codes)))
    weight_total = np.bincount(province, weights=weight, minlength=len(totals))
    known_total = np.bincount(province, weights=population, minlength=len(totals))
    rest = (totals - known_total).clip(0.0) / weight_total.clip(1e-9)
    inhabitants: Integers = np.maximum(np.round(population + weight * rest[province]), 40).astype(
        np.int64
    )
    return inhabitants


def _incomes(province: Integers, population: Integers) -> Floats:
    by_province = np.array([float(value) for value in _INCOME_BY_PROVINCE.split()])
    rng = stream(_REFERENCE_SEED, "income")
    factor = rng.lognormal(0.0, _INCOME_DEVIATION, len(province))
    town = np.where(population >= 20_000, _TOWN_INCOME_FACTOR, 1.0)
    return np.round(by_province[province] * factor * town, 0)


def _read(name: str) -> list[dict[str, str]]:
    with (SEEDS / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
