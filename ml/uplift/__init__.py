"""Uplift: whom a randomised campaign moves, whom it leaves cold and whom it drives away.

Frames and a seed in, frames out. Campaigns without a random control group are refused; choosing who is
contacted is the contact plan's matter.
"""

from ml.uplift.config import LEARNERS, MODEL_VERSION, UpliftConfig, UpliftError
from ml.uplift.estimate import ArmResult, UpliftModel, UpliftResult, estimate_uplift
from ml.uplift.tables import UpliftTables, uplift_tables

__all__ = [
    "LEARNERS",
    "MODEL_VERSION",
    "ArmResult",
    "UpliftConfig",
    "UpliftError",
    "UpliftModel",
    "UpliftResult",
    "UpliftTables",
    "estimate_uplift",
    "uplift_tables",
]
