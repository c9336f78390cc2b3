"""Who reacts to campaigns and how: planted uplift types, opening, clicking, dead addresses.

Traits and potential outcomes; sending is `campaigns`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from simulation.config import SimulationConfig
from simulation.frames import categorical
from simulation.population import Population
from simulation.population.contacts import SCANNED_DOMAIN
from simulation.randomness import Booleans, Floats, Integers, WeightedDraw, stream

UPLIFT_TYPES: Final = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
# Share of people by type, and their chances of buying within a week without and with a message.
UPLIFT_SHARES: Final = {
    "email": (0.22, 0.14, 0.54, 0.10),
    "sms": (0.18, 0.14, 0.54, 0.14),
}
P_CONTROL: Final = (0.010, 0.110, 0.004, 0.060)
P_TREATED: Final = (0.090, 0.112, 0.005, 0.020)
_SAME_TYPE_IN_BOTH_CHANNELS: Final = 0.5
_PERSONAL_DEVIATION: Final = 0.25

OPEN_A, OPEN_B = 2.0, 5.0
CLICK_A, CLICK_B = 1.2, 10.0
_MACHINE_OPENER_SHARE: Final = 0.33
_SCANNER_SHARE: Final = 0.02
_DEAD_ADDRESS_SHARE: Final = 0.025


@dataclass(frozen=True)
class Reactions:
    """Traits by person."""

    uplift_type: dict[str, Integers]
    personal_factor: Floats
    open_propensity: Floats
    click_propensity: Floats
    is_machine_opener: Booleans
    has_mail_scanner: Booleans
    is_address_dead: Booleans

    def outcomes(self, channel: str, people: Integers) -> tuple[Floats, Floats]:
        """Return the chances of buying without and with a message."""
        kind = self.uplift_type[channel][people]
        factor = self.personal_factor[people]
        return np.array(P_CONTROL)[kind] * factor, np.array(P_TREATED)[kind] * factor


def draw_reactions(config: SimulationConfig, population: Population) -> Reactions:
    """Return the traits of a population."""
    rng = stream(config.seed, "reactions")
    count = len(population.people)
    email_type = WeightedDraw(UPLIFT_SHARES["email"])(rng, count)
    sms_type = WeightedDraw(UPLIFT_SHARES["sms"])(rng, count)
    same = rng.random(count) < _SAME_TYPE_IN_BOTH_CHANNELS
    email = population.people["email"]
    scanned = email.str.endswith("@" + SCANNED_DOMAIN).fillna(False).to_numpy(dtype=bool)
    deviation = _PERSONAL_DEVIATION
    return Reactions(
        uplift_type={"email": email_type, "sms": np.where(same, email_type, sms_type)},
        personal_factor=rng.lognormal(-0.5 * deviation**2, deviation, count),
        open_propensity=rng.beta(OPEN_A, OPEN_B, count),
        click_propensity=rng.beta(CLICK_A, CLICK_B, count),
        is_machine_opener=rng.random(count) < _MACHINE_OPENER_SHARE,
        has_mail_scanner=scanned | (rng.random(count) < _SCANNER_SHARE),
        is_address_dead=rng.random(count) < _DEAD_ADDRESS_SHARE,
    )


def uplift_categorical(codes: Integers) -> pd.Categorical:
    """Return uplift types as labels."""
    return categorical(codes, UPLIFT_TYPES)
