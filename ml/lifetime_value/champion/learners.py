"""Gradient-boosted trees with Poisson loss: corrections of the classics, and forecasts of their own.

Each learner is a bag of boosters, one per fold of customers, for small bases several times over.
So every training row also gets an opinion of boosters that never saw its customer; how far to
trust them is `selection`'s matter.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.champion.examples import Examples
from ml.lifetime_value.purchases.log import FloatArray, IntArray

# Fibonacci hashing spreads neighbouring codes evenly; a prime moves them for the next bag.
HASH_FACTOR, HASH_SIZE, BAG_SHIFT = 2_654_435_761, 2**32, 7_919
# Rows scored at a time: bounds memory at a million customers.
SCORING_ROWS = 250_000


@dataclass(frozen=True)
class Learner:
    """
    Boosters that forecast the logarithm of purchases over an offset.

    Parameters
    ----------
    boosters
        One a fold and bag, trained on the other folds.
    out_of_fold
        Log factor of each training row, by its fold's booster: one row a number of trees.
    step
        Trees from one row of `out_of_fold` to the next.
    """

    boosters: tuple[HistGradientBoostingRegressor, ...]
    out_of_fold: FloatArray
    step: int

    def log_factor(self, matrix: NDArray[np.float32], steps: int) -> FloatArray:
        """Return the boosters' mean log factor after `steps` (from 0) steps of trees."""
        trees = (steps + 1) * self.step
        parts = [
            np.mean(
                [
                    np.log(next(itertools.islice(booster.staged_predict(rows), trees - 1, trees)))
                    for booster in self.boosters
                ],
                axis=0,
            )
            for rows in np.array_split(matrix, max(-(-len(matrix) // SCORING_ROWS), 1))
        ]
        return np.concatenate(parts)


def folds(customer: IntArray, number: int, bag: int) -> IntArray:
    """Return the part that each customer belongs to, at every origin the same."""
    hashed = (customer + bag * BAG_SHIFT) * HASH_FACTOR % HASH_SIZE
    return (hashed * number // HASH_SIZE).astype(np.int64)


def learn(examples: Examples, offset: FloatArray, config: ChampionConfig, seed: int) -> Learner:
    """
    Learn purchases as a multiple of an offset.

    Poisson regression with a log-offset is the regression of count / offset weighted by the
    offset, which is how it is done here: scikit-learn's boosters know no offset.
    """
    origins = max(round(len(examples.is_latest) / max(int(examples.is_latest.sum()), 1)), 1)
    boosters = []
    steps = config.iterations // config.iteration_step
    bags = int(np.clip(config.bagged_rows // max(len(offset), 1), 1, config.most_bags))
    out_of_fold = np.zeros((steps, len(offset)))
    target = examples.purchases / offset
    for bag in range(bags):
        fold_of_row = folds(examples.customer, config.folds, bag)
        for fold in range(config.folds):
            own = fold_of_row == fold
            booster = HistGradientBoostingRegressor(
                loss="poisson",
                max_iter=steps * config.iteration_step,
                learning_rate=config.learning_rate,
                max_leaf_nodes=config.leaf_nodes,
                # The same customer comes once an origin.
                min_samples_leaf=config.leaf_customers * origins,
                l2_regularization=config.leaf_events * origins,
                max_features=0.5,
                early_stopping=False,
                random_state=seed + bag * config.folds + fold,
            ).fit(examples.matrix[~own], target[~own], sample_weight=offset[~own])
            boosters.append(booster)
            if own.any():
                stages = itertools.islice(
                    booster.staged_predict(examples.matrix[own]),
                    config.iteration_step - 1,
                    None,
                    config.iteration_step,
                )
                for step, stage in enumerate(stages):
                    out_of_fold[step, own] += np.log(stage) / bags
    return Learner(tuple(boosters), out_of_fold, config.iteration_step)
