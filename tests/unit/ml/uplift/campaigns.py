"""Made campaigns with a known effect, for the tests of uplift."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.uplift import UpliftConfig

FAST = UpliftConfig(
    learners=("ensemble", "t_linear", "dr_linear"),
    outer_folds=2,
    inner_folds=2,
    bootstrap_samples=60,
    randomisation_permutations=19,
    randomisation_customers=2_000,
)
FEATURES = ["visits", "channel", "age", "mails"]


def campaign(rows: int, seed: int, *, moved: float = 0.0, drawn_by: str = "lot") -> pd.DataFrame:
    """Return customers, half of them treated.

    Those with few visits are moved, those on the web harmed; those with many visits buy most, moved
    or not. `moved` is the largest effect on the chance of buying; `drawn_by` "visits" treats frequent
    visitors.
    """
    rng = np.random.default_rng(seed)
    visits = rng.integers(0, 12, rows)
    channel = rng.choice(["web", "shop", "phone"], rows)
    age = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(45, 12, rows).round())
    chance = 1 / (1 + np.exp(-(visits - 6) / 3)) if drawn_by == "visits" else np.full(rows, 0.5)
    treated = rng.random(rows) < chance
    effect = moved * np.where(channel == "web", -0.5, np.where(visits < 6, 1.0, 0.1))
    bought = rng.random(rows) < 0.15 + 0.25 * visits / 12 + effect * treated
    return pd.DataFrame(
        {
            "visits": visits,
            "channel": channel,
            "age": age,
            "mails": rng.poisson(3, rows),
            "arm": np.where(treated, "Letter", "No letter"),
            "bought": bought.astype(int),
            "true_effect": effect,
        }
    )
