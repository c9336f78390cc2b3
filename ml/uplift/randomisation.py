"""Was the treatment random? If features tell who was treated, a difference is no effect.

Belongs here: the classifier test and the balance of features. Does not: any repair by weighting; what
was not randomised is refused.

References
----------
.. [1] Gagnon-Bartsch, J. and Shem-Tov, Y. (2019). The classification permutation test. Annals of
   Applied Statistics 13.
.. [2] Austin, P. (2009). Balance diagnostics for comparing the distribution of baseline covariates.
   Statistics in Medicine 28 (standardised differences; 0.1 is the customary limit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ml.uplift.config import UpliftConfig
from ml.uplift.encoding import Condition, Encoded, FloatArray
from ml.uplift.learners import Sample, folds_of

# An AUC of 0.52 is a bias worth a refusal when it is no accident; below it effects hardly move.
_SMALLEST_AUC = 0.52
_CERTAIN = 0.001
_FOLDS = 2
_WHOLLY_APART = 10.0


@dataclass(frozen=True)
class RandomisationTest:
    """
    Result of the test.

    Parameters
    ----------
    auc
        How well features predict the treatment on customers held out; 0.5 is not at all.
    p_value
        Share of random treatments that are predicted as well.
    most_unequal, standardised_difference
        The feature whose means differ most between the groups, in standard deviations.
    refusal
        Why the campaign can't be used; empty when it can.
    """

    auc: float
    p_value: float
    most_unequal: str
    standardised_difference: float
    refusal: str


def randomisation_test(
    sample: Sample, conditions: tuple[Condition, ...], config: UpliftConfig, seed: int
) -> RandomisationTest:
    """
    Predict the treatment from the features, and from nothing as often as it takes.

    Logistic regression and boosted trees predict on held-out folds; the mean of their ranks is
    judged. Where customers repeat, whole customers are held out. The p-value is that of a normal
    distribution with mean and spread of the permutations.
    """
    rng = np.random.default_rng(seed)
    if len(sample) > config.randomisation_customers:
        chosen = np.sort(rng.permutation(len(sample))[: config.randomisation_customers])
        sample = sample.rows(chosen)
    feature, difference = _most_unequal(sample, conditions)
    blank = Sample(sample.features, sample.treated, sample.treated, 0.5, True, sample.group)
    fold = folds_of(blank, _FOLDS, seed)
    auc = _auc_of(sample.features, sample.treated, fold, seed)
    by_chance = np.array(
        [
            _auc_of(sample.features, rng.permutation(sample.treated), fold, seed)
            for _ in range(config.randomisation_permutations)
        ]
    )
    spread = max(float(by_chance.std(ddof=1)), 1e-6)
    p_value = float(norm.sf((auc - by_chance.mean()) / spread))
    refusal = ""
    if auc >= _SMALLEST_AUC and p_value <= _CERTAIN:
        refusal = (
            f"The treatment was not random: the features tell who was treated (AUC {auc:.3f} on "
            f"customers held out, 0.5 by chance; {feature} differs most, by {difference:+.2f} standard "
            "deviations). A difference between the groups is then no effect of the treatment. Keep "
            "only features known before the sending; if it remains, send the next campaign with a "
            "control group drawn at random."
        )
    return RandomisationTest(auc, p_value, feature, difference, refusal)


def _auc_of(features: Encoded, treated: FloatArray, fold: NDArray[np.int64], seed: int) -> float:
    score, tree = np.zeros(len(treated)), features.filled_tree()
    for number in range(_FOLDS):
        train, rest = fold != number, fold == number
        if np.ptp(treated[train]) == 0 or np.ptp(treated[rest]) == 0:
            return 0.5
        linear = LogisticRegression(C=0.05, max_iter=100).fit(
            features.linear[train], treated[train]
        )
        trees = HistGradientBoostingClassifier(
            max_iter=10, max_leaf_nodes=8, min_samples_leaf=40, learning_rate=0.2, random_state=seed,
            early_stopping=False, max_bins=63,
        ).fit(tree[train], treated[train])  # fmt: skip
        score[rest] = rankdata(linear.decision_function(features.linear[rest])) + rankdata(
            trees.decision_function(tree[rest])
        )
    return float(np.mean([_auc(score[fold == n], treated[fold == n]) for n in range(_FOLDS)]))


def _auc(score: FloatArray, treated: FloatArray) -> float:
    rank = rankdata(score)
    ones = float(treated.sum())
    zeros = len(treated) - ones
    return float((rank[treated == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _most_unequal(sample: Sample, conditions: tuple[Condition, ...]) -> tuple[str, float]:
    is_treated = sample.treated == 1
    tree = np.where(np.isfinite(sample.features.tree), sample.features.tree, np.nan)
    with np.errstate(all="ignore"):
        filled = np.where(np.isnan(tree), np.nanmean(tree, axis=0), tree)
        spread = np.sqrt((filled[is_treated].var(axis=0) + filled[~is_treated].var(axis=0)) / 2)
        gap = filled[is_treated].mean(axis=0) - filled[~is_treated].mean(axis=0)
    # A feature that is constant in each group, and differs, gives the treatment away.
    apart = np.where(gap == 0, 0.0, np.sign(gap) * _WHOLLY_APART)
    difference = np.divide(gap, spread, out=apart, where=spread > 0)
    place = int(np.argmax(np.abs(difference)))
    condition = conditions[place]
    name = (
        condition.feature if condition.level is None else f"{condition.feature} {condition.level!r}"
    )
    return name, float(difference[place])
