"""BG/NBD and MBG/NBD in closed form: alive, purchase probability, expected purchases.

Formulas for given parameters only; fitting them is `lifetimes_adapter`'s work.

Both models: while alive a customer buys at rate lambda ~ Gamma(r, alpha), and leaves with
probability p ~ Beta(a, b) at certain moments: after each repeat purchase (BG), or at the first
purchase as well (MBG). Leaving happens only at a purchase. So given that the customer is alive at
T, the history says lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, survived), where `survived`
counts the moments lived through: b + x (BG) or b + x + 1 (MBG), and lambda and p are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, hyp2f1

from ml.lifetime_value.sufficient_statistics import FloatArray, History

# Expected purchases divide by a - 1; nearer to it than this the difference above it loses digits.
SMALLEST_DISTANCE = 1e-6


@dataclass(frozen=True)
class BetaGeometric:
    """
    BG/NBD, or MBG/NBD when the first purchase can be the last.

    Parameters
    ----------
    r, alpha
        Shape and rate (weeks) of the purchase rate's gamma distribution.
    a, b
        Beta distribution of the probability of leaving at a purchase.
    first_can_be_last
        False for BG/NBD, True for MBG/NBD.
    """

    r: float
    alpha: float
    a: float
    b: float
    first_can_be_last: bool

    def _survived(self, history: History) -> FloatArray:
        return history.frequency + self.b + (1.0 if self.first_can_be_last else 0.0)

    def p_alive(self, history: History) -> FloatArray:
        """Return the probability that the customer has not left by T."""
        shape = self.r + history.frequency
        # b + x - 1 can be negative for BG without repeats, where nobody has had a chance to leave.
        chances = self._survived(history) - 1.0
        can_have_left = (history.frequency > 0) | self.first_can_be_last
        log_odds_left = (
            shape * np.log((self.alpha + history.age) / (self.alpha + history.age_at_last_purchase))
            + np.log(self.a)
            - np.log(np.where(can_have_left, chances, 1.0))
        )
        return np.where(can_have_left, expit(-log_odds_left), 1.0)

    def p_purchase(self, history: History, weeks: float) -> FloatArray:
        """
        Return the probability of at least one purchase in the next `weeks`.

        Who is alive at T can leave only at the next purchase, so that one is certain to come:
        after an Exp(lambda) wait with lambda ~ Gamma(r + x, alpha + T). Hence
        P = p_alive * (1 - ((alpha + T) / (alpha + T + t)) ** (r + x)), in BG and MBG alike: a
        chance to leave at time 0 changes p_alive, not the wait of those who stayed.
        """
        log_stay = -(self.r + history.frequency) * np.log1p(weeks / (self.alpha + history.age))
        return self.p_alive(history) * -np.expm1(log_stay)

    def expected_purchases(self, history: History, weeks: float) -> FloatArray:
        """
        Return the expected number of purchases in the next `weeks`.

        Fader, Hardie and Lee (2005) eq. 10 (BG), Wagner and Hoppe (2008) (MBG), both
        p_alive * c / (a - 1) * (1 - (1 - z)**(r + x) * 2F1(r + x, survived; c; z)) with
        z = t / (alpha + T + t) and c = a + survived - 1. For large x the 2F1 overflows while the
        power underflows; Euler's transformation (1 - z)**(a - 1) * 2F1(c - r - x, a - 1; c; z) is
        the same product without either, so it is used unless a is the larger exponent.
        """
        a = self.a if abs(self.a - 1.0) > SMALLEST_DISTANCE else 1.0 + SMALLEST_DISTANCE
        # Where r - a is an integer, scipy takes another series, which is NaN for large z.
        if abs(self.r - a - round(self.r - a)) < SMALLEST_DISTANCE:
            a += 2.0 * SMALLEST_DISTANCE
        shape = self.r + history.frequency
        survived = self._survived(history)
        c = a + survived - 1.0
        c = np.where(np.abs(c) > SMALLEST_DISTANCE**2, c, SMALLEST_DISTANCE**2)
        z = weeks / (self.alpha + history.age + weeks)
        log_rest = np.log1p(-z)
        use_euler = a - 1.0 <= shape
        first = np.where(use_euler, c - shape, shape)
        second = np.where(use_euler, a - 1.0, survived)
        exponent = np.where(use_euler, a - 1.0, shape)
        stays = np.exp(exponent * log_rest) * hyp2f1(first, second, c, z)
        expected: FloatArray = self.p_alive(history) * c / (a - 1.0) * (1.0 - stays)
        return expected
