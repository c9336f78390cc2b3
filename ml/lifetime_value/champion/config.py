"""Frozen configuration of the champion, with the reason for each default.

Definitions only. The values were chosen on CDNOW, Complete Journey, Online Retail and the
simulated market, at origins of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ml.lifetime_value.config import LifetimeValueConfig, LifetimeValueError

NAIVE_RATE = "naive_rate"
BASE_MEAN = "base_mean"
CLASSIC_BLEND = "classic_blend"
BOOSTED_CLASSICS = "boosted_classics"
SUPERVISED = "supervised"
STACK = "stack"


@dataclass(frozen=True)
class ChampionConfig:
    """
    How the champion learns, is chosen and is graded.

    Parameters
    ----------
    models
        Configuration of the BTYD models, of margin and of discount.
    horizons
        Days ahead for which customers are predicted.
    training_origins
        Earlier origins to learn from, if the history is long enough for several.
    folds
        Parts of the customers; each is judged by learners that never saw it, at any origin.
    bagged_rows, most_bags
        Small bases are learnt several times over with other folds, until so many rows were seen:
        on CDNOW's sample one bag leaves the RMSE to chance by 0.3 %.
    max_training_rows
        Customer-origins to learn from; more are sampled, by number of repeats.
    iterations, iteration_step
        Most trees a learner has, and the steps in which fewer are tried.
    learning_rate, leaf_nodes, leaf_customers, leaf_events
        Of the trees: pace, leaves, least customers a leaf, events by which a leaf is shrunk.
    small_base_events, small_base
        Below so many purchases after an origin, these leaves, customers, events and trees
        instead: on CDNOW's sample they turn +0.1 % of RMSE against Pareto/NBD into -0.1 %.
    worst_classic_share
        How much worse than the best a BTYD model may do at earlier origins (RMSE and deviance,
        averaged) to be in the mean that corrections start from.
    events_of_half_trust
        Purchases at which corrections are halved. On CDNOW's sample of 2,357 customers (1,200
        purchases) full corrections cost 2 % of RMSE that half of them don't.
    level_trust
        Share (in logs) of a level found at earlier origins that is carried over: seasons and
        fading cohorts move levels as often as they keep them.
    interval_share, least_open_share
        Coverage of the intervals, and the least that it may be among those customers whose
        interval isn't [0, 0] anyway.
    least_z
        Standard errors by which a forecast must beat one number for everybody before it speaks.
    """

    models: LifetimeValueConfig = field(default_factory=LifetimeValueConfig)
    horizons: tuple[int, ...] = (30, 90, 365)
    training_origins: int = 3
    folds: int = 3
    bagged_rows: int = 24_000
    most_bags: int = 4
    max_training_rows: int = 60_000
    iterations: int = 120
    iteration_step: int = 20
    learning_rate: float = 0.05
    leaf_nodes: int = 6
    leaf_customers: int = 40
    leaf_events: float = 30.0
    small_base_events: float = 3_000.0
    small_base: tuple[int, int, float, int] = (3, 120, 60.0, 80)
    worst_classic_share: float = 0.1
    events_of_half_trust: float = 800.0
    level_trust: float = 0.5
    interval_share: float = 0.8
    least_open_share: float = 0.7
    least_z: float = 2.0

    def for_events(self, events: float) -> ChampionConfig:
        """Return the configuration with trees that fit so many purchases after an origin."""
        if events >= self.small_base_events:
            return self
        nodes, customers, shrinkage, trees = self.small_base
        return replace(
            self,
            leaf_nodes=nodes,
            leaf_customers=customers,
            leaf_events=shrinkage,
            iterations=max(min(trees, self.iterations), self.iteration_step),
        )

    def __post_init__(self) -> None:
        """Refuse values under which nothing could be learnt."""
        if (
            not self.horizons
            or min(self.horizons) < 1
            or sorted(set(self.horizons)) != list(self.horizons)
        ):
            raise LifetimeValueError(
                f"horizons is {self.horizons}; give whole days of at least 1, rising, each once."
            )
        if self.training_origins < 1 or self.folds < 2:
            raise LifetimeValueError(
                "training_origins must be at least 1 and folds at least 2, not "
                f"{self.training_origins} and {self.folds}."
            )
        if not 0 < self.iteration_step <= self.iterations:
            raise LifetimeValueError(
                "iteration_step must be between 1 and iterations, not "
                f"{self.iteration_step} of {self.iterations}."
            )
        if not 0 < self.least_open_share <= self.interval_share < 1:
            raise LifetimeValueError(
                "Shares must satisfy 0 < least_open_share <= interval_share < 1, not "
                f"{self.least_open_share} and {self.interval_share}."
            )
