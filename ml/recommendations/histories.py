"""What is known of customers and products at a moment: counts, recency, own cycles, popularity.

Purchases before the moment in, numbers out. Nothing here compares customers or ranks products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.recommendations.config import RecommendationConfig

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_BASKET_DECAY = 0.9
_SECONDS = 86_400.0


@dataclass(frozen=True)
class Lines:
    """
    Purchases with numbers for names, in the order of customer and time.

    Parameters
    ----------
    customer_ids, product_ids
        Names by number.
    customer, product, basket
        Numbers, one a line.
    day
        Days since 1970, with their fraction.
    """

    customer_ids: NDArray[np.object_]
    product_ids: NDArray[np.object_]
    customer: IntArray
    product: IntArray
    basket: IntArray
    day: FloatArray

    def of_customers(self, customers: IntArray) -> Lines:
        """Return the lines of some customers; all numbers stay."""
        chosen = np.zeros(len(self.customer_ids), dtype=bool)
        chosen[customers] = True
        return self._rows(chosen[self.customer])

    def before(self, day: float) -> Lines:
        """Return the lines before a day."""
        return self._rows(self.day < day)

    def next_baskets(self, day: float, until: float) -> Lines:
        """Return each customer's first basket from a day on, if it comes before another day."""
        later = self._rows((self.day >= day) & (self.day < until))
        first = np.full(len(self.customer_ids), -1, dtype=np.int64)
        # Lines are in the order of time: written backwards, the first basket remains.
        first[later.customer[::-1]] = later.basket[::-1]
        return later._rows(later.basket == first[later.customer])

    def _rows(self, chosen: NDArray[np.bool_]) -> Lines:
        return Lines(
            self.customer_ids,
            self.product_ids,
            self.customer[chosen],
            self.product[chosen],
            self.basket[chosen],
            self.day[chosen],
        )

    def __len__(self) -> int:
        return len(self.customer)


def rows_of(frame: pd.DataFrame, customers: IntArray) -> pd.DataFrame:
    """
    Return the rows of some customers out of a frame sorted by `customer`.

    Customers are scored in chunks of neighbouring numbers: a chunk must not look at the whole base.
    """
    if len(customers) == 0:
        return frame.iloc[:0]
    numbers = frame["customer"].to_numpy()
    first, last = np.searchsorted(numbers, [customers[0], customers[-1] + 1])
    part = frame.iloc[first:last]
    return part[np.isin(part["customer"].to_numpy(), customers)]


def numbered(purchases: pd.DataFrame, more_products: Sequence[str] = ()) -> Lines:
    """Give customers, products and baskets of `known_purchases` numbers, in the order of names.

    `more_products` are known, though nobody bought them yet.
    """
    customer, customer_ids = pd.factorize(purchases["customer_id"], sort=True)
    product_ids = np.unique([*purchases["product_id"].unique().tolist(), *more_products])
    product = np.searchsorted(
        product_ids, purchases["product_id"].to_numpy(dtype=product_ids.dtype)
    )
    # Names of baskets may repeat from customer to customer.
    basket = purchases.groupby(["customer_id", "basket_id"], sort=True).ngroup().to_numpy()
    seconds = purchases["purchased_at"].to_numpy().astype("datetime64[s]").astype(np.float64)
    return Lines(
        np.asarray(customer_ids, dtype=object),
        np.asarray(product_ids, dtype=object),
        customer.astype(np.int64),
        product.astype(np.int64),
        np.asarray(basket, dtype=np.int64),
        seconds / _SECONDS,
    )


@dataclass(frozen=True)
class History:
    """
    The state of the base at a moment.

    Parameters
    ----------
    day
        The moment.
    pairs
        One row a customer and product bought: n, short, long, by_basket (decayed counts), last and
        first (days ago), last_basket (baskets ago); sorted by customer and product.
    customers
        By number: baskets, short, long, by_basket (weight of all baskets), last, first, size.
    products
        By number: popular (lines of the last weeks), lines and buyers per customer, buyer_count,
        repeat_share, cycle_days.
    last_baskets
        Customer and product of the latest three baskets of each customer; sorted by customer.
    """

    day: float
    pairs: pd.DataFrame
    customers: pd.DataFrame
    products: pd.DataFrame
    last_baskets: pd.DataFrame


def history_at(lines: Lines, day: float, config: RecommendationConfig) -> History:
    """Return the state at a moment; later lines are not looked at."""
    known = lines.before(day)
    age = day - known.day
    frame = pd.DataFrame(
        {"customer": known.customer, "product": known.product, "basket": known.basket, "age": age}
    )
    baskets = frame.drop_duplicates("basket")[["customer", "basket", "age"]].copy()
    # Lines are sorted by time within a customer, so counting from the end gives baskets ago.
    baskets["ago"] = baskets.groupby("customer").cumcount(ascending=False)
    ago = np.zeros(int(frame["basket"].max()) + 1 if len(frame) else 1, dtype=np.int64)
    ago[baskets["basket"].to_numpy()] = baskets["ago"].to_numpy()
    frame["ago"] = ago[frame["basket"].to_numpy()]
    for target in (frame, baskets):
        target["short"] = 0.5 ** (target["age"] / config.short_days)
        target["long"] = 0.5 ** (target["age"] / config.long_days)
        target["by_basket"] = _BASKET_DECAY ** target["ago"]
    pairs = (
        frame.groupby(["customer", "product"], sort=True)
        .agg(
            n=("basket", "size"),
            short=("short", "sum"),
            long=("long", "sum"),
            by_basket=("by_basket", "sum"),
            last=("age", "min"),
            first=("age", "max"),
            last_basket=("ago", "min"),
        )
        .reset_index()
    )
    everybody = np.arange(len(lines.customer_ids))
    customers = (
        baskets.groupby("customer")
        .agg(
            baskets=("basket", "size"),
            short=("short", "sum"),
            long=("long", "sum"),
            by_basket=("by_basket", "sum"),
            last=("age", "min"),
            first=("age", "max"),
        )
        .reindex(everybody)
    )
    customers["size"] = frame.groupby("customer").size() / customers["baskets"]
    return History(
        day=day,
        pairs=pairs,
        customers=customers,
        products=_products(frame, pairs, len(lines.product_ids), config),
        last_baskets=frame.loc[frame["ago"] < 3, ["customer", "product"]].drop_duplicates(),
    )


def _products(
    frame: pd.DataFrame, pairs: pd.DataFrame, count: int, config: RecommendationConfig
) -> pd.DataFrame:
    recent = frame.loc[frame["age"] <= config.popular_days, "product"]
    products = pd.DataFrame(
        {
            "popular": np.bincount(recent, minlength=count),
            "lines": np.bincount(frame["product"], minlength=count),
            "buyers": np.bincount(pairs["product"], minlength=count),
        }
    )
    repeated = pairs[pairs["n"] > 1]
    repeaters = np.bincount(repeated["product"], minlength=count)
    # One in five is the prior of five buyers: a product with a single buyer tells nothing.
    products["repeat_share"] = (repeaters + 1) / (products["buyers"] + 5)
    cycle = (repeated["first"] - repeated["last"]) / (repeated["n"] - 1)
    usual = float(cycle.median()) if len(cycle) else 365.0
    by_product = cycle.groupby(repeated["product"]).median()
    # A base of any size, or a sample of it, has the same numbers.
    base = max(int(pairs["customer"].nunique()), 1)
    products["buyer_count"] = products["buyers"]
    products[["popular", "lines", "buyers"]] /= base
    products["cycle_days"] = by_product.reindex(np.arange(count)).fillna(usual).clip(lower=1.0)
    return products
