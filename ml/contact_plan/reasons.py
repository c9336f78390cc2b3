"""The reason codes of the decision ledger, their order and what they mean in plain words.

Belongs here: codes and how several make one text. Does not: the rules that set them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_REACHABLE_CHANNEL: Final = "no_reachable_channel"
OUTSIDE_VALIDITY_WINDOW: Final = "outside_validity_window"
BRAND_NO_DISCOUNT: Final = "brand_no_discount_for_best_customers"
PLAY_COOLDOWN: Final = "play_cooldown"
VALUE_UNKNOWN: Final = "value_unknown"
VALUE_BELOW_COST: Final = "value_below_cost"
UNIVERSAL_HOLDOUT: Final = "universal_holdout"
PLAY_HOLDOUT: Final = "play_holdout"
LOWER_VALUE: Final = "lower_value_than_selected"
FREQUENCY_CAP_1D: Final = "frequency_cap_1d"
FREQUENCY_CAP_7D: Final = "frequency_cap_7d"
FREQUENCY_CAP_30D: Final = "frequency_cap_30d"
CHANNEL_CAPACITY: Final = "channel_capacity"
SELECTED: Final = "selected"

SUPPRESSION_REASONS: Final = (
    NO_REACHABLE_CHANNEL,
    OUTSIDE_VALIDITY_WINDOW,
    BRAND_NO_DISCOUNT,
    PLAY_COOLDOWN,
    VALUE_UNKNOWN,
    VALUE_BELOW_COST,
)
DEFERRAL_REASONS: Final = (
    LOWER_VALUE,
    FREQUENCY_CAP_1D,
    FREQUENCY_CAP_7D,
    FREQUENCY_CAP_30D,
    CHANNEL_CAPACITY,
)
# What can happen to a candidate that no suppression rule stopped.
DECISION_REASONS: Final = (UNIVERSAL_HOLDOUT, PLAY_HOLDOUT, SELECTED, *DEFERRAL_REASONS)

EXPLANATIONS: Final[Mapping[str, str]] = {
    NO_REACHABLE_CHANNEL: "The customer has no contact point for any channel of the play.",
    OUTSIDE_VALIDITY_WINDOW: "The play is not due yet, or would arrive after it has expired.",
    BRAND_NO_DISCOUNT: "The best customers get exclusivity, never a discount.",
    PLAY_COOLDOWN: "The customer got this play too short a time ago.",
    VALUE_UNKNOWN: "The play gives no expected order value for this customer.",
    VALUE_BELOW_COST: "The contact would cost as much as it is expected to earn, or more.",
    UNIVERSAL_HOLDOUT: "The customer is in the control group that no play contacts.",
    PLAY_HOLDOUT: "The customer is in the control group of this play.",
    LOWER_VALUE: "Another contact on this day is worth more.",
    FREQUENCY_CAP_1D: "An earlier plan already has the contacts that are allowed that day.",
    FREQUENCY_CAP_7D: "The customer has had the contacts that are allowed in 7 days.",
    FREQUENCY_CAP_30D: "The customer has had the contacts that are allowed in 30 days.",
    CHANNEL_CAPACITY: "The channel is full that day with contacts that are worth more.",
    SELECTED: "The contact is in the plan.",
}


def combine_reasons(
    codes: Sequence[str], flags: Mapping[str, NDArray[np.bool_]], rows: int
) -> NDArray[np.object_]:
    """Write the codes that apply to each row, comma separated and in the order of `codes`.

    Parameters
    ----------
    codes
        Codes in order of precedence, at most 60.
    flags
        For each code, whether it applies to a row. Codes without flags apply to no row.
    rows
        Number of rows, also when there are no flags.

    Returns
    -------
    numpy.ndarray
        One text a row, empty where no code applies.
    """
    # One integer a row instead of texts: few combinations occur, so texts are made once for each.
    bits = np.zeros(rows, dtype=np.int64)
    for position, code in enumerate(codes):
        if code in flags:
            bits |= flags[code].astype(np.int64) << position
    distinct, inverse = np.unique(bits, return_inverse=True)
    texts = np.empty(len(distinct), dtype=object)
    for index, pattern in enumerate(distinct.tolist()):
        texts[index] = ",".join(code for i, code in enumerate(codes) if pattern >> i & 1)
    combined: NDArray[np.object_] = texts[inverse]
    return combined
