"""Predictive distribution of a purchase count, and intervals that covered at an earlier origin.

The distribution is the classics' own: gone with one probability, else a negative binomial. Its
level is the champion's; how wide an interval must be is measured (split conformal), not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.purchases.log import FloatArray

LARGEST_LEVEL = 0.99
# Groups by size of the forecast, each with a width of its own, and the least customers of one.
GROUPS, SMALLEST_GROUP = 3, 200


@dataclass(frozen=True)
class CountDistribution:
    """
    Mixture of nothing and a negative binomial, one a customer.

    Parameters
    ----------
    p_active
        Probability of the negative binomial.
    shape
        Its shape: r + x of the classics.
    mean
        Its mean.
    """

    p_active: FloatArray
    shape: FloatArray
    mean: FloatArray

    @property
    def _success(self) -> FloatArray:
        return self.shape / (self.shape + self.mean)

    def cdf(self, count: FloatArray) -> FloatArray:
        """Return the probability of at most so many purchases; 0 below none."""
        inner = nbinom.cdf(np.maximum(count, 0.0), self.shape, self._success)
        result: FloatArray = np.where(count < 0, 0.0, 1.0 - self.p_active * (1.0 - inner))
        return result

    def p_any(self) -> FloatArray:
        """Return the probability of at least one purchase."""
        with np.errstate(under="ignore"):
            none = np.exp(-self.shape * np.log1p(self.mean / self.shape))
        result: FloatArray = self.p_active * (1.0 - none)
        return result

    def quantile(self, share: FloatArray) -> FloatArray:
        """Return the smallest count that is reached with at least this probability."""
        inner = np.clip((share - (1.0 - self.p_active)) / self.p_active, 0.0, 1.0 - 1e-12)
        counts = nbinom.ppf(inner, self.shape, self._success)
        result: FloatArray = np.where(inner <= 0, 0.0, np.maximum(counts, 0.0))
        return result


def count_distribution(
    forecast: FloatArray, anchor: FloatArray, p_alive: FloatArray, shape: FloatArray
) -> CountDistribution:
    """
    Return the distribution with the champion's mean.

    What it says more or less than the anchor is shared between being active and how often.
    """
    p_active = np.clip(p_alive * np.sqrt(forecast / anchor), 1e-6, 1.0)
    return CountDistribution(p_active, shape, forecast / p_active)


@dataclass(frozen=True)
class IntervalWidths:
    """
    Levels of the central interval, by size of the forecast.

    Parameters
    ----------
    edges
        Daily forecasts that part the groups.
    levels
        Level a group: the interval runs from quantile (1 - level) / 2 to (1 + level) / 2.
    """

    edges: FloatArray
    levels: FloatArray

    def level(self, daily_forecast: FloatArray) -> FloatArray:
        """Return each customer's level."""
        result: FloatArray = self.levels[np.searchsorted(self.edges, daily_forecast, side="right")]
        return result

    def interval(
        self, distribution: CountDistribution, daily_forecast: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bound, both included."""
        return central_interval(distribution, self.level(daily_forecast))


def central_interval(
    distribution: CountDistribution, level: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the quantiles (1 - level) / 2 and (1 + level) / 2."""
    return (
        distribution.quantile((1.0 - level) / 2.0),
        distribution.quantile((1.0 + level) / 2.0),
    )


def needed_level(distribution: CountDistribution, observed: FloatArray) -> FloatArray:
    """Return the smallest level whose central interval holds what was observed."""
    at_least = 2.0 * distribution.cdf(observed - 1.0) - 1.0
    at_most = 1.0 - 2.0 * distribution.cdf(observed)
    result: FloatArray = np.maximum(np.maximum(at_least, at_most), 0.0)
    return result


def calibrated_widths(
    needed: FloatArray, is_forced: NDArray[np.bool_], size: FloatArray, config: ChampionConfig
) -> IntervalWidths:
    """
    Return the levels with which the intervals would have covered `config.interval_share`.

    Who buys nothing with 80 % probability has the interval [0, 0] at any level in question and
    is covered more often than asked. The others' level is chosen so that the whole comes to the
    share asked for, but never below `config.least_open_share` among themselves.

    Parameters
    ----------
    needed
        Smallest level whose interval holds what was observed, for each customer of an origin.
    is_forced
        Whose interval is [0, 0] anyway.
    size
        By what the groups are made: forecasts a day.
    config
        Shares.
    """
    share = config.interval_share
    open_rows = np.flatnonzero(~is_forced)
    if open_rows.size == 0:
        return IntervalWidths(np.array([]), np.array([share]))
    covered_anyway = float((needed[is_forced] <= 0).mean()) if is_forced.any() else 0.0
    weight = float(is_forced.mean())
    wanted = (share - weight * covered_anyway) / (1.0 - weight)
    wanted = float(np.clip(wanted, config.least_open_share, share))
    groups = int(np.clip(open_rows.size // SMALLEST_GROUP, 1, GROUPS))
    inner = np.linspace(0.0, 1.0, groups + 1)[1:-1]
    edges = np.unique(np.quantile(size[open_rows], inner))
    group = np.searchsorted(edges, size[open_rows], side="right")
    levels = [
        _smallest_covering(needed[open_rows][group == number], wanted, share)
        for number in range(edges.size + 1)
    ]
    return IntervalWidths(edges, np.array(levels))


def _smallest_covering(needed: FloatArray, wanted: float, default: float) -> float:
    """Return the split-conformal level: the (n + 1) * wanted-th smallest of those needed."""
    if needed.size == 0:
        return default
    place = min(int(np.ceil((needed.size + 1) * wanted)), needed.size) - 1
    return float(min(np.sort(needed)[place], LARGEST_LEVEL))


def coverage(lower: FloatArray, upper: FloatArray, observed: FloatArray) -> float:
    """Return the share of customers whose count lies within their bounds."""
    return float(((observed >= lower) & (observed <= upper)).mean())


def randomised_coverage(
    distribution: CountDistribution, observed: FloatArray, share: float
) -> float:
    """
    Return how often the central interval would cover if counts had no ties.

    The expected share of randomised probability transforms (Czado, Gneiting and Held 2009)
    within the central interval, for a distribution that is right equal to `share`.
    """
    above, below = distribution.cdf(observed), distribution.cdf(observed - 1.0)
    low, high = (1.0 - share) / 2.0, (1.0 + share) / 2.0
    inside = np.clip(np.minimum(above, high) - np.maximum(below, low), 0.0, None)
    return float((inside / np.maximum(above - below, 1e-12)).mean())
