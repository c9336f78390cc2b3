"""What is printed of an estimation, and how near it comes to an oracle.

Words and numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ml.uplift import ArmResult, UpliftResult
from ml.uplift.curves import ranked
from ml.uplift.encoding import FloatArray


def lines_of(result: UpliftResult) -> Iterator[str]:
    """Yield the report: notes, then each arm."""
    for note in result.notes:
        yield f"  note: {note}"
    for arm in result.arms:
        yield ""
        yield f"{arm.arm!r} against {arm.control!r}"
        yield from _effect(arm, result.is_binary)
        yield from _learners(arm)
        yield from _verdict(arm)


def qini_of_truth(score: FloatArray, true_effect: FloatArray) -> float:
    """Return the area between the curve of true effects by score and the random line."""
    together = np.concatenate([np.ones(len(score)), np.zeros(len(score))])
    both = np.concatenate([score, score])
    outcome = np.concatenate([true_effect, np.zeros(len(score))])
    return ranked(both, together, outcome).curve().qini_area


def oracle_lines(arm: ArmResult, frame: pd.DataFrame, oracle: FloatArray) -> Iterator[str]:
    """Yield how the honest ranking compares with one by the true effect."""
    if not len(arm.honest_uplift):
        return
    truth = oracle[arm.rows]
    best = qini_of_truth(truth, truth)
    own = qini_of_truth(arm.honest_uplift, truth)
    share = f"{own / best:.3f}" if best > 0 else "none: true effects are all the same"
    yield (
        f"  oracle: Qini of true effects {best:.5f} by the oracle, {own:.5f} by the honest ranking; "
        f"share {share}"
    )


def _effect(arm: ArmResult, is_binary: bool) -> Iterator[str]:
    effect = arm.effect
    if effect is None:
        return
    yield (
        f"  customers {effect.treated:,} treated, {effect.control:,} control; outcome "
        f"{_amount(is_binary, effect.treated_mean)} and {_amount(is_binary, effect.control_mean)}"
    )
    average, low, high, detectable = (
        _amount(is_binary, number)
        for number in (effect.effect, effect.low, effect.high, effect.detectable)
    )
    yield f"  average effect {average} (interval {low} to {high}); detectable {detectable}"
    if arm.randomisation is not None:
        test = arm.randomisation
        yield (
            f"  randomised: treatment predicted with AUC {test.auc:.3f}, p {test.p_value:.2f}; most "
            f"unequal {test.most_unequal} ({test.standardised_difference:+.3f} sd)"
        )


def _learners(arm: ArmResult) -> Iterator[str]:
    if arm.learners.empty:
        return
    yield (
        f"  {'learner':<18}{'Qini':>9}{'interval':>21}{'normalised':>12}{'AUUC':>10}{'normalised':>12}"
        f"{'x random':>10}"
    )
    for row in arm.learners.itertuples(index=False):
        interval = f"{row.qini_low:.5f} to {row.qini_high:.5f}"
        yield (
            f"  {row.learner:<18}{row.qini:>9.5f}{interval:>21}{_number(row.qini_normalised):>12}"
            f"{row.auuc:>10.5f}{_number(row.auuc_normalised):>12}{_number(row.times_random, 2):>10}"
        )
    random = arm.effect.effect / 2 if arm.effect else 0.0
    yield f"  {'random':<18}{0.0:>9.5f}{'':>21}{'0.0000':>12}{random:>10.5f}{'0.0000':>12}{'1.00':>10}"


def _verdict(arm: ArmResult) -> Iterator[str]:
    skill = "" if arm.skill_share is None else f" ({arm.skill_share:+.1%} of the random gain)"
    yield f"  grade {arm.grade or '-'}{skill}, choice {arm.choice or 'abstains'}"
    if arm.reason:
        yield f"  {'because' if arm.is_abstaining else 'note'}: {arm.reason}"
    if not arm.curve.empty:
        yield from _gains(arm)
    if not arm.calibration.empty:
        yield "  deciles, predicted -> observed: " + "; ".join(
            f"{row.decile}: {row.predicted_uplift:.4f} -> {row.observed_uplift:.4f}"
            for row in arm.calibration.itertuples(index=False)
        )
    for row in arm.segments.itertuples(index=False):
        yield (
            f"  {row.verdict}: {row.segment} ({row.share:.0%} of customers): {row.effect:+.4f} "
            f"({row.effect_low:+.4f} to {row.effect_high:+.4f})"
        )


def _gains(arm: ArmResult) -> Iterator[str]:
    curve = arm.curve.set_index("share_treated")
    total = float(curve["qini_gain"].iloc[-1])
    parts = []
    for place, share in ((2, 0.1), (6, 0.3), (10, 0.5)):
        row = curve.iloc[place]
        gain, low, high = (row[name] for name in ("qini_gain", "qini_gain_low", "qini_gain_high"))
        of_all = f", {gain / total:.0%} of all" if total > 0 else ""
        parts.append(f"best {share:.0%}: {gain:.5f} ({low:.5f} to {high:.5f}{of_all})")
    yield "  gain a customer by " + "; ".join(parts)


def _amount(is_binary: bool, number: float) -> str:
    return f"{100 * number:.2f} %" if is_binary else f"{number:.4f}"


def _number(value: object, digits: int = 4) -> str:
    return "-" if value is None or pd.isna(value) else f"{float(value):.{digits}f}"  # type: ignore[arg-type, call-overload]
