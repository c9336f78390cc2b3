"""Prices of articles over time, entries and ends of articles, weekly promotions.

The articles themselves are `catalogue.groceries`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.state import DAY, Columns, StatefulProcess, Window
from simulation.frames import ITEM_CHANGES
from simulation.randomness import Booleans, Floats, stream

_MONTHLY_CHANGE_SHARE: Final = 0.10
_CHANGE_MEAN, _CHANGE_DEVIATION = 0.025, 0.05
_PROMOTED_SHARE: Final = 0.06
_PROMOTION_DISCOUNTS: Final = (0.10, 0.15, 0.20, 0.30)


class Prices(StatefulProcess):
    """Prices as of a slice; they change on the first day of a month."""

    arrays = ("price",)

    def __init__(self, items: pd.DataFrame) -> None:
        self.price: Floats = items["price"].to_numpy().copy()
        self._cost_share = (items["cost"] / items["price"]).to_numpy()
        self._listed = items["listed_on"].to_numpy()
        self._ended = items["delisted_on"].to_numpy()

    def advance(self, window: Window) -> pd.DataFrame:
        """Return what changes in the slice (ITEM_CHANGES)."""
        parts: list[Columns] = []
        for day in window.each_day():
            if day.astype("datetime64[D]") != day.astype("datetime64[M]") or day == window.origin:
                continue
            rng = stream(window.seed, "prices", int(day.astype("datetime64[D]").astype(np.int64)))
            chosen = np.flatnonzero(rng.random(len(self.price)) < _MONTHLY_CHANGE_SHARE)
            factor = 1.0 + rng.normal(_CHANGE_MEAN, _CHANGE_DEVIATION, len(chosen))
            self.price[chosen] = np.maximum(np.round(self.price[chosen] * factor, 2), 0.25)
            parts.append({"item": chosen, "at": np.full(len(chosen), day)})
        for times in (self._listed, self._ended):
            chosen = np.flatnonzero((times >= window.start) & (times < window.end))
            parts.append({"item": chosen, "at": times[chosen]})
        item = np.concatenate([part["item"] for part in parts]).astype(np.int64)
        at = np.concatenate([part["at"] for part in parts])
        price = self.price[item]
        return ITEM_CHANGES.build(
            {
                "item_id": item,
                "changed_at": at,
                "price": price,
                "cost": np.round(price * self._cost_share[item], 2),
                "is_active": np.isnat(self._ended[item]) | (at < self._ended[item]),
            }
        )

    def is_active(self, window: Window) -> Booleans:
        """Return which articles are on the shelves throughout the slice."""
        on_sale: Booleans = (self._listed <= window.start) & ~(self._ended < window.end)
        return on_sale

    def discounts(self, window: Window) -> tuple[int, Floats]:
        """Return the first week and the discount share by week and article."""
        first = int((window.start - window.origin) // (7 * DAY))
        last = int((window.end - window.origin) // (7 * DAY))
        table = np.zeros((last - first + 1, len(self.price)))
        for week in range(first, last + 1):
            rng = stream(window.seed, "promotions", week)
            chosen = rng.random(len(self.price)) < _PROMOTED_SHARE
            table[week - first, chosen] = rng.choice(_PROMOTION_DISCOUNTS, int(chosen.sum()))
        return first, table
