"""What earlier randomised campaigns say about a customer: sent or held out, bought or not.

Belongs here: counts as of a moment and the latent classes behind them. Does not: other features, which
come from the feature table.

References
----------
.. [1] Dempster, A., Laird, N. and Rubin, D. (1977). Maximum likelihood from incomplete data via the EM
   algorithm. Journal of the Royal Statistical Society B 39.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.uplift.config import UpliftError
from ml.uplift.encoding import FloatArray

SEND_COLUMNS = ("customer_id", "channel", "sent_at", "is_treated", "has_converted")
HISTORY_COLUMNS = (
    "customer_id", "channel", "treated_sends", "treated_conversions", "held_out_sends",
    "held_out_conversions", "expected_uplift",
)  # fmt: skip
_COUNTS = list(HISTORY_COLUMNS[2:6])
_STARTS = 6
_CLASSES = 4
_ROUNDS = 300
_PAIR_ROUNDS = 100
_CONVERGED = 1e-7
# Pseudo-observations at the base's own rate, so that an empty class has a rate.
_PRIOR_SENDS = 20.0
_MIN_CUSTOMERS = 200


@dataclass(frozen=True)
class ResponseClasses:
    """
    Latent classes of customers: how often each buys without and with a message.

    Parameters
    ----------
    shares
        Of customers.
    held_out_rates, treated_rates
        Chance of buying, by class.
    log_likelihood
        Of the fit.
    """

    shares: FloatArray
    held_out_rates: FloatArray
    treated_rates: FloatArray
    log_likelihood: float

    def evidence(self, counts: FloatArray) -> FloatArray:
        """Return how well each class explains a history, up to a factor by customer."""
        log_joint = _log_joint(counts, self.shares, self.held_out_rates, self.treated_rates)
        return _posterior(log_joint)[0] / self.shares


def response_history(
    sends: pd.DataFrame,
    as_of: dt.datetime,
    *,
    outcome_days: float,
    seed: int,
) -> pd.DataFrame:
    """
    Summarise randomised sends whose outcome was known at a moment.

    Parameters
    ----------
    sends
        One row a customer and campaign, held out ones too: `SEND_COLUMNS`.
    as_of
        First moment that is not known.
    outcome_days
        Days after the sending in which an outcome counts; later sends are not used yet.
    seed
        Of the starts of EM.

    Returns
    -------
    pandas.DataFrame
        `HISTORY_COLUMNS`, one row a customer and channel with a known send; `expected_uplift` is NA
        for channels with fewer than 200 customers or no held-out sends.
    """
    missing = [name for name in SEND_COLUMNS if name not in sends]
    if missing:
        raise UpliftError(f"sends lacks the column {missing[0]!r}; it needs {SEND_COLUMNS}.")
    known = sends[sends["sent_at"] + pd.Timedelta(days=outcome_days) <= pd.Timestamp(as_of)]
    is_treated = known["is_treated"].astype(bool)
    converted = known["has_converted"].astype(bool)
    counted = known[["customer_id", "channel"]].assign(
        treated_sends=is_treated.astype(float),
        treated_conversions=(is_treated & converted).astype(float),
        held_out_sends=(~is_treated).astype(float),
        held_out_conversions=(~is_treated & converted).astype(float),
    )
    frame = (
        counted.groupby(["customer_id", "channel"], observed=True, sort=True).sum().reset_index()
    )
    channels = sorted(frame["channel"].astype(str).unique())
    customers = np.sort(frame["customer_id"].unique())
    histories = {
        channel: frame[frame["channel"] == channel]
        .set_index("customer_id")[_COUNTS]
        .reindex(customers, fill_value=0.0)
        .to_numpy(dtype=np.float64)
        for channel in channels
    }
    expected = _expected_uplift(histories, seed)
    place = pd.Series(np.arange(len(customers)), index=customers)
    frame["expected_uplift"] = pd.Series(np.nan, index=frame.index, dtype="Float64")
    for channel, values in expected.items():
        rows = frame.index[frame["channel"] == channel]
        frame.loc[rows, "expected_uplift"] = values[place.loc[frame.loc[rows, "customer_id"]]]
    return frame[list(HISTORY_COLUMNS)]


def _expected_uplift(histories: dict[str, FloatArray], seed: int) -> dict[str, FloatArray]:
    """Fit each channel, then let the other channels' histories speak on its classes as well."""
    fitted = {
        channel: fit_response_classes(counts[counts[:, [0, 2]].sum(axis=1) > 0], seed)
        for channel, counts in histories.items()
    }
    known = {channel: classes for channel, classes in fitted.items() if classes is not None}
    evidence = {channel: classes.evidence(histories[channel]) for channel, classes in known.items()}
    expected = {}
    for channel, classes in known.items():
        chance = classes.shares * evidence[channel]
        for other, theirs in known.items():
            if other != channel:
                together = _joint_shares(
                    evidence[channel], evidence[other], classes.shares, theirs.shares
                )
                given = together / together.sum(axis=1, keepdims=True)
                chance = chance * (evidence[other] @ given.T)
        chance /= chance.sum(axis=1, keepdims=True)
        expected[channel] = chance @ (classes.treated_rates - classes.held_out_rates)
    return expected


def _joint_shares(
    left: FloatArray, right: FloatArray, left_shares: FloatArray, right_shares: FloatArray
) -> FloatArray:
    """Return by EM how often each pair of classes of two channels goes together."""
    shares = np.outer(left_shares, right_shares)
    for _ in range(_PAIR_ROUNDS):
        pairs = left[:, :, None] * right[:, None, :] * shares
        pairs /= pairs.sum(axis=(1, 2), keepdims=True)
        shares = (pairs.sum(axis=0) + 0.5) / (len(left) + 0.5 * shares.size)
    return shares


def fit_response_classes(counts: FloatArray, seed: int) -> ResponseClasses | None:
    """
    Fit four latent classes by EM; None when there is too little to tell.

    Four, because a customer buys often or seldom without a message and often or seldom with one
    (persuadable, sure thing, lost cause, sleeping dog). An information criterion takes fewer on
    small bases, and ranks worse.

    Parameters
    ----------
    counts
        Treated sends, treated conversions, held-out sends, held-out conversions by customer.
    seed
        Of the starts; the best of six is kept.
    """
    if len(counts) < _MIN_CUSTOMERS or counts[:, 2].sum() == 0 or counts[:, 0].sum() == 0:
        return None
    distinct, weight = np.unique(counts, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    fits = [_em(distinct, weight.astype(np.float64), rng) for _ in range(_STARTS)]
    return max(fits, key=lambda fit: fit.log_likelihood)


def _em(counts: FloatArray, weight: FloatArray, rng: np.random.Generator) -> ResponseClasses:
    number = _CLASSES
    treated, bought, held, bought_anyway = counts.T
    base_treated = float((weight * bought).sum() / (weight * treated).sum())
    base_held = float((weight * bought_anyway).sum() / (weight * held).sum())
    shares = rng.dirichlet(np.full(number, 5.0))
    rates_1 = np.clip(base_treated * rng.lognormal(0, 1.2, number), 1e-4, 0.9)
    rates_0 = np.clip(base_held * rng.lognormal(0, 1.2, number), 1e-4, 0.9)
    before = -np.inf
    for _ in range(_ROUNDS):
        posterior, by_row = _posterior(_log_joint(counts, shares, rates_0, rates_1))
        likelihood = float((weight * by_row).sum())
        mass = posterior * weight[:, None]
        shares = (mass.sum(0) + 1) / (mass.sum() + number)
        rates_1 = (mass.T @ bought + _PRIOR_SENDS * base_treated) / (
            mass.T @ treated + _PRIOR_SENDS
        )
        rates_0 = (mass.T @ bought_anyway + _PRIOR_SENDS * base_held) / (
            mass.T @ held + _PRIOR_SENDS
        )
        rates_1, rates_0 = np.clip(rates_1, 1e-6, 1 - 1e-6), np.clip(rates_0, 1e-6, 1 - 1e-6)
        if abs(likelihood - before) < _CONVERGED * abs(likelihood):
            break
        before = likelihood
    return ResponseClasses(shares, rates_0, rates_1, likelihood)


def _log_joint(
    counts: FloatArray, shares: FloatArray, held_out: FloatArray, treated: FloatArray
) -> FloatArray:
    n1, y1, n0, y0 = (column[:, None] for column in counts.T)
    return np.asarray(
        np.log(shares)
        + y1 * np.log(treated)
        + (n1 - y1) * np.log1p(-treated)
        + y0 * np.log(held_out)
        + (n0 - y0) * np.log1p(-held_out)
    )


def _posterior(log_joint: FloatArray) -> tuple[FloatArray, FloatArray]:
    top = log_joint.max(axis=1, keepdims=True)
    joint = np.exp(log_joint - top)
    total = joint.sum(axis=1, keepdims=True)
    return joint / total, np.asarray((top + np.log(total))[:, 0])
