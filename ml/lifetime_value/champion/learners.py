"""Gradient-boosted trees with Poisson loss: corrections of the classics, and forecasts of their own.

Each learner is a bag of one booster per fold of customers, so every training row also gets an
opinion of a booster that never saw its customer. How far to trust them is `selection`'s matter.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.champion.examples import Examples
from ml.lifetime_value.purchases.log import FloatArray

# Rows scored at a time: bounds memory at a million customers.
SCORING_ROWS = 250_000


@dataclass(frozen=True)
class Learner:
    """
    Boosters that forecast the logarithm of purchases over an offset.

    Parameters
    ----------
    boosters
        One a fold, trained on the other folds.
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


def learn(examples: Examples, offset: FloatArray, config: ChampionConfig, seed: int) -> Learner:
    """
    Learn purchases as a multiple of an offset.

    Poisson regression with a log-offset is the regression of count / offset weighted by the
    offset, which is how it is done here: scikit-learn's boosters know no offset.
    """
    origins = max(round(len(examples.is_latest) / max(int(examples.is_latest.sum()), 1)), 1)
    boosters = []
    steps = config.iterations // config.iteration_step
    out_of_fold = np.zeros((steps, len(offset)))
    target = examples.purchases / offset
    for fold in range(config.folds):
        own = examples.fold == fold
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
            random_state=seed + fold,
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
                out_of_fold[step, own] = np.log(stage)
    return Learner(tuple(boosters), out_of_fold, config.iteration_step)
