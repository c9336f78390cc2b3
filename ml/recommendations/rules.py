"""What may not be offered: not for sale, not in stock, under embargo, or owned and not yet due for renewal.

Masks over candidates; scores are somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.recommendations.frames import RecommendationInputs, as_times, require
from ml.recommendations.histories import History, IntArray, Lines


@dataclass(frozen=True)
class Rules:
    """
    Rules by number of product and customer.

    Parameters
    ----------
    is_offered
        By product, whether it may be offered at all.
    category
        By product; -1 when it has none.
    closed_categories, closed_products
        Keys (customer x size + number) that are closed to a customer.
    """

    is_offered: NDArray[np.bool_]
    category: IntArray
    closed_categories: IntArray
    closed_products: IntArray

    def allowed(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which candidates may be offered."""
        customer, product = frame["customer"].to_numpy(), frame["product"].to_numpy()
        category = self.category[product]
        size = int(self.category.max(initial=-1)) + 1
        closed = (category >= 0) & np.isin(customer * size + category, self.closed_categories)
        closed |= np.isin(customer * len(self.category) + product, self.closed_products)
        return np.asarray(self.is_offered[product] & ~closed)


def rules_at(inputs: RecommendationInputs, lines: Lines, history: History) -> Rules:
    """
    Return the rules at the moment of a history.

    Raises
    ------
    RecommendationError
        When a frame lacks a column.
    """
    ids = pd.Index(lines.product_ids)
    is_offered = np.ones(len(ids), dtype=bool)
    category = np.full(len(ids), -1, dtype=np.int64)
    names: pd.Index = pd.Index([])
    renewal = np.full(len(ids), np.nan)
    products = inputs.products
    if not products.empty:
        require(products, ["product_id"], "products")
        known = products.assign(product_id=products["product_id"].astype("string"))
        known = (
            known.drop_duplicates("product_id")
            .set_index("product_id")
            .reindex(ids.astype("string"))
        )
        for flag in ("is_recommendable", "is_in_stock"):
            if flag in known:
                is_offered &= known[flag].astype("boolean").fillna(True).to_numpy(dtype=bool)
        if "category" in known:
            codes, names = pd.factorize(known["category"].astype("string"), sort=True)
            category = codes.astype(np.int64)
        if "renewal_days" in known:
            renewal = known["renewal_days"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    closed_categories, closed_products = _owned(history, category, renewal)
    more_categories, more_products = _embargoed(inputs, lines, history.day, category, names)
    return Rules(
        is_offered,
        category,
        np.unique(np.concatenate([closed_categories, more_categories])),
        np.unique(np.concatenate([closed_products, more_products])),
    )


def _owned(
    history: History, category: IntArray, renewal: NDArray[np.float64]
) -> tuple[IntArray, IntArray]:
    """Return what customers own and need not renew yet: their categories, or the product alone."""
    pairs = history.pairs
    product = pairs["product"].to_numpy()
    with np.errstate(invalid="ignore"):
        is_fresh = pairs["last"].to_numpy() < renewal[product]
    customer, product = pairs["customer"].to_numpy()[is_fresh], product[is_fresh]
    has_category = category[product] >= 0
    size = int(category.max(initial=-1)) + 1
    return (
        customer[has_category] * size + category[product[has_category]],
        customer[~has_category] * len(category) + product[~has_category],
    )


def _embargoed(
    inputs: RecommendationInputs,
    lines: Lines,
    day: float,
    category: IntArray,
    names: pd.Index,
) -> tuple[IntArray, IntArray]:
    none = np.zeros(0, dtype=np.int64)
    embargoes = inputs.embargoes
    if embargoes.empty:
        return none, none
    require(embargoes, ["customer_id"], "embargoes")
    if "until" in embargoes:
        until = as_times(embargoes["until"], "embargoes", "until")
        moment = pd.Timestamp("1970-01-01") + pd.Timedelta(days=day)
        embargoes = embargoes[(until.isna() | (until > moment)).to_numpy()]
    customer = pd.Index(lines.customer_ids).get_indexer(
        pd.Index(embargoes["customer_id"].astype("string"))
    )
    size = int(category.max(initial=-1)) + 1
    closed = []
    for column, index, width in (
        ("category", names, size),
        ("product_id", pd.Index(lines.product_ids), len(category)),
    ):
        if column not in embargoes or len(index) == 0:
            closed.append(none)
            continue
        number = index.get_indexer(pd.Index(embargoes[column].astype("string")))
        is_known = (customer >= 0) & (number >= 0)
        closed.append((customer * width + number)[is_known].astype(np.int64))
    return closed[0], closed[1]
