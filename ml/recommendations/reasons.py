"""Why a product is recommended, in words, English and Spanish.

Words only; the evidence was found before.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.recommendations.candidates import State
from ml.recommendations.histories import IntArray, rows_of

VIEWED, COMPATIBLE, REPEAT, BOUGHT = "viewed", "compatible", "repeat", "bought_before"
TOGETHER, SIMILAR, POPULAR, SEGMENT = (
    "bought_together", "similar_customers", "popular", "segment_popular",
)  # fmt: skip
_RECENT_VIEW_DAYS = 14.0
_STRONG = 0.02
# In own cycles: due from nine tenths of one; after five it is rather given up.
_DUE, _LONG_OVERDUE = 0.9, 5.0


def evidence_of(frame: pd.DataFrame) -> np.ndarray:
    """Return what speaks most for each candidate."""
    bought, views = frame["n"].to_numpy(), frame["views"].to_numpy()
    is_viewed = (views > 0) & (frame["viewed_ago"].to_numpy() <= _RECENT_VIEW_DAYS)
    together, near = frame["together"].to_numpy(), frame["neighbours"].to_numpy()
    return np.select(
        [
            bought >= 2,
            is_viewed,
            bought == 1,
            frame["compatible"].to_numpy() > 0,
            (together > near) & (together > _STRONG),
            near > 0,
        ],
        [REPEAT, VIEWED, BOUGHT, COMPATIBLE, TOGETHER, SIMILAR],
        default=POPULAR,
    )


def reasons(frame: pd.DataFrame, partners: pd.Series) -> tuple[list[str], list[str]]:
    """
    Return a sentence a row, in English and in Spanish.

    Parameters
    ----------
    frame
        Chosen candidates with their features and `evidence`.
    partners
        Name of the product bought or owned, for the evidence that needs one.
    """
    english, spanish = [], []
    columns = zip(
        frame["evidence"], frame["n"], frame["own_cycle"], frame["last"], frame["due"],
        frame["views"], frame["viewed_ago"], partners, strict=True,
    )  # fmt: skip
    for evidence, n, cycle, last, due, views, viewed_ago, partner in columns:
        en, es = _sentence(evidence, int(n), cycle, last, due, int(views), viewed_ago, str(partner))
        english.append(en)
        spanish.append(es)
    return english, spanish


def _sentence(
    evidence: str,
    n: int,
    cycle: float,
    last: float,
    due: float,
    views: int,
    viewed_ago: float,
    partner: str,
) -> tuple[str, str]:
    if evidence == REPEAT:
        en = f"Bought {n} times, about every {_days(cycle)}; last {_ago(last)}"
        es = f"Comprado {n} veces, cada {_dias(cycle)} aproximadamente; la última {_hace(last)}"
        return (
            (f"{en}, so it is due.", f"{es}, así que ya toca.")
            if _DUE <= due <= _LONG_OVERDUE
            else (f"{en}.", f"{es}.")
        )
    if evidence == VIEWED:
        times, veces = ("once", "una vez") if views == 1 else (f"{views} times", f"{views} veces")
        return (
            f"Looked at {times} lately, last {_ago(viewed_ago)}.",
            f"Visto {veces} últimamente, la última {_hace(viewed_ago)}.",
        )
    if evidence == BOUGHT:
        return f"Bought before, {_ago(last)}.", f"Ya lo compró, {_hace(last)}."
    if evidence == COMPATIBLE:
        return f"Goes with {partner}, which the customer owns.", f"Va con {partner}, que ya tiene."
    if evidence == TOGETHER:
        return (
            f"Often bought together with {partner}, bought lately.",
            f"Se compra a menudo junto con {partner}, comprado hace poco.",
        )
    if evidence == SIMILAR:
        return (
            "Customers with similar baskets buy it.",
            "Lo compran clientes con cestas parecidas.",
        )
    if evidence == SEGMENT:
        return (
            f"Popular among customers of the segment {partner}.",
            f"Popular entre los clientes del segmento {partner}.",
        )
    return "Popular at the moment.", "De lo más vendido ahora."


def partners_of(chosen: pd.DataFrame, state: State, names: np.ndarray) -> pd.Series:
    """Return the name of the product that evidence of togetherness or fit refers to."""
    found = pd.Series("", index=chosen.index, dtype=object)
    similar = state.similarity
    is_together = (chosen["evidence"] == TOGETHER).to_numpy()
    if is_together.any():
        recent = rows_of(state.history.last_baskets, _customers(chosen[is_together]))
        links = similar.together.tocoo()
        pairs = pd.DataFrame(
            {
                "other": similar.kept[links.row],
                "product": similar.kept[links.col],
                "strength": links.data,
            }
        )
        found.update(_strongest(chosen[is_together], recent, pairs, names))
    is_fit = (chosen["evidence"] == COMPATIBLE).to_numpy()
    if is_fit.any():
        owned = rows_of(state.history.pairs, _customers(chosen[is_fit]))[["customer", "product"]]
        links = state.compatible.tocoo()
        pairs = pd.DataFrame({"other": links.row, "product": links.col, "strength": links.data})
        found.update(_strongest(chosen[is_fit], owned, pairs, names))
    return found


def _customers(chosen: pd.DataFrame) -> IntArray:
    return np.unique(chosen["customer"].to_numpy())


def _strongest(
    chosen: pd.DataFrame, held: pd.DataFrame, pairs: pd.DataFrame, names: np.ndarray
) -> pd.Series:
    rows = chosen[["customer", "product"]].reset_index()
    rows = rows.merge(pairs, on="product").merge(
        held.rename(columns={"product": "other"}), on=["customer", "other"]
    )
    rows = rows.sort_values(["index", "strength", "other"], ascending=[True, False, True])
    rows = rows.drop_duplicates("index")
    others: IntArray = rows["other"].to_numpy()
    return pd.Series(names[others], index=rows["index"].to_numpy(), dtype=object)


def _days(days: float) -> str:
    whole = max(1, round(days))
    return "day" if whole == 1 else f"{whole} days"


def _dias(days: float) -> str:
    whole = max(1, round(days))
    return "día" if whole == 1 else f"{whole} días"


def _ago(days: float) -> str:
    whole = int(days)
    return "today" if whole == 0 else "yesterday" if whole == 1 else f"{whole} days ago"


def _hace(days: float) -> str:
    whole = int(days)
    return "hoy" if whole == 0 else "ayer" if whole == 1 else f"hace {whole} días"
