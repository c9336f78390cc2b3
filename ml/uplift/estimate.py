"""The whole estimation of a campaign: refuse, or learn, judge, grade, choose and explain.

Each step lives in its own module; this one decides in which order, and who may speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import FAILING_GRADE, grade
from ml.threads import one_thread
from ml.uplift.calibration import CALIBRATION_COLUMNS, Calibration, calibrate, decile_table
from ml.uplift.choice import HonestScores, honest_scores
from ml.uplift.config import LEARNERS, RESPONSE_MODEL, UpliftConfig
from ml.uplift.curves import curve_frame, normalised, ranked, resampled_curves, resamples
from ml.uplift.effects import Effect, average_effect
from ml.uplift.encoding import Encoder, FloatArray, fit_encoder
from ml.uplift.experiment import Campaign, read_campaign, too_little
from ml.uplift.learners import Predictor, Sample, fit_learners
from ml.uplift.randomisation import RandomisationTest, randomisation_test
from ml.uplift.segments import SEGMENT_COLUMNS, segments

LEARNER_COLUMNS = (
    "learner", "qini", "qini_low", "qini_high", "qini_normalised", "auuc", "auuc_over_random",
    "auuc_normalised", "times_random",
)  # fmt: skip
CHOSEN = "chosen (honest)"


@dataclass(frozen=True)
class UpliftModel:
    """A learner fitted on all customers of one arm and control, calibrated."""

    learner: str
    encoder: Encoder
    predictor: Predictor
    calibration: Calibration

    @one_thread
    def predict(self, frame: pd.DataFrame) -> FloatArray:
        """Return the effect expected of treating each customer."""
        return self.calibration.apply(self.predictor(self.encoder.transform(frame)))


@dataclass(frozen=True)
class ArmResult:
    """
    What is known of one arm against control.

    Parameters
    ----------
    arm, control
        Their names.
    effect
        Average effect; None when the arm was refused for being too small.
    randomisation
        The test, where it was made.
    learners
        One row a learner, the response model and the honest choice: `LEARNER_COLUMNS`.
    choice
        Learner chosen on all customers; None when abstaining.
    skill_share
        Area gained over random by the honest choice, over the area under the random line.
    grade
        A to F; None when nothing could be judged.
    reason
        Why it abstains, or what else is worth knowing; empty when nothing is.
    curve, calibration, segments
        Of the honest choice: gain by share treated, deciles, groups in words.
    honest_uplift
        Effect predicted for the arm's and control's customers by models that didn't see them.
    rows
        Positions of those customers in the frame given.
    model
        To score others with; None when abstaining.
    """

    arm: str
    control: str
    effect: Effect | None = None
    randomisation: RandomisationTest | None = None
    learners: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LEARNER_COLUMNS))
    choice: str | None = None
    skill_share: float | None = None
    grade: str | None = None
    reason: str = ""
    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=CALIBRATION_COLUMNS)
    )
    segments: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SEGMENT_COLUMNS))
    honest_uplift: FloatArray = field(default_factory=lambda: np.zeros(0))
    rows: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    model: UpliftModel | None = None

    @property
    def is_abstaining(self) -> bool:
        """Whether customers must be treated alike."""
        return self.model is None


@dataclass(frozen=True)
class UpliftResult:
    """Arms against control, and what was left out of the frame."""

    arms: tuple[ArmResult, ...]
    control: str
    is_binary: bool
    notes: tuple[str, ...]


@one_thread
def estimate_uplift(
    frame: pd.DataFrame,
    *,
    treatment: str,
    outcome: str,
    features: Sequence[str],
    seed: int,
    control: str | None = None,
    customer: str | None = None,
    config: UpliftConfig | None = None,
) -> UpliftResult:
    """
    Learn from a randomised campaign who is moved by which treatment, or refuse and say why.

    Parameters
    ----------
    frame
        One row a customer (or customer and campaign, then name `customer`).
    treatment, outcome, features
        Its columns; features must be known before the sending.
    seed
        Of folds, trees, permutations and resamples. Equal input and seed give equal output.
    control, customer
        Value that means "no treatment"; column of customer ids that repeat.
    config
        The defaults when left out.

    Returns
    -------
    UpliftResult
        An arm that was not randomised, is too small or whose uplift is no better than the same effect
        for everybody abstains, with the reason.

    Raises
    ------
    UpliftError
        When columns are missing or can't be understood, or there is no control group.
    """
    config = config or UpliftConfig()
    campaign = read_campaign(
        frame,
        treatment=treatment,
        outcome=outcome,
        features=features,
        control=control,
        customer=customer,
    )
    encoder = fit_encoder(campaign.frame, features, config.max_levels)
    results = tuple(
        _arm_result(campaign, encoder, arm, config, seed + 1000 * number)
        for number, arm in enumerate(campaign.arms)
    )
    return UpliftResult(
        results, campaign.control, campaign.is_binary, campaign.notes + encoder.notes
    )


def _arm_result(
    campaign: Campaign, encoder: Encoder, arm: str, config: UpliftConfig, seed: int
) -> ArmResult:
    here = np.flatnonzero((campaign.arm == arm) | (campaign.arm == campaign.control))
    group = None if campaign.group is None else campaign.group[here]
    treated = (campaign.arm[here] == arm).astype(np.float64)
    y = campaign.outcome[here]
    result = ArmResult(
        arm,
        campaign.control,
        effect=average_effect(treated, y, config.confidence, group),
        rows=campaign.row[here],
    )
    refusal = too_little(campaign, arm, config)
    if refusal:
        return replace(result, reason=refusal)
    features = encoder.transform(campaign.frame.iloc[here])
    sample = Sample(features, treated, y, float(treated.mean()), campaign.is_binary, group)
    test = randomisation_test(sample, encoder.conditions, config, seed)
    if test.refusal:
        return replace(result, randomisation=test, reason=test.refusal, effect=None)
    scores = honest_scores(sample, config, seed)
    return _judged(replace(result, randomisation=test), sample, encoder, scores, config, seed)


def _judged(
    result: ArmResult,
    sample: Sample,
    encoder: Encoder,
    scores: HonestScores,
    config: UpliftConfig,
    seed: int,
) -> ArmResult:
    """Add table, curve, deciles, segments, grade; and the model, if it may speak."""
    assert result.effect is not None  # too few customers were refused before
    weights = resamples(sample.group, len(sample), config.bootstrap_samples, seed)
    ranking = ranked(scores.chosen, sample.treated, sample.outcome)
    areas, gains = resampled_curves(ranking, weights)
    half = (1 - config.confidence) / 2
    table = pd.DataFrame(
        [_learner_row(CHOSEN, scores.chosen, sample, weights, config)]
        + [
            _learner_row(name, scores.by_learner[name], sample, weights, config)
            for name in (*LEARNERS, RESPONSE_MODEL)
            if name in scores.by_learner
        ],
        columns=list(LEARNER_COLUMNS),
    )
    area = float(table["qini"].iloc[0])
    skill = area / (max(abs(result.effect.effect), result.effect.standard_error) / 2)
    calibration = calibrate(scores.chosen, sample, seed)
    honest = calibration.apply(scores.chosen)
    result = replace(
        result,
        learners=table,
        skill_share=skill,
        grade=grade(skill),
        curve=curve_frame(ranking.curve(), gains, config.confidence),
        calibration=decile_table(honest, sample, config.confidence),
        segments=segments(honest, sample, encoder.conditions, config),
        honest_uplift=honest,
    )
    if float(np.quantile(areas, half)) <= 0:
        return replace(
            result,
            grade=FAILING_GRADE,
            reason=(
                f"Ranking customers by predicted uplift is not better than chance: Qini {area:.5f}, "
                f"{config.confidence:.0%} interval {np.quantile(areas, half):.5f} to "
                f"{np.quantile(areas, 1 - half):.5f}. {_instead(table)}"
            ),
        )
    final = fit_learners(sample, (*config.learners, RESPONSE_MODEL), seed)[scores.final]
    reason = _remark(table, areas, weights, scores, sample)
    # Honest scores were centred by fold; those of the final model are not.
    centred = replace(calibration, centre=float(final(sample.features).mean()))
    model = UpliftModel(scores.final, encoder, final, centred)
    return replace(result, choice=scores.final, model=model, reason=reason)


def _learner_row(
    name: str, score: FloatArray, sample: Sample, weights: FloatArray, config: UpliftConfig
) -> dict[str, object]:
    ranking = ranked(score, sample.treated, sample.outcome)
    curve = ranking.curve()
    areas, _ = resampled_curves(ranking, weights)
    half = (1 - config.confidence) / 2
    qini_normalised, auuc_normalised = normalised(score, sample.treated, sample.outcome)
    random_area = curve.average_effect / 2
    return {
        "learner": name,
        "qini": curve.qini_area,
        "qini_low": float(np.quantile(areas, half)),
        "qini_high": float(np.quantile(areas, 1 - half)),
        "qini_normalised": qini_normalised,
        "auuc": curve.auuc,
        "auuc_over_random": curve.auuc - random_area,
        "auuc_normalised": auuc_normalised,
        "times_random": curve.auuc / random_area if random_area > 0 else None,
    }


def _instead(table: pd.DataFrame) -> str:
    """Say what to do where uplift can't be told."""
    response = table[table["learner"] == RESPONSE_MODEL].iloc[0]
    if float(response["qini_low"]) > 0:
        return (
            f"A plain response model is better than chance (Qini {float(response['qini']):.5f}): "
            "where not everybody can be treated, start with those likeliest to buy."
        )
    return "Treat everybody or nobody, by the average effect."


def _remark(
    table: pd.DataFrame,
    areas: FloatArray,
    weights: FloatArray,
    scores: HonestScores,
    sample: Sample,
) -> str:
    """Return a remark when mailing those who buy anyway would do as well."""
    response = ranked(scores.by_learner[RESPONSE_MODEL], sample.treated, sample.outcome)
    gap = areas - resampled_curves(response, weights)[0]
    if float(np.mean(gap)) <= 0:
        own = float(table["qini"].iloc[0])
        theirs = float(table.set_index("learner").loc[RESPONSE_MODEL, "qini"])  # type: ignore[arg-type]
        return (
            f"A plain response model ranks as well here (Qini {theirs:.5f} against {own:.5f}): those "
            "who buy more are moved more."
        )
    return ""
