"""Rolling origins: learn on what was known on a day, grade on what came after, day by day.

The champion of an origin never sees that origin's outcome; choosing it used earlier ones only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import calibration_bins, count_metrics, grade, rmse, skill_share
from ml.lifetime_value.champion.classics import Classics
from ml.lifetime_value.champion.config import (
    BASE_MEAN,
    NAIVE_RATE,
    ChampionConfig,
)
from ml.lifetime_value.champion.examples import classics_as_of
from ml.lifetime_value.champion.intervals import coverage, randomised_coverage
from ml.lifetime_value.champion.learn import Champion, judged, learn_champion
from ml.lifetime_value.champion.spend import spend_metrics, value_forecasts
from ml.lifetime_value.champion.value import ValueForecast, value_forecast
from ml.lifetime_value.config import PURCHASE_MODELS
from ml.lifetime_value.purchases import Outcome, PurchaseLog, outcome_after
from ml.lifetime_value.purchases.log import FloatArray
from ml.threads import one_thread

CHAMPION = "champion"
UNCALIBRATED = "champion_uncalibrated"
SHORTEST_HISTORY_DAYS = 28
# What the column names say.
INTERVAL_SHARE = 0.8


@dataclass(frozen=True)
class Grading:
    """
    How the candidates of one origin did.

    Parameters
    ----------
    origin, horizon_days
        First day not known, and days after it.
    customers, purchases_after
        Customers known at the origin, and purchase days of theirs in the horizon.
    candidates
        One row a candidate with all metrics; `champion` is what would have been published, and
        `champion_uncalibrated` the same with the classics' level.
    champion
        What was learnt; None when nothing was.
    reason
        Why it would not have spoken at the origin; empty when it would.
    verdict
        Why the outcome says that it must not speak from now on; empty when it may.
    spend
        One row a value model: RMSE and bias on those who bought.
    value
        Value forecast; None without a champion.
    value_coverage
        Share of customers whose value lay within its interval; None without one.
    model_reasons
        Why BTYD models are missing.
    """

    origin: int
    horizon_days: int
    customers: int
    purchases_after: int
    candidates: pd.DataFrame
    champion: Champion | None
    reason: str
    verdict: str
    spend: pd.DataFrame
    value: ValueForecast | None
    value_coverage: float | None
    model_reasons: Mapping[str, str]

    @property
    def baseline_rmse(self) -> dict[str, float]:
        """Return the RMSE of the forecasts that cost nothing."""
        table = self.candidates.set_index("model")["rmse"]
        return {name: float(table[name]) for name in (NAIVE_RATE, BASE_MEAN) if name in table}

    @property
    def gains(self) -> tuple[float, float] | None:
        """Return by which share RMSE and deviance beat the best classic's; None without both."""
        table = self.candidates.set_index("model")
        classics = [name for name in PURCHASE_MODELS if name in table.index]
        if CHAMPION not in table.index or not classics or not self.purchases_after:
            return None
        best = table.loc[classics, ["rmse", "poisson_deviance"]].min()
        own = table.loc[CHAMPION]
        if best["rmse"] <= 0 or best["poisson_deviance"] <= 0:
            return None
        return (
            1.0 - float(own["rmse"]) / float(best["rmse"]),
            1.0 - float(own["poisson_deviance"]) / float(best["poisson_deviance"]),
        )


def rolling_origins(
    log: PurchaseLog, last_origin: int, horizon_days: int, origins: int
) -> tuple[int, ...]:
    """
    Return up to so many origins, the latest first, a horizon apart or, if need be, closer.

    Each keeps at least `SHORTEST_HISTORY_DAYS` and a third of the history of the latest.
    """
    history = last_origin - log.first_day
    room = history - max(SHORTEST_HISTORY_DAYS, history // 3)
    if origins < 2 or room < 1:
        return (last_origin,)
    step = max(min(horizon_days, room // (origins - 1)), 1)
    return tuple(last_origin - number * step for number in range(origins))


@one_thread
def grade_at_origin(
    log: PurchaseLog, origin: int, horizon_days: int, config: ChampionConfig, seed: int
) -> Grading:
    """Learn what was known at an origin and grade it on the horizon after it."""
    known = log.before(origin)
    outcome = outcome_after(log, origin, horizon_days)
    learnt = learn_champion(log, origin, horizon_days, config, seed)
    if isinstance(learnt, Champion):
        extra = {CHAMPION: learnt.forecast, UNCALIBRATED: learnt.uncalibrated}
        candidates = candidate_metrics(learnt.forecasts | extra, outcome.purchases)
        candidates = _with_coverage(candidates, learnt, outcome)
        baselines = {name: learnt.forecasts[name] for name in (NAIVE_RATE, BASE_MEAN)}
        verdict = judged(learnt.forecast, outcome.purchases, baselines, config, "in the holdout")
        value = value_forecast(log, origin, learnt, config)
        covered = None
        if value.lower is not None and value.upper is not None:
            covered = coverage(value.lower, value.upper, outcome.value)
        spend = _spend_table(known, origin, outcome, value, config)
        return Grading(
            origin,
            horizon_days,
            known.customer_ids.size,
            int(outcome.purchases.sum()),
            candidates,
            learnt,
            learnt.reason,
            verdict,
            spend,
            value,
            covered,
            learnt.model_reasons,
        )
    classics = classics_as_of(known, origin, config) if known.day.size else None
    return Grading(
        origin,
        horizon_days,
        known.customer_ids.size,
        int(outcome.purchases.sum()),
        candidate_metrics(_plain_forecasts(classics, horizon_days), outcome.purchases),
        None,
        learnt.reason,
        learnt.reason,
        pd.DataFrame(columns=["model", "rmse", "bias_share"]),
        None,
        None,
        learnt.model_reasons,
    )


def _plain_forecasts(classics: Classics | None, horizon_days: int) -> dict[str, FloatArray]:
    """Return baselines and what classics there are, where nothing could be learnt."""
    if classics is None:
        return {}
    forecasts = classics.baselines(horizon_days)
    return forecasts | (classics.forecasts(horizon_days) if classics.models else {})


def candidate_metrics(
    forecasts: Mapping[str, FloatArray],
    observed: FloatArray,
    baselines: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """
    Return one row a candidate: all point metrics, calibration error, skill and grade.

    `baselines` are RMSE by name, where the forecasts don't hold the baselines themselves.
    """
    if observed.size == 0 or not forecasts:
        return pd.DataFrame(columns=["model", "rmse", "poisson_deviance"])
    baselines = baselines or {
        name: rmse(forecasts[name], observed)
        for name in (NAIVE_RATE, BASE_MEAN)
        if name in forecasts
    }
    rows = []
    for name, forecast in forecasts.items():
        metrics = dict(count_metrics(forecast, observed))
        skill = skill_share(float(metrics["rmse"] or 0.0), baselines)
        rows.append(
            {
                "model": name,
                **metrics,
                "calibration_error": calibration_error(forecast, observed),
                "skill_share": skill,
                "grade": grade(skill),
            }
        )
    return pd.DataFrame(rows)


def calibration_error(forecast: FloatArray, observed: FloatArray) -> float | None:
    """Return the mean distance of promise and outcome in deciles, over the mean outcome."""
    mean = float(observed.mean())
    if mean == 0:
        return None
    bins = calibration_bins(forecast, observed)
    distance = (bins["predicted_mean"] - bins["observed_mean"]).abs() * bins["customers"]
    return float(distance.sum()) / float(bins["customers"].sum()) / mean


def _with_coverage(candidates: pd.DataFrame, champion: Champion, outcome: Outcome) -> pd.DataFrame:
    """Add the coverage of the champion's intervals."""
    lower, upper = champion.interval()
    is_champion = candidates["model"] == CHAMPION
    covered = coverage(lower, upper, outcome.purchases)
    randomised = randomised_coverage(champion.distribution, outcome.purchases, INTERVAL_SHARE)
    return candidates.assign(
        coverage_80=np.where(is_champion, covered, np.nan),
        randomised_coverage_80=np.where(is_champion, randomised, np.nan),
    )


def _spend_table(
    known: PurchaseLog,
    origin: int,
    outcome: Outcome,
    value: ValueForecast,
    config: ChampionConfig,
) -> pd.DataFrame:
    """Return how the value models did on those who bought."""
    if not known.has_amounts:
        return pd.DataFrame(columns=["model", "rmse", "bias_share"])
    forecasts = value_forecasts(known, origin, config.models)
    return spend_metrics(forecasts, outcome.purchases, outcome.value).assign(
        is_chosen=lambda frame: frame["model"] == value.choice.model
    )


def summary_of_gains(gradings: list[Grading]) -> pd.DataFrame:
    """Return one row an origin: RMSE and deviance of the champion over the best classic's."""
    rows = [
        {
            "origin": grading.origin,
            "horizon_days": grading.horizon_days,
            "customers": grading.customers,
            "rmse_gain_share": None if grading.gains is None else grading.gains[0],
            "deviance_gain_share": None if grading.gains is None else grading.gains[1],
        }
        for grading in gradings
    ]
    return pd.DataFrame(rows)
