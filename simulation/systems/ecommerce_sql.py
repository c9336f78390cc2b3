"""Columns of Shopify's exports as SQL over the engine's frames.

Belongs here: header names in their order and what stands under each. Does not: which rows are due.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation import faults
from simulation.delivery import row_hits, with_letter_in_number


def _money(column: str) -> str:
    return f"printf('%.2f', {column})"


def _with_offset(column: str) -> str:
    """Return SQL for a wall-clock time of an order with its offset from UTC, e.g. +0100."""
    return f"strftime(orders.{column}_at, '%Y-%m-%d %H:%M:%S') || ' +0' || orders.{column}_offset || '00'"


_ADDRESSEE: Final = {
    "Name": 'concat_ws(\' \', orders."First Name", orders."Last Name")',
    "Street": "concat_ws(', ', orders.\"Default Address Address1\","
    ' orders."Default Address Address2")',
    "Address1": 'orders."Default Address Address1"',
    "Address2": 'orders."Default Address Address2"',
    "Company": "null",
    "City": 'orders."Default Address City"',
    "Zip": "'''' || orders.\"Default Address Zip\"",
    "Province": "orders.province_letters",
    "Country": "'ES'",
    "Phone": 'orders."Default Address Phone"',
}
_IS_SHIPPED: Final = "orders.fulfilled_at < date '{ends_at}'"

# True: a field of the order, which stands in its first line only.
_ORDER_FIELDS: Final[tuple[tuple[str, bool, str], ...]] = (
    ("Name", False, "'#' || orders.order_id"),
    ("Email", False, 'orders."Email"'),
    (
        "Financial Status",
        True,
        "case when refunds.is_full then 'refunded' when refunds.order_id is not null "
        "then 'partially_refunded' else 'paid' end",
    ),
    ("Paid at", True, _with_offset("created")),
    (
        "Fulfillment Status",
        True,
        f"case when {_IS_SHIPPED} then 'fulfilled' else 'unfulfilled' end",
    ),
    ("Fulfilled at", True, f"case when {_IS_SHIPPED} then {_with_offset('fulfilled')} end"),
    ("Accepts Marketing", True, "case when orders.accepts_marketing then 'yes' else 'no' end"),
    ("Currency", True, "'EUR'"),
    ("Subtotal", True, _money("orders.subtotal")),
    ("Shipping", True, _money("orders.shipping")),
    ("Taxes", True, _money("orders.taxes")),
    ("Total", True, _money("orders.total")),
    ("Discount Code", True, "orders.discount_code"),
    ("Discount Amount", True, _money("orders.discount")),
    (
        "Shipping Method",
        True,
        "case when orders.shipping > 0 then 'Envío estándar' else 'Envío gratuito' end",
    ),
    ("Created at", True, _with_offset("created")),
    ("Lineitem quantity", False, "order_lines.quantity"),
    ("Lineitem name", False, "products.title"),
    (
        "Lineitem price",
        False,
        f"coalesce(order_lines.damaged_price, {_money('order_lines.unit_price')})",
    ),
    (
        "Lineitem compare at price",
        False,
        "case when not isnan(products.compare_at_price) and products.compare_at_price is not null "
        f"then {_money('products.compare_at_price')} end",
    ),
    ("Lineitem sku", False, "products.sku"),
    ("Lineitem requires shipping", False, "'true'"),
    ("Lineitem taxable", False, "'true'"),
    (
        "Lineitem fulfillment status",
        False,
        f"case when {_IS_SHIPPED} then 'fulfilled' else 'pending' end",
    ),
    *((f"Billing {name}", True, value) for name, value in _ADDRESSEE.items()),
    *((f"Shipping {name}", True, value) for name, value in _ADDRESSEE.items()),
    ("Notes", True, "null"),
    (
        "Note Attributes",
        True,
        "nullif(concat_ws(chr(10), 'utm_source=' || orders.utm_source, "
        "'utm_medium=' || orders.utm_medium, case when orders.campaign_id >= 0 "
        "then printf('utm_campaign=c%06d', orders.campaign_id) end), '')",
    ),
    ("Cancelled at", True, "null"),
    ("Payment Method", True, "orders.payment_method"),
    ("Payment Reference", True, "printf('c%d.1', orders.order_id)"),
    ("Refunded Amount", True, _money("coalesce(refunds.amount, 0)")),
    ("Vendor", False, "products.vendor"),
    ("Outstanding Balance", True, "'0.00'"),
    ("Employee", True, "null"),
    ("Location", True, "null"),
    ("Device ID", True, "null"),
    ("Id", True, "5000000000000 + orders.order_id"),
    ("Tags", True, "null"),
    ("Risk Level", True, "'Low'"),
    ("Source", True, "'web'"),
    ("Lineitem discount", False, _money("order_lines.discount")),
    ("Tax 1 Name", True, "'ES IVA 21%'"),
    ("Tax 1 Value", True, _money("orders.taxes")),
    *(
        (f"Tax {number} {what}", True, "null")
        for number in range(2, 6)
        for what in ("Name", "Value")
    ),
    ("Phone", True, 'orders."Phone"'),
    ("Receipt Number", True, "null"),
    ("Duties", True, "null"),
    ("Billing Province Name", True, "orders.province_name"),
    ("Shipping Province Name", True, "orders.province_name"),
    ("Payment ID", True, "printf('p%d', orders.order_id)"),
    ("Payment Terms Name", True, "null"),
    ("Next Payment Due At", True, "null"),
    ("Payment References", True, "printf('c%d.1', orders.order_id)"),
)
ORDER_COLUMNS: Final = tuple(name for name, _, _ in _ORDER_FIELDS)


def _order_field(name: str, is_of_order: bool, value: str) -> str:
    shown = f"case when order_lines.line = firsts.line then {value} end" if is_of_order else value
    return f'{shown} as "{name}"'


_ORDER_SELECT: Final = ", ".join(_order_field(*field) for field in _ORDER_FIELDS)

# {ends_at}: first day that the export does not know.
ORDERS_SQL: Final = f"""
    with firsts as (
        select order_id, min(line) as line from order_lines group by order_id
    ),
    exported as (
        select orders.position, order_lines.line as line_number, false as is_repetition, {_ORDER_SELECT}
        from order_lines
        inner join orders on order_lines.order_id = orders.order_id
        inner join firsts on order_lines.order_id = firsts.order_id
        inner join products on order_lines.product_id = products.product_id
        left join refunds on order_lines.order_id = refunds.order_id
    ),
    delivered as (
        select * from exported
        union all
        select exported.* replace (true as is_repetition)
        from exported
        inner join repeated
            on exported.position = repeated.position and exported.line_number = repeated.line
    )
    select * exclude (position, line_number, is_repetition)
    from delivered
    order by position, line_number, is_repetition
"""

PRODUCT_COLUMNS: Final = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Product Category",
    "Type",
    "Tags",
    "Published",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Qty",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Barcode",
    "Status",
)
PRODUCTS_SQL: Final = f"""
    select
        lower(regexp_replace(strip_accents(title), '[^A-Za-z0-9]+', '-', 'g')) as "Handle",
        title as "Title",
        '<p>' || title || ', con la "Garantía ' || vendor || '" de 3 años.</p>' || chr(10)
            || '<ul><li>' || replace(coalesce(attributes, ''), ';', '</li><li>') || '</li></ul>'
            as "Body (HTML)",
        vendor as "Vendor",
        'Electrónica > ' || category as "Product Category",
        category as "Type",
        concat_ws(
            ';',
            'attr:' || replace(nullif(attributes, ''), ';', ';attr:'),
            'compatible:' || replace(nullif(compatible_skus, ''), '|', ';compatible:')
        ) as "Tags",
        'true' as "Published",
        sku as "Variant SKU",
        weight_g as "Variant Grams",
        inventory as "Variant Inventory Qty",
        {_money("price")} as "Variant Price",
        case when compare_at_price > 0 and not isnan(compare_at_price)
            then {_money("compare_at_price")} end as "Variant Compare At Price",
        ''''  || barcode as "Variant Barcode",
        'active' as "Status"
    from listed_products
"""


def damaged_price(
    lines: pd.DataFrame, rows: NDArray[np.intp], bits: list[int]
) -> tuple[NDArray[np.object_], pd.DataFrame]:
    """Return the prices that arrive with a letter in them, else None, and the faults of these rows."""
    prices = np.full(len(lines), None, dtype=object)
    true_prices = [f"{price:.2f}" for price in lines["unit_price"].to_numpy()[rows].tolist()]
    prices[rows] = [
        with_letter_in_number(price, number)
        for price, number in zip(true_prices, bits, strict=True)
    ]
    hits = row_hits(rows, "Lineitem price", faults.DAMAGED_ROW, true_prices, prices[rows])
    return prices, hits
