"""The electronics web: Google Analytics 4 events in the layout of its BigQuery export, as Parquet.

A month a file, or a day a file; parameters and items are arrays of structs within the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from simulation.clock import to_utc
from simulation.delivery import Desk, Period, SystemWriter, as_arrow
from simulation.frames import NO_ID, Slice
from simulation.systems.reference import SITES, provinces

SYSTEM: Final = "web"
_SITE: Final = SITES["electronics"]


class WebWriter(SystemWriter):
    """Writes the web's events; remembers which customers were seen logged in."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.seen = np.zeros(len(desk.market.people), dtype=bool)
        self.pages = _pages(desk)

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver the events of a period."""
        events, sessions = happened["web_events"], happened["web_sessions"]
        if events.empty:
            return
        desk = self.desk
        name = f"events_{period.label.replace('-', '')}.parquet"
        desk.register(events=self._events(events, sessions, happened))
        desk.landing.write_parquet(SYSTEM, "events", name, _EVENTS_SQL)
        desk.repeat_now_and_then(SYSTEM, "events", name, period)
        self._identify(sessions)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return who was seen."""
        return {"seen": pd.DataFrame({"seen": self.seen})}

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up who was seen."""
        self.seen = frames["seen"]["seen"].to_numpy(dtype=bool).copy()

    def _events(self, events: pd.DataFrame, sessions: pd.DataFrame, happened: Slice) -> pa.Table:
        """Put session, page, order and items beside each event."""
        session_ids = sessions["session_id"].to_numpy()
        order = np.argsort(session_ids, kind="stable")
        of_event = order[np.searchsorted(session_ids[order], events["session_id"].to_numpy())]
        told = as_arrow(
            sessions[
                [
                    "device_id",
                    "device_category",
                    "operating_system",
                    "browser",
                    "source",
                    "medium",
                    "campaign_id",
                    "municipality_name",
                ]
            ].iloc[of_event]
        )
        shopify_ids = np.append(self.desk.market.people["shopify_id"].to_numpy(), NO_ID)
        users = np.where(
            sessions["is_logged_in"], shopify_ids[sessions["person_id"].to_numpy()], NO_ID
        )
        starts = to_utc(sessions["started_at"].to_numpy()).astype("datetime64[s]").astype(np.int64)
        columns: dict[str, Any] = {
            "event_at": pa.array(events["event_at"].to_numpy()),
            "event_timestamp": to_utc(events["event_at"].to_numpy()).astype(np.int64),
            "event_name": pa.Array.from_pandas(events["event_name"]),
            "engagement_ms": events["engagement_ms"].to_numpy(),
            "search_term": pa.Array.from_pandas(events["search_term"]),
            "user_number": users[of_event],
            "session_number": starts[of_event],
            "region": self._regions(sessions).take(pa.array(of_event)),
            **self._page_columns(events),
            **_order_columns(events, happened["shop_orders"]),
            "items": self._items(events, happened["shop_order_lines"]),
        }
        for name in told.column_names:
            columns[name] = told[name]
        return pa.table(columns)

    def _regions(self, sessions: pd.DataFrame) -> pa.Array:
        names = dict(zip(provinces()["province_code"], provinces()["province_name"], strict=True))
        return pa.array(
            sessions["province_code"].astype(object).map(names), pa.string(), from_pandas=True
        )

    def _page_columns(self, events: pd.DataFrame) -> dict[str, pa.Array]:
        """Return address, title and group of each event's page."""
        content, product = events["content_id"].to_numpy(), events["product_id"].to_numpy()
        products_from = len(self.desk.market.contents)
        page = np.where(
            content != NO_ID, content, np.where(product != NO_ID, products_from + product, 0)
        )
        indices = pa.array(page.astype(np.int32))
        return {
            name: pa.DictionaryArray.from_arrays(indices, values)
            for name, values in self.pages.items()
        }

    def _items(self, events: pd.DataFrame, lines: pd.DataFrame) -> pa.Array:
        """Return the products of each event: the one looked at, or all of the order."""
        orders, products = events["order_id"].to_numpy(), events["product_id"].to_numpy()
        by_order = lines.sort_values(["order_id", "line"], kind="stable")
        line_orders = by_order["order_id"].to_numpy()
        begins = np.searchsorted(line_orders, orders, side="left")
        ends = np.searchsorted(line_orders, orders, side="right")
        is_purchase = (events["event_name"] == "purchase").to_numpy(dtype=bool)
        counts = np.where(is_purchase, ends - begins, (products != NO_ID).astype(np.int64))
        offsets = np.r_[0, np.cumsum(counts)]
        of_item = np.repeat(np.arange(len(events)), counts)
        line = begins[of_item] + np.arange(len(of_item)) - offsets[of_item]
        line = np.minimum(line, max(len(by_order) - 1, 0))
        from_order = is_purchase[of_item]

        def pick(of_line: NDArray[Any], of_event: NDArray[Any]) -> NDArray[Any]:
            if not len(of_line):
                return of_event[of_item]
            return np.where(from_order, of_line[line], of_event[of_item])

        product = pick(by_order["product_id"].to_numpy(), products).astype(np.int32)
        catalogue = self.desk.market.products
        prices = catalogue["price"].to_numpy()
        texts = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(product), pa.array(catalogue[source].astype(object), pa.string())
            )
            for name, source in (
                ("item_id", "sku"),
                ("item_name", "title"),
                ("item_category", "category"),
            )
        }
        fields = {
            **texts,
            "price": pa.array(pick(by_order["unit_price"].to_numpy(), prices[products])),
            "quantity": pa.array(
                np.maximum(
                    pick(by_order["quantity"].to_numpy(), events["quantity"].to_numpy()), 1
                ).astype(np.int64)
            ),
        }
        struct = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), struct)

    def _identify(self, sessions: pd.DataFrame) -> None:
        people = np.unique(sessions["person_id"].to_numpy()[sessions["is_logged_in"].to_numpy()])
        new = people[(people != NO_ID) & ~self.seen[people]]
        self.seen[new] = True
        numbers = self.desk.market.people["shopify_id"].to_numpy()[new]
        self.desk.truth.identify(
            SYSTEM, "events", [str(number) for number in numbers.tolist()], new
        )


def _pages(desk: Desk) -> dict[str, pa.Array]:
    """Return address, title and group of all pages: contents, then products."""
    contents, products = desk.market.contents, desk.market.products
    locations = [f"{_SITE}{path}" for path in contents["path"]]
    locations += [f"{_SITE}/productos/{sku.lower()}" for sku in products["sku"]]
    groups = [*contents["content_group"].astype(object), *(["product"] * len(products))]
    return {
        "page_location": pa.array(locations, pa.string()),
        "page_title": pa.array([*contents["title"], *products["title"]], pa.string()),
        "content_group": pa.array(groups, pa.string()),
    }


def _order_columns(events: pd.DataFrame, orders: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the order of each purchase event and what it came to."""
    order_ids = events["order_id"].to_numpy()
    revenue = np.full(len(events), np.nan)
    is_purchase = order_ids != NO_ID
    if is_purchase.any() and len(orders):
        known = orders["order_id"].to_numpy()
        order = np.argsort(known, kind="stable")
        position = np.searchsorted(known[order], order_ids[is_purchase]).clip(max=len(known) - 1)
        found = order[position]
        is_found = known[found] == order_ids[is_purchase]
        revenue[is_purchase] = np.where(is_found, orders["total"].to_numpy()[found], np.nan)
    return {"order_id": order_ids, "revenue": revenue}


def _parameter(key: str, *, text: str = "null", number: str = "null") -> str:
    return (
        f"{{'key': '{key}', 'value': {{'string_value': cast({text} as varchar), "
        f"'int_value': cast({number} as bigint), 'float_value': cast(null as double), "
        "'double_value': cast(null as double)}}"
    )


_PARAMETERS: Final = ", ".join(
    (
        _parameter("ga_session_id", number="session_number"),
        _parameter("page_location", text="page_location"),
        _parameter("page_title", text="page_title"),
        _parameter("content_group", text="content_group"),
        _parameter("engagement_time_msec", number="engagement_ms"),
    )
)
_EVENTS_SQL: Final = f"""
    select
        strftime(event_at, '%Y%m%d') as event_date,
        event_timestamp,
        cast(event_name as varchar) as event_name,
        case when search_term is null then [{_PARAMETERS}]
            else [{_PARAMETERS}, {_parameter("search_term", text="search_term")}]
        end as event_params,
        device_id || '.' || (1690000000 + device_id % 30000000) as user_pseudo_id,
        case when user_number <> {NO_ID} then cast(user_number as varchar) end as user_id,
        {{
            'category': cast(device_category as varchar),
            'operating_system': cast(operating_system as varchar),
            'browser': cast(browser as varchar)
        }} as device,
        {{
            'country': 'Spain',
            'region': region,
            'city': cast(municipality_name as varchar)
        }} as geo,
        {{
            'name': case
                when campaign_id <> {NO_ID} then printf('c%06d', campaign_id)
                when medium in ('(none)', 'organic', 'referral') then '(' || trim(medium, '()') || ')'
                else source || '_' || medium
            end,
            'medium': cast(medium as varchar),
            'source': cast(source as varchar)
        }} as traffic_source,
        case when event_name = 'purchase' and order_id <> {NO_ID} then {{
            'transaction_id': '#' || order_id,
            'purchase_revenue': case when isnan(revenue) then null else revenue end
        }} end as ecommerce,
        items
    from events
"""
