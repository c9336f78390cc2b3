"""The electronics web shop: Shopify's exports of customers, orders and products.

Orders are one row a line; what belongs to the order stands in its first line only. A refunded order
comes again, whole, in the export of the period of its refund.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation import faults
from simulation.clock import utc_offset_hours
from simulation.delivery import Desk, Period, SystemWriter, only_where, row_hits
from simulation.files import TextLayout
from simulation.frames import SHOP_ORDER_LINES, SHOP_ORDERS, Slice, concatenate
from simulation.person_faults import PersonColumn, PersonLayout
from simulation.systems.ecommerce_sql import ORDERS_SQL, PRODUCTS_SQL, damaged_price
from simulation.systems.reference import shopify_codes

SYSTEM: Final = "ecommerce"
_LAYOUT: Final = TextLayout()
_ADDRESS: Final = "Default Address"
_PEOPLE: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("First Name", ("given_name",)),
        PersonColumn("Last Name", ("surname_1", "surname_2")),
        PersonColumn("Email", ("email",)),
        PersonColumn(f"{_ADDRESS} Address1", ("street",)),
        PersonColumn(f"{_ADDRESS} Address2", ("dwelling",)),
        PersonColumn(f"{_ADDRESS} City", ("municipality_name",)),
        PersonColumn(f"{_ADDRESS} Province Code", ("province_code",)),
        PersonColumn(f"{_ADDRESS} Zip", ("postal_code",)),
        PersonColumn(f"{_ADDRESS} Phone", ("mobile",)),
        PersonColumn("Phone", ("mobile",)),
        PersonColumn("province_name", ("province_name",)),
    ),
    coverage={"mobile": 0.85},
)
_PHONES: Final = (f"{_ADDRESS} Phone", "Phone")
CUSTOMER_COLUMNS: Final = (
    "Customer ID",
    "First Name",
    "Last Name",
    "Email",
    "Accepts Email Marketing",
    f"{_ADDRESS} Company",
    f"{_ADDRESS} Address1",
    f"{_ADDRESS} Address2",
    f"{_ADDRESS} City",
    f"{_ADDRESS} Province Code",
    f"{_ADDRESS} Country Code",
    f"{_ADDRESS} Zip",
    f"{_ADDRESS} Phone",
    "Phone",
    "Accepts SMS Marketing",
    "Total Spent",
    "Total Orders",
    "Note",
    "Tax Exempt",
    "Tags",
)
# Orders older than this are not refunded any more, so they need not be remembered.
_REFUND_DAYS: Final = np.timedelta64(120, "D")


class EcommerceWriter(SystemWriter):
    """Writes the web shop's files; remembers recent orders and what each customer bought."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.records = desk.records(_PEOPLE)
        count = len(desk.market.people)
        self.spent = np.zeros(count)
        self.orders = np.zeros(count, dtype=np.int32)
        self.recent_orders = SHOP_ORDERS.empty()
        self.recent_lines = SHOP_ORDER_LINES.empty()
        self.listed = 0

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver customers new or changed, orders new or refunded, and the products when they change."""
        buyers = happened["shop_orders"]["person_id"].to_numpy()
        np.add.at(self.spent, buyers, happened["shop_orders"]["total"].to_numpy())
        np.add.at(self.orders, buyers, 1)
        self._write_customers(buyers, period)
        self._write_orders(happened, period)
        self._write_products(period)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return recent orders and the customers' totals."""
        return {
            "totals": pd.DataFrame({"spent": self.spent, "orders": self.orders}),
            "recent_orders": self.recent_orders,
            "recent_lines": self.recent_lines,
            "listed": pd.DataFrame({"listed": [self.listed]}),
        }

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up recent orders and the customers' totals."""
        self.spent = frames["totals"]["spent"].to_numpy().copy()
        self.orders = frames["totals"]["orders"].to_numpy().copy()
        self.recent_orders = SHOP_ORDERS.build(dict(frames["recent_orders"]))
        self.recent_lines = SHOP_ORDER_LINES.build(dict(frames["recent_lines"]))
        self.listed = int(frames["listed"]["listed"].iloc[0])

    def _write_customers(self, buyers: NDArray[np.int64], period: Period) -> None:
        desk = self.desk
        changed, _ = desk.members.changed(SYSTEM)
        ids = np.union1d(changed, buyers)
        if not len(ids):
            return
        name = f"customers_export_{period.stamp}.csv"
        delivered = self.records.deliver(
            ids, period.ends_at, known_since=desk.members.joined_at[SYSTEM][ids]
        )
        keys = [str(number) for number in self._shopify_ids(ids)]
        columns, hits = delivered.columns, delivered.hits
        for phone in _PHONES:
            columns[phone] = _with_apostrophe(columns[phone])
        is_phone = hits["field"].isin(_PHONES)
        hits.loc[is_phone, "delivered_value"] = _with_apostrophe(hits["delivered_value"][is_phone])
        zips = columns[f"{_ADDRESS} Zip"]
        values: dict[str, Any] = {
            "Customer ID": [f"'{key}" for key in keys],
            f"{_ADDRESS} Province Code": columns[f"{_ADDRESS} Province Code"].map(shopify_codes()),
            f"{_ADDRESS} Country Code": "ES",
            f"{_ADDRESS} Zip": only_where(zips.notna().to_numpy(), "'" + zips),
            f"{_ADDRESS} Company": None,
            "Accepts Email Marketing": self._yes_or_no("email", ids),
            "Accepts SMS Marketing": self._yes_or_no("sms", ids),
            "Total Spent": [f"{amount:.2f}" for amount in self.spent[ids].tolist()],
            "Total Orders": self.orders[ids],
            "Note": None,
            "Tax Exempt": "no",
            "Tags": np.where(self.orders[ids] > 1, "cliente, repetidor", "cliente"),
        }
        frame = columns.assign(**values)
        desk.register(customers=frame[list(CUSTOMER_COLUMNS)])
        desk.landing.write_csv(
            SYSTEM, "customers", name, "select * from customers", desk.layout(SYSTEM, name, _LAYOUT)
        )
        desk.truth.plant(SYSTEM, "customers", name, keys, hits)
        desk.truth.identify(SYSTEM, "customers", keys, ids)

    def _write_orders(self, happened: Slice, period: Period) -> None:
        orders = concatenate(SHOP_ORDERS, [self.recent_orders, happened["shop_orders"]])
        lines = concatenate(SHOP_ORDER_LINES, [self.recent_lines, happened["shop_order_lines"]])
        refunds = happened["refunds"]
        new = happened["shop_orders"]["order_id"].to_numpy()
        wanted = np.isin(
            orders["order_id"].to_numpy(), np.union1d(new, refunds["order_id"].to_numpy())
        )
        if wanted.any():
            self._deliver_orders(orders[wanted].reset_index(drop=True), lines, refunds, period)
        kept = orders["created_at"].to_numpy() >= period.ends_at - _REFUND_DAYS
        self.recent_orders = orders[kept].reset_index(drop=True)
        of_kept = np.isin(lines["order_id"].to_numpy(), self.recent_orders["order_id"].to_numpy())
        self.recent_lines = lines[of_kept].reset_index(drop=True)

    def _deliver_orders(
        self, orders: pd.DataFrame, lines: pd.DataFrame, refunds: pd.DataFrame, period: Period
    ) -> None:
        desk = self.desk
        name = f"orders_export_{period.label}.csv"
        lines = lines[np.isin(lines["order_id"].to_numpy(), orders["order_id"].to_numpy())]
        lines = lines.reset_index(drop=True)
        ids = lines["order_id"].to_numpy() * 100 + lines["line"].to_numpy()
        damaged = desk.rows_hit(faults.DAMAGED_ROW, SYSTEM, "order_lines", ids)
        repeated = desk.rows_hit(faults.DUPLICATED_ROW, SYSTEM, "order_lines", ids)
        prices, hits = damaged_price(lines, damaged, desk.bits(SYSTEM, "order_lines", ids[damaged]))
        people = orders["person_id"].to_numpy()
        addressees = self.records.deliver(
            people, period.ends_at, known_since=desk.members.joined_at[SYSTEM][people]
        ).columns
        orders = pd.concat([orders, addressees], axis=1).assign(
            position=np.arange(len(orders)),
            province_letters=addressees[f"{_ADDRESS} Province Code"].map(shopify_codes()),
            created_offset=utc_offset_hours(orders["created_at"].to_numpy()),
            fulfilled_offset=utc_offset_hours(orders["fulfilled_at"].to_numpy()),
        )
        desk.register(
            orders=orders,
            order_lines=lines.assign(damaged_price=pd.array(prices, dtype="string[pyarrow]")),
            repeated=lines.iloc[repeated][["order_id", "line"]].merge(
                orders[["order_id", "position"]]
            ),
            refunds=refunds,
            products=desk.market.products,
        )
        layout = desk.layout(SYSTEM, name, _LAYOUT)
        desk.landing.write_csv(
            SYSTEM,
            "order_lines",
            name,
            ORDERS_SQL.format(ends_at=period.ends_on),
            # Note attributes hold newlines of their own: rows must end as they do.
            TextLayout(has_bom=layout.has_bom),
        )
        skus = desk.market.products["sku"].to_numpy(dtype=object)[lines["product_id"].to_numpy()]
        keys = np.array(
            [
                f"#{order}+{sku}"
                for order, sku in zip(lines["order_id"].tolist(), skus, strict=True)
            ],
            dtype=object,
        )
        doubled = row_hits(repeated, "", faults.DUPLICATED_ROW, keys[repeated], keys[repeated])
        for plant in (hits, doubled):
            desk.truth.plant(SYSTEM, "order_lines", name, keys, plant)
        desk.repeat_now_and_then(SYSTEM, "order_lines", name, period)

    def _write_products(self, period: Period) -> None:
        """Deliver all products at the start, each quarter, and when one is new."""
        products = self.desk.market.products
        is_listed = products["listed_on"].to_numpy() < period.ends_at
        is_quarter = period.starts_on.day == 1 and period.starts_on.month % 3 == 1
        if int(is_listed.sum()) == self.listed and not is_quarter:
            return
        self.listed = int(is_listed.sum())
        self.desk.register(listed_products=products[is_listed])
        name = f"products_export_{period.stamp}.csv"
        self.desk.landing.write_csv(SYSTEM, "products", name, PRODUCTS_SQL, _LAYOUT)

    def _shopify_ids(self, people: NDArray[np.int64]) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = self.desk.market.people["shopify_id"].to_numpy()[people]
        return numbers

    def _yes_or_no(self, channel: str, ids: NDArray[np.int64]) -> NDArray[np.str_]:
        return np.where(self.desk.members.accepts[SYSTEM, channel][ids], "yes", "no")


def _with_apostrophe(phones: pd.Series[str]) -> pd.Series[str]:
    """Put the apostrophe before numbers that a spreadsheet would take for a formula."""
    return phones.map(lambda phone: f"'{phone}" if phone and phone.startswith("+") else phone)
