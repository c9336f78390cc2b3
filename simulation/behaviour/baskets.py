"""What lies in a basket: categories by archetype and mission, articles by popularity.

Missions plant the affinities between categories; how much is spent comes from `groceries`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.prices import Prices
from simulation.behaviour.state import Columns, Window
from simulation.catalogue.groceries import ITEMS_PER_CATEGORY
from simulation.catalogue.grocery_categories import (
    ARCHETYPES,
    CATEGORIES,
    CATEGORY_NAMES,
    MISSION_LINE_SHARE,
    MISSION_SHARE,
    MISSIONS,
    NEEDED_BY,
)
from simulation.frames import NO_ID
from simulation.randomness import Floats, GroupedDraw, Integers

MEAN_LINE_AMOUNT: Final = 3.9
_MAXIMUM_LINES: Final = 80
_FIRST_ARCHETYPE_SHARE: Final = 0.7
_POPULARITY_EXPONENT: Final = 1.7
_REPLACEMENT_ROUNDS: Final = 3


class Baskets:
    """Fills baskets with articles.

    Parameters
    ----------
    items
        The articles, sorted by category.
    """

    def __init__(self, items: pd.DataFrame) -> None:
        self._is_weighed = (items["unit"] == "KG").to_numpy()
        categories = len(CATEGORIES)
        weights = np.tile([entry.popularity for entry in CATEGORIES], (len(ARCHETYPES), 1))
        for row, factors in enumerate(ARCHETYPES.values()):
            for name in CATEGORY_NAMES:
                usual = NEEDED_BY.get(name, 1.0)
                weights[row, CATEGORY_NAMES.index(name)] *= factors.get(name, usual)
        groups = np.repeat(np.arange(len(ARCHETYPES)), categories)
        self._by_archetype = GroupedDraw(groups, weights.ravel(), len(ARCHETYPES))
        members = [
            (mission, CATEGORY_NAMES.index(name))
            for mission, names in enumerate(MISSIONS.values())
            for name in names
        ]
        missions = np.array([mission for mission, _ in members])
        self._mission_category = np.array([category for _, category in members])
        self._by_mission = GroupedDraw(missions, np.ones(len(missions)), len(MISSIONS))
        self._categories = categories

    def fill(
        self,
        rng: np.random.Generator,
        window: Window,
        prices: Prices,
        spend: Floats,
        week: Integers,
        archetype: Integers,
        second_archetype: Integers,
        wanted: Integers,
    ) -> Columns:
        """Return lines (ticket, line, item, quantity, price, discount, amount), by ticket.

        ``wanted`` is the category the first line of a ticket must be of, or NO_ID.
        """
        tickets = len(spend)
        size = np.maximum(np.round(spend / MEAN_LINE_AMOUNT + rng.normal(0, 0.35, tickets)), 1)
        size = np.minimum(size, _MAXIMUM_LINES).astype(np.int64)
        first = np.cumsum(size) - size
        ticket = np.repeat(np.arange(tickets), size)
        lines = len(ticket)
        forced = np.full(lines, NO_ID)
        forced[first] = wanted
        item = self._items(rng, window, prices, ticket, archetype, second_archetype, forced)
        weighed = self._is_weighed[item]
        pieces = 1 + (rng.random(lines) < 0.14) + (rng.random(lines) < 0.04)
        weight = np.round(0.15 + rng.gamma(2.2, 0.32, lines), 3)
        quantity = np.where(weighed, weight, pieces)
        price = prices.price[item]
        first_week, discounts = prices.discounts(window)
        share = discounts[np.clip(week[ticket] - first_week, 0, len(discounts) - 1), item]
        discount = np.round(quantity * price * share, 2)
        return {
            "ticket": ticket,
            "line": np.arange(lines) - first[ticket] + 1,
            "item": item,
            "quantity": quantity,
            "price": price,
            "discount": discount,
            "amount": np.round(quantity * price - discount, 2),
        }

    def _items(
        self,
        rng: np.random.Generator,
        window: Window,
        prices: Prices,
        ticket: Integers,
        archetype: Integers,
        second_archetype: Integers,
        forced: Integers,
    ) -> Integers:
        lines, tickets = len(ticket), len(archetype)
        is_first = rng.random(lines) < _FIRST_ARCHETYPE_SHARE
        group = np.where(is_first, archetype[ticket], second_archetype[ticket])
        category = self._by_archetype(rng, group) % self._categories
        has_mission = rng.random(tickets) < MISSION_SHARE
        mission = rng.integers(0, len(MISSIONS), tickets)
        follows = np.flatnonzero(has_mission[ticket] & (rng.random(lines) < MISSION_LINE_SHARE))
        chosen = self._by_mission(rng, mission[ticket[follows]])
        category[follows] = self._mission_category[chosen]
        category = np.where(forced >= 0, forced, category)
        rank = (ITEMS_PER_CATEGORY * rng.random(lines) ** _POPULARITY_EXPONENT).astype(np.int64)
        item = category * ITEMS_PER_CATEGORY + rank
        active = prices.is_active(window)
        for _ in range(_REPLACEMENT_ROUNDS):
            missing = np.flatnonzero(~active[item])
            following = (item[missing] + 1) % ITEMS_PER_CATEGORY
            base = item[missing] // ITEMS_PER_CATEGORY * ITEMS_PER_CATEGORY
            item[missing] = base + following
        return item
