"""Online orders of purchases: lines, discounts, shipping, serial numbers, refunds.

Why somebody buys is `electronics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.assortment import Assortment
from simulation.behaviour.browsing import Visits
from simulation.behaviour.electronics import MAIN, black_friday
from simulation.behaviour.state import DAY, SECOND, Columns, Pool, StatefulProcess, Window
from simulation.catalogue.electronics import ACCESSORY_CATEGORIES
from simulation.frames import NO_ID, REFUNDS, SHOP_ORDER_LINES, SHOP_ORDERS, categorical
from simulation.population import Population
from simulation.population.national_ids import padded
from simulation.randomness import Booleans, Floats, Integers, Times

_CODES: Final = ("BLACKFRIDAY", "BIENVENIDA10", "NEBRA10", "NEBRA15", "NEBRA20")
_BLACK_FRIDAY, _WELCOME, _CAMPAIGN = 0, 1, 2
_CODE_SHARES: Final = np.array([0.15, 0.10, 0.10, 0.15, 0.20])
_PAYMENTS: Final = ("Shopify Payments", "PayPal", "Bizum", "Klarna")
_UNTAGGED_MEDIA: Final = ("(none)", "organic", "referral")
_FREE_SHIPPING_FROM: Final = 49.0
_SHIPPING: Final = 4.99
_VAT: Final = 0.21
REFUNDED_SHARE: Final = 0.06
_FULL_REFUND_SHARE: Final = 0.7


@dataclass(frozen=True)
class Bought:
    """The orders of a slice by purchase, in the order of the purchases."""

    order: Integers
    line_purchase: Integers
    line_product: Integers
    line_is_main: Booleans

    def first_products(self) -> Integers:
        """Return the product of each order's first line."""
        first = np.searchsorted(self.line_purchase, np.arange(len(self.order)))
        return self.line_product[first]


class ShopOrders(StatefulProcess):
    """Orders and the refunds planned for them."""

    arrays = ("has_ordered",)
    pools = ("refunds",)
    counters = ("next_order",)

    def __init__(
        self,
        population: Population,
        products: pd.DataFrame,
        assortment: Assortment,
        old_customers: Integers,
    ) -> None:
        people = population.people
        self._products, self._assortment = products, assortment
        self._accepts = people["accepts_email"].to_numpy()
        self.has_ordered = np.zeros(len(people), dtype=bool)
        self.has_ordered[old_customers] = True
        self.next_order = 100_001
        self.refunds = Pool(
            {
                "at": "datetime64[us]",
                "order": "int64",
                "person": "int64",
                "amount": "float64",
                "full": "bool",
            }
        )

    def choose(self, rng: np.random.Generator, purchases: Columns) -> Bought:
        """Return the products of the slice's purchases, sorted by purchase."""
        count = len(purchases["at"])
        own = purchases["product"]
        is_main = purchases["kind"] == MAIN
        parts = [(np.arange(count), own, is_main)]
        for number in range(len(ACCESSORY_CATEGORIES)):
            rows = np.flatnonzero(purchases["attached"] >> number & 1)
            added = self._assortment.fitting(rng, number, own[rows])
            parts.append((rows, added, np.full(len(rows), False)))
        purchase = np.concatenate([rows for rows, _, _ in parts])
        product = np.concatenate([chosen for _, chosen, _ in parts])
        main_line = np.concatenate([flags for _, _, flags in parts])
        sorting = np.argsort(purchase, kind="stable")
        return Bought(
            order=self.numbers("next_order", count),
            line_purchase=purchase[sorting],
            line_product=product[sorting],
            line_is_main=main_line[sorting],
        )

    def frames(
        self,
        rng: np.random.Generator,
        purchases: Columns,
        bought: Bought,
        visits: Visits,
        bought_at: Times,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return orders and lines (SHOP_ORDERS, SHOP_ORDER_LINES); refunds are planned."""
        count = len(bought.order)
        person = purchases["person"]
        created = bought_at.astype("datetime64[s]").astype("datetime64[us]")
        code = self._codes(rng, purchases, created)
        self.has_ordered[person] = True
        lines, line_amount, line_discount = self._lines(bought, code)
        subtotal = np.round(
            np.bincount(bought.line_purchase, weights=line_amount - line_discount, minlength=count),
            2,
        )
        discount = np.round(
            np.bincount(bought.line_purchase, weights=line_discount, minlength=count), 2
        )
        shipping = np.where(subtotal >= _FREE_SHIPPING_FROM, 0.0, _SHIPPING)
        total: Floats = np.round(subtotal + shipping, 2)
        visit = np.empty(count, dtype=np.int64)
        made = np.flatnonzero(visits.purchase >= 0)
        visit[visits.purchase[made]] = made
        source, medium = visits.sources()
        self._plan_refunds(rng, bought.order, person, created, total)
        orders = SHOP_ORDERS.build(
            {
                "order_id": bought.order,
                "person_id": person,
                "created_at": created,
                "fulfilled_at": created + rng.integers(18_000, 260_000, count) * SECOND,
                "subtotal": subtotal,
                "shipping": shipping,
                "taxes": np.round(total * _VAT / (1.0 + _VAT), 2),
                "discount": discount,
                "total": total,
                "discount_code": categorical(code, _CODES),
                "payment_method": categorical(
                    rng.choice(4, count, p=(0.58, 0.24, 0.12, 0.06)), _PAYMENTS
                ),
                "accepts_marketing": self._accepts[person],
                "utm_source": _tagged(source[visit], medium[visit]),
                "utm_medium": _tagged(medium[visit], medium[visit]),
                "campaign_id": visits.campaign[visit],
                "driving_campaign_id": purchases["campaign"],
                "session_id": visits.session[visit],
                "device_id": visits.device[visit],
            }
        )
        return orders, lines

    def _codes(self, rng: np.random.Generator, purchases: Columns, created: Times) -> Integers:
        count = len(created)
        chance = rng.random(count)
        sale = np.abs((created - black_friday(created)) / DAY) < 3.0
        newcomer = ~self.has_ordered[purchases["person"]] & (chance < 0.15)
        driven = (purchases["campaign"] >= 0) & (chance < 0.7)
        offer = _CAMPAIGN + purchases["campaign"] % 3
        return np.select(
            [driven, sale & (chance < 0.8), newcomer], [offer, _BLACK_FRIDAY, _WELCOME], -1
        )

    def _lines(self, bought: Bought, code: Integers) -> tuple[pd.DataFrame, Floats, Floats]:
        purchase = bought.line_purchase
        price = self._products["price"].to_numpy()[bought.line_product]
        share = np.where(code < 0, 0.0, _CODE_SHARES[code])[purchase]
        discount = np.round(price * share, 2)
        first = np.searchsorted(purchase, np.arange(len(bought.order)))
        number = np.arange(len(purchase)) - first[purchase] + 1
        order = bought.order[purchase]
        # Scrambled, so that a serial number does not tell the order.
        scrambled = (order * 7_919 + number) * 2_654_435_761 % 10**11
        serial = pd.Series("NB", index=range(len(purchase)), dtype="string[pyarrow]") + padded(
            scrambled, 11
        )
        lines = SHOP_ORDER_LINES.build(
            {
                "order_id": order,
                "line": number,
                "product_id": bought.line_product,
                "quantity": np.ones(len(purchase), dtype=np.int64),
                "unit_price": price,
                "discount": discount,
                "serial_number": serial.where(pd.Series(bought.line_is_main)).array,
            }
        )
        return lines, price, discount

    def _plan_refunds(
        self,
        rng: np.random.Generator,
        order: Integers,
        person: Integers,
        created: Times,
        total: Floats,
    ) -> None:
        rows = np.flatnonzero(rng.random(len(order)) < REFUNDED_SHARE)
        full = rng.random(len(rows)) < _FULL_REFUND_SHARE
        share = np.where(full, 1.0, rng.uniform(0.15, 0.6, len(rows)))
        days = rng.integers(4, 26, len(rows)) * DAY
        self.refunds.push(
            at=created[rows] + days,
            order=order[rows],
            person=person[rows],
            amount=np.round(total[rows] * share, 2),
            full=full,
        )

    def due_refunds(self, window: Window) -> pd.DataFrame:
        """Return the refunds of a slice (REFUNDS)."""
        due = self.refunds.take_until(window.end)
        return REFUNDS.build(
            {
                "order_id": due["order"],
                "person_id": due["person"],
                "refunded_at": due["at"],
                "amount": due["amount"],
                "is_full": due["full"],
            }
        )


def _tagged(values: pd.Categorical, medium: pd.Categorical) -> pd.Categorical:
    """Blank the tags of untagged traffic: only paid, social and mailed links carry parameters."""
    is_untagged = np.isin(np.asarray(medium, dtype=object), _UNTAGGED_MEDIA)
    return categorical(np.where(is_untagged, NO_ID, values.codes), values.categories)
