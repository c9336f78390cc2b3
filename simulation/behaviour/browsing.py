"""Visits to the electronics web: before buying, to buy, from mailings, and just so.

Which visits there are and their traits; the events within a visit are `page_flow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.daytime import WEB_HOURS, draw_time_of_day
from simulation.behaviour.electronics import LOOK_AHEAD_DAYS, MAIN
from simulation.behaviour.state import (
    DAY,
    NEVER,
    SECOND,
    Columns,
    Pool,
    StatefulProcess,
    Window,
    shifted,
)
from simulation.catalogue.electronics import MAIN_CATEGORIES
from simulation.config import SimulationConfig
from simulation.frames import NO_ID, WEB_SESSIONS, categorical
from simulation.population import Population
from simulation.randomness import Booleans, Integers, Times, WeightedDraw, stream

VISITS_BEFORE_PURCHASE: Final = 2.2
MEAN_LEAD_DAYS: Final = 7.0
_LOGGED_IN_SHARE: Final = 0.35
_COOKIE_DAYS: Final = 400
_OUTSIDE_DEVICE: Final = 10**13
_DEVICES: Final = ("mobile", "desktop", "tablet")
_SYSTEMS: Final = ("Android", "iOS", "Windows", "Macintosh")
_BROWSERS: Final = ("Chrome", "Safari", "Edge", "Firefox")
_CHANNELS: Final = (
    ("google", "organic", 0.40),
    ("(direct)", "(none)", 0.24),
    ("google", "cpc", 0.17),
    ("instagram", "social", 0.08),
    ("facebook", "social", 0.05),
    ("comparador", "referral", 0.06),
    ("mailing", "email", 0.0),
    ("mailing", "sms", 0.0),
)
_MAILING: Final = 6
_SOURCES: Final = ("google", "(direct)", "instagram", "facebook", "comparador", "mailing")
_MEDIA: Final = ("organic", "(none)", "cpc", "social", "referral", "email", "sms")


@dataclass(frozen=True)
class Visits:
    """The visits of a slice; ``purchase`` is the row of the purchase made, else NO_ID."""

    session: Integers
    device: Integers
    person: Integers
    at: Times
    category: Integers
    purchase: Integers
    campaign: Integers
    channel: Integers
    is_logged_in: Booleans

    def sources(self) -> tuple[pd.Categorical, pd.Categorical]:
        """Return source and medium as labels."""
        source = np.array([_SOURCES.index(name) for name, _, _ in _CHANNELS])[self.channel]
        medium = np.array([_MEDIA.index(name) for _, name, _ in _CHANNELS])[self.channel]
        return (
            categorical(source, _SOURCES),
            categorical(medium, _MEDIA),
        )


class Browsing(StatefulProcess):
    """Planned visits and the numbering of sessions."""

    pools = ("planned",)
    counters = ("next_session", "next_outsider")

    def __init__(self, config: SimulationConfig, population: Population, buyers: Integers) -> None:
        rng = stream(config.seed, "devices")
        self._config = config
        self._buyers = buyers
        people = len(population.people)
        self._phase = rng.integers(0, _COOKIE_DAYS, people)
        self._apple = rng.random(people) < 0.3
        self._people = population.people
        self.next_session = 1_000_000_001
        self.next_outsider = _OUTSIDE_DEVICE
        self.planned = Pool({"at": "datetime64[us]", "person": "int64", "category": "int64"})

    def plan(self, window: Window, purchases: Columns) -> None:
        """Plan the visits that lead to purchases of main products."""
        rng = window.rng("visits before purchases")
        main = np.flatnonzero(purchases["kind"] == MAIN)
        source = np.repeat(main, rng.poisson(VISITS_BEFORE_PURCHASE, len(main)))
        lead = np.minimum(rng.exponential(MEAN_LEAD_DAYS, len(source)), LOOK_AHEAD_DAYS - 1.0)
        before = shifted(purchases["at"][source], -np.ceil(lead), DAY)
        at = draw_time_of_day(rng, before, WEB_HOURS)
        kept = np.flatnonzero(at >= window.start)
        self.planned.push(
            at=at[kept],
            person=purchases["person"][source[kept]],
            category=purchases["category"][source[kept]],
        )

    def visits(self, window: Window, purchases: Columns, clicks: Columns) -> Visits:
        """Return the visits of a slice: planned ones, purchases, clicks and idle ones."""
        rng = window.rng("browsing")
        due = self.planned.take_until(window.end)
        idle = self._idle(rng, window)
        outside = self._outside(
            rng, window, len(due["at"]) + len(purchases["at"]) + len(idle["at"])
        )
        bought = purchases["at"]
        parts: list[tuple[Any, ...]] = [
            (due["at"], due["person"], due["category"], NO_ID, NO_ID),
            (
                bought,
                purchases["person"],
                np.where(purchases["kind"] == MAIN, purchases["category"], NO_ID),
                np.arange(len(bought)),
                np.where(purchases["clicked"], purchases["campaign"], NO_ID),
            ),
            (clicks["at"], clicks["person"], NO_ID, NO_ID, clicks["campaign"]),
            (idle["at"], idle["person"], idle["category"], NO_ID, NO_ID),
            (outside["at"], NO_ID, outside["category"], NO_ID, NO_ID),
        ]
        at = np.concatenate([part[0] for part in parts])
        person, category, purchase, campaign = (
            np.concatenate([np.broadcast_to(part[place], len(part[0])) for part in parts])
            for place in range(1, 5)
        )
        return self._traits(rng, window, at, person, category, purchase, campaign)

    def _idle(self, rng: np.random.Generator, window: Window) -> Columns:
        rate = self._config.browsing_sessions_per_year / 365.0 * window.days
        count = rng.poisson(rate * len(self._buyers))
        day = window.start + rng.integers(0, window.days, count) * DAY
        return {
            "at": draw_time_of_day(rng, day, WEB_HOURS),
            "person": self._buyers[rng.integers(0, len(self._buyers), count)],
            "category": rng.integers(NO_ID, len(MAIN_CATEGORIES), count),
        }

    def _outside(self, rng: np.random.Generator, window: Window, inside: int) -> Columns:
        share = self._config.outside_session_share
        count = rng.poisson(inside * share / (1.0 - share))
        day = window.start + rng.integers(0, window.days, count) * DAY
        return {
            "at": draw_time_of_day(rng, day, WEB_HOURS),
            "category": rng.integers(NO_ID, len(MAIN_CATEGORIES), count),
        }

    def _traits(
        self,
        rng: np.random.Generator,
        window: Window,
        at: Times,
        person: Integers,
        category: Integers,
        purchase: Integers,
        campaign: Integers,
    ) -> Visits:
        count = len(at)
        kind = WeightedDraw((0.62, 0.31, 0.07))(rng, count)
        known = person >= 0
        device = np.where(known, self.devices(window, person, at, kind), 0)
        strangers = np.flatnonzero(~known)
        outsider = self.numbers("next_outsider", len(strangers)) * 4 + kind[strangers]
        device[strangers] = outsider
        channel = WeightedDraw([weight for *_, weight in _CHANNELS])(rng, count)
        logged_in = known & ((purchase >= 0) | (rng.random(count) < _LOGGED_IN_SHARE))
        return Visits(
            session=self.numbers("next_session", count),
            device=device,
            person=person,
            at=at,
            category=category,
            purchase=purchase,
            campaign=campaign,
            channel=np.where(campaign >= 0, _MAILING, channel),
            is_logged_in=logged_in,
        )

    def devices(self, window: Window, person: Integers, at: Times, kind: Any) -> Integers:  # noqa: ANN401
        """Return people's devices of a kind; browsers forget who they are once in a while."""
        day = window.day_numbers(at).astype(np.int64)
        epoch = (day + self._phase[person]) // _COOKIE_DAYS
        devices: Integers = person * 256 + epoch * 4 + kind
        return devices

    def form_visits(self, window: Window, person: Integers, at: Times, device: Integers) -> Visits:
        """Return the visits in which forms were sent."""
        rng = window.rng("form visits")
        count = len(at)
        nothing = np.full(count, NO_ID)
        return Visits(
            session=self.numbers("next_session", count),
            device=device,
            person=person,
            at=shifted(at, -rng.integers(60, 600, count), SECOND),
            category=nothing,
            purchase=nothing,
            campaign=nothing,
            channel=WeightedDraw([weight for *_, weight in _CHANNELS])(rng, count),
            is_logged_in=np.full(count, False),
        )

    def sessions(self, visits: Visits, member_since: Times) -> pd.DataFrame:
        """Return the frame of visits (WEB_SESSIONS)."""
        count = len(visits.at)
        kind = visits.device % 4
        known = visits.person >= 0
        apple = np.where(known, self._apple[visits.person], visits.device // 4 % 10 < 3)
        system = np.where(kind == 1, np.where(apple, 3, 2), np.where(apple, 1, 0))
        browser = np.where(apple, 1, np.where(kind == 1, visits.device // 16 % 4, 0))
        source, medium = visits.sources()
        since = np.where(known, member_since[visits.person], NEVER)
        provinces = self._people["province_code"].array
        towns = self._people["municipality_name"].array
        # Strangers live where people of the market do.
        place = np.where(known, visits.person, visits.device % len(self._people))
        return (
            WEB_SESSIONS.build(
                {
                    "session_id": visits.session,
                    "device_id": visits.device,
                    "person_id": visits.person,
                    "is_logged_in": visits.is_logged_in
                    & ((since <= visits.at) | (visits.purchase >= 0)),
                    "started_at": visits.at,
                    "device_category": categorical(kind, _DEVICES),
                    "operating_system": categorical(system, _SYSTEMS),
                    "browser": categorical(browser, _BROWSERS),
                    "source": source,
                    "medium": medium,
                    "campaign_id": visits.campaign,
                    "province_code": provinces.take(place),
                    "municipality_name": towns.take(place),
                }
            )
            if count
            else WEB_SESSIONS.empty()
        )
