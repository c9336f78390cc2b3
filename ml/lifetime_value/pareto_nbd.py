"""Pareto/NBD in closed form and in log space: likelihood, alive, probabilities, expectations.

Formulas for given parameters only; fitting them is `lifetimes_adapter`'s work.

While alive a customer buys at rate lambda ~ Gamma(r, alpha) and leaves at rate mu ~ Gamma(s, beta),
at any moment. Everything needed is an integral of (alpha + v)**-p * (beta + v)**-q. `lifetimes`
evaluates it by a 2F1 that overflows for customers with some 100 purchases; here everything large
stays in logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, hyp2f1

from ml.lifetime_value.sufficient_statistics import FloatArray, History

# Up to this argument the 2F1 takes under a microsecond; at 0.99999 it takes 50, and then fails.
LARGEST_SERIES_ARGUMENT = 0.9
# Gauss-Legendre in the cube root of 1 - y, where the integrand has its near-singularity: 40 nodes
# are exact to 1e-10 of the integral, without the root only to 3e-5.
_nodes, _weights = np.polynomial.legendre.leggauss(40)
QUADRATURE_NODES = 1.0 - ((1.0 - _nodes) / 2.0) ** 3
QUADRATURE_WEIGHTS = 3.0 * ((1.0 - _nodes) / 2.0) ** 2 * _weights / 2.0


@dataclass(frozen=True)
class ParetoNbd:
    """
    Pareto/NBD with given parameters.

    Parameters
    ----------
    r, alpha
        Shape and rate (weeks) of the purchase rate's gamma distribution.
    s, beta
        Shape and rate (weeks) of the leaving rate's gamma distribution.
    """

    r: float
    alpha: float
    s: float
    beta: float

    def _log_between(
        self, p: FloatArray, q: float, start: FloatArray, end: FloatArray
    ) -> FloatArray:
        """
        Return log of the integral over v from `start` to `end`; -inf where they are the same.

        In closed form where alpha and beta are of like size, else (2F1 then converges slowly, and
        for strong contrasts not at all) by quadrature.
        """
        exponents = (p, np.full_like(p, q))
        shifts = (self.alpha, self.beta) if self.alpha < self.beta else (self.beta, self.alpha)
        near, far = exponents if self.alpha < self.beta else exponents[::-1]
        contrast = (shifts[1] - shifts[0]) / (shifts[1] + start)
        by_quadrature = contrast > LARGEST_SERIES_ARGUMENT
        result = np.empty_like(p)
        for rows, integral in ((~by_quadrature, _log_series), (by_quadrature, _log_quadrature)):
            result[rows] = integral(near[rows], far[rows], shifts, start[rows], end[rows])
        return result

    def _log_alive_and_left(self, history: History) -> tuple[FloatArray, FloatArray]:
        """Return the log-likelihood's two parts, without the terms that they share."""
        shape = self.r + history.frequency
        alive = -shape * np.log(self.alpha + history.age) - self.s * np.log(self.beta + history.age)
        left = np.log(self.s) + self._log_between(
            shape, self.s + 1.0, history.age_at_last_purchase, history.age
        )
        return alive, left

    def log_likelihood(self, history: History) -> FloatArray:
        """Return each history's log-likelihood (Fader and Hardie 2005, eq. 18)."""
        alive, left = self._log_alive_and_left(history)
        shared = (
            gammaln(self.r + history.frequency)
            - gammaln(self.r)
            + self.r * np.log(self.alpha)
            + self.s * np.log(self.beta)
        )
        result: FloatArray = shared + np.logaddexp(alive, left)
        return result

    def p_alive(self, history: History) -> FloatArray:
        """Return the probability that the customer has not left by T."""
        alive, left = self._log_alive_and_left(history)
        return expit(alive - left)

    def p_purchase(self, history: History, weeks: float) -> FloatArray:
        """
        Return the probability of at least one purchase in the next `weeks`.

        Given alive at T, lambda ~ Gamma(r + x, alpha + T) and mu ~ Gamma(s, beta + T) are
        independent. The next purchase comes at u if no purchase and no leaving came before, so
        P = p_alive * integral over u from 0 to t of E[lambda exp(-lambda u)] * E[exp(-mu u)]
          = p_alive * (r + x) (alpha + T)**(r + x) (beta + T)**s
            * integral over v from T to T + t of (alpha + v)**-(r + x + 1) * (beta + v)**-s.
        """
        shape = self.r + history.frequency
        log_scale = (
            np.log(shape)
            + shape * np.log(self.alpha + history.age)
            + self.s * np.log(self.beta + history.age)
        )
        log_integral = self._log_between(shape + 1.0, self.s, history.age, history.age + weeks)
        return self.p_alive(history) * np.minimum(np.exp(log_scale + log_integral), 1.0)

    def expected_purchases(self, history: History, weeks: float) -> FloatArray:
        """
        Return the expected number of purchases in the next `weeks`.

        Fader and Hardie (2005), eq. 41: p_alive * E[lambda] * expected weeks alive, where
        (1 - ((beta + T) / (beta + T + t))**(s - 1)) / (s - 1) becomes a logarithm at s = 1.
        """
        rate = (self.r + history.frequency) / (self.alpha + history.age)
        log_growth = np.log1p(weeks / (self.beta + history.age))
        exponent = (self.s - 1.0) * log_growth
        safe = np.where(np.abs(exponent) > 1e-12, exponent, 1.0)
        weeks_alive = (
            (self.beta + history.age)
            * log_growth
            * np.where(np.abs(exponent) > 1e-12, -np.expm1(-safe) / safe, 1.0)
        )
        return self.p_alive(history) * rate * weeks_alive


def _log_series(
    near: FloatArray,
    far: FloatArray,
    shifts: tuple[float, float],
    start: FloatArray,
    end: FloatArray,
) -> FloatArray:
    """
    Return log of the integral of (c + v)**-near * (d + v)**-far, (c, d) = shifts, c <= d.

    From `start` to infinity it is m**-n / n * 2F1(n, near; n + 1; z) with n = near + far - 1 > 0,
    m = d + start and z = (d - c) / m; and by Euler 2F1(n, near; n + 1; z) =
    (1 - z)**(1 - near) * 2F1(1, far; n + 1; z), where the last factor is between 1 and
    1 / (1 - z) whatever the number of purchases.
    """

    def log_tail(moment: FloatArray) -> FloatArray:
        n = near + far - 1.0
        log_ratio = np.log(shifts[0] + moment) - np.log(shifts[1] + moment)
        series = hyp2f1(1.0, far, n + 1.0, -np.expm1(log_ratio))
        log_scale = -n * np.log(shifts[1] + moment) - np.log(n) + (1.0 - near) * log_ratio
        tail: FloatArray = log_scale + np.log(series)
        return tail

    log_from = log_tail(start)
    log_drop = np.minimum(log_tail(end) - log_from, 0.0)
    with np.errstate(divide="ignore"):
        between: FloatArray = log_from + np.log(-np.expm1(log_drop))
    return between


def _log_quadrature(
    near: FloatArray,
    far: FloatArray,
    shifts: tuple[float, float],
    start: FloatArray,
    end: FloatArray,
) -> FloatArray:
    """
    Return what `_log_series` does by Gauss-Legendre quadrature, for c much smaller than d.

    (c + v)**-near falls fast and is integrated exactly, by taking its own cumulative share y as
    the variable; what is left, (d + v)**-far, is smooth in y.
    """
    decay = near - 1.0
    decay = np.where(np.abs(decay) > 1e-9, decay, 1e-9)
    base = shifts[0] + start
    total = -np.expm1(-decay * (np.log(shifts[0] + end) - np.log(base)))
    mean = np.zeros_like(near)
    for node, weight in zip(QUADRATURE_NODES, QUADRATURE_WEIGHTS, strict=True):
        elapsed = base * np.expm1(-np.log1p(-node * total) / decay)
        mean += weight * np.exp(-far * np.log1p(elapsed / (shifts[1] + start)))
    with np.errstate(divide="ignore"):
        log_mass = (1.0 - near) * np.log(base) + np.log(total / decay)
    between: FloatArray = log_mass - far * np.log(shifts[1] + start) + np.log(mean)
    return between
