"""Columns of any kind as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.uplift.encoding import fit_encoder


def frame(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "amount_text": [f"{number}" for number in range(rows - 1)] + [None],
            "day": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(rows) % 50, unit="D"),
            "town": rng.choice(["Madrid", "Lugo", None], rows),
            "flag": rng.random(rows) < 0.5,
            "customer_id": np.arange(rows),
            "note": [f"free text {number}" for number in range(rows)],
            "same": "x",
            "empty": None,
            "decimal": pd.array(rng.integers(0, 3, rows), dtype="Int64"),
        }
    )


def test_kinds_are_recognised_and_keys_left_out() -> None:
    data = frame()
    encoder = fit_encoder(data, list(data.columns), max_levels=20)
    known = {(condition.feature, condition.level) for condition in encoder.conditions}

    assert ("town", "Madrid") in known and ("town", "(missing)") in known
    assert {"amount_text", "day", "flag", "decimal"} <= {feature for feature, _ in known}
    assert {note.split(" ")[0] for note in encoder.notes} == {
        "customer_id",
        "note",
        "same",
        "empty",
    }
    encoded = encoder.transform(data)
    assert np.isfinite(encoded.linear).all()
    assert np.isnan(encoded.tree[-1, 0])


def test_many_levels_are_cut_and_new_ones_are_none_of_them() -> None:
    data = pd.DataFrame({"town": [f"town {number % 60}" for number in range(3_000)]})
    encoder = fit_encoder(data, ["town"], max_levels=5)
    assert len(encoder.conditions) == 5
    assert encoder.transform(pd.DataFrame({"town": ["Betanzos"]})).tree.sum() == 0
