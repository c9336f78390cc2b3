"""What must hold for any history and any sensible parameters, searched by hypothesis.

Values for given parameters are checked in tests/unit/ml/test_lifetime_value_models.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.lifetime_value import LifetimeValueConfig
from ml.lifetime_value.purchase_models import purchase_model
from ml.lifetime_value.scoring import predictions, score_histories
from ml.lifetime_value.segments import SEGMENT_GRID
from ml.lifetime_value.spend import GammaGamma
from ml.lifetime_value.sufficient_statistics import collapse

AS_OF_DATE = dt.date(2018, 1, 2)
positive = st.floats(0.05, 50.0)
models = st.one_of(
    st.tuples(
        st.sampled_from(["bg_nbd", "mbg_nbd"]),
        st.fixed_dictionaries({name: positive for name in ("r", "alpha", "a", "b")}),
    ),
    st.tuples(
        st.just("pareto_nbd"),
        st.fixed_dictionaries({name: positive for name in ("r", "alpha", "s", "beta")}),
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, int, int, float | None]:
    """Return a possible customer: repeats, days to the last purchase, days observed, mean value."""
    t_days = draw(st.integers(0, 2_000))
    age = draw(st.integers(0, t_days))
    frequency = draw(st.integers(1, age)) if age else 0
    value = draw(st.floats(0.0, 5_000.0)) if frequency else None
    return frequency, age, t_days, value


@st.composite
def summaries(draw: st.DrawFn) -> pd.DataFrame:
    """Return a summary frame of 1 to 20 customers."""
    rows = draw(st.lists(histories(), min_size=1, max_size=20))
    frame = pd.DataFrame(
        rows,
        columns=[
            "repeat_frequency",
            "age_at_last_purchase_days",
            "t_days",
            "repeat_monetary_value",
        ],
    )
    frame["repeat_monetary_value"] = frame["repeat_monetary_value"].astype("float64")
    return frame.assign(customer_id=[f"C{number:02}" for number in range(len(frame))])


def predicted(summary: pd.DataFrame, model: tuple[str, dict[str, float]]) -> pd.DataFrame:
    """Return the predictions of a model with given parameters."""
    config, collapsed = LifetimeValueConfig(), collapse(summary)
    scores = score_histories(purchase_model(*model), collapsed.history, config)
    spend = GammaGamma(6.25, 3.74, 15.44)
    return predictions(summary, collapsed, scores, model[0], spend, AS_OF_DATE, config)


@settings(max_examples=150, deadline=None)
@given(summary=summaries(), model=models)
def test_probabilities_dates_and_segments(
    summary: pd.DataFrame, model: tuple[str, dict[str, float]]
) -> None:
    frame = predicted(summary, model)

    for name in ("p_alive", "churn_risk", "p_purchase_30d", "p_purchase_90d"):
        assert frame[name].between(0, 1).all()
    assert (frame["p_purchase_30d"] <= frame["p_purchase_90d"]).all()
    assert (frame["p_purchase_90d"] <= frame["p_alive"]).all()
    assert (frame["expected_purchases_365d"] >= 0).all()
    assert np.isfinite(frame[["expected_purchases_365d", "clv_365d"]].to_numpy()).all()
    early, middle, late = (
        frame[name].fillna(pd.Timestamp.max)
        for name in ("next_purchase_p10_at", "next_purchase_at", "next_purchase_p90_at")
    )
    assert ((early <= middle) & (middle <= late)).all()
    assert (early >= pd.Timestamp(AS_OF_DATE)).all()
    assert frame["purchase_churn_segment"].isin(np.array(SEGMENT_GRID).ravel()).all()


@settings(max_examples=50, deadline=None)
@given(summary=summaries(), model=models, random=st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(
    summary: pd.DataFrame,
    model: tuple[str, dict[str, float]],
    random: object,
) -> None:
    order = list(range(len(summary)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = predicted(summary.iloc[order], model).sort_values("customer_id", ignore_index=True)

    pd.testing.assert_frame_equal(predicted(summary, model), shuffled, check_exact=True)
