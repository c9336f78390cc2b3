"""Supermarket purchases: a regular renewal process with dropout, and the tickets it leaves.

When and how much is spent stands here; what lies in the basket is `baskets`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.baskets import Baskets
from simulation.behaviour.daytime import (
    GROCERY_MONTHS,
    GROCERY_WEEKDAYS,
    STORE_HOURS,
    OperationalClock,
    draw_time_of_day,
)
from simulation.behaviour.participation import Memberships
from simulation.behaviour.prices import Prices
from simulation.behaviour.state import DAY, NEVER, Columns, Pool, StatefulProcess, Window
from simulation.catalogue.grocery_categories import ARCHETYPES
from simulation.config import SimulationConfig
from simulation.frames import (
    LATENT,
    NO_ID,
    TICKET_LINES,
    TICKETS,
    categorical,
    concatenate,
    constant,
)
from simulation.population import Population
from simulation.randomness import Booleans, Floats, Integers, Times, WeightedDraw, stream

# Planted: purchases per day ~ Gamma(shape, mean), gaps ~ Gamma(k), dropout ~ Beta, spend ~ inverse
# gamma means with gamma tickets (Gamma-Gamma).
RATE_SHAPE: Final = 1.4
MEAN_RATE_PER_DAY: Final = 0.038
REGULARITY_K: Final = (1.0, 2.0, 6.0)
REGULARITY_SHARES: Final = (0.50, 0.30, 0.20)
DROPOUT_A, DROPOUT_B = 0.9, 17.0
SPEND_P: Final = 3.2
SPEND_Q: Final = 4.5
MEAN_SPEND: Final = 25.0
INCOME_ELASTICITY: Final = 0.5
_JOINED_BEFORE_SHARE: Final = 0.56
_JOINING_YEARS: Final = 3.5

_HOME_STORE_SHARE: Final = 0.86
_FORGOTTEN_CARD_SHARE: Final = 0.07
_REFUND_SHARE: Final = 0.006
_REFUND_MAXIMUM_DAYS: Final = 14
_MAXIMUM_PURCHASES_A_DAY: Final = 3
_PAYMENTS: Final = ("card", "cash", "mobile")
_OPERATIONS: Final = ("sale", "refund")


class Groceries(StatefulProcess):
    """The shoppers, one row a shopper of `Participation`."""

    arrays = ("next_elapsed", "purchases", "last_day", "churned_day")
    pools = ("refunds",)
    counters = ("next_ticket",)

    def __init__(
        self,
        config: SimulationConfig,
        population: Population,
        shoppers: Integers,
        items: pd.DataFrame,
        n_stores: int,
    ) -> None:
        rng = stream(config.seed, "shoppers")
        count = len(shoppers)
        people = population.people
        self.shoppers = shoppers
        origin = np.datetime64(config.start, "us")
        self._clock = OperationalClock(origin, GROCERY_WEEKDAYS, GROCERY_MONTHS)
        self.rate = rng.gamma(RATE_SHAPE, MEAN_RATE_PER_DAY / RATE_SHAPE, count)
        self.k = np.array(REGULARITY_K)[WeightedDraw(REGULARITY_SHARES)(rng, count)]
        self.dropout = rng.beta(DROPOUT_A, DROPOUT_B, count)
        income = np.clip(population.income_index[shoppers], 0.3, 3.0) ** INCOME_ELASTICITY
        self.mean_spend = MEAN_SPEND * (SPEND_Q - 1.0) * income / rng.gamma(SPEND_Q, 1.0, count)
        self.archetype, self.second_archetype = _archetypes(rng, population, shoppers)
        is_old = rng.random(count) < _JOINED_BEFORE_SHARE
        since = np.where(
            is_old, -rng.uniform(1, 2200, count), rng.uniform(0, 365 * _JOINING_YEARS, count)
        )
        self.joined_at: Times = (origin + np.floor(since).astype("timedelta64[D]")).astype(
            "datetime64[us]"
        )
        self.joined_at = draw_time_of_day(rng, self.joined_at, STORE_HOURS)
        # Old customers are somewhere in a gap (long gaps are likelier to be met: k + 1); new ones
        # make their first purchase on joining.
        first_gap = rng.gamma(self.k + 1.0, 1.0 / (self.k * self.rate)) * rng.random(count)
        joining = np.floor(np.maximum(since, 0)).astype(np.int64)
        start_elapsed = np.array([self._clock.elapsed(int(day)) for day in joining])
        self.next_elapsed: Floats = np.where(is_old, first_gap, start_elapsed + 1e-6)
        self.purchases: Integers = np.zeros(count, dtype=np.int64)
        self.last_day: Integers = np.full(count, NO_ID)
        self.churned_day: Integers = np.full(count, NO_ID)
        self.next_ticket = 10_000_001
        self.refunds = Pool(
            {
                "at": "datetime64[us]",
                "person": "int64",
                "card": "int64",
                "store": "int64",
                "original": "int64",
                "item": "int64",
                "quantity": "float64",
                "price": "float64",
                "discount": "float64",
                "amount": "float64",
            }
        )
        self._home_store = people["home_store_id"].to_numpy()
        self._card = people["card_number"].to_numpy()
        self._n_stores = n_stores
        self._baskets = Baskets(items)
        self._row_of_person = np.full(len(people), NO_ID)
        self._row_of_person[shoppers] = np.arange(count)

    def advance(
        self, window: Window, prices: Prices, members: Memberships, driven: Columns
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the tickets and lines of a slice.

        ``driven`` holds the purchases campaigns make happen: ``person``, ``at``, ``campaign`` and the
        ``category`` advertised, which comes first in the basket.
        """
        rng = window.rng("groceries")
        row, day = self._purchase(rng, window)
        self._join_erp(rng, window, members)
        row = np.concatenate([row, self._row_of_person[driven["person"]]])
        regular_at = draw_time_of_day(rng, window.origin + day * DAY, STORE_HOURS)
        at = np.concatenate([regular_at, driven["at"]])
        campaign = np.concatenate([np.full(len(day), NO_ID), driven["campaign"]])
        wanted = np.concatenate([np.full(len(day), NO_ID), driven["category"]])
        order = np.argsort(at, kind="stable")
        row, at, campaign, wanted = row[order], at[order], campaign[order], wanted[order]
        sales, lines = self._tickets(rng, window, prices, row, at, campaign, wanted)
        self._plan_refunds(rng, sales, lines)
        refunds, refund_lines = self._refunds(rng, window)
        return (
            concatenate(TICKETS, [sales, refunds]),
            concatenate(TICKET_LINES, [lines, refund_lines]),
        )

    def _purchase(self, rng: np.random.Generator, window: Window) -> tuple[Integers, Integers]:
        """Run the renewal processes to the end of the slice."""
        end = self._clock.elapsed(window.end_day)
        rows: list[Integers] = []
        days: list[Integers] = []
        due = np.flatnonzero(self.next_elapsed < end)
        while len(due):
            day = self._clock.day_of(self.next_elapsed[due])
            rows.append(due)
            days.append(day)
            self.purchases[due] += 1
            self.last_day[due] = day
            gap = rng.gamma(self.k[due], 1.0 / (self.k[due] * self.rate[due]))
            gone = rng.random(len(due)) < self.dropout[due]
            self.churned_day[due[gone]] = day[gone]
            # Nobody buys more often than a few times a day.
            gap = np.maximum(gap, 1.0 / _MAXIMUM_PURCHASES_A_DAY)
            self.next_elapsed[due] = np.where(gone, np.inf, self.next_elapsed[due] + gap)
            due = due[self.next_elapsed[due] < end]
        if not rows:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        return np.concatenate(rows), np.concatenate(days)

    def _join_erp(self, rng: np.random.Generator, window: Window, members: Memberships) -> None:
        joins = (self.joined_at < window.end) & (window.is_first | (self.joined_at >= window.start))
        joins &= self._card[self.shoppers] != NO_ID
        rows = np.flatnonzero(joins)
        members.join("erp", self.shoppers[rows], self.joined_at[rows])

    def _tickets(
        self,
        rng: np.random.Generator,
        window: Window,
        prices: Prices,
        row: Integers,
        at: Times,
        campaign: Integers,
        wanted: Integers,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        count = len(row)
        person = self.shoppers[row]
        spend = rng.gamma(SPEND_P, self.mean_spend[row] / SPEND_P)
        week = ((at - window.origin) // (7 * DAY)).astype(np.int64)
        ticket = self.numbers("next_ticket", count)
        lines = self._baskets.fill(
            rng,
            window,
            prices,
            spend,
            week,
            self.archetype[row],
            self.second_archetype[row],
            wanted,
        )
        total = np.bincount(lines["ticket"], weights=lines["amount"], minlength=count)
        shows_card = rng.random(count) >= _FORGOTTEN_CARD_SHARE
        shows_card &= self.joined_at[row] <= at
        store = self._stores(rng, person)
        sales = TICKETS.build(
            {
                "ticket_id": ticket,
                "person_id": person,
                "card_number": np.where(shows_card, self._card[person], NO_ID),
                "store_id": store,
                "till": 1 + np.minimum(rng.exponential(2.0, count), 7).astype(np.int64),
                "cashier": 1 + rng.integers(0, 14, count),
                "opened_at": at,
                "operation": categorical(np.zeros(count, dtype=np.int8), _OPERATIONS),
                "original_ticket_id": np.full(count, NO_ID),
                "payment_method": categorical(
                    WeightedDraw((0.68, 0.24, 0.08))(rng, count), _PAYMENTS
                ),
                "total": np.round(total, 2),
                "campaign_id": campaign,
            }
        )
        return sales, TICKET_LINES.build(
            {
                "ticket_id": ticket[lines["ticket"]],
                "line": lines["line"],
                "item_id": lines["item"],
                "quantity": lines["quantity"],
                "unit_price": lines["price"],
                "discount": lines["discount"],
                "amount": lines["amount"],
            }
        )

    def _stores(self, rng: np.random.Generator, person: Integers) -> Integers:
        at_home = rng.random(len(person)) < _HOME_STORE_SHARE
        # Stores are ordered by province first: a neighbour in the list is near more often than not.
        elsewhere = (self._home_store[person] + rng.integers(1, 4, len(person))) % self._n_stores
        return np.where(at_home, self._home_store[person], elsewhere)

    def _plan_refunds(
        self, rng: np.random.Generator, sales: pd.DataFrame, lines: pd.DataFrame
    ) -> None:
        chosen = np.flatnonzero(rng.random(len(sales)) < _REFUND_SHARE)
        ticket = sales["ticket_id"].to_numpy()
        line_ticket = lines["ticket_id"].to_numpy()
        is_chosen = np.zeros(len(sales), dtype=bool)
        is_chosen[chosen] = True
        if not len(chosen):
            return
        position = line_ticket - ticket[0]
        # A refund takes back a third of the lines, the first one in any case.
        taken = is_chosen[position] & (
            (rng.random(len(lines)) < 0.33) | (lines["line"].to_numpy() == 1)
        )
        rows = np.flatnonzero(taken)
        source = position[rows]
        days = rng.integers(1, _REFUND_MAXIMUM_DAYS, len(sales))[source] * DAY
        day = sales["opened_at"].to_numpy()[source].astype("datetime64[D]") + days
        self.refunds.push(
            at=day.astype("datetime64[us]"),
            person=sales["person_id"].to_numpy()[source],
            card=sales["card_number"].to_numpy()[source],
            store=sales["store_id"].to_numpy()[source],
            original=line_ticket[rows],
            item=lines["item_id"].to_numpy()[rows],
            quantity=lines["quantity"].to_numpy()[rows],
            price=lines["unit_price"].to_numpy()[rows],
            discount=lines["discount"].to_numpy()[rows],
            amount=lines["amount"].to_numpy()[rows],
        )

    def _refunds(
        self, rng: np.random.Generator, window: Window
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        due = self.refunds.take_until(window.end)
        original, first, source = np.unique(due["original"], return_index=True, return_inverse=True)
        count = len(original)
        if not count:
            return TICKETS.empty(), TICKET_LINES.empty()
        order = np.argsort(source, kind="stable")
        source = source[order]
        ticket = self.numbers("next_ticket", count)
        starts = np.searchsorted(source, np.arange(count))
        total = np.bincount(source, weights=due["amount"][order], minlength=count)
        tickets = TICKETS.build(
            {
                "ticket_id": ticket,
                "person_id": due["person"][first],
                "card_number": due["card"][first],
                "store_id": due["store"][first],
                "till": np.ones(count, dtype=np.int64),
                "cashier": 1 + rng.integers(0, 14, count),
                "opened_at": draw_time_of_day(rng, due["at"][first], STORE_HOURS),
                "operation": categorical(np.ones(count, dtype=np.int8), _OPERATIONS),
                "original_ticket_id": original,
                "payment_method": categorical(rng.integers(0, 2, count), _PAYMENTS),
                "total": -np.round(total, 2),
                "campaign_id": np.full(count, NO_ID),
            }
        )
        lines = TICKET_LINES.build(
            {
                "ticket_id": ticket[source],
                "line": np.arange(len(source)) - starts[source] + 1,
                "item_id": due["item"][order],
                "quantity": -due["quantity"][order],
                "unit_price": due["price"][order],
                "discount": -due["discount"][order],
                "amount": -due["amount"][order],
            }
        )
        return tickets, lines

    def latent(self, window: Window) -> pd.DataFrame:
        """Return parameters and states of the shoppers (LATENT)."""
        finite = np.isfinite(self.next_elapsed)
        next_day = self._clock.day_of(np.where(finite, self.next_elapsed, 0.0))
        return LATENT.build(
            {
                "person_id": self.shoppers,
                "line": constant("groceries", len(self.shoppers)),
                "joined_at": self.joined_at,
                "purchase_rate_per_day": self.rate,
                "regularity_k": self.k,
                "dropout_probability": self.dropout,
                "mean_spend": self.mean_spend,
                "archetype": categorical(self.archetype, tuple(ARCHETYPES)),
                "purchases": self.purchases,
                "last_purchase_at": _days(window, self.last_day, self.last_day >= 0),
                "churned_at": _days(window, self.churned_day, self.churned_day >= 0),
                "next_purchase_at": _days(window, next_day, finite),
            }
        )


def _days(window: Window, day: Integers, is_known: Booleans) -> Times:
    return np.where(is_known, window.origin + day * DAY, NEVER).astype("datetime64[us]")


def _archetypes(
    rng: np.random.Generator, population: Population, shoppers: Integers
) -> tuple[Integers, Integers]:
    """Return two archetypes a shopper; babies and children decide where there are any."""
    names = list(ARCHETYPES)
    households = population.households
    youngest = np.full(len(households.size), 99.0)
    np.minimum.at(youngest, households.household, households.age_years)
    age = youngest[households.household[shoppers]]
    free = 2 + rng.integers(0, len(names) - 2, len(shoppers))
    first = np.where(
        age < 3.0,
        names.index("familia con bebé"),
        np.where(age < 15.0, names.index("familia"), free),
    )
    second = 1 + rng.integers(0, len(names) - 1, len(shoppers))
    return first, second
