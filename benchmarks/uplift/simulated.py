"""The simulated market's campaigns: what can be learned of planted uplift types from files alone.

A type shows only in how a customer answered earlier sends, because the market draws it apart from all
other traits. So three rankings are compared by true effects: the oracle's, the best that anybody could
make of the same histories (the planted rates by Bayes' rule), and ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.uplift.report import qini_of_truth
from ml.uplift import UpliftConfig, estimate_uplift
from ml.uplift.encoding import FloatArray
from ml.uplift.response_history import HISTORY_COLUMNS, response_history
from simulation.behaviour.uplift import P_CONTROL, P_TREATED, UPLIFT_SHARES

OUTCOME_DAYS = 7.0
_SAME_TYPE = 0.5
_COUNTS = list(HISTORY_COLUMNS[2:6])


def sends_of(folder: Path) -> pd.DataFrame:
    """
    Return the sends of a truth folder; what would have been is used for judging only.

    The day of a campaign is that of its first conversion: its own day is not in the truth.
    """
    file = folder / "potential_outcomes.parquet"
    if not file.is_file():
        raise FileNotFoundError(
            f"{file}: there is no such file; name the truth folder that `cadencia simulate` writes."
        )
    frame = pd.read_parquet(file)
    first = frame.groupby("campaign_id")["converted_at"].min().sort_index().bfill().ffill()
    frame["sent_at"] = frame["campaign_id"].map(first.cummax().dt.floor("D"))
    frame["true_effect"] = (frame["p_treated"] - frame["p_control"]).astype(np.float64)
    frame["customer_id"] = frame["person_id"]
    frame["has_converted"] = frame["converted"]
    frame["channel"] = frame["channel"].astype(str)
    return frame


def simulated_lines(folder: Path, seed: int, share_of_history: float = 0.7) -> Iterator[str]:
    """Yield the comparison; history is the first part of the campaigns, the rest is judged."""
    sends = sends_of(folder)
    campaigns = np.sort(sends["campaign_id"].unique())
    cut = campaigns[int(share_of_history * len(campaigns))]
    judged = sends[sends["campaign_id"] >= cut]
    as_of = judged["sent_at"].min().to_pydatetime()
    before = sends[sends["campaign_id"] < cut]
    history = response_history(before, as_of, outcome_days=OUTCOME_DAYS, seed=seed)
    yield f"{folder}: {len(sends):,} sends, {len(judged):,} of {len(campaigns)} campaigns judged"
    for channel in sorted(sends["channel"].unique()):
        rows = judged[judged["channel"] == channel].reset_index(drop=True)
        truth = rows["true_effect"].to_numpy()
        known = history[history["channel"] == channel].set_index("customer_id")
        expected = known["expected_uplift"].reindex(rows["customer_id"]).astype("Float64")
        ours = expected.fillna(expected.mean()).to_numpy(dtype=np.float64)
        ceiling = _bayes(history, channel, rows["customer_id"])
        best = qini_of_truth(truth, truth)
        yield f"{channel}: {len(rows):,} sends of {rows['customer_id'].nunique():,} customers"
        for name, score in (("oracle", truth), ("planted rates by Bayes", ceiling), ("ours", ours)):
            own = qini_of_truth(score, truth)
            yield f"  {name:<24}Qini {own:.5f}   {own / best:.3f} of the oracle's"
        yield f"  ours / best possible from the same histories: {_ratio(ours, ceiling, truth):.3f}"
        yield from _learned(rows, history, channel, seed)


def _learned(rows: pd.DataFrame, history: pd.DataFrame, channel: str, seed: int) -> Iterator[str]:
    """Learn from the judged sends with histories as features, customers held out whole."""
    frame = rows
    features = []
    for other in sorted(history["channel"].unique()):
        part = history[history["channel"] == other].set_index("customer_id")
        for name in HISTORY_COLUMNS[2:]:
            column = f"{other}_{name}"
            values = part[name].reindex(frame["customer_id"]).astype("Float64")
            frame = frame.assign(**{column: values.to_numpy()})
            features.append(column)
    result = estimate_uplift(
        frame,
        treatment="is_treated",
        outcome="has_converted",
        features=features,
        customer="customer_id",
        seed=seed,
        config=UpliftConfig(learners=("ensemble", "t_linear", "dr_linear", "dr_boost")),
    ).arms[0]
    truth = rows["true_effect"].to_numpy()
    if len(result.honest_uplift):
        own = qini_of_truth(result.honest_uplift, truth) / qini_of_truth(truth, truth)
        yield f"  learned, history as features: {own:.3f} of the oracle's, grade {result.grade}"
    if result.reason:
        yield f"  {result.reason}"


def _ratio(ours: FloatArray, ceiling: FloatArray, truth: FloatArray) -> float:
    return qini_of_truth(ours, truth) / qini_of_truth(ceiling, truth)


def _bayes(history: pd.DataFrame, channel: str, customers: pd.Series) -> FloatArray:
    """Return the expected effect by the planted rates and shares: nothing observed can do better."""
    with_message, without = np.array(P_TREATED), np.array(P_CONTROL)
    ids = np.sort(history["customer_id"].unique())
    likelihood = {}
    for name in ("email", "sms"):
        rows = history[history["channel"] == name].set_index("customer_id")[_COUNTS]
        n1, y1, n0, y0 = (
            column[:, None]
            for column in rows.reindex(ids, fill_value=0.0).to_numpy(dtype=np.float64).T
        )
        likelihood[name] = np.exp(
            y1 * np.log(with_message)
            + (n1 - y1) * np.log1p(-with_message)
            + y0 * np.log(without)
            + (n0 - y0) * np.log1p(-without)
        )
    mail, text = (np.array(UPLIFT_SHARES[name]) for name in ("email", "sms"))
    together = _SAME_TYPE * np.diag(mail) + (1 - _SAME_TYPE) * np.outer(mail, text)
    chance = (
        likelihood["email"] * (likelihood["sms"] @ together.T)
        if channel == "email"
        else likelihood["sms"] * (likelihood["email"] @ together)
    )
    chance /= chance.sum(axis=1, keepdims=True)
    effect = with_message - without
    expected = pd.Series(chance @ effect, index=ids).reindex(customers)
    prior = float((together.sum(axis=1 if channel == "email" else 0) * effect).sum())
    return expected.fillna(prior).to_numpy(dtype=np.float64)
