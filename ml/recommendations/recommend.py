"""The whole recommendation: judge on the next basket, learn or abstain, score, filter, say why.

Each step lives in its own module; this one decides in which order, and whose ranking is used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml.evaluation import typed_frame
from ml.recommendations.affinities import product_affinities
from ml.recommendations.backtest import (
    BasketMetrics,
    Scorer,
    judge,
    judged_customers,
    top_products,
)
from ml.recommendations.candidates import State, Views, candidates_of
from ml.recommendations.cold_start import cold_recommendations, segment_popularity
from ml.recommendations.config import (
    BASELINES,
    BLEND,
    MODEL_VERSION,
    PERSONAL_FREQUENCY,
    POPULARITY,
    RANKER,
    RecommendationConfig,
)
from ml.recommendations.frames import (
    AFFINITY_TYPES,
    RECOMMENDATION_TYPES,
    RecommendationInputs,
    as_of_values,
    as_times,
    known_purchases,
    require,
)
from ml.recommendations.histories import IntArray, Lines, numbered
from ml.recommendations.model_runs import Verdict, model_runs_frame
from ml.recommendations.ranker import (
    Evidence,
    Example,
    blend_scores,
    chunks,
    examples,
    examples_before,
    fit_ranker,
    frequency_scores,
    horizon_days,
    popularity_scores,
    ranker_scores,
    sampled,
    with_fitting,
)
from ml.recommendations.reasons import evidence_of, partners_of, reasons
from ml.recommendations.rules import Rules, rules_at
from ml.threads import one_thread

# A ranking must beat the best baseline by this many standard errors of the paired difference.
_CERTAIN = 1.645
_FIXED: Mapping[str, Scorer] = {
    BLEND: blend_scores,
    PERSONAL_FREQUENCY: frequency_scores,
    POPULARITY: popularity_scores,
}


@dataclass(frozen=True)
class RecommendationResult:
    """
    What one run gives.

    Parameters
    ----------
    recommendations
        One row a customer and rank; what can't be said is no row.
    product_affinities
        Pairs of products.
    model_runs
        One row a model, with its backtest.
    """

    recommendations: pd.DataFrame
    product_affinities: pd.DataFrame
    model_runs: pd.DataFrame


@one_thread
def recommend(
    inputs: RecommendationInputs,
    as_of: dt.date,
    *,
    seed: int,
    config: RecommendationConfig | None = None,
) -> RecommendationResult:
    """
    Recommend products to every customer, each with a reason.

    Parameters
    ----------
    inputs
        What is known; nothing from the as-of date on is looked at.
    as_of
        First day that is not known.
    seed
        Of samples, factors and trees. Equal input and seed give equal output, in any order of rows.
    config
        The defaults when left out.

    Returns
    -------
    RecommendationResult
        When no ranking beats personal frequency and popularity, the better of these is used and the
        rows are `is_abstaining`.

    Raises
    ------
    RecommendationError
        When a frame lacks a column or holds what is no date.
    """
    config = config or RecommendationConfig()
    purchases = known_purchases(inputs.purchases, as_of)
    evidence = _evidence(inputs, purchases, as_of)
    lines = evidence.lines
    if len(lines) == 0:
        return _nothing(as_of)
    day = _day(as_of)
    verdict, parts = verdict_of(evidence, day, config, seed)
    scorer = _FIXED.get(verdict.model)
    if verdict.is_abstaining and scorer is not None:
        scorer = with_fitting(scorer)
    if scorer is None:
        ranker = fit_ranker(parts, seed)
        assert ranker is not None  # it was fitted on a part of these before
        scorer = lambda frame: ranker_scores(ranker, frame)  # noqa: E731
    state = evidence.state_at(day, config, seed)
    rules = rules_at(inputs, lines, state.history)
    names = _names(inputs, lines)
    everybody = np.flatnonzero(state.history.customers["baskets"].notna().to_numpy())
    rows = [
        _chosen(state, chunk, scorer, rules, names, lines, config)
        for chunk in chunks(everybody, config.chunk)
    ]
    rows.append(_cold(inputs, evidence, state, rules, as_of, config))
    rows = [part for part in rows if len(part)] or rows[-1:]
    found = pd.concat(rows, ignore_index=True).sort_values(["customer_id", "rank"])
    columns: dict[str, object] = {
        name: found[name].to_numpy()
        for name in (
            "customer_id",
            "rank",
            "product_id",
            "score",
            "evidence",
            "reason",
            "reason_es",
        )
    }
    columns |= {
        "as_of_date": as_of_values(as_of, len(found)),
        "model": verdict.model,
        "model_version": MODEL_VERSION,
        "is_abstaining": verdict.is_abstaining,
    }
    first = dt.date(1970, 1, 1) + dt.timedelta(days=int(lines.day.min()))
    return RecommendationResult(
        typed_frame(columns, RECOMMENDATION_TYPES, len(found)),
        product_affinities(lines, evidence.fits, as_of, config),
        model_runs_frame(verdict, as_of, first, len(everybody)),
    )


def verdict_of(
    evidence: Evidence, day: float, config: RecommendationConfig, seed: int
) -> tuple[Verdict, list[Example]]:
    """
    Judge the rankings on the last known baskets and say whose is used.

    The ranker is learned on baskets before those it is judged on. The examples returned are all of
    them, for learning anew.
    """
    everybody = np.unique(evidence.lines.customer)
    base = sampled(everybody, config.learning_base, seed)
    lines = evidence.lines if len(base) == len(everybody) else evidence.lines.of_customers(base)
    evidence = replace(evidence, lines=lines)
    horizon = horizon_days(lines)
    cut = day - horizon
    state = evidence.state_at(cut, config, seed)
    bought = lines.next_baskets(cut, day)
    customers = judged_customers(state, bought, config, seed)
    if len(customers) < config.min_customers:
        reason = (
            f"Only {len(customers)} customers with earlier purchases bought again in the last {horizon} "
            f"days, fewer than the {config.min_customers} needed to judge a ranking."
        )
        return Verdict(PERSONAL_FREQUENCY, True, reason, horizon_days=horizon), []
    earlier = examples_before(evidence, cut, horizon, config, seed)
    scorers = dict(_FIXED)
    ranker = fit_ranker(earlier, seed)
    if ranker is not None:
        scorers[RANKER] = lambda frame: ranker_scores(ranker, frame)
    metrics = judge(state, bought, scorers, customers, config)
    verdict = _judged(metrics, horizon)
    return verdict, [*earlier, *examples(state, bought, config, seed)]


def _judged(metrics: Mapping[str, BasketMetrics], horizon: int) -> Verdict:
    rival = max(BASELINES, key=lambda name: metrics[name].ndcg)
    models = [name for name in (RANKER, BLEND) if name in metrics]
    base = metrics[rival].ndcg
    skills = {name: metrics[name].ndcg / base - 1 if base > 0 else 0.0 for name in models}
    best = max(models, key=lambda name: metrics[name].ndcg)
    gap = metrics[best].by_customer - metrics[rival].by_customer
    error = float(gap.std(ddof=1)) / np.sqrt(len(gap)) if len(gap) > 1 else 0.0
    if float(gap.mean()) > _CERTAIN * error and float(gap.mean()) > 0:
        return Verdict(best, False, "", metrics, skills, horizon)
    reason = (
        f"The best ranking, {best}, has an NDCG of {metrics[best].ndcg:.4f} on next baskets, not surely "
        f"better than {base:.4f} by the baseline {rival}."
    )
    return Verdict(rival, True, reason, metrics, skills, horizon)


def _chosen(
    state: State,
    customers: IntArray,
    scorer: Scorer,
    rules: Rules,
    names: np.ndarray,
    lines: Lines,
    config: RecommendationConfig,
) -> pd.DataFrame:
    """Return the rows of a chunk of customers with a history."""
    frame = candidates_of(state, customers, config)
    frame = frame[rules.allowed(frame)].reset_index(drop=True)
    top = top_products(frame, scorer(frame), config.per_customer)
    chosen = frame.iloc[top["row"].to_numpy()].reset_index(drop=True)
    chosen["evidence"] = evidence_of(chosen)
    english, spanish = reasons(chosen, partners_of(chosen, state, names))
    return pd.DataFrame(
        {
            "customer_id": lines.customer_ids[chosen["customer"].to_numpy()],
            "rank": top["rank"].to_numpy(),
            "product_id": lines.product_ids[chosen["product"].to_numpy()],
            "score": top["score"].to_numpy(),
            "evidence": chosen["evidence"].to_numpy(),
            "reason": english,
            "reason_es": spanish,
        }
    )


def _cold(
    inputs: RecommendationInputs,
    evidence: Evidence,
    state: State,
    rules: Rules,
    as_of: dt.date,
    config: RecommendationConfig,
) -> pd.DataFrame:
    """Return the rows of customers without a purchase."""
    lines = evidence.lines
    columns = ["customer_id", "rank", "product_id", "score", "evidence", "reason", "reason_es"]
    customers = inputs.customers
    if customers.empty:
        return pd.DataFrame(columns=columns)
    require(customers, ["customer_id"], "customers")
    listed = pd.DataFrame({"customer_id": customers["customer_id"].astype("string")})
    listed["segment"] = customers["segment"].astype("string") if "segment" in customers else pd.NA
    listed = listed.dropna(subset="customer_id").drop_duplicates("customer_id")
    number = pd.Index(lines.customer_ids).get_indexer(pd.Index(listed["customer_id"]))
    known = listed[number >= 0]
    segments = pd.Series(known["segment"].to_numpy(), index=number[number >= 0])
    cold = listed[number < 0].sort_values("customer_id")
    if cold.empty:
        return pd.DataFrame(columns=columns)
    popularity = segment_popularity(segments, state.history, lines, config)
    views = _cold_views(inputs, cold["customer_id"], lines, as_of, config)
    rows = cold_recommendations(cold, views, popularity, rules.is_offered, config)
    for name in ("n", "own_cycle", "last", "due"):
        rows[name] = 0.0
    english, spanish = reasons(rows, rows["segment"])
    rows["product_id"] = lines.product_ids[rows["product"].to_numpy(dtype=np.int64)]
    return rows.assign(reason=english, reason_es=spanish)[columns]


def _cold_views(
    inputs: RecommendationInputs,
    customers: pd.Series,
    lines: Lines,
    as_of: dt.date,
    config: RecommendationConfig,
) -> pd.DataFrame:
    if inputs.browsing.empty:
        return pd.DataFrame(
            {"customer_id": [], "product": [], "views": [], "viewed_ago": []}
        ).astype({"customer_id": "string", "product": "int64"})
    ids = np.asarray(customers, dtype=object)
    views = _views(inputs, pd.Index(ids), lines, as_of).at(_day(as_of), config.browsing_days)
    return views.assign(customer_id=ids[views["customer"].to_numpy(dtype=np.int64)]).drop(
        columns="customer"
    )


def _evidence(inputs: RecommendationInputs, purchases: pd.DataFrame, as_of: dt.date) -> Evidence:
    """Give everything known before the as-of date its numbers."""
    more: list[str] = []
    if not inputs.browsing.empty:
        require(inputs.browsing, ["customer_id", "product_id", "viewed_at"], "browsing")
        at = as_times(inputs.browsing["viewed_at"], "browsing", "viewed_at")
        seen = inputs.browsing.loc[(at < pd.Timestamp(as_of)).to_numpy(), "product_id"]
        more += seen.dropna().astype("string").unique().tolist()
    if not inputs.compatibility.empty:
        require(
            inputs.compatibility, ["product_id", "compatible_product_id"], "compatible products"
        )
        for name in ("product_id", "compatible_product_id"):
            more += inputs.compatibility[name].dropna().astype("string").unique().tolist()
    lines = numbered(purchases, more)
    views = _views(inputs, pd.Index(lines.customer_ids), lines, as_of)
    none = np.zeros(0, dtype=np.int64)
    fits = (none, none)
    if not inputs.compatibility.empty:
        index = pd.Index(lines.product_ids)
        pairs = inputs.compatibility.dropna(subset=["product_id", "compatible_product_id"])
        pairs = pairs.drop_duplicates(["product_id", "compatible_product_id"])
        owned, other = (
            index.get_indexer(pd.Index(pairs[name].astype("string")))
            for name in ("product_id", "compatible_product_id")
        )
        order = np.lexsort((other, owned))
        fits = (owned[order].astype(np.int64), other[order].astype(np.int64))
    return Evidence(lines, views, fits)


def _views(
    inputs: RecommendationInputs, customers: pd.Index, lines: Lines, as_of: dt.date
) -> Views:
    none = np.zeros(0, dtype=np.int64)
    browsing = inputs.browsing
    if browsing.empty:
        return Views(none, none, np.zeros(0))
    at = as_times(browsing["viewed_at"], "browsing", "viewed_at")
    customer = customers.get_indexer(pd.Index(browsing["customer_id"].astype("string")))
    product = pd.Index(lines.product_ids).get_indexer(
        pd.Index(browsing["product_id"].astype("string"))
    )
    is_known = (customer >= 0) & (product >= 0) & (at < pd.Timestamp(as_of)).to_numpy()
    seconds = at.to_numpy().astype("datetime64[s]").astype(np.float64)
    return Views(
        customer[is_known].astype(np.int64),
        product[is_known].astype(np.int64),
        seconds[is_known] / 86_400.0,
    )


def _names(inputs: RecommendationInputs, lines: Lines) -> np.ndarray:
    """Return what to call each product."""
    products = inputs.products
    if "product_name" not in products or "product_id" not in products:
        return lines.product_ids
    known = products.dropna(subset=["product_id", "product_name"])
    ids = known["product_id"].astype("string")
    by_id = dict(zip(ids, known["product_name"].astype("string"), strict=True))
    return np.array([by_id.get(product, product) for product in lines.product_ids], dtype=object)


def _day(as_of: dt.date) -> float:
    return float((pd.Timestamp(as_of) - pd.Timestamp("1970-01-01")).days)


def _nothing(as_of: dt.date) -> RecommendationResult:
    reason = f"There is no purchase before {as_of:%Y-%m-%d}, so there is nothing to recommend from."
    verdict = Verdict(POPULARITY, True, reason)
    return RecommendationResult(
        typed_frame({}, RECOMMENDATION_TYPES, 0),
        typed_frame({}, AFFINITY_TYPES, 0),
        model_runs_frame(verdict, as_of, None, 0),
    )
