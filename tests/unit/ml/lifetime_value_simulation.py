"""The three purchase processes played out customer by customer, for tests with a known truth.

Knows nothing of the closed forms under test: purchases and departures are drawn one by one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

LONGEST_HISTORY = 400


def simulate(
    model: str,
    parameters: Mapping[str, float],
    *,
    customers: int,
    observed_days: int,
    further_days: int,
    seed: int,
) -> pd.DataFrame:
    """
    Draw customers who all start at day 0 and return what was observed, and what came then.

    Returns
    -------
    pandas.DataFrame
        `frequency`, `age_at_last_purchase` and `age` in weeks (continuous), `is_alive`,
        `further_purchases` and `first_wait` (weeks to the next purchase, inf without one).
    """
    random = np.random.default_rng(seed)
    rate = random.gamma(parameters["r"], 1 / parameters["alpha"], customers)
    end, last = observed_days / 7, (observed_days + further_days) / 7
    leaves_at = np.full(customers, np.inf)
    p_leave = np.zeros(customers)
    if model == "pareto_nbd":
        leaving_rate = random.gamma(parameters["s"], 1 / parameters["beta"], customers)
        leaves_at = random.exponential(1 / leaving_rate)
    else:
        p_leave = random.beta(parameters["a"], parameters["b"], customers)
        if model == "mbg_nbd":
            leaves_at = np.where(random.random(customers) < p_leave, 0.0, np.inf)
    now = np.zeros(customers)
    frequency, age_at_last, further = (np.zeros(customers) for _ in range(3))
    first_wait = np.full(customers, np.inf)
    for _ in range(LONGEST_HISTORY):
        now = now + random.exponential(1 / rate)
        buys = now < np.minimum(leaves_at, last)
        if not buys.any():
            break
        seen, later = buys & (now <= end), buys & (now > end)
        frequency += seen
        age_at_last = np.where(seen, now, age_at_last)
        first_wait = np.where(later, np.minimum(first_wait, now - end), first_wait)
        further += later
        departs = buys & (random.random(customers) < p_leave)
        leaves_at = np.where(departs, np.minimum(leaves_at, now), leaves_at)
    return pd.DataFrame(
        {
            "frequency": frequency,
            "age_at_last_purchase": age_at_last,
            "age": end,
            "is_alive": leaves_at > end,
            "further_purchases": further,
            "first_wait": first_wait,
        }
    )
