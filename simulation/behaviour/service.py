"""Questions after buying: topics whose hazard peaks a planted number of days after purchase.

The topics and their peaks are `catalogue.electronics`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.daytime import OFFICE_HOURS, draw_time_of_day
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
from simulation.catalogue.electronics import (
    COMMON_TOPICS,
    MAIN_CATEGORIES,
    TOPIC_SHAPE,
    TOPICS,
    Topic,
)
from simulation.frames import CASES, NO_ID, SERVICE_QUESTIONS, categorical
from simulation.population import Population
from simulation.randomness import Integers, Times, WeightedDraw

_CHANNELS: Final = ("phone", "email", "chat", "whatsapp", "store")
_CHANNEL_WEIGHTS: Final = (0.46, 0.27, 0.14, 0.10, 0.03)
_AGENTS: Final = 24
_RATED_SHARE: Final = 0.35
_OPEN_SHARE: Final = 0.04
_GENERAL_PER_MEMBER_A_YEAR: Final = 0.01
_ALL_TOPICS: Final[tuple[tuple[str, Topic], ...]] = tuple(
    (category.name, topic)
    for category in MAIN_CATEGORIES
    for topic in (*COMMON_TOPICS, *TOPICS.get(category.name, ()))
)
_GENERAL: Final = Topic("Consulta general", ("Horario de tiendas", "Factura", "Tarjeta"), 0.0, 0.0)
_TOPIC_NAMES: Final = tuple(dict.fromkeys([*(t.name for _, t in _ALL_TOPICS), _GENERAL.name]))
_SUBTOPICS: Final = tuple(
    dict.fromkeys(
        [*(sub for _, topic in _ALL_TOPICS for sub in topic.subtopics), *_GENERAL.subtopics]
    )
)


def service_questions() -> pd.DataFrame:
    """Return the planted topics (SERVICE_QUESTIONS)."""
    return SERVICE_QUESTIONS.build(
        {
            "category": [category for category, _ in _ALL_TOPICS],
            "topic": [topic.name for _, topic in _ALL_TOPICS],
            "questions_per_purchase": [topic.questions_per_purchase for _, topic in _ALL_TOPICS],
            "peak_days": [topic.peak_days for _, topic in _ALL_TOPICS],
            "shape": [TOPIC_SHAPE] * len(_ALL_TOPICS),
        }
    )


class Service(StatefulProcess):
    """Questions planned by purchase."""

    pools = ("planned",)
    counters = ("next_case",)

    def __init__(self, population: Population, products: pd.DataFrame) -> None:
        self._has_mobile = population.has_mobile
        self._category = products["category"].astype(str).to_numpy()
        self._titles = products["title"].astype(object).to_numpy()
        self.next_case = 900_001
        self.planned = Pool(
            {
                "at": "datetime64[us]",
                "person": "int64",
                "product": "int64",
                "order": "int64",
                "line": "int64",
                "serial": "int64",
                "purchased": "datetime64[us]",
                "topic": "int64",
                "subtopic": "int64",
            }
        )

    def plan(self, window: Window, orders: pd.DataFrame, lines: pd.DataFrame) -> None:
        """Plan the questions that the slice's purchases will raise."""
        rng = window.rng("questions")
        main = np.flatnonzero(lines["serial_number"].notna().to_numpy())
        product = lines["product_id"].to_numpy()[main]
        order = lines["order_id"].to_numpy()[main]
        row = np.searchsorted(orders["order_id"].to_numpy(), order)
        person = orders["person_id"].to_numpy()[row]
        purchased = orders["created_at"].to_numpy()[row]
        serial = lines["serial_number"].str.slice(2).iloc[main].astype("int64").to_numpy()
        category = self._category[product]
        for name, topic in _ALL_TOPICS:
            asks = np.flatnonzero(
                (category == name) & (rng.random(len(product)) < topic.questions_per_purchase)
            )
            days = rng.gamma(TOPIC_SHAPE, topic.peak_days / (TOPIC_SHAPE - 1.0), len(asks))
            at = shifted(purchased[asks], np.maximum(days, 0.05) * 86_400, SECOND)
            self.planned.push(
                at=np.maximum(_in_office(rng, at), purchased[asks] + 1800 * SECOND),
                person=person[asks],
                product=product[asks],
                order=order[asks],
                line=0,
                serial=serial[asks],
                purchased=purchased[asks],
                topic=_TOPIC_NAMES.index(topic.name),
                subtopic=_subtopics(rng, topic, len(asks)),
            )

    def advance(self, window: Window, members: Integers) -> pd.DataFrame:
        """Return the cases of a slice (CASES)."""
        rng = window.rng("cases")
        due = self.planned.take_until(window.end)
        general = self._general(rng, window, members)
        due = {name: np.concatenate([due[name], general[name]]) for name in due}
        sorting = np.argsort(due["at"], kind="stable")
        due = {name: values[sorting] for name, values in due.items()}
        count = len(sorting)
        hours = rng.lognormal(2.2, 1.3, count)
        closed = due["at"] + np.round(hours * 3600).astype(np.int64) * SECOND
        closed = np.where(rng.random(count) < _OPEN_SHARE, NEVER, closed)
        # The longer it takes, the less they like it.
        mood = 4.6 - 0.55 * np.log1p(hours / 6.0) + rng.normal(0.0, 0.9, count)
        rated = ~np.isnat(closed) & (rng.random(count) < _RATED_SHARE)
        serial = pd.Series(due["serial"]).astype("string[pyarrow]").str.zfill(11)
        return CASES.build(
            {
                "case_id": self.numbers("next_case", count),
                "person_id": due["person"],
                "opened_at": due["at"],
                "closed_at": closed,
                "channel": categorical(WeightedDraw(_CHANNEL_WEIGHTS)(rng, count), _CHANNELS),
                "product_id": due["product"],
                "order_id": due["order"],
                "serial_number": ("NB" + serial).where(pd.Series(due["product"] >= 0)).array,
                "purchased_at": due["purchased"],
                "topic": categorical(due["topic"], _TOPIC_NAMES),
                "subtopic": categorical(due["subtopic"], _SUBTOPICS),
                "satisfaction": np.where(rated, np.clip(np.round(mood), 1, 5), NO_ID),
                "agent": rng.integers(1, _AGENTS + 1, count),
                "description": self._descriptions(due),
            }
        )

    def _general(self, rng: np.random.Generator, window: Window, members: Integers) -> Columns:
        count = rng.poisson(_GENERAL_PER_MEMBER_A_YEAR / 365.0 * window.days * len(members))
        count = count if len(members) else 0
        day = window.start + rng.integers(0, window.days, count) * DAY
        nothing = np.full(count, NO_ID)
        return {
            "at": draw_time_of_day(rng, day, OFFICE_HOURS),
            "person": members[rng.integers(0, max(len(members), 1), count)],
            "product": nothing,
            "order": nothing,
            "line": nothing,
            "serial": nothing,
            "purchased": np.full(count, NEVER),
            "topic": np.full(count, _TOPIC_NAMES.index(_GENERAL.name)),
            "subtopic": _subtopics(rng, _GENERAL, count),
        }

    def _descriptions(self, due: Columns) -> list[str]:
        texts = []
        for subtopic, product in zip(due["subtopic"], due["product"], strict=True):
            about = f" ({self._titles[product]})" if product >= 0 else ""
            texts.append(f"El cliente consulta: {_SUBTOPICS[subtopic].lower()}{about}.")
        return texts


def _subtopics(rng: np.random.Generator, topic: Topic, count: int) -> Integers:
    codes = np.array([_SUBTOPICS.index(name) for name in topic.subtopics])
    return codes[rng.integers(0, len(codes), count)]


def _in_office(rng: np.random.Generator, at: Times) -> Times:
    """Keep the day, move the hour into the opening times."""
    return draw_time_of_day(rng, at, OFFICE_HOURS)
