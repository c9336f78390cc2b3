"""Choosing a learner by cross-validated Qini, and judging the choice on customers it never saw.

Belongs here: folds and the two levels of cross-validation. Does not: what the learners are, or grades.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.uplift.config import ENSEMBLE, RESPONSE_MODEL, UpliftConfig
from ml.uplift.curves import ranked, resampled_curves, resamples
from ml.uplift.encoding import FloatArray
from ml.uplift.learners import Sample, fit_learners, folds_of

_COMPARISONS = 60


@dataclass(frozen=True)
class HonestScores:
    """
    Scores of every customer by models that did not see them.

    Parameters
    ----------
    by_learner
        Each learner, and the response model, cross-fitted.
    chosen
        The procedure as a whole: in each outer fold the learner chosen on the other folds. Only these
        are free of the luck of the winner.
    choices
        What was chosen in each outer fold.
    final
        What is chosen on all customers.
    """

    by_learner: Mapping[str, FloatArray]
    chosen: FloatArray
    choices: tuple[str, ...]
    final: str


def honest_scores(sample: Sample, config: UpliftConfig, seed: int) -> HonestScores:
    """Cross-fit every learner; in each outer fold choose one by inner cross-validation."""
    names = (*config.learners, RESPONSE_MODEL)
    outer = folds_of(sample, config.outer_folds, seed)
    scores = {name: np.zeros(len(sample)) for name in names}
    chosen, choices = np.zeros(len(sample)), []
    for number in range(config.outer_folds):
        train, rest = sample.rows(outer != number), sample.rows(outer == number)
        fitted = fit_learners(train, names, seed)
        for name in names:
            scores[name][outer == number] = _centred(fitted[name](rest.features))
        choice = choose(train, config, seed + 1 + number)
        choices.append(choice)
        chosen[outer == number] = scores[choice][outer == number]
    final = best_learner(scores, sample, config, seed)
    return HonestScores(scores, chosen, tuple(choices), final)


def _centred(score: FloatArray) -> FloatArray:
    """
    Return scores with mean 0 in their fold.

    A fold with an unluckily small effect is predicted by folds with luckily large ones: uncentred,
    folds are ranked the wrong way round, and learners that know nothing look worse than chance.
    """
    return np.asarray(score - score.mean())


def choose(sample: Sample, config: UpliftConfig, seed: int) -> str:
    """Return the learner with the largest cross-validated Qini area on these customers."""
    if len(config.learners) == 1:
        return config.learners[0]
    if len(sample) > config.selection_customers:
        order = np.random.default_rng(seed).permutation(len(sample))
        sample = sample.rows(np.sort(order[: config.selection_customers]))
    fold = folds_of(sample, config.inner_folds, seed)
    scores = {name: np.zeros(len(sample)) for name in config.learners}
    for number in range(config.inner_folds):
        fitted = fit_learners(sample.rows(fold != number), config.learners, seed)
        rest = sample.features.rows(fold == number)
        for name in config.learners:
            scores[name][fold == number] = _centred(fitted[name](rest))
    return best_learner(scores, sample, config, seed)


def best_learner(
    scores: Mapping[str, FloatArray], sample: Sample, config: UpliftConfig, seed: int
) -> str:
    """
    Return the learner with the largest Qini area; the earlier of equals.

    A single learner replaces the ensemble only when it is better by more than the standard error of
    the difference: the largest of several noisy numbers flatters its owner, and the mean of all is
    the safer choice.
    """
    rankings = {
        name: ranked(scores[name], sample.treated, sample.outcome) for name in config.learners
    }
    areas = {name: ranking.curve().qini_area for name, ranking in rankings.items()}
    best = max(areas, key=lambda name: areas[name])
    if ENSEMBLE not in areas or best == ENSEMBLE:
        return best
    weights = resamples(sample.group, len(sample), _COMPARISONS, seed)
    own, safe = (resampled_curves(rankings[name], weights)[0] for name in (best, ENSEMBLE))
    return best if areas[best] - areas[ENSEMBLE] > float(np.std(own - safe)) else ENSEMBLE
