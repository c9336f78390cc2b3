"""Recommendations: what each customer is offered next and why, and which products belong together.

Frames and a seed in, frames out. When an offer is made, by which channel and whether at all is the
contact plan's matter.
"""

from ml.recommendations.config import (
    MODEL_VERSION,
    RecommendationConfig,
    RecommendationError,
)
from ml.recommendations.frames import RecommendationInputs
from ml.recommendations.recommend import RecommendationResult, recommend

__all__ = [
    "MODEL_VERSION",
    "RecommendationConfig",
    "RecommendationError",
    "RecommendationInputs",
    "RecommendationResult",
    "recommend",
]
