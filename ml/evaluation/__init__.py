"""Judging models: metrics, baselines to beat, grades and calibration, shared by all of `ml`.

Nothing here fits, predicts or knows one model from another.
"""

from ml.evaluation.baselines import base_mean, naive_rate
from ml.evaluation.calibration import CALIBRATION_BINS, calibration_bins
from ml.evaluation.grades import FAILING_GRADE, grade, skill_share
from ml.evaluation.metrics import (
    EvaluationError,
    bias_share,
    correlation,
    count_metrics,
    mae,
    poisson_deviance,
    rmse,
    top_10_share_capture,
)
from ml.evaluation.records import (
    CALIBRATION_TYPES,
    MODEL_RUN_TYPES,
    canonical_json,
    model_run_id,
    typed_frame,
)

__all__ = [
    "CALIBRATION_BINS",
    "CALIBRATION_TYPES",
    "FAILING_GRADE",
    "MODEL_RUN_TYPES",
    "EvaluationError",
    "base_mean",
    "bias_share",
    "calibration_bins",
    "canonical_json",
    "correlation",
    "count_metrics",
    "grade",
    "mae",
    "model_run_id",
    "naive_rate",
    "poisson_deviance",
    "rmse",
    "skill_share",
    "top_10_share_capture",
    "typed_frame",
]
