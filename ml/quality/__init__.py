"""Data quality: what profiles of delivered data mean, and when a change is worth a person's time.

Belongs here: thresholds and decisions as pure functions. Does not: computing profiles (SQL) or I/O.
"""

from ml.quality.distribution import PROBABILITIES, population_stability_index, share_shift
from ml.quality.drift import (
    DRIFT_COLUMNS,
    PROFILE_COLUMNS,
    TABLE_ROW,
    DriftLimits,
    judge_profiles,
)

__all__ = [
    "DRIFT_COLUMNS",
    "PROBABILITIES",
    "PROFILE_COLUMNS",
    "TABLE_ROW",
    "DriftLimits",
    "judge_profiles",
    "population_stability_index",
    "share_shift",
]
