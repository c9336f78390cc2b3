"""Purchase days of every customer, cut at any date: statistics, features and what came after.

Counting only. Whatever is learnt from the counts is in `ml.lifetime_value.champion`.
"""

from ml.lifetime_value.purchases.features import feature_frame
from ml.lifetime_value.purchases.log import (
    PURCHASE_COLUMNS,
    PurchaseLog,
    day_number,
    purchase_log,
)
from ml.lifetime_value.purchases.origins import Outcome, outcome_after, summary_before

__all__ = [
    "PURCHASE_COLUMNS",
    "Outcome",
    "PurchaseLog",
    "day_number",
    "feature_frame",
    "outcome_after",
    "purchase_log",
    "summary_before",
]
