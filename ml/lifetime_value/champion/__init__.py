"""The champion of purchases and value: learnt at earlier origins, graded at later ones.

Purchase logs in, forecasts with intervals and their record out. Counting is in `purchases`,
formulas of BTYD models one level up.
"""

from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.champion.estimate import PurchaseValueResult, estimate_from_purchases
from ml.lifetime_value.champion.learn import Champion, Refusal, learn_champion
from ml.lifetime_value.champion.rolling import Grading, grade_at_origin, rolling_origins

__all__ = [
    "Champion",
    "ChampionConfig",
    "Grading",
    "PurchaseValueResult",
    "Refusal",
    "estimate_from_purchases",
    "grade_at_origin",
    "learn_champion",
    "rolling_origins",
]
