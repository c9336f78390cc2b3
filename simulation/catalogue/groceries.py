"""The supermarket's articles and stores.

Prices change in `simulation.behaviour.prices`; categories are a table of `grocery_categories`.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.catalogue.grocery_categories import CATEGORIES
from simulation.frames import ITEMS, STORES
from simulation.population.addresses import draw_addresses
from simulation.population.contacts import draw_landlines
from simulation.population.geography import Geography
from simulation.population.national_ids import padded
from simulation.randomness import Integers, stream

ITEMS_PER_CATEGORY: Final = 25
_BRANDS: Final = (
    "Albera",
    "Campoverde",
    "La Solana",
    "Doña Elvira",
    "Río Alto",
    "Montefrío",
    "El Molinero",
    "Brisa",
    "Selecta Oro",
    "Casa Lucía",
    "Naturalia",
    "Fontclara",
    "Hacienda Real",
    "Tres Robles",
    "Marisol",
)
_OWN_BRAND_SHARE: Final = 0.4
_LATE_ITEMS: Final = 0.06
_ENDED_ITEMS: Final = 0.05
_PEOPLE_PER_STORE: Final = 2_500
_MINIMUM_STORES, _MAXIMUM_STORES = 60, 420


def build_items(seed: int, start: date) -> pd.DataFrame:
    """Return the articles, sorted by category (ITEMS)."""
    rng = stream(seed, "items")
    count = len(CATEGORIES) * ITEMS_PER_CATEGORY
    category = np.repeat(np.arange(len(CATEGORIES)), ITEMS_PER_CATEGORY)
    own = rng.random(count) < _OWN_BRAND_SHARE
    brand = np.where(own, 0, rng.integers(1, len(_BRANDS), count))
    base = np.array([entry.price for entry in CATEGORIES])[category]
    level = np.where(own, 0.8, 1.12) * rng.lognormal(0.0, 0.32, count)
    price = np.maximum(np.round(base * level, 2), 0.35)
    first_day = np.datetime64(start, "us")
    day = np.timedelta64(1, "D")
    listed = first_day - rng.integers(30, 2500, count) * day
    is_late = rng.random(count) < _LATE_ITEMS
    listed[is_late] = first_day + rng.integers(20, 700, int(is_late.sum())) * day
    ended = np.full(count, np.datetime64("NaT"), dtype="datetime64[us]")
    is_ended = ~is_late & (rng.random(count) < _ENDED_ITEMS)
    ended[is_ended] = first_day + rng.integers(60, 900, int(is_ended.sum())) * day
    ean = 840_000_000_000 + np.arange(count) * 1_337 + 10_007
    return ITEMS.build(
        {
            "item_id": np.arange(count),
            "sku": padded(100_000 + np.arange(count) * 7, 6).array,
            "description": _descriptions(brand),
            "department": [CATEGORIES[c].department for c in category],
            "category": [CATEGORIES[c].name for c in category],
            "brand": [_BRANDS[b] for b in brand],
            "price": price,
            "cost": np.round(price * rng.uniform(0.62, 0.8, count), 2),
            "vat_rate": np.array([entry.vat_rate for entry in CATEGORIES])[category],
            "ean": [with_check_digit(int(number)) for number in ean],
            "unit": [CATEGORIES[c].unit for c in category],
            "listed_on": listed,
            "delisted_on": ended,
        }
    )


def _descriptions(brand: Integers) -> list[str]:
    texts = []
    for number, brand_code in enumerate(brand):
        entry = CATEGORIES[number // ITEMS_PER_CATEGORY]
        place = number % ITEMS_PER_CATEGORY
        noun = entry.nouns[place % len(entry.nouns)]
        variant = entry.variants[(place // len(entry.nouns)) % len(entry.variants)]
        texts.append(f"{noun} {variant} {_BRANDS[brand_code]}")
    return texts


def with_check_digit(number: int) -> str:
    """Return the EAN-13 of twelve digits."""
    digits = f"{number:012d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def build_stores(seed: int, start: date, people: int, geography: Geography) -> pd.DataFrame:
    """Return the stores: one in every province at least, more where people live (STORES)."""
    rng = stream(seed, "stores")
    provinces = len(geography.province_codes)
    count = int(np.clip(people // _PEOPLE_PER_STORE, _MINIMUM_STORES, _MAXIMUM_STORES))
    one_each = geography.draw_in_province(rng, np.arange(provinces))
    others = geography.draw_municipalities(rng, count - provinces)
    municipality = np.concatenate([one_each, others])
    places = building_columns(rng, geography, municipality)
    province = geography.municipality_province[municipality]
    opened = np.datetime64(start, "us") - rng.integers(200, 9000, count) * np.timedelta64(1, "D")
    names = [
        f"Súper Albera {geography.municipality_names[place]} {street}"
        for place, street in zip(municipality, places["street_name"], strict=True)
    ]
    return STORES.build(
        {
            "store_id": np.arange(count),
            "name": names,
            **places,
            "phone": draw_landlines(rng, province, np.full(count, True)).array,
            "opened_on": opened,
        }
    )


def building_columns(
    rng: np.random.Generator, geography: Geography, municipality: Integers
) -> dict[str, Any]:
    """Return addresses of whole buildings: no staircase, floor or door."""
    places = draw_addresses(rng, geography, municipality).columns(geography)
    for name in ("staircase", "floor", "door"):
        places[name] = pd.Categorical(
            [None] * len(municipality), categories=places[name].categories
        )
    return places
