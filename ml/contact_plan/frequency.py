"""How many more contacts each customer may get, counting the contacts already made.

Belongs here: caps over calendar days. Does not: cool-downs of single plays (`eligibility`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.contact_plan import reasons
from ml.contact_plan.inputs import PlanContext


def cap_windows(context: PlanContext) -> dict[str, tuple[int, int]]:
    """Give for each cap's reason code its number of days and its number of contacts."""
    policy = context.policy
    return {
        reasons.FREQUENCY_CAP_1D: (1, policy.max_contacts_per_day),
        reasons.FREQUENCY_CAP_7D: (7, policy.max_contacts_per_7d),
        reasons.FREQUENCY_CAP_30D: (30, policy.max_contacts_per_30d),
    }


def remaining_contacts(context: PlanContext) -> dict[str, NDArray[np.int64]]:
    """Count for each cap how many contacts every customer may still get, never below zero.

    A window of n days ends with the day of sending and includes it.
    """
    sent_day = context.history["sent_day"].to_numpy().astype("datetime64[D]")
    customer = context.history["customer_position"].to_numpy(dtype=np.int64)
    remaining = {}
    for code, (days, cap) in cap_windows(context).items():
        is_inside = sent_day > context.send_day - np.timedelta64(days, "D")
        used = np.bincount(customer[is_inside], minlength=len(context.customers))
        remaining[code] = np.maximum(cap - used, 0)
    return remaining
