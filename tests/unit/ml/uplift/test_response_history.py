"""Latent classes behind earlier sends: planted rates found, the future unseen."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ml.uplift import UpliftError
from ml.uplift.response_history import fit_response_classes, response_history

AS_OF = dt.datetime(2025, 6, 1)


def sends(customers: int, seed: int, channels: tuple[str, ...] = ("email",)) -> pd.DataFrame:
    """Return 40 sends a customer and channel; every third customer is moved by messages."""
    rng = np.random.default_rng(seed)
    parts = []
    for channel in channels:
        who = np.repeat(np.arange(customers), 40)
        is_treated = rng.random(len(who)) < 0.7
        chance = np.where(is_treated & (who % 3 == 0), 0.15, 0.01)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": who,
                    "channel": channel,
                    "sent_at": pd.Timestamp("2025-01-01")
                    + pd.to_timedelta(np.tile(np.arange(40) * 3, customers), unit="D"),
                    "is_treated": is_treated,
                    "has_converted": rng.random(len(who)) < chance,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_customers_moved_by_messages_are_told_apart() -> None:
    history = response_history(sends(900, 1, ("email", "sms")), AS_OF, outcome_days=7, seed=0)
    is_moved = history["customer_id"] % 3 == 0

    assert list(history["channel"].unique()) == ["email", "sms"]
    assert history["expected_uplift"].notna().all()
    assert history.loc[is_moved, "expected_uplift"].mean() == pytest.approx(0.14, abs=0.03)
    assert history.loc[~is_moved, "expected_uplift"].mean() == pytest.approx(0.0, abs=0.02)


def test_sends_whose_outcome_is_not_known_yet_change_nothing() -> None:
    past = sends(300, 2)
    late = past.assign(sent_at=pd.Timestamp(AS_OF) - pd.Timedelta(days=3), has_converted=True)
    before = response_history(past, AS_OF, outcome_days=7, seed=0)
    after = response_history(pd.concat([past, late]), AS_OF, outcome_days=7, seed=0)
    pd.testing.assert_frame_equal(before, after)


def test_too_little_says_nothing() -> None:
    few = response_history(sends(20, 3), AS_OF, outcome_days=7, seed=0)
    assert few["expected_uplift"].isna().all() and few["treated_sends"].gt(0).all()
    none_held_out = np.array([[5.0, 1.0, 0.0, 0.0]] * 500)
    assert fit_response_classes(none_held_out, 0) is None
    with pytest.raises(UpliftError, match="lacks the column 'channel'"):
        response_history(few[["customer_id"]], AS_OF, outcome_days=7, seed=0)
