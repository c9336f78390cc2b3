"""The purchase-probability x churn-risk grid: nine names, every customer in exactly one.

Thresholds are configuration (`config.SegmentThresholds`); RFM segments are SQL, not here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.lifetime_value.config import SegmentThresholds
from ml.lifetime_value.sufficient_statistics import FloatArray

# Rows: churn risk low, medium, high. Columns: purchase probability low, medium, high. With the
# default cuts `last_chance` stays empty, since who has probably left can't probably buy.
SEGMENT_GRID = (
    ("slow_but_loyal", "steady", "about_to_buy"),
    ("fading", "wavering", "active_at_risk"),
    ("probably_lost", "slipping_away", "last_chance"),
)


def purchase_churn_segment(
    p_purchase_90d: FloatArray, churn_risk: FloatArray, thresholds: SegmentThresholds
) -> pd.Series[str]:
    """Return the name of each customer's cell; a value on a cut belongs to the cell above it."""
    names = np.array(SEGMENT_GRID, dtype=object)
    risk_cuts = [thresholds.medium_churn_risk, thresholds.high_churn_risk]
    purchase_cuts = [
        thresholds.medium_purchase_probability,
        thresholds.high_purchase_probability,
    ]
    row = np.searchsorted(risk_cuts, churn_risk, side="right")
    column = np.searchsorted(purchase_cuts, p_purchase_90d, side="right")
    return pd.Series(names[row, column], dtype="string")
