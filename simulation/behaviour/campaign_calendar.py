"""Which campaigns go out on which day, about what.

The calendar and texts only; audiences and reactions are `campaigns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.state import Window
from simulation.catalogue.electronics import MAIN_NAMES
from simulation.catalogue.grocery_categories import CATEGORY_NAMES
from simulation.randomness import stream

TUESDAY, WEDNESDAY, THURSDAY = 1, 2, 3
LINES: Final = ("groceries", "electronics", "cars")
SYSTEM_OF_LINE: Final = {"groceries": "erp", "electronics": "ecommerce", "cars": "dms"}
THEMES: Final[dict[str, tuple[str, ...]]] = {
    "groceries": CATEGORY_NAMES,
    "electronics": MAIN_NAMES,
    "cars": ("Revisión", "Neumáticos", "Aire acondicionado", "Frenos", "ITV"),
}
_OFFERS: Final = ("none", "discount", "points", "gift")
_SMS_DAYS: Final = {8: "groceries", 15: "electronics", 22: "cars"}


@dataclass(frozen=True)
class PlannedCampaign:
    """A campaign of the calendar."""

    sent_at: np.datetime64
    channel: str
    line: str
    category: str
    category_number: int  # in the line's catalogue
    offer: str
    discount_share: float
    title: str
    subject: str


def campaigns_of(window: Window) -> Iterator[PlannedCampaign]:
    """Yield the campaigns of a slice, in the order of sending."""
    for day in window.each_day():
        date = pd.Timestamp(day)
        rng = stream(window.seed, "campaign calendar", int(day.astype("datetime64[D]").astype(int)))
        if date.weekday() == TUESDAY:
            yield _planned(rng, date, "email", "groceries", hour=10)
        if date.weekday() == THURSDAY:
            yield _planned(rng, date, "email", "electronics", hour=18)
        if date.weekday() == WEDNESDAY and date.day <= 7:
            yield _planned(rng, date, "email", "cars", hour=12)
        if date.day in _SMS_DAYS:
            yield _planned(rng, date, "sms", _SMS_DAYS[date.day], hour=11)


def _planned(
    rng: np.random.Generator, date: pd.Timestamp, channel: str, line: str, hour: int
) -> PlannedCampaign:
    themes = THEMES[line]
    number = int(rng.integers(0, len(themes)))
    category = themes[number]
    offer = _OFFERS[int(rng.choice(4, p=(0.25, 0.45, 0.2, 0.1)))]
    share = float(rng.choice((0.10, 0.15, 0.20))) if offer == "discount" else 0.0
    name = {"email": "Correo", "sms": "SMS"}[channel]
    text = f"-{share:.0%} en {category}" if share else f"{category}: lo nuevo"
    return PlannedCampaign(
        sent_at=(date + pd.Timedelta(hours=hour)).to_datetime64().astype("datetime64[us]"),
        channel=channel,
        line=line,
        category=category,
        category_number=number,
        offer=offer,
        discount_share=share,
        title=f"{date:%Y%m%d} {name} {line} {category}",
        subject=text.replace("%", " %"),
    )
