"""Frozen configuration of the recommendations, with the reason for each default.

Definitions only; nothing here reads, learns or recommends.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL_VERSION = "1.0.0"

RANKER = "next_basket_ranker"
BLEND = "frequency_and_neighbours"
PERSONAL_FREQUENCY = "personal_frequency"
POPULARITY = "popularity"
# What has to be beaten.
BASELINES = (PERSONAL_FREQUENCY, POPULARITY)


class RecommendationError(ValueError):
    """The input or configuration can't be used; the sentence says what to do."""


@dataclass(frozen=True)
class RecommendationConfig:
    """
    What is recommended, and how it is learned.

    Parameters
    ----------
    per_customer
        Products recommended to each customer.
    short_days, long_days
        Half-lives of personal frequency: what was bought a month ago counts half in the one, three
        months ago in the other.
    popular_days
        Days by which popularity is judged.
    browsing_days
        Days a view counts.
    neighbours, reference_customers
        Similar customers each one is compared with, out of so many at most: the cost per customer
        then doesn't grow with the base.
    min_buyers
        Buyers from which a product has neighbours and factors.
    factors
        Of the matrix factorisation.
    own_candidates, other_candidates
        Products considered: a customer's own most frequent, and as many of each other kind (similar
        customers, bought together, popular, looked at).
    training_baskets
        Dates before the as-of date whose next baskets the ranker learns from.
    training_customers
        Most customers learned from on each date; as many judge the result.
    learning_base
        Most customers whose history is looked at while learning and judging: similar customers and
        popularity are those of a sample then. All are looked at for the recommendations.
    min_customers
        Customers with a next basket needed to learn and to judge.
    chunk
        Customers scored at a time.
    min_support, affinities_per_product
        Baskets with both products that an affinity needs, and how many are kept for each product.
    """

    per_customer: int = 10
    short_days: float = 30.0
    long_days: float = 90.0
    popular_days: int = 28
    browsing_days: int = 30
    neighbours: int = 100
    reference_customers: int = 4_000
    min_buyers: int = 5
    factors: int = 64
    own_candidates: int = 200
    other_candidates: int = 40
    training_baskets: int = 3
    training_customers: int = 3_000
    learning_base: int = 30_000
    min_customers: int = 50
    chunk: int = 1_000
    min_support: int = 10
    affinities_per_product: int = 20

    def __post_init__(self) -> None:
        """Refuse values under which the results would mean nothing."""
        whole = {
            name: getattr(self, name)
            for name in (
                "per_customer", "popular_days", "browsing_days", "neighbours", "reference_customers",
                "min_buyers", "factors", "own_candidates", "other_candidates", "training_baskets",
                "training_customers", "learning_base", "min_customers", "chunk", "min_support",
                "affinities_per_product",
            )
        }  # fmt: skip
        for name, value in whole.items():
            if value < 1:
                raise RecommendationError(f"{name} is {value}; it must be at least 1.")
        if not 0 < self.short_days <= self.long_days:
            raise RecommendationError(
                f"short_days is {self.short_days} and long_days {self.long_days}; both must be above 0 "
                "and the short one not the longer."
            )
