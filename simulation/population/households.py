"""Who lives with whom: household types, roles, genders and birth dates.

Composition only; names are `names`, addresses `addresses`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from simulation.randomness import Booleans, Floats, Integers, Times, WeightedDraw

SINGLE, COUPLE, FAMILY, LONE_PARENT, FLATMATES, THREE_GENERATIONS = range(6)
# Shares of the Encuesta continua de hogares, rounded.
_TYPE_WEIGHTS: Final = (0.27, 0.21, 0.33, 0.10, 0.04, 0.05)
_MEAN_SIZE: Final = 2.49
_SAME_SEX_COUPLES: Final = 0.02

ADULT_1, ADULT_2, CHILD, GRANDPARENT, FLATMATE = range(5)
ROLES: Final = ("adult_1", "adult_2", "child", "grandparent", "flatmate")
DAYS_PER_YEAR: Final = 365.2425


@dataclass(frozen=True)
class Households:
    """People by household, sorted; ``first`` is the row of a household's first person."""

    household: Integers
    first: Integers
    size: Integers
    kind: Integers
    role: Integers
    is_female: Booleans
    age_years: Floats
    birth_date: Times
    mother: Integers  # row of the mother of children, else -1
    father: Integers


def draw_households(rng: np.random.Generator, people: int, start: date) -> Households:
    """Return ``people`` people in households; the last household may be cut short."""
    kind, size = _kinds_and_sizes(rng, people)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    household = np.repeat(np.arange(len(size)), size)
    position = np.arange(people) - first[household]
    role = _roles(kind[household], position)
    is_female = _genders(rng, kind, first, role, position)
    mother, father = _parents(kind, size, first, household, role, is_female)
    age = _ages(rng, kind, first, household, role, position, is_female, mother, father)
    age = np.clip(age, 0.02, 101.0)
    days = np.floor(age * DAYS_PER_YEAR).astype("timedelta64[D]")
    birth_date = np.datetime64(start, "D") - 1 - days
    return Households(
        household, first, size, kind, role, is_female, age, birth_date, mother, father
    )


def _kinds_and_sizes(rng: np.random.Generator, people: int) -> tuple[Integers, Integers]:
    drawn = int(people / _MEAN_SIZE * 1.1) + 200
    kind = WeightedDraw(_TYPE_WEIGHTS)(rng, drawn)
    children = np.select(
        [kind == FAMILY, kind == LONE_PARENT, kind == THREE_GENERATIONS],
        [
            1 + WeightedDraw((0.45, 0.45, 0.10))(rng, drawn),
            1 + WeightedDraw((0.60, 0.35, 0.05))(rng, drawn),
            1 + WeightedDraw((0.55, 0.45))(rng, drawn),
        ],
        0,
    )
    flatmates = 2 + WeightedDraw((0.4, 0.4, 0.2))(rng, drawn)
    adults = np.array([1, 2, 2, 1, 0, 3])[kind] + np.where(kind == FLATMATES, flatmates, 0)
    size = adults + children
    ends = np.cumsum(size)
    last = int(np.searchsorted(ends, people))
    size, kind = size[: last + 1], kind[: last + 1]
    size[last] -= int(ends[last]) - people
    if size[last] == 1:
        kind[last] = SINGLE
    elif size[last] == 2 and kind[last] in (FAMILY, THREE_GENERATIONS):
        kind[last] = COUPLE
    return kind, size


def _roles(kind: Integers, position: Integers) -> Integers:
    role = np.full(len(kind), CHILD)
    couple = (kind == COUPLE) | (kind == FAMILY) | (kind == THREE_GENERATIONS)
    role[position == 0] = ADULT_1
    role[(position == 1) & couple] = ADULT_2
    role[(position == 2) & (kind == THREE_GENERATIONS)] = GRANDPARENT
    role[kind == FLATMATES] = FLATMATE
    return role


def _genders(
    rng: np.random.Generator, kind: Integers, first: Integers, role: Integers, position: Integers
) -> Booleans:
    female_share = np.full(len(role), 0.49)
    female_share[role == GRANDPARENT] = 0.72
    head_share = np.array([0.53, 0.5, 0.5, 0.82, 0.5, 0.5])[kind]
    female_share[first] = head_share
    is_female: Booleans = rng.random(len(role)) < female_share
    partner = np.flatnonzero(role == ADULT_2)
    same = rng.random(len(partner)) < _SAME_SEX_COUPLES
    is_female[partner] = is_female[partner - 1] == same
    return is_female


def _parents(
    kind: Integers,
    size: Integers,
    first: Integers,
    household: Integers,
    role: Integers,
    is_female: Booleans,
) -> tuple[Integers, Integers]:
    """Return the rows of mother and father; same-sex couples fill both, lone parents one."""
    is_child = role == CHILD
    head = first[household]
    has_partner = np.isin(kind[household], (FAMILY, THREE_GENERATIONS)) & (size[household] > 1)
    partner = np.where(has_partner, head + 1, -1)
    head_is_mother = is_female[head]
    mother = np.where(head_is_mother, head, partner)
    father = np.where(head_is_mother, partner, head)
    return np.where(is_child, mother, -1), np.where(is_child, father, -1)


def _ages(
    rng: np.random.Generator,
    kind: Integers,
    first: Integers,
    household: Integers,
    role: Integers,
    position: Integers,
    is_female: Booleans,
    mother: Integers,
    father: Integers,
) -> Floats:
    age = np.zeros(len(role))
    head_age = _head_ages(rng, kind)
    age[first] = head_age
    partner = np.flatnonzero(role == ADULT_2)
    older_man = np.where(is_female[partner], -2.0, 2.0) * (
        is_female[partner] != is_female[partner - 1]
    )
    age[partner] = np.clip(age[partner - 1] + rng.normal(older_man, 3.0), 19.0, 100.0)
    mates = np.flatnonzero(role == FLATMATE)
    age[mates] = np.clip(20.0 + rng.exponential(6.0, len(mates)), 18.2, 45.0)
    grand = np.flatnonzero(role == GRANDPARENT)
    grand_gap = np.clip(rng.normal(28.0, 4.0, len(grand)), 18.0, 42.0)
    age[grand] = age[first[household[grand]]] + grand_gap
    child = np.flatnonzero(role == CHILD)
    parent = np.where(mother[child] >= 0, mother[child], father[child])
    other = np.where(father[child] >= 0, father[child], parent)
    youngest_parent = np.minimum(age[parent], age[other])
    siblings_before = position[child] - np.array([9, 9, 2, 1, 9, 3])[kind[household[child]]]
    at_birth = np.clip(rng.normal(30.0, 4.5, len(child)), 18.0, 42.0) + 2.3 * siblings_before
    born = youngest_parent - at_birth
    at_home = rng.uniform(17.5, 31.0, len(child))
    newborn = rng.uniform(0.05, 1.5, len(child))
    age[child] = np.where(born > 31.0, at_home, np.where(born < 0.05, newborn, born))
    return age


def _head_ages(rng: np.random.Generator, kind: Integers) -> Floats:
    count = len(kind)
    is_young = rng.random(count)
    single = np.where(
        is_young < 0.45, rng.normal(38.0, 9.0, count), rng.normal(71.0, 11.0, count)
    ).clip(20.0, 97.0)
    couple = np.where(
        is_young < 0.30, rng.normal(35.0, 6.0, count), rng.normal(67.0, 10.0, count)
    ).clip(21.0, 95.0)
    family = rng.normal(45.0, 8.5, count).clip(23.0, 66.0)
    lone = rng.normal(46.0, 9.0, count).clip(22.0, 75.0)
    three = rng.normal(46.0, 6.5, count).clip(26.0, 60.0)
    return np.choose(kind, [single, couple, family, lone, family, three])
