"""How models are put on record: the columns of `ml.model_runs` and `ml.calibration`, ids and JSON.

Shared by all models, so that one table holds them. Nothing here judges.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

import pandas as pd

MODEL_RUN_TYPES: Mapping[str, str] = {
    "model_run_id": "string",
    "model": "string",
    "model_version": "string",
    "as_of_date": "datetime64[us]",
    "horizon_days": "Int64",
    "training_start": "datetime64[us]",
    "training_end": "datetime64[us]",
    "customers": "int64",
    "parameters": "string",
    "metrics": "string",
    "baseline_metrics": "string",
    "skill_share": "Float64",
    "grade": "string",
    "is_champion": "bool",
    "is_abstaining": "bool",
    "reason": "string",
}
CALIBRATION_TYPES: Mapping[str, str] = {
    "model": "string",
    "model_version": "string",
    "as_of_date": "datetime64[us]",
    "horizon_days": "Int64",
    "bin": "int64",
    "customers": "int64",
    "predicted_mean": "Float64",
    "observed_mean": "Float64",
}


def typed_frame(columns: Mapping[str, object], types: Mapping[str, str], rows: int) -> pd.DataFrame:
    """Build a frame with exactly these columns and types; a column not given is NULL."""
    index = pd.RangeIndex(rows)
    return pd.DataFrame(
        {
            name: pd.Series(columns.get(name), index=index, dtype=kind)
            for name, kind in types.items()
        }
    )


def model_run_id(model: str, version: str, as_of: dt.date, horizon_days: int | None) -> str:
    """Return the id of a model's run: the same model, version, date and horizon give the same."""
    key = f"{model}|{version}|{as_of}|{horizon_days}"
    return "R" + hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:16]


def canonical_json(values: Mapping[str, object]) -> str:
    """Return JSON with sorted keys; a number that is not finite would be no JSON, so it raises."""
    return json.dumps(
        {name: dict(v) if isinstance(v, Mapping) else v for name, v in values.items()},
        sort_keys=True,
        allow_nan=False,
    )
