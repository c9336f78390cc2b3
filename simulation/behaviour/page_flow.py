"""The events within a visit: pages, searches, products, carts, purchases.

Which visits there are is `browsing`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.assortment import Assortment
from simulation.behaviour.browsing import Visits
from simulation.behaviour.state import SECOND, Array, Columns, shifted
from simulation.catalogue.electronics import MAIN_CATEGORIES, MAIN_NAMES
from simulation.frames import NO_ID, WEB_EVENTS, categorical
from simulation.randomness import Integers, Times

EVENT_NAMES: Final = (
    "session_start",
    "page_view",
    "search",
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    "sign_up",
    "generate_lead",
)
START, PAGE, SEARCH, VIEW, CART, CHECKOUT, PURCHASE, SIGN_UP, LEAD = range(len(EVENT_NAMES))
_SEARCH_SHARE: Final = 0.25
_GUIDE_SHARE: Final = 0.2
_CART_SHARE: Final = 0.12
_MEAN_VIEWS: Final = 1.6
_SEARCHES: Final = tuple(
    term
    for category in MAIN_CATEGORIES
    for term in (category.noun.lower(), f"{category.noun.lower()} oferta")
)


class PageFlow:
    """Builds the events of visits.

    Parameters
    ----------
    assortment, contents
        The offer and the pages of the web.
    """

    def __init__(self, assortment: Assortment, contents: pd.DataFrame) -> None:
        self._assortment = assortment
        groups = contents["content_group"].astype(str)
        about = contents["category"].astype(object)
        self._pages = {
            group: np.array(
                [int(np.flatnonzero((groups == group) & (about == name))[0]) for name in MAIN_NAMES]
            )
            for group in ("category", "guide", "landing")
        }
        self._general = np.flatnonzero(about.isna().to_numpy())

    def events(
        self, rng: np.random.Generator, visits: Visits, bought: Columns
    ) -> tuple[pd.DataFrame, Times]:
        """Return the events (WEB_EVENTS) and the time of each purchase.

        Parameters
        ----------
        rng
            The slice's stream.
        visits
            The visits.
        bought
            ``order`` and ``product`` (the first line's) by purchase.
        """
        count = len(visits.at)
        everybody = np.arange(count)
        about = np.where(visits.category >= 0, visits.category, NO_ID)
        is_purchase = visits.purchase >= 0
        buyers = np.flatnonzero(is_purchase)
        landing = self._landing(rng, visits, about)
        viewed = 1 + rng.poisson(_MEAN_VIEWS, count)
        viewed[(about < 0) & ~is_purchase] //= 2
        viewer = np.repeat(everybody, viewed)
        searcher = np.flatnonzero(rng.random(count) < _SEARCH_SHARE)
        guide = np.flatnonzero((about >= 0) & (rng.random(count) < _GUIDE_SHARE))
        carts = np.flatnonzero(~is_purchase & (viewed > 0) & (rng.random(count) < _CART_SHARE))
        product = self._viewed(rng, about, viewer)
        order, first_product = bought["order"], bought["product"]
        own = first_product[visits.purchase[buyers]]
        blocks = [
            _block(everybody, 0, START, content=landing),
            _block(everybody, 1, PAGE, content=landing),
            _block(searcher, 2, SEARCH, search=self._terms(rng, about[searcher])),
            _block(guide, 3, PAGE, content=self._pages["guide"][about[guide]]),
            _block(viewer, 4, VIEW, product=product),
            _block(carts, 6, CART, product=self._viewed(rng, about, carts)),
            _block(buyers, 5, VIEW, product=own),
            _block(buyers, 6, CART, product=own),
            _block(buyers, 7, CHECKOUT, product=own),
            _block(buyers, 8, PURCHASE, product=own, order=order[visits.purchase[buyers]]),
        ]
        columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
        return self._frame(rng, visits, columns, len(order))

    def form_events(
        self, visits: Visits, page: Integers, sent_at: Times, name: Integers
    ) -> pd.DataFrame:
        """Return the events of visits in which a form was sent (WEB_EVENTS).

        ``name`` is the event of sending by visit, NO_ID where the web counts none.
        """
        everybody = np.arange(len(visits.at))
        sends = np.flatnonzero(name >= 0)
        session = np.concatenate([everybody, everybody, sends])
        step = np.concatenate([everybody * 0, everybody * 0 + 1, sends * 0 + 2])
        at = np.concatenate(
            [visits.at, shifted(visits.at, everybody * 0 + 1, SECOND), sent_at[sends]]
        )
        events = np.concatenate([everybody * 0 + START, everybody * 0 + PAGE, name[sends]])
        order = np.lexsort((step, session))
        session = session[order]
        nothing = np.full(len(session), NO_ID)
        return WEB_EVENTS.build(
            {
                "session_id": visits.session[session],
                "event_at": at[order] + _micro(visits.session[session]),
                "event_name": categorical(events[order], EVENT_NAMES),
                "content_id": page[session],
                "product_id": nothing,
                "quantity": np.zeros(len(session), dtype=np.int64),
                "search_term": categorical(nothing, _SEARCHES),
                "order_id": nothing,
                "engagement_ms": np.where(step[order] == 1, 60_000, 0),
            }
        )

    def _landing(self, rng: np.random.Generator, visits: Visits, about: Integers) -> Integers:
        general = self._general[
            np.minimum(rng.exponential(2.0, len(about)).astype(np.int64), len(self._general) - 1)
        ]
        landing = np.where(about >= 0, self._pages["category"][about], general)
        from_mail = visits.campaign >= 0
        return np.where(from_mail & (about >= 0), self._pages["landing"][about], landing)

    def _viewed(self, rng: np.random.Generator, about: Integers, session: Integers) -> Integers:
        category = about[session]
        somewhere = rng.integers(0, len(MAIN_NAMES), len(session))
        return self._assortment.main(rng, np.where(category >= 0, category, somewhere))

    def _terms(self, rng: np.random.Generator, about: Integers) -> Integers:
        anything = rng.integers(0, len(_SEARCHES), len(about))
        return np.where(about >= 0, about * 2 + anything % 2, anything)

    def _frame(
        self, rng: np.random.Generator, visits: Visits, columns: dict[str, Array], orders: int
    ) -> tuple[pd.DataFrame, Times]:
        sorting = np.lexsort((columns["step"], columns["session"]))
        columns = {name: values[sorting] for name, values in columns.items()}
        session = columns["session"]
        count = len(session)
        engaged = 1_500 + np.minimum(rng.exponential(22_000.0, count), 180_000.0)
        first = np.searchsorted(session, np.arange(len(visits.at)))
        running = np.cumsum(engaged)
        before = running - engaged
        elapsed = before - before[first][session]
        whole = np.ceil(elapsed / 1000.0).astype(np.int64) * SECOND
        at = visits.at[session] + whole + _micro(visits.session[session])
        bought_at = np.full(orders, np.datetime64("NaT", "us"))
        is_purchase = columns["name"] == PURCHASE
        bought_at[visits.purchase[session[is_purchase]]] = at[is_purchase]
        frame = WEB_EVENTS.build(
            {
                "session_id": visits.session[session],
                "event_at": at,
                "event_name": categorical(columns["name"], EVENT_NAMES),
                "content_id": columns["content"],
                "product_id": columns["product"],
                "quantity": (columns["product"] >= 0).astype(np.int64),
                "search_term": categorical(columns["search"], _SEARCHES),
                "order_id": columns["order"],
                "engagement_ms": np.where(columns["name"] == START, 0, engaged).astype(np.int64),
            }
        )
        return frame, bought_at


def _micro(session: Integers) -> Array:
    """Return microseconds by visit: they keep the times of a device apart."""
    return (session % 1_000_000).astype("timedelta64[us]")


def _block(
    session: Integers,
    step: int,
    name: int,
    *,
    content: Any = NO_ID,  # noqa: ANN401 - an array or one value for all
    product: Any = NO_ID,  # noqa: ANN401
    search: Any = NO_ID,  # noqa: ANN401
    order: Any = NO_ID,  # noqa: ANN401
) -> dict[str, Array]:
    size = len(session)
    return {
        "session": session,
        "step": np.full(size, step, dtype=np.int8),
        "name": np.full(size, name, dtype=np.int8),
        "content": np.broadcast_to(np.asarray(content, dtype=np.int64), size),
        "product": np.broadcast_to(np.asarray(product, dtype=np.int64), size),
        "search": np.broadcast_to(np.asarray(search, dtype=np.int64), size),
        "order": np.broadcast_to(np.asarray(order, dtype=np.int64), size),
    }
