"""Next baskets: our ranking beside popularity, personal frequency and `implicit`, on the same customers.

Complete Journey by default, or any file of transactions. Everything is known before the date that is
judged; nothing is stored. Business rules (stock, embargoes, renewals) are not applied here.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.journey_sample import packaged_file
from ml.recommendations import RecommendationConfig, RecommendationError
from ml.recommendations.backtest import BasketMetrics, basket_metrics, judge, judged_customers
from ml.recommendations.candidates import Views
from ml.recommendations.config import BLEND, PERSONAL_FREQUENCY, POPULARITY, RANKER
from ml.recommendations.frames import known_purchases
from ml.recommendations.histories import IntArray, Lines, numbered
from ml.recommendations.ranker import (
    Evidence,
    blend_scores,
    examples_before,
    fit_ranker,
    frequency_scores,
    horizon_days,
    popularity_scores,
    ranker_scores,
)
from ml.threads import one_thread

JOURNEY_DATES = (dt.date(2017, 9, 1), dt.date(2017, 11, 1))
OURS = f"ours ({RANKER})"
_RIVALS = (POPULARITY, PERSONAL_FREQUENCY, "implicit ALS", "implicit BM25 item-item")
_CUT = 10


def read_transactions(options: argparse.Namespace) -> pd.DataFrame:
    """
    Return purchases as `ml.recommendations` wants them.

    Raises
    ------
    RecommendationError
        When the file or a column is missing.
    """
    if options.transactions is None:
        query = f"""
            select household_id as customer_id, product_id, basket_id,
                transaction_timestamp as purchased_at
            from '{packaged_file("transactions")}' where quantity > 0
        """
        with duckdb.connect(config={"threads": 1}) as connection:
            return connection.execute(query).df()
    file: Path = options.transactions
    if not file.is_file():
        raise RecommendationError(f"{file}: there is no such file.")
    path = str(file).replace("'", "''")
    columns = {
        "customer_id": options.customer,
        "product_id": options.product,
        "purchased_at": options.date,
        "basket_id": options.basket,
    }
    source = f"read_csv('{path}', header = true, sample_size = -1)"
    if file.suffix.lower() in (".parquet", ".pq"):
        source = f"read_parquet('{path}')"
    chosen = ", ".join(
        '"{}" as {}'.format(column.replace('"', '""'), name)
        for name, column in columns.items()
        if column
    )
    condition = ""
    if options.quantity:
        condition = ' where "{}" > 0'.format(options.quantity.replace('"', '""'))
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            return connection.execute(f"select {chosen} from {source}{condition}").df()
        except duckdb.Error as error:
            raise RecommendationError(f"{file}: {str(error).splitlines()[0]}") from None


@one_thread
def compared(
    lines: Lines, as_of: dt.date, within: int, config: RecommendationConfig, seed: int
) -> tuple[dict[str, BasketMetrics], int]:
    """Return the metrics of every ranking on the first baskets from a date on."""
    day = float((pd.Timestamp(as_of) - pd.Timestamp("1970-01-01")).days)
    none = np.zeros(0, dtype=np.int64)
    before = Evidence(lines.before(day), Views(none, none, np.zeros(0)), (none, none))
    horizon = horizon_days(before.lines)
    ranker = fit_ranker(examples_before(before, day, horizon, config, seed), seed)
    state = before.state_at(day, config, seed)
    bought = lines.next_baskets(day, day + within)
    customers = judged_customers(state, bought, config, seed)
    scorers = {
        POPULARITY: popularity_scores,
        PERSONAL_FREQUENCY: frequency_scores,
        BLEND: blend_scores,
    }
    if ranker is not None:
        scorers[OURS] = lambda frame: ranker_scores(ranker, frame)
    found = judge(state, bought, scorers, customers, config)
    for name, top in _implicit(before.lines, customers, seed):
        found[name] = basket_metrics(top, bought, customers)
    return found, len(customers)


def _implicit(lines: Lines, customers: IntArray, seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the top products by the library's usual models, on counts of purchases."""
    try:
        from implicit.als import AlternatingLeastSquares
        from implicit.nearest_neighbours import BM25Recommender, bm25_weight
    except ImportError:
        return
    shape = (len(lines.customer_ids), len(lines.product_ids))
    counts = sp.csr_matrix(
        (np.ones(len(lines), dtype=np.float32), (lines.customer, lines.product)), shape=shape
    )
    weighted = sp.csr_matrix(bm25_weight(counts, K1=100, B=0.8), dtype=np.float32)
    models: list[tuple[str, Any, Any]] = [
        (
            "implicit ALS",
            AlternatingLeastSquares(factors=64, iterations=15, random_state=seed, num_threads=1),
            weighted,
        ),
        ("implicit BM25 item-item", BM25Recommender(K=100, K1=100, B=0.8, num_threads=1), counts),
    ]
    for name, model, matrix in models:
        model.fit(matrix, show_progress=False)
        ids, scores = model.recommend(
            customers, matrix[customers], N=_CUT, filter_already_liked_items=False
        )
        top = pd.DataFrame(
            {
                "customer": np.repeat(customers, ids.shape[1]),
                "product": ids.ravel().astype(np.int64),
                "score": scores.ravel(),
                "rank": np.tile(np.arange(1, ids.shape[1] + 1), len(customers)),
            }
        )
        yield name, top[top["product"] >= 0]


def table(found: dict[str, BasketMetrics]) -> Iterator[str]:
    """Yield the metrics, and by how much ours is better than each rival."""
    yield f"  {'ranking':<28}{'recall@10':>10}{'NDCG@10':>10}{'hit@10':>10}{'ours vs it':>22}"
    ours = found.get(OURS)
    for name in (*_RIVALS, BLEND, OURS):
        if name not in found:
            continue
        its = found[name]
        versus = ""
        if ours is not None and name != OURS and its.recall > 0:
            versus = f"{ours.recall / its.recall - 1:+9.1%} {ours.ndcg / its.ndcg - 1:+9.1%}"
        yield f"  {name:<28}{its.recall:>10.4f}{its.ndcg:>10.4f}{its.hit_share:>10.4f}{versus:>22}"
    if "implicit ALS" not in found:
        yield "  implicit is not installed: `make install` brings it with the development tools"


def _dates(options: argparse.Namespace, lines: Lines) -> list[dt.date]:
    if options.as_of:
        return [dt.date.fromisoformat(text.strip()) for text in options.as_of.split(",")]
    if options.transactions is None:
        return list(JOURNEY_DATES)
    last = dt.date(1970, 1, 1) + dt.timedelta(days=int(lines.day.max()) + 1)
    return [last - dt.timedelta(days=horizon_days(lines))]


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recommendations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--transactions", type=Path, help="CSV or Parquet; Complete Journey if not given"
    )
    for name in ("customer", "product", "date", "basket", "quantity"):
        parser.add_argument(f"--{name}", help=f"column of the file: {name}")
    parser.add_argument("--as-of", help="dates to judge from, with commas")
    parser.add_argument("--within", type=int, default=60, help="days for the next basket to come")
    parser.add_argument("--customers", type=int, help="a random sample of so many customers")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.transactions is not None and not (
        options.customer and options.product and options.date
    ):
        parser.error(
            "name the columns: --customer, --product and --date (and --basket, --quantity)"
        )
    start = time.perf_counter()
    config = RecommendationConfig()
    try:
        frame = read_transactions(options)
        if options.customers:
            ids = np.sort(frame["customer_id"].dropna().unique())
            drawn = np.random.default_rng(options.seed).permutation(ids)[: options.customers]
            frame = frame[frame["customer_id"].isin(drawn)]
        lines = numbered(
            known_purchases(frame, dt.date(9999, 1, 1) if frame.empty else _after(frame))
        )
        if len(lines) == 0:
            raise RecommendationError("There is no purchase; check the file and --quantity.")
        print(
            f"{len(lines):,} lines, {len(lines.customer_ids):,} customers, "
            f"{len(lines.product_ids):,} products"
        )
        for as_of in _dates(options, lines):
            found, customers = compared(lines, as_of, options.within, config, options.seed)
            print(f"next basket from {as_of}, {customers:,} customers")
            if customers == 0:
                print("  nobody with earlier purchases bought then; choose another --as-of")
                continue
            for line in table(found):
                print(line, flush=True)
    except RecommendationError as error:
        parser.error(str(error))
    print(f"{time.perf_counter() - start:.0f} s")


def _after(frame: pd.DataFrame) -> dt.date:
    last = pd.to_datetime(frame["purchased_at"], errors="coerce").max()
    return dt.date(2262, 1, 1) if pd.isna(last) else (last + pd.Timedelta(days=1)).date()


if __name__ == "__main__":
    main()
