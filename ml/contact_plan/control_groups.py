"""Which eligible candidates are held back for a control group.

Belongs here: applying both kinds of holdout to candidates. Does not: the hash (`holdout`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.contact_plan.holdout import in_play_holdout, in_universal_holdout
from ml.contact_plan.inputs import PlanContext


def find_controls(
    candidates: pd.DataFrame, is_eligible: NDArray[np.bool_], context: PlanContext
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which eligible candidates are in the universal and which in a play's control group.

    The universal holdout comes first: its members are in no play's group, so that each group is
    compared with customers who could have been contacted.

    Returns
    -------
    tuple
        Flags for the universal group and flags for the play's group, one a candidate.
    """
    ids = context.customers["customer_id"].to_numpy()
    customer = candidates["customer_position"].to_numpy()
    play = candidates["play_position"].to_numpy()
    policy, key = context.policy, context.holdout_key

    asked = np.unique(customer[is_eligible])
    is_member = np.zeros(len(ids), dtype=bool)
    is_member[asked] = in_universal_holdout(ids[asked], policy.universal_holdout_share, key)
    is_universal = is_eligible & is_member[customer]

    is_play = np.zeros(len(candidates), dtype=bool)
    remaining = is_eligible & ~is_universal
    for position, definition in enumerate(context.plays):
        rows = np.flatnonzero(remaining & (play == position))
        share = policy.play_holdout_share
        is_play[rows] = in_play_holdout(definition.name, ids[customer[rows]], share, key)
    return is_universal, is_play
