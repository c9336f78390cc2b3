"""Who gains and who is harmed, in words: a few groups of customers and their measured effects.

A shallow tree on honest predictions makes the groups; the effects are differences of means inside them.
Not a model for scoring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from ml.uplift.config import UpliftConfig
from ml.uplift.effects import average_effect
from ml.uplift.encoding import Condition, FloatArray
from ml.uplift.learners import Sample

SEGMENT_COLUMNS = (
    "segment", "segment_es", "share", "customers", "predicted_effect", "effect", "effect_low",
    "effect_high", "verdict",
)  # fmt: skip
GAINS, HARMED, UNCLEAR = "gains", "harmed", "no effect shown"


@dataclass
class _Group:
    """Bounds of each feature and levels asked for, along a path of the tree."""

    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    not_levels: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def copy(self) -> _Group:
        return _Group(
            dict(self.low),
            dict(self.high),
            dict(self.levels),
            {name: list(found) for name, found in self.not_levels.items()},
            dict(self.values),
        )

    def words(self, spanish: bool) -> str:
        """Return the group as a phrase."""
        both, none = (" y ", "todos") if spanish else (" and ", "all customers")
        parts = [
            _bounds(name, self.low.get(name), self.high.get(name), self.values[name], spanish)
            for name in dict.fromkeys([*self.low, *self.high])
        ]
        for name, level in self.levels.items():
            parts.append(f"{name} {'es' if spanish else 'is'} {level}")
        for name, levels in self.not_levels.items():
            if name not in self.levels:
                other = (" ni " if spanish else " nor ").join(levels)
                parts.append(f"{name} {'no es' if spanish else 'is not'} {other}")
        return both.join(parts) or none


def _bounds(name: str, low: float | None, high: float | None, values: str, spanish: bool) -> str:
    """Say where a number lies; splits of whole numbers lie half-way and are said as whole ones."""
    if values == "flag":
        return f"{name} {'es' if spanish else 'is'} {0 if low is None else 1}"
    is_whole = values == "integer"
    first = None if low is None else f"{np.floor(low) + 1:,.0f}" if is_whole else f"{low:,.4g}"
    last = None if high is None else f"{np.floor(high):,.0f}" if is_whole else f"{high:,.4g}"
    if first is not None and last is not None:
        return f"{name} {'de' if spanish else 'from'} {first} {'a' if spanish else 'to'} {last}"
    if first is not None:
        at_least, above = ("desde", "más de") if spanish else ("from", "above")
        return f"{name} {at_least if is_whole else above} {first}"
    return f"{name} {'hasta' if spanish else 'up to'} {last}"


def segments(
    score: FloatArray,
    sample: Sample,
    conditions: Sequence[Condition],
    config: UpliftConfig,
) -> pd.DataFrame:
    """
    Return groups from the largest to the smallest measured effect.

    Parameters
    ----------
    score
        Predicted effect of each customer by a model that did not see them.
    sample
        The customers.
    conditions
        What each column of the tree matrix means.
    config
        Depth, least share of a group and confidence.

    Returns
    -------
    pandas.DataFrame
        `SEGMENT_COLUMNS`; the verdict is "gains" or "harmed" only where the interval leaves out 0.
    """
    tree = sample.features.tree
    with np.errstate(all="ignore"):
        medians = np.nan_to_num(np.nanmedian(np.where(np.isfinite(tree), tree, np.nan), axis=0))
    filled = np.where(np.isfinite(tree), tree, medians)
    fitted = DecisionTreeRegressor(
        max_depth=config.max_segments_depth,
        min_samples_leaf=max(2, int(np.ceil(config.min_segment_share * len(sample)))),
        random_state=0,
    ).fit(filled, score)
    leaf = fitted.apply(filled)
    rows = []
    for number, group in _groups(fitted.tree_, conditions):
        here = leaf == number
        row = _row(group, here, score, sample, config)
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda row: (-float(row["effect"]), str(row["segment"])))  # type: ignore[arg-type]
    return pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS))


def _row(
    group: _Group,
    here: NDArray[np.bool_],
    score: FloatArray,
    sample: Sample,
    config: UpliftConfig,
) -> dict[str, object] | None:
    within = sample.rows(here)
    found = average_effect(within.treated, within.outcome, config.confidence, within.group)
    if found is None:
        return None
    verdict = GAINS if found.low > 0 else HARMED if found.high < 0 else UNCLEAR
    return {
        "segment": group.words(spanish=False),
        "segment_es": group.words(spanish=True),
        "share": float(here.mean()),
        "customers": int(here.sum()),
        "predicted_effect": float(score[here].mean()),
        "effect": found.effect,
        "effect_low": found.low,
        "effect_high": found.high,
        "verdict": verdict,
    }


def _groups(tree: object, conditions: Sequence[Condition]) -> list[tuple[int, _Group]]:
    """Walk the tree; return each leaf's number and its conditions."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    features, thresholds = tree.feature, tree.threshold  # type: ignore[attr-defined]
    found: list[tuple[int, _Group]] = []
    waiting = [(0, _Group())]
    while waiting:
        node, group = waiting.pop()
        if left[node] == right[node]:
            found.append((node, group))
            continue
        condition, bound = conditions[features[node]], float(thresholds[node])
        below, above = group.copy(), group.copy()
        name = condition.feature
        if condition.level is None:
            below.values[name] = above.values[name] = condition.values
            below.high[name] = min(bound, below.high.get(name, np.inf))
            above.low[name] = max(bound, above.low.get(name, -np.inf))
        else:
            below.not_levels.setdefault(name, []).append(condition.level)
            above.levels[name] = condition.level
        waiting += [(int(left[node]), below), (int(right[node]), above)]
    return found
