"""Lifetime value: who is alive, who buys next and when, and what a customer is worth in a year.

Customer base statistics in, frames out. Building the statistics is SQL; writing tables is
orchestration; `lifetimes` is imported by `lifetimes_adapter` only.
"""

from ml.lifetime_value.config import (
    MODEL_VERSION,
    LifetimeValueConfig,
    LifetimeValueError,
    SegmentThresholds,
)
from ml.lifetime_value.estimate import LifetimeValueResult, estimate_lifetime_value

__all__ = [
    "MODEL_VERSION",
    "LifetimeValueConfig",
    "LifetimeValueError",
    "LifetimeValueResult",
    "SegmentThresholds",
    "estimate_lifetime_value",
]
