"""The learners: effect of a treatment by customer, from a randomised experiment.

Belongs here: T, X, DR, proportional and their mean, on linear models and on boosted trees. Does not:
choosing between them (`choice`) or judging (`curves`).

References
----------
.. [1] Künzel, S. et al. (2019). Metalearners for estimating heterogeneous treatment effects using
   machine learning. PNAS 116 (T and X).
.. [2] Kennedy, E. (2023). Towards optimal doubly robust estimation of heterogeneous causal effects.
   Electronic Journal of Statistics 17 (DR).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from ml.uplift.config import ENSEMBLE, RESPONSE_MODEL
from ml.uplift.encoding import Encoded, FloatArray

Predictor = Callable[[Encoded], FloatArray]
_RIDGE_PENALTIES = np.logspace(0, 6, 13)
_NUISANCE_FOLDS = 2


@dataclass(frozen=True)
class Sample:
    """
    One arm and the control group.

    Parameters
    ----------
    features
        Encoded customers.
    treated
        1 for the arm, 0 for control.
    outcome
        Binary or amount.
    propensity
        Share treated, known by design.
    is_binary
        Whether outcomes are 0 and 1.
    group
        Number of the customer, where rows repeat customers; else None.
    """

    features: Encoded
    treated: FloatArray
    outcome: FloatArray
    propensity: float
    is_binary: bool
    group: NDArray[np.int64] | None = None

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Sample:
        """Return some rows."""
        return Sample(
            self.features.rows(chosen),
            self.treated[chosen],
            self.outcome[chosen],
            self.propensity,
            self.is_binary,
            None if self.group is None else self.group[chosen],
        )

    def __len__(self) -> int:
        return len(self.treated)


def folds_of(sample: Sample, count: int, seed: int) -> NDArray[np.int64]:
    """Return a fold by row: balanced in treatment and outcome, or whole customers together."""
    rng = np.random.default_rng(seed)
    if sample.group is not None:
        numbers, inverse = np.unique(sample.group, return_inverse=True)
        return (rng.permutation(len(numbers)) % count)[inverse].astype(np.int64)
    stratum = sample.treated * 2 + (sample.outcome != 0)
    order = np.lexsort((rng.random(len(sample)), stratum))
    fold = np.empty(len(sample), dtype=np.int64)
    fold[order] = np.arange(len(sample)) % count
    return fold


def fit_learners(sample: Sample, names: Sequence[str], seed: int) -> dict[str, Predictor]:
    """
    Fit some learners; models that several need are fitted once.

    Parameters
    ----------
    sample
        Training rows.
    names
        Of `LEARNERS`, or the response model.
    seed
        Of trees and folds.

    Returns
    -------
    dict
        By name, a function from encoded customers to effects (for the response model: outcomes).
    """
    kinds = {name: _kinds(name) for name in names}
    fitted: dict[str, Predictor] = {}
    for base in ("linear", "boost"):
        wanted = [name for name in names if base in kinds[name]]
        if wanted:
            fitted |= _of_base(sample, base, wanted, seed)
    if "proportional" in names or RESPONSE_MODEL in names:
        response = _response(sample, seed)
        fitted[RESPONSE_MODEL] = response
        mean = float(sample.outcome.mean())
        effect = _difference(sample) / mean if mean > 0 else 0.0
        fitted["proportional"] = lambda customers: response(customers) * effect
    if ENSEMBLE in names:
        members = [name for name in names if name not in (ENSEMBLE, RESPONSE_MODEL)]
        fitted[ENSEMBLE] = _ensemble(sample, fitted, members)
    return {name: fitted[name] for name in names}


def _ensemble(sample: Sample, fitted: dict[str, Predictor], members: Sequence[str]) -> Predictor:
    """
    Return the mean of one voice a kind of model, all voices equally loud.

    T-learners vary most because they are noisiest, so in a plain mean they drown the others: on made
    campaigns in the shape of real ones that mean reached 0.61 to 0.86 of the oracle's Qini where
    equally loud voices of `proportional`, `dr_linear` and the boosted X and DR reached 0.70 to 0.90.
    """
    voices = [
        [name for name in kind if name in members]
        for kind in (("proportional",), ("dr_linear",), ("x_boost", "dr_boost"))
    ]
    voices = [kind for kind in voices if kind] or [list(members)]

    def spoken(kind: Sequence[str], customers: Encoded) -> FloatArray:
        return np.asarray(np.mean([fitted[name](customers) for name in kind], axis=0))

    heard = [spoken(kind, sample.features) for kind in voices]
    centres = [float(voice.mean()) for voice in heard]
    spreads = [float(voice.std()) for voice in heard]
    usual = float(np.mean(spreads))

    def predict(customers: Encoded) -> FloatArray:
        total = np.full(len(customers), float(np.mean(centres)))
        for kind, centre, spread in zip(voices, centres, spreads, strict=True):
            if spread > 0:
                loud = (spoken(kind, customers) - centre) / spread
                total += loud * usual / len(voices)
        return total

    return predict


def _kinds(name: str) -> tuple[str, ...]:
    return tuple(base for base in ("linear", "boost") if name.endswith(base))


def _of_base(sample: Sample, base: str, names: Sequence[str], seed: int) -> dict[str, Predictor]:
    """Fit T, X and DR on one kind of model."""
    found: dict[str, Predictor] = {}
    is_treated = sample.treated == 1
    treated, control = sample.rows(is_treated), sample.rows(~is_treated)
    if f"t_{base}" in names or f"x_{base}" in names:
        with_message, without = _outcome(treated, base, seed), _outcome(control, base, seed)
        found[f"t_{base}"] = lambda customers: with_message(customers) - without(customers)
        if f"x_{base}" in names:
            gained = _effect(
                treated.features, treated.outcome - without(treated.features), base, seed
            )
            foregone = _effect(
                control.features, with_message(control.features) - control.outcome, base, seed
            )
            share = sample.propensity
            found[f"x_{base}"] = lambda customers: (
                share * foregone(customers) + (1 - share) * gained(customers)
            )
    if f"dr_{base}" in names:
        found[f"dr_{base}"] = _effect(
            sample.features, doubly_robust_scores(sample, base, seed), base, seed
        )
    return found


def doubly_robust_scores(sample: Sample, base: str, seed: int) -> FloatArray:
    """Return cross-fitted scores whose mean in any group of customers is the group's effect."""
    fold = folds_of(sample, _NUISANCE_FOLDS, seed)
    scores = np.empty(len(sample))
    for number in range(_NUISANCE_FOLDS):
        train, rest = sample.rows(fold != number), sample.rows(fold == number)
        is_treated = train.treated == 1
        with_message = _outcome(train.rows(is_treated), base, seed)(rest.features)
        without = _outcome(train.rows(~is_treated), base, seed)(rest.features)
        t, y, e = rest.treated, rest.outcome, sample.propensity
        scores[fold == number] = (
            with_message - without + t * (y - with_message) / e - (1 - t) * (y - without) / (1 - e)
        )
    return scores


def _response(sample: Sample, seed: int) -> Predictor:
    """Return a model of the outcome that doesn't know of treatments."""
    linear, boost = _outcome(sample, "linear", seed), _outcome(sample, "boost", seed)
    return lambda customers: (linear(customers) + boost(customers)) / 2


def _outcome(sample: Sample, base: str, seed: int) -> Predictor:
    """Fit the outcome of one group."""
    y = sample.outcome
    if len(y) == 0 or np.ptp(y) == 0:
        value = float(y.mean()) if len(y) else 0.0
        return lambda customers: np.full(len(customers), value)
    if sample.is_binary:
        model: Any = (
            LogisticRegression(C=0.05, max_iter=300)
            if base == "linear"
            else HistGradientBoostingClassifier(**_tree_size(len(y)), random_state=seed)
        )
        model.fit(_matrix(sample.features, base), y)
        return lambda customers: np.asarray(model.predict_proba(_matrix(customers, base))[:, 1])
    return _effect(sample.features, y, base, seed)


def _effect(features: Encoded, target: FloatArray, base: str, seed: int) -> Predictor:
    """Fit a number by least squares."""
    model: Any = (
        RidgeCV(alphas=_RIDGE_PENALTIES)
        if base == "linear"
        else HistGradientBoostingRegressor(**_tree_size(len(target)), random_state=seed)
    )
    model.fit(_matrix(features, base), target)
    return lambda customers: np.asarray(model.predict(_matrix(customers, base)), dtype=np.float64)


def _matrix(features: Encoded, base: str) -> FloatArray:
    return features.linear if base == "linear" else features.filled_tree()


def _tree_size(rows: int) -> dict[str, Any]:
    """Return shallow, slow trees with large leaves: effects are much smaller than their noise."""
    return {
        "max_iter": 50,
        "learning_rate": 0.05,
        "max_leaf_nodes": 4,
        "min_samples_leaf": int(np.clip(rows // 30, 20, 1_000)),
        "l2_regularization": 5.0,
        "early_stopping": False,
    }


def _difference(sample: Sample) -> float:
    is_treated = sample.treated == 1
    return float(sample.outcome[is_treated].mean() - sample.outcome[~is_treated].mean())
