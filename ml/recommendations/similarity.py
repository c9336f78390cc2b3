"""Similar customers, products bought together, and factors behind both.

Scores for candidates; nothing here knows of cycles, rules or words.

References
----------
.. [1] Hu, H. et al. (2020). Modeling personalized item frequency information for next-basket
   recommendation (TIFU-KNN). SIGIR.
.. [2] Faggioli, G., Polato, M. and Aiolli, F. (2020). Recency aware collaborative filtering for next
   basket recommendation (UP-CF@r). UMAP.
.. [3] Halko, N., Martinsson, P. and Tropp, J. (2011). Finding structure with randomness. SIAM Review 53.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from ml.recommendations.config import RecommendationConfig
from ml.recommendations.histories import FloatArray, History, IntArray, Lines, rows_of

_BASKETS_AT_MOST = 200_000
_LARGEST_BASKET = 60


@dataclass(frozen=True)
class Similarity:
    """
    What customers and products have in common at a moment.

    Parameters
    ----------
    frequency
        Customers x kept products: decayed share of a customer's baskets.
    direction
        The same, square roots, each row of length 1: for cosines.
    reference
        Customers everybody is compared with.
    kept, place
        Products with enough buyers, and the column of each product (-1 when not kept).
    customer_factors, product_factors
        Of the factorisation.
    together
        Kept products x kept products: share of the one's baskets that hold the other.
    """

    frequency: sp.csr_matrix
    direction: sp.csr_matrix
    reference: IntArray
    kept: IntArray
    place: IntArray
    customer_factors: NDArray[np.float32]
    product_factors: NDArray[np.float32]
    together: sp.csr_matrix

    def neighbour_scores(self, customers: IntArray, neighbours: int) -> NDArray[np.float32]:
        """Return the mean frequency among similar customers: rows customers, columns kept products."""
        cosine = (self.direction[customers] @ self.direction[self.reference].T).toarray()
        cosine[customers[:, None] == self.reference[None, :]] = 0.0
        if cosine.shape[1] > neighbours:
            bound = -np.partition(-cosine, neighbours - 1, axis=1)[:, neighbours - 1 : neighbours]
            cosine[cosine < bound] = 0.0
        total = cosine.sum(axis=1, keepdims=True)
        weight = np.divide(cosine, total, out=np.zeros_like(cosine), where=total > 0)
        scores = sp.csr_matrix(weight.astype(np.float32)) @ self.frequency[self.reference]
        return np.asarray(scores.toarray(), dtype=np.float32)

    def together_scores(self, history: History, customers: IntArray) -> NDArray[np.float32]:
        """Return how strongly kept products go with the latest baskets of customers."""
        recent = rows_of(history.last_baskets, customers)
        rows = np.searchsorted(customers, recent["customer"].to_numpy())
        column = self.place[recent["product"].to_numpy()]
        is_kept = column >= 0
        held = sp.csr_matrix(
            (np.ones(int(is_kept.sum()), dtype=np.float32), (rows[is_kept], column[is_kept])),
            shape=(len(customers), len(self.kept)),
        )
        size = np.maximum(np.asarray(held.sum(axis=1)), 1.0)
        return np.asarray((held @ self.together).toarray() / size, dtype=np.float32)

    def factor_scores(self, customer: IntArray, column: IntArray) -> FloatArray:
        """Return the factorisation's score of pairs; 0 for products that aren't kept."""
        scores = np.zeros(len(customer))
        known = np.flatnonzero(column >= 0)
        for part in np.array_split(known, max(1, len(known) // 200_000)):
            scores[part] = np.einsum(
                "ij,ij->i",
                self.customer_factors[customer[part]],
                self.product_factors[column[part]],
            )
        return scores


def similarity_at(
    history: History, lines: Lines, config: RecommendationConfig, seed: int
) -> Similarity:
    """Return similarities at the moment of a history."""
    buyers = history.products["buyer_count"].to_numpy()
    kept = np.flatnonzero(buyers >= config.min_buyers)
    place = np.full(len(buyers), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    pairs = history.pairs
    column = place[pairs["product"].to_numpy()]
    is_kept = column >= 0
    customer = pairs["customer"].to_numpy()[is_kept]
    weight = history.customers["long"].to_numpy()
    share = (pairs["long"].to_numpy()[is_kept] / weight[customer]).astype(np.float32)
    shape = (len(weight), len(kept))
    frequency = sp.csr_matrix((share, (customer, column[is_kept])), shape=shape)
    roots = frequency.sqrt()
    length = np.sqrt(np.asarray(roots.multiply(roots).sum(axis=1)).ravel())
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    direction = sp.csr_matrix(sp.diags(scale) @ roots, dtype=np.float32)
    active = np.flatnonzero(length > 0)
    rng = np.random.default_rng(seed)
    reference = np.sort(rng.permutation(active)[: config.reference_customers])
    rank = min(config.factors, *(side - 1 for side in shape)) if min(shape) > 1 else 0
    if rank > 0 and len(active):
        left, values, right = randomized_svd(roots, rank, random_state=seed)
        customer_factors, product_factors = left * values, right.T
    else:
        customer_factors, product_factors = np.zeros((shape[0], 1)), np.zeros((shape[1], 1))
    return Similarity(
        frequency,
        direction,
        reference,
        kept,
        place,
        customer_factors.astype(np.float32),
        product_factors.astype(np.float32),
        _together(lines.before(history.day), place, len(kept), config),
    )


def co_purchases(lines: Lines, place: IntArray, kept: int) -> tuple[sp.csr_matrix, IntArray, int]:
    """
    Return baskets with both of two kept products, baskets with each, and the baskets counted.

    The latest 200,000 baskets are counted; of very large ones, which pair everything with everything,
    nothing is.
    """
    basket, product = lines.basket, place[lines.product]
    numbers, inverse, sizes = np.unique(basket, return_inverse=True, return_counts=True)
    latest = np.zeros(len(numbers))
    np.maximum.at(latest, inverse, lines.day)
    is_counted = sizes <= _LARGEST_BASKET
    if int(is_counted.sum()) > _BASKETS_AT_MOST:
        bound = np.sort(latest[is_counted])[-_BASKETS_AT_MOST]
        is_counted &= latest >= bound
    is_here = is_counted[inverse] & (product >= 0)
    matrix = sp.csr_matrix(
        (np.ones(int(is_here.sum()), dtype=np.float32), (inverse[is_here], product[is_here])),
        shape=(len(numbers), kept),
    )
    together = (matrix.T @ matrix).tocsr()
    alone = np.asarray(together.diagonal(), dtype=np.int64)
    together.setdiag(0)
    together.eliminate_zeros()
    return together, alone, int(is_counted.sum())


def compatible_shares(history: History, fits: tuple[IntArray, IntArray]) -> sp.csr_matrix:
    """
    Return owned products x products that go with them: share of owners who bought the other.

    Ten owners at a rate of one in fifty are added: a pair that nobody bought yet is no bad one.
    """
    count = len(history.products)
    owned, other = fits
    if len(owned) == 0:
        return sp.csr_matrix((count, count))
    pairs = history.pairs
    bought = sp.csr_matrix(
        (np.ones(len(pairs)), (pairs["customer"].to_numpy(), pairs["product"].to_numpy())),
        shape=(len(history.customers), count),
    ).tocsc()
    buyers = history.products["buyer_count"].to_numpy()
    both = np.array(
        [
            bought[:, left].multiply(bought[:, right]).nnz
            for left, right in zip(owned, other, strict=True)
        ]
    )
    share = (both + 0.2) / (buyers[owned] + 10.0)
    return sp.csr_matrix((share, (owned, other)), shape=(count, count))


def _together(
    lines: Lines, place: IntArray, kept: int, config: RecommendationConfig
) -> sp.csr_matrix:
    """Return conditional shares of pairs with enough support, the strongest of each product."""
    counts, alone, _ = co_purchases(lines, place, kept)
    counts.data[counts.data < config.min_support] = 0
    counts.eliminate_zeros()
    coo = counts.tocoo()
    frame = pd.DataFrame({"row": coo.row, "column": coo.col, "count": coo.data})
    # Ten baskets more: a product bought eleven times, each time with bananas, proves little.
    frame["share"] = frame["count"] / (alone[frame["row"].to_numpy()] + 10.0)
    frame = frame.sort_values(["row", "share", "column"], ascending=[True, False, True])
    frame = frame[frame.groupby("row").cumcount() < 2 * config.affinities_per_product]
    return sp.csr_matrix(
        (frame["share"].to_numpy(dtype=np.float32), (frame["row"], frame["column"])),
        shape=(kept, kept),
    )
