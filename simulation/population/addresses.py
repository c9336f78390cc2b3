"""Street addresses in their Spanish variety: flats, houses, staircases, roads by kilometre.

Parts of an address only; how a system writes them in one line is the writers' matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.frames import categorical
from simulation.population.geography import Geography
from simulation.population.name_lists import REFERENCE
from simulation.randomness import Booleans, Integers, WeightedDraw

Options = tuple[tuple[str, float], ...]

_TYPES: Final[Options] = (
    ("Calle", 0.72),
    ("Avenida", 0.11),
    ("Plaza", 0.06),
    ("Paseo", 0.03),
    ("Camino", 0.02),
    ("Ronda", 0.01),
    ("Travesía", 0.015),
    ("Urbanización", 0.02),
    ("Carretera", 0.015),
)
_REGIONAL_TYPES: Final = {"Calle": {"ca": "Carrer", "gl": "Rúa"}, "Plaza": {"gl": "Praza"}}
_CATALAN_PROVINCES: Final = (7, 16, 24, 42)  # positions of 08, 17, 25, 43
_GALICIAN_PROVINCES: Final = (14, 26, 31, 35)  # positions of 15, 27, 32, 36
_REGIONAL_SHARE: Final = 0.55
# The frequent names (Mayor, Real, ...) are at the front of the list.
_STREETS: Final = (REFERENCE / "streets.txt").read_text(encoding="utf-8").splitlines()
_ROADS: Final = (REFERENCE / "roads.txt").read_text(encoding="utf-8").splitlines()
_FLOORS: Final[Options] = (
    ("Bajo", 0.10),
    ("Entresuelo", 0.02),
    *(
        (f"{n}º", w)
        for n, w in enumerate((0.2, 0.2, 0.17, 0.12, 0.07, 0.04, 0.025, 0.015), start=1)
    ),
    ("9º", 0.01),
    ("10º", 0.006),
    ("11º", 0.004),
    ("12º", 0.003),
    ("Ático", 0.02),
)
_DOORS: Final[Options] = (
    ("A", 0.16),
    ("B", 0.15),
    ("C", 0.09),
    ("D", 0.06),
    ("Izda.", 0.14),
    ("Dcha.", 0.14),
    ("Centro", 0.03),
    ("1ª", 0.07),
    ("2ª", 0.06),
    ("3ª", 0.03),
    ("4ª", 0.02),
    ("", 0.05),
)
_STAIRCASES: Final[Options] = (("", 0.91), ("1", 0.035), ("2", 0.03), ("3", 0.015), ("4", 0.01))
_MAXIMUM_NUMBER: Final = 320
_NUMBERS: Final = (
    *(str(n) for n in range(1, _MAXIMUM_NUMBER + 1)),
    *(f"{n} bis" for n in range(1, 61)),
    "s/n",
    *(f"km {k // 10},{k % 10}" if k % 10 else f"km {k // 10}" for k in range(5, 800)),
)
_FIRST_BIS: Final = _MAXIMUM_NUMBER
_WITHOUT_NUMBER: Final = _MAXIMUM_NUMBER + 60


@dataclass(frozen=True)
class Addresses:
    """Addresses as codes into the vocabularies of this module and of the geography."""

    street_type: Integers
    street_name: Integers
    street_number: Integers
    staircase: Integers
    floor: Integers
    door: Integers
    postal: Integers
    municipality: Integers

    def take(self, rows: Integers) -> Addresses:
        """Return the addresses of these rows; -1 stands for no address."""
        absent = rows < 0
        return Addresses(
            **{
                name: np.where(absent, -1, getattr(self, name)[rows])
                for name in self.__dataclass_fields__
            }
        )

    def columns(self, geography: Geography, prefix: str = "") -> dict[str, Any]:
        """Return the address columns of the frames."""
        province = np.where(
            self.municipality < 0, -1, geography.municipality_province[self.municipality]
        )
        columns = {
            "street_type": categorical(self.street_type, _TYPE_VOCABULARY),
            "street_name": categorical(self.street_name, _STREET_VOCABULARY),
            "street_number": categorical(self.street_number, _NUMBERS),
            "staircase": categorical(self.staircase, _written(_STAIRCASES)),
            "floor": categorical(self.floor, _written(_FLOORS)),
            "door": categorical(self.door, _written(_DOORS)),
            "postal_code": _named(self.postal, geography.postal_codes),
            "municipality_code": categorical(self.municipality, geography.municipality_codes),
            "municipality_name": _named(self.municipality, geography.municipality_names),
            "province_code": categorical(province, geography.province_codes),
            "province_name": categorical(province, geography.province_names),
        }
        return {prefix + name: values for name, values in columns.items()}


def _written(options: Options) -> list[str]:
    return [label for label, _ in options if label]


_TYPE_VOCABULARY: Final = [*_written(_TYPES), "Carrer", "Rúa", "Praza"]
_STREET_VOCABULARY: Final = [*_STREETS, *_ROADS]


def _named(codes: Integers, names: list[str]) -> pd.Categorical:
    """Return names that several codes may share."""
    unique, position = np.unique(np.array(names, dtype=object), return_inverse=True)
    mapped = np.where(codes < 0, -1, position[codes])
    return categorical(mapped, list(unique))


def draw_addresses(
    rng: np.random.Generator, geography: Geography, municipality: Integers
) -> Addresses:
    """Return an address in each municipality asked for."""
    count = len(municipality)
    population = geography.population[municipality]
    street_type = _street_types(rng, geography.municipality_province[municipality])
    is_road = street_type == _TYPE_VOCABULARY.index("Carretera")
    street = np.minimum(rng.exponential(45.0, count).astype(np.int64), len(_STREETS) - 1)
    road = len(_STREETS) + rng.integers(0, len(_ROADS), count)
    flat_share = np.select([population >= 50_000, population >= 10_000], [0.9, 0.7], 0.35)
    is_flat = (rng.random(count) < flat_share) & ~is_road
    is_flat &= street_type != _TYPE_VOCABULARY.index("Urbanización")
    floor = WeightedDraw([w for _, w in _FLOORS])(rng, count)
    door = _blank_last(WeightedDraw([w for _, w in _DOORS])(rng, count), len(_DOORS) - 1)
    staircase = WeightedDraw([w for _, w in _STAIRCASES])(rng, count) - 1
    return Addresses(
        street_type=street_type,
        street_name=np.where(is_road, road, street),
        street_number=_numbers(rng, is_road),
        staircase=np.where(is_flat, staircase, -1),
        floor=np.where(is_flat, floor, -1),
        door=np.where(is_flat, door, -1),
        postal=geography.draw_postal_codes(rng, municipality),
        municipality=municipality,
    )


def _street_types(rng: np.random.Generator, province: Integers) -> Integers:
    drawn = WeightedDraw([w for _, w in _TYPES])(rng, len(province))
    regional = rng.random(len(province)) < _REGIONAL_SHARE
    for plain, by_language in _REGIONAL_TYPES.items():
        for language, own in by_language.items():
            places = _CATALAN_PROVINCES if language == "ca" else _GALICIAN_PROVINCES
            rows = regional & np.isin(province, places)
            rows &= drawn == _TYPE_VOCABULARY.index(plain)
            drawn[rows] = _TYPE_VOCABULARY.index(own)
    return drawn


def _numbers(rng: np.random.Generator, is_road: Booleans) -> Integers:
    count = len(is_road)
    number = np.minimum(rng.exponential(26.0, count).astype(np.int64), _MAXIMUM_NUMBER - 1)
    special = rng.random(count)
    is_bis = (special < 0.01) & (number < 60)
    number = np.where(is_bis, number + _FIRST_BIS, number)
    number = np.where(special > 0.985, _WITHOUT_NUMBER, number)
    kilometre = rng.integers(_WITHOUT_NUMBER + 1, len(_NUMBERS), count)
    return np.where(is_road, kilometre, number)


def _blank_last(codes: Integers, blank: int) -> Integers:
    return np.where(codes == blank, -1, codes)
