"""As-of features of every customer, from the purchase log before a date and nothing else.

What a model makes of them is `ml.lifetime_value.champion`'s matter.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.lifetime_value.purchases.log import FloatArray, IntArray, PurchaseLog, totals

WINDOW_DAYS = (7, 14, 30, 60, 90, 180, 365, 730)
DAYS_PER_YEAR = 365
# 1970-01-01 was a Thursday; 0 is Monday.
WEEKDAY_OF_EPOCH = 3


def feature_frame(known: PurchaseLog, origin: int, horizon_days: int) -> pd.DataFrame:
    """
    Return the features as of an origin, one row a customer of the log, in its order.

    Counts and amounts in nested windows, recency, gaps and their regularity, tenure, the share of
    late purchases, rates that fade with half-lives of half and one horizon, what happened in the
    same season a year ago, amounts of the first, last and mean purchase, returns, weekdays. A
    feature that the log is too short for, or that a customer has no gap for, is NaN: trees take
    that as a value of its own.

    Parameters
    ----------
    known
        The log before the origin (`PurchaseLog.before`).
    origin
        First day that is not known.
    horizon_days
        Length of the forecast, which sets the half-lives and the season.
    """
    counts = np.bincount(known.customer, minlength=known.customer_ids.size)
    start = np.cumsum(counts) - counts
    first, last = known.day[start], known.day[start + counts - 1]
    tenure = (origin - 1 - first).astype(np.float64)
    recency = (origin - 1 - last).astype(np.float64)
    features: dict[str, FloatArray] = {
        "repeats": _per_customer(known) - 1.0,
        "recency": recency,
        "tenure": tenure,
        "recency_share": recency / np.maximum(tenure, 1.0),
    }
    features |= _gaps(known, recency)
    features |= _windows(known, origin)
    features |= _fading(known, origin, horizon_days, tenure)
    features |= _seasons(known, origin, horizon_days, tenure)
    features |= _weekdays(known)
    if known.has_amounts:
        features |= _amounts(known, start, counts)
    return pd.DataFrame(features, dtype=np.float64)


def _per_customer(known: PurchaseLog, weights: FloatArray | None = None) -> FloatArray:
    """Add up something a purchase day for each customer."""
    return totals(known.customer, known.customer_ids.size, weights)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, NaN where there is no whole."""
    result: FloatArray = np.divide(part, whole, out=np.full(part.size, np.nan), where=whole > 0)
    return result


def _gaps(known: PurchaseLog, recency: FloatArray) -> dict[str, FloatArray]:
    """Return mean, spread and regularity of the days between purchases, and how overdue one is."""
    same = known.customer[1:] == known.customer[:-1]
    owner, gap = known.customer[1:][same], np.diff(known.day)[same].astype(np.float64)
    size = known.customer_ids.size
    number = totals(owner, size)
    mean = _share(totals(owner, size, gap), number)
    mean_square = _share(totals(owner, size, gap * gap), number)
    mean_log = _share(totals(owner, size, np.log(gap)), number)
    latest, longest = np.full(size, np.nan), np.zeros(size)
    latest[owner] = gap  # the last of a customer's gaps stays
    np.maximum.at(longest, owner, gap)
    several = number > 1
    deviation = np.sqrt(np.maximum(mean_square - mean * mean, 0.0))
    return {
        "gap_mean": mean,
        "gap_variation": np.where(several, deviation / mean, np.nan),
        # 0 for a clock, 0.58 for a Poisson process: log of the mean less mean of the logs.
        "gap_irregularity": np.where(several, np.log(mean) - mean_log, np.nan),
        "gap_last": latest,
        "gap_last_share": latest / mean,
        "recency_in_gaps": recency / mean,
        "recency_in_longest_gap": _share(recency, longest),
    }


def _windows(known: PurchaseLog, origin: int) -> dict[str, FloatArray]:
    """Return purchases and amounts of the last days, for windows within the history of the log."""
    features: dict[str, FloatArray] = {}
    length = origin - int(known.day.min(initial=origin))
    unknown = np.full(known.customer_ids.size, np.nan)
    for days in WINDOW_DAYS:
        inside = (known.day >= origin - days).astype(np.float64)
        fits = days <= length
        features[f"purchases_{days}d"] = _per_customer(known, inside) if fits else unknown
        if known.has_amounts:
            amount = _per_customer(known, inside * known.amount)
            features[f"amount_{days}d"] = np.log1p(np.maximum(amount, 0.0)) if fits else unknown
    return features


def _fading(
    known: PurchaseLog, origin: int, horizon_days: int, tenure: FloatArray
) -> dict[str, FloatArray]:
    """Return recent rates over the horizon, and the share of purchases late in the own life."""
    features: dict[str, FloatArray] = {}
    for name, half_life in (("half", max(horizon_days / 2.0, 1.0)), ("one", float(horizon_days))):
        fading = np.exp2((known.day - origin) / half_life)
        purchases = totals(
            known.customer, known.customer_ids.size, np.asarray(fading, dtype=np.float64)
        )
        exposure = (1.0 - 0.5 ** ((tenure + 1.0) / half_life)) * half_life / np.log(2.0)
        features[f"fading_rate_{name}"] = purchases / np.maximum(exposure, 1.0) * horizon_days
    counts = _per_customer(known)
    for name, share in (("quarter", 0.25), ("half", 0.5)):
        late = known.day > origin - 1 - tenure[known.customer] * share
        features[f"share_in_last_{name}"] = _per_customer(known, late.astype(np.float64)) / counts
    return features


def _seasons(
    known: PurchaseLog, origin: int, horizon_days: int, tenure: FloatArray
) -> dict[str, FloatArray]:
    """Return what the customer did a year ago: in the same season, and in the one before it."""
    year_ago = origin - DAYS_PER_YEAR
    same = (known.day >= year_ago) & (known.day < min(year_ago + horizon_days, origin))
    before = (known.day >= year_ago - horizon_days) & (known.day < year_ago)
    was_there = tenure >= DAYS_PER_YEAR
    return {
        name: np.where(was_there, _per_customer(known, days.astype(np.float64)), np.nan)
        for name, days in (("same_season_last_year", same), ("season_before_last_year", before))
    }


def _weekdays(known: PurchaseLog) -> dict[str, FloatArray]:
    """Return the share of purchases at weekends, and how much they keep to one weekday."""
    weekday = (known.day + WEEKDAY_OF_EPOCH) % 7
    counts = _per_customer(known)
    concentration = np.zeros(counts.size)
    for number in range(7):
        concentration += (
            _per_customer(known, (weekday == number).astype(np.float64)) / counts
        ) ** 2
    return {
        "weekend_share": _per_customer(known, (weekday >= 5).astype(np.float64)) / counts,
        "weekday_concentration": concentration,
    }


def _amounts(known: PurchaseLog, start: IntArray, counts: IntArray) -> dict[str, FloatArray]:
    """Return logs of amounts of purchases, and the share of value that was given back."""
    total = _per_customer(known, known.amount)
    returned = totals(known.return_customer, counts.size, known.return_amount)
    amounts = {
        "amount_mean": total / counts,
        "amount_first": known.amount[start],
        "amount_last": known.amount[start + counts - 1],
    }
    logs = {name: np.log1p(np.maximum(values, 0.0)) for name, values in amounts.items()}
    return logs | {"returned_share": _share(returned, total)}
