"""Which product of a category somebody takes: cheap ones more often, accessories that fit.

The products are `catalogue.electronics`; who buys which category is `electronics`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulation.catalogue.electronics import ACCESSORY_CATEGORIES, MAIN_NAMES
from simulation.randomness import Booleans, Integers, WeightedDraw


class Assortment:
    """Draws products.

    Parameters
    ----------
    products
        The offer.
    """

    def __init__(self, products: pd.DataFrame) -> None:
        category = products["category"].astype(str).to_numpy()
        price = products["price"].to_numpy()
        self._mains = [np.flatnonzero(category == name) for name in MAIN_NAMES]
        self._main_draws = [WeightedDraw(1.0 / np.sqrt(price[own])) for own in self._mains]
        self._accessories = [
            np.flatnonzero(category == accessory.name) for accessory in ACCESSORY_CATEGORIES
        ]
        self._fits = _compatibility(products)

    def main(self, rng: np.random.Generator, category: Integers) -> Integers:
        """Return a main product of each category."""
        chosen = np.empty(len(category), dtype=np.int64)
        for number, own in enumerate(self._mains):
            rows = np.flatnonzero(category == number)
            chosen[rows] = own[self._main_draws[number](rng, len(rows))]
        return chosen

    def fitting(self, rng: np.random.Generator, category: int, main: Integers) -> Integers:
        """Return an accessory of one category for each main product it is to fit."""
        own = self._accessories[category]
        scores = rng.random((len(main), len(own))) * self._fits[main][:, own]
        best: Integers = own[scores.argmax(axis=1)]
        return best

    def accessory(self, rng: np.random.Generator, category: Integers) -> Integers:
        """Return any accessory of each category."""
        chosen = np.empty(len(category), dtype=np.int64)
        for number, own in enumerate(self._accessories):
            rows = np.flatnonzero(category == number)
            chosen[rows] = own[rng.integers(0, len(own), len(rows))]
        return chosen


def _compatibility(products: pd.DataFrame) -> Booleans:
    """Return which accessory (column) fits which main product (row)."""
    position = {sku: row for row, sku in enumerate(products["sku"])}
    fits = np.zeros((len(products), len(products)), dtype=bool)
    for column, text in enumerate(products["compatible_skus"]):
        if isinstance(text, str):
            fits[[position[sku] for sku in text.split("|")], column] = True
    return fits
