"""Given names by gender and birth cohort, surnames by family.

The frequency lists are `name_lists`, the names from abroad `foreign`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from simulation.frames import categorical
from simulation.population.foreign import ORIGINS
from simulation.population.households import ADULT_2, CHILD, GRANDPARENT, Households
from simulation.population.name_lists import GivenNames, given_names, surnames
from simulation.randomness import Booleans, Floats, Integers, WeightedDraw

NATIVE: Final = -1
_COHORT_YEARS: Final = 8.0
_COHORTS: Final = 13
_FITTING_ROUNDS: Final = 4
_BORN_IN_SPAIN_SHARE: Final = 0.6
_MIXED_COUPLE_SHARE: Final = 0.04
_MOTHERS_SURNAME_FIRST_SHARE: Final = 0.04


@dataclass(frozen=True)
class Names:
    """Names of the people as categories; ``is_foreign`` people were born abroad."""

    given_name: pd.Categorical
    surname_1: pd.Categorical
    surname_2: pd.Categorical
    is_foreign: Booleans


def draw_names(
    rng: np.random.Generator, households: Households, foreign_share: float, age_in_2012: Floats
) -> Names:
    """Return names that follow INE's frequencies, and the rules of families for surnames."""
    origin, is_foreign = _origins(rng, households, foreign_share)
    given_vocabulary, given_codes = _given_codes(rng, households, origin, age_in_2012)
    surname_vocabulary, codes_1, codes_2 = _surname_codes(rng, households, origin, is_foreign)
    return Names(
        _used_labels(given_codes, given_vocabulary),
        _used_labels(codes_1, surname_vocabulary),
        _used_labels(codes_2, surname_vocabulary),
        is_foreign,
    )


def _used_labels(codes: Integers, vocabulary: list[str]) -> pd.Categorical:
    used, position = np.unique(codes[codes >= 0], return_inverse=True)
    compact = np.full(len(codes), -1)
    compact[codes >= 0] = position
    return categorical(compact, [vocabulary[code] for code in used])


def _origins(
    rng: np.random.Generator, households: Households, foreign_share: float
) -> tuple[Integers, Booleans]:
    count = len(households.size)
    drawn = WeightedDraw([origin.weight for origin in ORIGINS])(rng, count)
    head_age = households.age_years[households.first]
    # Residents born abroad are younger than the country.
    share = foreign_share * np.where(head_age > 65.0, 0.35, 1.3)
    is_abroad = rng.random(count) < share
    origin = np.where(is_abroad, drawn, NATIVE)[households.household]
    people = len(origin)
    is_foreign = (origin != NATIVE) & (households.role != CHILD)
    is_foreign |= (
        (origin != NATIVE)
        & (households.role == CHILD)
        & (rng.random(people) > _BORN_IN_SPAIN_SHARE)
    )
    mixed = (
        (origin == NATIVE)
        & (households.role == ADULT_2)
        & (rng.random(people) < _MIXED_COUPLE_SHARE)
    )
    origin = np.where(mixed, drawn[households.household], origin)
    return origin, is_foreign | mixed


def _given_codes(
    rng: np.random.Generator, households: Households, origin: Integers, age_in_2012: Floats
) -> tuple[list[str], Integers]:
    native = given_names()
    vocabulary = list(native.written)
    position = {name: code for code, name in enumerate(vocabulary)}
    codes = _cohort_draw(rng, native, households.is_female, age_in_2012)
    for number, place in enumerate(ORIGINS):
        for is_female, options in ((True, place.female), (False, place.male)):
            rows = np.flatnonzero((origin == number) & (households.is_female == is_female))
            if not options or not len(rows):
                continue
            own = np.array([_code(name, vocabulary, position) for name in options])
            codes[rows] = own[rng.integers(0, len(own), len(rows))]
    return vocabulary, codes


def _code(name: str, vocabulary: list[str], position: dict[str, int]) -> int:
    if name not in position:
        position[name] = len(vocabulary)
        vocabulary.append(name)
    return position[name]


def _cohort_draw(
    rng: np.random.Generator, native: GivenNames, is_female: Booleans, age_in_2012: Floats
) -> Integers:
    cohort = np.clip((age_in_2012 + 16.0) // _COHORT_YEARS, 0, _COHORTS - 1).astype(np.int64)
    middle = (np.arange(_COHORTS) + 0.5) * _COHORT_YEARS - 16.0
    codes = np.empty(len(cohort), dtype=np.int64)
    for female in (True, False):
        bearers = native.bearers_female if female else native.bearers_male
        mean_age = native.mean_age_female if female else native.mean_age_male
        counts = np.bincount(cohort[is_female == female], minlength=_COHORTS)
        distance = (middle[:, None] - mean_age[None, :]) / native.age_deviation[None, :]
        table = bearers[None, :] * np.exp(-0.5 * distance**2)
        table = _fit_margins(table, counts.astype(np.float64), bearers)
        for number in range(_COHORTS):
            rows = np.flatnonzero((is_female == female) & (cohort == number))
            if len(rows):
                codes[rows] = WeightedDraw(table[number])(rng, len(rows))
    return codes


def _fit_margins(table: Floats, people: Floats, bearers: Floats) -> Floats:
    """Scale a table of cohort by name to the people of a cohort and INE's bearers of a name."""
    wanted = bearers / bearers.sum() * people.sum()
    for _ in range(_FITTING_ROUNDS):
        table = table * (people / table.sum(axis=1).clip(1e-300))[:, None]
        table = table * (wanted / table.sum(axis=0).clip(1e-300))[None, :]
    return table.clip(1e-12)


def _surname_codes(
    rng: np.random.Generator, households: Households, origin: Integers, is_foreign: Booleans
) -> tuple[list[str], Integers, Integers]:
    native = surnames()
    vocabulary = list(native.written)
    position = {name: code for code, name in enumerate(vocabulary)}
    draw = WeightedDraw(native.bearers)
    people = len(origin)
    first, second = draw(rng, people), draw(rng, people)
    for number, place in enumerate(ORIGINS):
        rows = np.flatnonzero(origin == number)
        if place.surnames and len(rows):
            own = np.array([_code(name, vocabulary, position) for name in place.surnames])
            first[rows] = own[rng.integers(0, len(own), len(rows))]
        if not place.has_two_surnames:
            second[rows] = NATIVE
    _inherit_from_grandparents(households, first, second)
    _inherit_from_parents(rng, households, first, second, is_foreign)
    return vocabulary, first, second


def _inherit_from_grandparents(households: Households, first: Integers, second: Integers) -> None:
    grand = np.flatnonzero(households.role == GRANDPARENT)
    head = households.first[households.household[grand]]
    has_second = second[head] >= 0
    mothers_side = households.is_female[grand] & has_second
    first[grand] = np.where(mothers_side, second[head], first[head])


def _inherit_from_parents(
    rng: np.random.Generator,
    households: Households,
    first: Integers,
    second: Integers,
    is_foreign: Booleans,
) -> None:
    child = np.flatnonzero(households.role == CHILD)
    mother, father = households.mother[child], households.father[child]
    # The absent parent of a lone parent's children gave a surname as well.
    absent = WeightedDraw(surnames().bearers)(rng, len(households.size))[
        households.household[child]
    ]
    from_mother = np.where(mother >= 0, first[mother], absent)
    from_father = np.where(father >= 0, first[father], absent)
    swapped = rng.random(len(households.size)) < _MOTHERS_SURNAME_FIRST_SHARE
    is_swapped = swapped[households.household[child]]
    first[child] = np.where(is_swapped, from_mother, from_father)
    # Spain registers two surnames for whoever is born here.
    other = np.where(is_swapped, from_father, from_mother)
    parent = np.where(mother >= 0, mother, father)
    second[child] = np.where(is_foreign[child] & (second[parent] < 0), NATIVE, other)
