"""Calibration bins: whether customers promised two purchases make two on average.

Binning only; drawing the picture belongs to the dashboard and the Dagster metadata.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ml.evaluation.metrics import comparable_pair

CALIBRATION_BINS = 10


def calibration_bins(predicted: ArrayLike, observed: ArrayLike) -> pd.DataFrame:
    """
    Compare mean prediction and mean observation in deciles of the prediction.

    Customers with equal predictions share the bin of their middle rank, so the result does not
    depend on the order of rows; a large tie leaves neighbouring bins out rather than split itself.

    Returns
    -------
    pandas.DataFrame
        `bin` (1 = lowest predictions .. 10), `customers`, `predicted_mean`, `observed_mean`.
    """
    left, right = comparable_pair(predicted, observed)
    middle_rank = pd.Series(left).rank(method="average").to_numpy()
    decile = np.floor((middle_rank - 0.5) * CALIBRATION_BINS / left.size).astype(np.int64) + 1
    frame = pd.DataFrame({"bin": decile, "predicted": left, "observed": right})
    return frame.groupby("bin", as_index=False, sort=True).agg(
        customers=("predicted", "size"),
        predicted_mean=("predicted", "mean"),
        observed_mean=("observed", "mean"),
    )
