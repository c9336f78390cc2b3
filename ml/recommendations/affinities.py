"""Products that talk to each other: bought together more often than by chance, or made for each other.

Counts over baskets; what a customer gets is not decided here.

References
----------
.. [1] Brin, S. et al. (1997). Dynamic itemset counting and implication rules for market basket data.
   SIGMOD (lift).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from ml.evaluation import typed_frame
from ml.recommendations.config import RecommendationConfig
from ml.recommendations.frames import AFFINITY_TYPES, as_of_values
from ml.recommendations.histories import IntArray, Lines
from ml.recommendations.similarity import co_purchases

BOUGHT_TOGETHER, COMPATIBLE = "bought_together", "compatible"
_LEAST_LIFT = 1.2
_PAIRS_AT_A_TIME = 5_000


def product_affinities(
    lines: Lines, fits: tuple[IntArray, IntArray], as_of: dt.date, config: RecommendationConfig
) -> pd.DataFrame:
    """
    Return pairs of products, the strongest of each product first.

    Parameters
    ----------
    lines
        Purchases before the as-of date.
    fits
        Numbers of an owned product and of one that goes with it; they are listed as given, with
        their counts if they were bought together.
    as_of
        Date of the table.
    config
        Least support, and how many pairs a product keeps.

    Returns
    -------
    pandas.DataFrame
        Columns of `AFFINITY_TYPES`: `support` is the share of baskets with both, `confidence` the
        share of the product's baskets that hold the other, `lift` that share over the other's own.
    """
    count = len(lines.product_ids)
    together, alone, baskets = co_purchases(lines, np.arange(count), count)
    coo = together.tocoo()
    is_common = coo.data >= config.min_support
    found = pd.DataFrame(
        {"product": coo.row[is_common], "other": coo.col[is_common], "both": coo.data[is_common]}
    )
    found["kind"] = BOUGHT_TOGETHER
    found = _measured(found, alone, baskets)
    found = found[found["lift"] >= _LEAST_LIFT]
    found = found[_customers_with_both(found, lines) >= config.min_buyers]
    order = found["both"] / (alone[found["product"].to_numpy()] + 10.0)
    found = found.assign(order=order).sort_values(
        ["product", "order", "other"], ascending=[True, False, True]
    )
    found = found[found.groupby("product").cumcount() < config.affinities_per_product]
    made = pd.DataFrame({"product": fits[0], "other": fits[1]}).drop_duplicates()
    if len(made):
        made["both"] = np.asarray(together[made["product"], made["other"]]).ravel()
        made["kind"] = COMPATIBLE
        made = _measured(made, alone, baskets).assign(order=0.0)
        found = pd.concat([found, made], ignore_index=True)
    found = found.sort_values(
        ["product", "kind", "order", "other"], ascending=[True, True, False, True]
    )
    found["rank"] = found.groupby(["product", "kind"]).cumcount() + 1
    columns = {
        "product_id": lines.product_ids[found["product"].to_numpy(dtype=np.int64)],
        "other_product_id": lines.product_ids[found["other"].to_numpy(dtype=np.int64)],
        "as_of_date": as_of_values(as_of, len(found)),
        "rank": found["rank"].to_numpy(),
        "kind": found["kind"].to_numpy(),
        "baskets_together": found["both"].to_numpy().round().astype(np.int64),
        "support": found["support"].to_numpy(),
        "confidence": _known(found["confidence"]),
        "lift": _known(found["lift"]),
    }
    return typed_frame(columns, AFFINITY_TYPES, len(found))


def _customers_with_both(pairs: pd.DataFrame, lines: Lines) -> NDArray[np.int64]:
    """Return customers who bought both: one household's habit is no affinity."""
    shape = (len(lines.customer_ids), len(lines.product_ids))
    ones = np.ones(len(lines), dtype=np.float32)
    bought = sp.csr_matrix((ones, (lines.customer, lines.product)), shape=shape).tocsc()
    bought.data[:] = 1
    both = np.zeros(len(pairs), dtype=np.int64)
    left, right = pairs["product"].to_numpy(), pairs["other"].to_numpy()
    for start in range(0, len(pairs), _PAIRS_AT_A_TIME):
        part = slice(start, start + _PAIRS_AT_A_TIME)
        shared = bought[:, left[part]].multiply(bought[:, right[part]]).sum(axis=0)
        both[part] = np.asarray(shared).ravel()
    return both


def _measured(pairs: pd.DataFrame, alone: IntArray, baskets: int) -> pd.DataFrame:
    first, second = alone[pairs["product"].to_numpy()], alone[pairs["other"].to_numpy()]
    with np.errstate(all="ignore"):
        confidence = np.where(first > 0, pairs["both"] / first, np.nan)
        lift = np.where((first > 0) & (second > 0), confidence * baskets / second, np.nan)
    return pairs.assign(support=pairs["both"] / max(baskets, 1), confidence=confidence, lift=lift)


def _known(values: pd.Series) -> pd.Series:
    """Return a nullable column: never bought is unknown, not NaN."""
    return values.astype("Float64").reset_index(drop=True)
