"""Buying electronics: renewal by category, accessories, consumables, refunds, registrations.

When somebody buys what; visits before and at the purchase are `browsing`, orders `shop_orders`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.assortment import Assortment
from simulation.behaviour.daytime import WEB_HOURS, draw_time_of_day
from simulation.behaviour.state import (
    DAY,
    NEVER,
    Columns,
    Pool,
    StatefulProcess,
    Window,
    at_days,
    shifted,
)
from simulation.catalogue.electronics import ACCESSORY_CATEGORIES, MAIN_CATEGORIES, MAIN_NAMES
from simulation.config import SimulationConfig
from simulation.frames import LATENT, NO_ID, RENEWALS, categorical, concatenate, constant
from simulation.randomness import Booleans, Floats, Integers, Times, stream

DAYS_PER_YEAR: Final = 365.25
# How long before a purchase its visits begin at most.
LOOK_AHEAD_DAYS: Final = 28
LOST_AT_RENEWAL: Final = 0.22
_HAS_ACCOUNT_SHARE: Final = 0.35
_FIRST_TIME_NEBRA: Final = 0.55
_NEWCOMER_YEARS: Final = 14.0
_SAME_ORDER_SHARE: Final = 0.6
_ACCESSORY_MEAN_DAYS: Final = 12.0
CONSUMABLE_CONTINUES: Final = 0.88
_BLACK_FRIDAY_PULL: Final = 0.25
_BLACK_FRIDAY_WAIT_DAYS: Final = 40

MAIN, ACCESSORY = 0, 1
_FITS: Final = tuple(accessory.fits for accessory in ACCESSORY_CATEGORIES)
# First accessory category that fits each main category, or NO_ID.
_FITTING: Final = np.array([_FITS.index(n) if n in _FITS else NO_ID for n in MAIN_NAMES])
_PURCHASE_COLUMNS: Final = {
    "at": "datetime64[us]",
    "person": "int64",
    "kind": "int8",
    "category": "int64",
    "campaign": "int64",
    "clicked": "bool",
    "attached": "int64",
    "product": "int64",
}


class Electronics(StatefulProcess):
    """The brand's buyers, one row a buyer of `Participation`, one column a main category."""

    arrays = ("next_day", "bought", "last_day")
    pools = ("purchases",)

    def __init__(
        self, config: SimulationConfig, buyers: Integers, people: int, assortment: Assortment
    ) -> None:
        rng = stream(config.seed, "electronics buyers")
        count, kinds = len(buyers), len(MAIN_CATEGORIES)
        self.buyers = buyers
        self._assortment = assortment
        self._row_of_person = np.full(people, NO_ID)
        self._row_of_person[buyers] = np.arange(count)
        shape = np.array([category.renewal_shape for category in MAIN_CATEGORIES])
        scale = np.array([category.renewal_years for category in MAIN_CATEGORIES]) * DAYS_PER_YEAR
        owned = np.array([category.owned for category in MAIN_CATEGORIES])
        self._shape, self._scale = shape, scale
        # What they own was bought elsewhere some time ago; the rest of its life is ahead.
        owns = rng.random((count, kinds)) < owned
        age = rng.random((count, kinds)) * scale
        life = scale * ((age / scale) ** shape + rng.exponential(size=(count, kinds))) ** (
            1 / shape
        )
        comes_to_us = owns & (rng.random((count, kinds)) < _FIRST_TIME_NEBRA)
        newcomer = rng.exponential(_NEWCOMER_YEARS * DAYS_PER_YEAR, (count, kinds)) / owned
        self.next_day: Floats = np.where(owns, np.where(comes_to_us, life - age, np.inf), newcomer)
        is_old = rng.random(count) < _HAS_ACCOUNT_SHARE
        day = np.where(is_old, -rng.integers(5, 1500, count) * 1.0, np.inf)
        origin = np.datetime64(config.start, "us")
        # Accounts opened before the history begins; the others open theirs with the first order.
        self.account_since: Times = draw_time_of_day(rng, at_days(origin, day), WEB_HOURS)
        self.bought: Integers = np.zeros(count, dtype=np.int64)
        self.last_day: Floats = np.full(count, np.nan)
        self.purchases = Pool(_PURCHASE_COLUMNS)

    def plan(self, window: Window, driven: Columns) -> tuple[Columns, pd.DataFrame]:
        """Return the purchases whose visits may begin in the slice, and their renewals.

        ``driven`` holds the purchases campaigns make happen in the slice.
        """
        rng = window.rng("electronics")
        horizon = window.end_day + LOOK_AHEAD_DAYS
        planned: list[Columns] = []
        renewals: list[pd.DataFrame] = []
        while True:
            row, category = np.nonzero(self.next_day < horizon)
            if not len(row):
                break
            day = np.maximum(self.next_day[row, category], window.first_day)
            at = self._moment(rng, window, day)
            planned.append(self._purchase(rng, row, category, at))
            renewals.append(self._renew(rng, window, row, category, at))
        planned.append(self._driven(rng, driven))
        columns = {name: np.concatenate([p[name] for p in planned]) for name in planned[0]}
        renewed = concatenate(RENEWALS, renewals)
        self._plan_accessories(rng, columns)
        return columns, renewed

    def take_purchases(self, window: Window) -> Columns:
        """Return the purchases of the slice, by time."""
        due = self.purchases.take_until(window.end)
        order = np.argsort(due["at"], kind="stable")
        due = {name: values[order] for name, values in due.items()}
        row = self._row_of_person[due["person"]]
        known = row >= 0
        np.add.at(self.bought, row[known], 1)
        self.last_day[row[known]] = window.day_numbers(due["at"])[known]
        return due

    def _moment(self, rng: np.random.Generator, window: Window, day: Floats) -> Times:
        """Turn a planned day into a moment; some wait for Black Friday."""
        at = window.at(day)
        friday = black_friday(at)
        wait = (friday - at) / DAY
        waits = (wait > 0) & (wait < _BLACK_FRIDAY_WAIT_DAYS)
        waits &= rng.random(len(day)) < _BLACK_FRIDAY_PULL
        moved = friday + rng.integers(-2, 4, len(day)) * DAY
        at = np.where(waits, moved, at)
        return draw_time_of_day(rng, at, WEB_HOURS)

    def _purchase(
        self, rng: np.random.Generator, row: Integers, category: Integers, at: Times
    ) -> Columns:
        count = len(row)
        return {
            "at": at,
            "person": self.buyers[row],
            "kind": np.full(count, MAIN),
            "category": category,
            "campaign": np.full(count, NO_ID),
            "clicked": np.full(count, False),
            "product": self._assortment.main(rng, category),
        }

    def _renew(
        self,
        rng: np.random.Generator,
        window: Window,
        row: Integers,
        category: Integers,
        at: Times,
    ) -> pd.DataFrame:
        """Plan the next purchase of the category; LOST_AT_RENEWAL never come back."""
        count = len(row)
        life = self._scale[category] * rng.weibull(self._shape[category])
        is_lost = rng.random(count) < LOST_AT_RENEWAL
        following = np.where(is_lost, np.inf, window.day_numbers(at) + np.maximum(life, 15.0))
        self.next_day[row, category] = following
        return RENEWALS.build(
            {
                "person_id": self.buyers[row],
                "line": constant("electronics", count),
                "category": categorical(category, MAIN_NAMES),
                "bought_at": at,
                "next_at": at_days(window.origin, following),
            }
        )

    def _driven(self, rng: np.random.Generator, driven: Columns) -> Columns:
        """Purchases made for a campaign: accessories, outside the renewal cycle.

        They fit what the campaign advertises where there are any.
        """
        count = len(driven["at"])
        fitting = _FITTING[driven["category"]]
        anything = rng.integers(0, len(ACCESSORY_CATEGORIES), count)
        category = np.where(fitting >= 0, fitting, anything)
        return {
            "at": driven["at"],
            "person": driven["person"],
            "kind": np.full(count, ACCESSORY),
            "category": category,
            "campaign": driven["campaign"],
            "clicked": driven["clicked"],
            "product": self._assortment.accessory(rng, category),
        }

    def _plan_accessories(self, rng: np.random.Generator, planned: Columns) -> None:
        """Attach accessories to main purchases: in the same order, later, and again and again."""
        attached = np.zeros(len(planned["at"]), dtype=np.int64)
        for number, accessory in enumerate(ACCESSORY_CATEGORIES):
            fits = (planned["kind"] == MAIN) & (
                planned["category"] == MAIN_NAMES.index(accessory.fits)
            )
            buys = fits & (rng.random(len(fits)) < accessory.attach_share)
            same = buys & (rng.random(len(fits)) < _SAME_ORDER_SHARE)
            attached[same] |= 1 << number
            later = np.flatnonzero(buys & ~same)
            wait = np.maximum(rng.exponential(_ACCESSORY_MEAN_DAYS, len(later)), 1.0)
            self._push_accessories(rng, planned, later, number, wait)
            if accessory.mean_days:
                self._push_consumables(rng, planned, fits, number)
        self.purchases.push(**planned, attached=attached)

    def _push_consumables(
        self,
        rng: np.random.Generator,
        planned: Columns,
        fits: Booleans,
        number: int,
    ) -> None:
        """Plan all repurchases of a consumable: regular gaps, ending at each with a chance."""
        accessory = ACCESSORY_CATEGORIES[number]
        rows = np.flatnonzero(fits)
        elapsed = np.zeros(len(rows))
        while len(rows):
            goes_on = rng.random(len(rows)) < CONSUMABLE_CONTINUES
            rows, elapsed = rows[goes_on], elapsed[goes_on]
            elapsed = elapsed + rng.gamma(
                accessory.regularity, accessory.mean_days / accessory.regularity, len(rows)
            )
            soon = elapsed < 5 * DAYS_PER_YEAR
            rows, elapsed = rows[soon], elapsed[soon]
            self._push_accessories(rng, planned, rows, number, elapsed)

    def _push_accessories(
        self,
        rng: np.random.Generator,
        planned: Columns,
        rows: Integers,
        number: int,
        wait_days: Floats,
    ) -> None:
        """Plan purchases of an accessory that fits the main products bought."""
        at = shifted(planned["at"][rows], np.ceil(wait_days), DAY)
        self.purchases.push(
            at=draw_time_of_day(rng, at, WEB_HOURS),
            person=planned["person"][rows],
            kind=ACCESSORY,
            category=number,
            campaign=NO_ID,
            clicked=False,
            attached=0,
            product=self._assortment.fitting(rng, number, planned["product"][rows]),
        )

    def latent(self, window: Window) -> pd.DataFrame:
        """Return states of the buyers (LATENT)."""
        count = len(self.buyers)
        following = self.next_day.min(axis=1)
        churned = ~np.isfinite(following)
        last = at_days(window.origin, self.last_day)
        nothing = np.full(count, np.nan)
        return LATENT.build(
            {
                "person_id": self.buyers,
                "line": constant("electronics", count),
                "joined_at": self.account_since,
                "purchase_rate_per_day": nothing,
                "regularity_k": nothing,
                "dropout_probability": np.full(count, LOST_AT_RENEWAL),
                "mean_spend": nothing,
                "archetype": constant(None, count),
                "purchases": self.bought,
                "last_purchase_at": last,
                "churned_at": np.where(churned, last, NEVER),
                "next_purchase_at": at_days(window.origin, following),
            }
        )


def black_friday(times: Times) -> Times:
    """Return the day after November's fourth Thursday of each time's year."""
    years = times.astype("datetime64[Y]")
    first = (years.astype("datetime64[M]") + 10).astype("datetime64[D]")
    weekday = (first.astype(np.int64) + 3) % 7
    thursday = first + ((3 - weekday) % 7).astype("timedelta64[D]") + 21
    friday: Times = (thursday + 1).astype("datetime64[us]")
    return friday
