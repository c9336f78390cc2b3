"""Web forms: newsletters, product registrations, test drives, surveys, competitions.

What people submit; double opt-in and audience follow from it in the engine.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.assortment import Assortment
from simulation.behaviour.browsing import Browsing
from simulation.behaviour.daytime import WEB_HOURS, draw_time_of_day
from simulation.behaviour.state import DAY, NEVER, Columns, Pool, StatefulProcess, Window, shifted
from simulation.catalogue.electronics import MAIN_NAMES
from simulation.frames import NO_ID, SUBMISSIONS, categorical
from simulation.population import Population
from simulation.population.national_ids import padded
from simulation.randomness import Floats, Integers, Times

FORM_TYPES: Final = ("newsletter", "product_registration", "test_drive", "survey", "competition")
NEWSLETTER, REGISTRATION, TEST_DRIVE, SURVEY, COMPETITION = range(len(FORM_TYPES))
_PAGES: Final = ("/newsletter", "/ayuda/registrar-producto", "/cita-prueba", "/encuesta", "/sorteo")
_PER_ADULT_A_YEAR: Final = {NEWSLETTER: 0.012, SURVEY: 0.010, COMPETITION: 0.018}
REGISTERED_SHARE: Final = 0.28
_BOUGHT_ELSEWHERE_A_YEAR: Final = 0.05
_CONFIRMED_SHARE: Final = 0.82
_ACCEPTS: Final = np.array([1.0, 0.45, 0.5, 0.35, 0.8])
_CHANNELS: Final = ("email", "sms", "phone", "post")
_POLICIES: Final = ("2023-1", "2025-1")
_POLICY_CHANGE: Final = np.datetime64("2025-02-01", "us")
INTERESTS: Final = (*MAIN_NAMES[:8], "recetas", "vino", "bebés", "mascotas", "deporte", "motor")


class Forms(StatefulProcess):
    """Registrations planned by purchase, and the numbering of submissions."""

    pools = ("registrations",)
    counters = ("next_submission",)

    def __init__(
        self,
        population: Population,
        assortment: Assortment,
        contents: pd.DataFrame,
        buyers: Integers,
    ) -> None:
        self._population = population
        self._assortment = assortment
        self._buyers = buyers
        paths = contents["path"].astype(str).to_numpy()
        self._pages = np.array([int(np.flatnonzero(paths == page)[0]) for page in _PAGES])
        self._writers = np.flatnonzero(population.is_adult & population.has_email)
        sizes = population.households.size
        self._household_size = sizes[population.households.household]
        self.next_submission = 1_000_001
        self.registrations = Pool(
            {
                "at": "datetime64[us]",
                "person": "int64",
                "product": "int64",
                "serial": "int64",
                "purchased": "datetime64[us]",
            }
        )

    def plan(self, window: Window, orders: pd.DataFrame, lines: pd.DataFrame) -> None:
        """Plan the registrations of the slice's main products."""
        rng = window.rng("registrations")
        main = np.flatnonzero(lines["serial_number"].notna().to_numpy())
        main = main[rng.random(len(main)) < REGISTERED_SHARE]
        row = np.searchsorted(orders["order_id"].to_numpy(), lines["order_id"].to_numpy()[main])
        purchased = orders["created_at"].to_numpy()[row]
        wait = np.ceil(rng.exponential(5.0, len(main)) + 1.5)
        day = shifted(purchased, wait, DAY)
        self.registrations.push(
            at=draw_time_of_day(rng, day, WEB_HOURS),
            person=orders["person_id"].to_numpy()[row],
            product=lines["product_id"].to_numpy()[main],
            serial=lines["serial_number"].str.slice(2).iloc[main].astype("int64").to_numpy(),
            purchased=purchased,
        )

    def advance(self, window: Window, leads: pd.DataFrame, browsing: Browsing) -> pd.DataFrame:
        """Return the submissions of a slice (SUBMISSIONS).

        ``leads`` are those opened in the slice by a test drive; ``browsing`` knows the devices.
        """
        rng = window.rng("forms")
        parts = [self._registrations(rng, window), _test_drives(leads)]
        parts.extend(self._others(rng, window, kind) for kind in _PER_ADULT_A_YEAR)
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        # Whoever has no e-mail can't fill in a form.
        kept = self._population.has_email[whole["person"]]
        order = np.argsort(whole["at"][kept], kind="stable")
        whole = {name: values[kept][order] for name, values in whole.items()}
        device = browsing.devices(
            window, whole["person"], whole["at"], rng.integers(0, 2, len(whole["at"]))
        )
        return SUBMISSIONS.build({**self._columns(rng, whole), "device_id": device})

    def _registrations(self, rng: np.random.Generator, window: Window) -> Columns:
        due = self.registrations.take_until(window.end)
        rate = _BOUGHT_ELSEWHERE_A_YEAR / 365.0 * window.days * len(self._buyers)
        count = rng.poisson(rate)
        day = window.start + rng.integers(0, window.days, count) * DAY
        at = draw_time_of_day(rng, day, WEB_HOURS)
        product = self._assortment.main(rng, rng.integers(0, len(MAIN_NAMES), count))
        total = len(due["at"]) + count
        return {
            "kind": np.full(total, REGISTRATION),
            "at": np.concatenate([due["at"], at]),
            "person": np.concatenate(
                [due["person"], self._buyers[rng.integers(0, len(self._buyers), count)]]
            ),
            "product": np.concatenate([due["product"], product]),
            "serial": np.concatenate([due["serial"], rng.integers(10**10, 10**11, count)]),
            "purchased": np.concatenate([due["purchased"], day - rng.integers(1, 40, count) * DAY]),
            "elsewhere": np.concatenate([np.full(len(due["at"]), False), np.full(count, True)]),
            "model": np.full(total, NO_ID),
            "dealer": np.full(total, NO_ID),
        }

    def _others(self, rng: np.random.Generator, window: Window, kind: int) -> Columns:
        rate = _PER_ADULT_A_YEAR[kind] / 365.0 * window.days
        count = rng.poisson(rate * len(self._writers))
        day = window.start + rng.integers(0, window.days, count) * DAY
        person = self._writers[rng.integers(0, len(self._writers), count)]
        return _plain(kind, draw_time_of_day(rng, day, WEB_HOURS), person)

    def _columns(self, rng: np.random.Generator, whole: Columns) -> dict[str, Any]:
        kind, person, at = whole["kind"], whole["person"], whole["at"]
        count = len(kind)
        attitude = self._population.privacy_attitude[person]
        email = rng.random(count) < np.clip(_ACCEPTS[kind] * (1.35 - 0.7 * attitude), 0.0, 1.0)
        email |= kind == NEWSLETTER
        sms = email & self._population.has_mobile[person] & (rng.random(count) < 0.3)
        confirmed = rng.random(count) < _CONFIRMED_SHARE
        is_survey = kind == SURVEY
        serial = "NB" + padded(np.maximum(whole["serial"], 0), 11)
        return {
            "submission_id": self.numbers("next_submission", count),
            "person_id": person,
            "form_type": categorical(kind, FORM_TYPES),
            "submitted_at": at,
            "content_id": self._pages[kind],
            "product_id": whole["product"],
            "serial_number": serial.where(pd.Series(kind == REGISTRATION)).array,
            "purchased_on": whole["purchased"].astype("datetime64[D]").astype("datetime64[us]"),
            "is_bought_elsewhere": whole["elsewhere"],
            "model_id": whole["model"],
            "dealer_id": whole["dealer"],
            "nps": np.where(is_survey, _nps(rng, count), NO_ID),
            "interests": _interests(rng, is_survey),
            "preferred_channel": categorical(
                np.where(is_survey, rng.choice(4, count, p=(0.55, 0.2, 0.15, 0.1)), NO_ID),
                _CHANNELS,
            ),
            "household_size": np.where(is_survey, self._household_size[person], NO_ID),
            "has_pets": is_survey & (rng.random(count) < 0.4),
            "accepts_email": email,
            "accepts_sms": sms,
            "double_opt_in": categorical(
                np.where(email, (~confirmed).astype(np.int8), NO_ID),
                ["confirmed", "pending"],
            ),
            "policy_version": policy_versions(at),
        }


def policy_versions(at: Times) -> pd.Categorical:
    """Return the privacy policy in force."""
    return categorical((at >= _POLICY_CHANGE).astype(np.int8), _POLICIES)


def _plain(kind: int, at: Times, person: Integers) -> Columns:
    count = len(at)
    nothing = np.full(count, NO_ID)
    return {
        "kind": np.full(count, kind),
        "at": at,
        "person": person,
        "product": nothing,
        "serial": nothing,
        "purchased": np.full(count, NEVER),
        "elsewhere": np.full(count, False),
        "model": nothing,
        "dealer": nothing,
    }


def _test_drives(leads: pd.DataFrame) -> Columns:
    rows = _plain(TEST_DRIVE, leads["created_at"].to_numpy(), leads["person_id"].to_numpy())
    return {
        **rows,
        "model": leads["model_id"].to_numpy(),
        "dealer": leads["dealer_id"].to_numpy(),
    }


def _nps(rng: np.random.Generator, count: int) -> Integers:
    return np.clip(np.round(rng.normal(7.6, 2.2, count)), 0, 10).astype(np.int64)


def _interests(rng: np.random.Generator, is_survey: Floats) -> list[str | None]:
    """Return one to four interests of whoever answers a survey."""
    texts: list[str | None] = [None] * len(is_survey)
    for row in np.flatnonzero(is_survey):
        chosen = rng.choice(len(INTERESTS), int(rng.integers(1, 5)), replace=False)
        texts[row] = "|".join(INTERESTS[place] for place in sorted(chosen))
    return texts
