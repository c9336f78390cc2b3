"""Online Retail II through the job: a workbook made here with the quirks of the real one.

The numbers of the real file are printed by `python -m benchmarks.online_retail --file FILE`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from tests.conftest import cadencia

HEADER = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)
Line = tuple[object, ...]


def line(
    invoice: int | str,
    code: int | str,
    quantity: int,
    price: float,
    customer: int | None,
    day: int,
    description: str = "WHITE HEART",
) -> Line:
    moment = datetime(2010, 12, day, 8, 26)
    return (invoice, code, description, quantity, moment, price, customer, "United Kingdom")


# The last lines of the first sheet are the first of the second, as in the workbook of the UCI.
OVERLAP = [
    line(536365, "85123A", 6, 2.55, 17850, 3),
    line(536365, "85123A", 6, 2.55, 17850, 3),  # equal in everything, and real
    line(536365, "POST", 1, 18.0, 17850, 3, "POSTAGE"),
]
FIRST_SHEET = [
    line(489434, 21232, 24, 1.25, 13085, 1),
    line(489434, "79323p", 12, 6.75, 13085, 1, "PINK CHERRY LIGHTS"),
    line(489435, 21232, 2, 1.25, None, 1),  # a guest
    line("C489449", 21232, -4, 1.25, 13085, 2),  # a credit note
    line(489464, 21733, -96, 0.0, None, 2, "85123a mixed"),  # stock written off
    line("A506401", "B", 1, -530.36, None, 2, "Adjust bad debt"),
    line(489500, 21232, 1, 0.0, 12346, 2),  # a gift and nothing else
    line(489501, "79323P", 1, 6.75, 12346, 2, "PINK CHERRY LIGHTS"),
    line(489501, "gift_0001_20", 1, 20.0, 12346, 2, "Dotcomgiftshop Gift Voucher £20.00"),
]
SECOND_SHEET = [line(540000, 21232, 10, 1.25, 17850, 9)]
# Enough invoices between the two for the sheets to be far apart.
FILLER = [line(600000 + number, 21232, 1, 1.0, None, 4) for number in range(1_200)]


def write_workbook(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(str(path)) as workbook:
        date_format = workbook.add_format({"num_format": "m/d/yyyy h:mm"})
        for name, lines in (
            ("Year 2009-2010", [*FIRST_SHEET, *OVERLAP]),
            ("Year 2010-2011", [*FILLER, *OVERLAP, *SECOND_SHEET]),
        ):
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, HEADER)
            for number, values in enumerate(lines, start=1):
                for place, value in enumerate(values):
                    if isinstance(value, datetime):
                        sheet.write_datetime(number, place, value, date_format)
                    else:
                        sheet.write(number, place, value)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the warehouse of a run on the workbook."""
    home = tmp_path_factory.mktemp("online_retail") / "home"
    write_workbook(home / "landing" / "online_retail" / "online_retail_II.xlsx")
    outcome = cadencia("run", "--sources", "online_retail", home=home)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return (home / "warehouse" / "crm.duckdb").resolve()


def query(warehouse: Path, sql: str) -> list[tuple]:  # type: ignore[type-arg]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_sales_are_those_of_the_definition(warehouse: Path) -> None:
    ((customers, orders, revenue),) = query(
        warehouse,
        "select count(distinct customer_id), count(*), cast(sum(net_amount) as double) "
        "from marts.fct_orders where is_purchase and customer_id is not null",
    )
    sales = [
        row
        for row in [*FIRST_SHEET, *OVERLAP, *SECOND_SHEET]
        if not str(row[0]).startswith("C") and row[3] > 0 and row[5] > 0 and row[6] is not None  # type: ignore[operator]
    ]
    assert customers == len({row[6] for row in sales}) == 3
    assert orders == len({row[0] for row in sales}) == 4
    assert revenue == pytest.approx(sum(row[3] * row[5] for row in sales))  # type: ignore[operator]


def test_equal_lines_of_a_sheet_count_and_the_overlap_counts_once(warehouse: Path) -> None:
    assert query(
        warehouse,
        "select count(*), cast(sum(quantity) as integer) from marts.fct_order_lines "
        "where order_id = 'online_retail-536365'",
    ) == [(3, 13)]
    assert query(warehouse, "select lines, repeated_lines from quality.repeated_lines") == [
        (len(FIRST_SHEET) + len(FILLER) + len(OVERLAP) + len(SECOND_SHEET), 1)
    ]


def test_what_is_no_sale_is_no_purchase(warehouse: Path) -> None:
    assert query(
        warehouse,
        "select order_id, is_return, is_purchase, customer_id is null from marts.fct_orders "
        "where not is_purchase order by order_id",
    ) == [
        ("online_retail-489464", False, False, True),
        ("online_retail-489500", False, False, False),
        ("online_retail-A506401", False, False, True),
        ("online_retail-C489449", True, False, False),
    ]


def test_codes_are_told_from_products(warehouse: Path) -> None:
    assert query(
        warehouse,
        "select source_product_id, product_kind, is_recommendable from marts.dim_products "
        "where not is_unknown_member order by source_product_id",
    ) == [
        ("21232", "product", True),
        ("21733", "product", True),
        ("79323P", "product", True),
        ("85123A", "product", True),
        ("B", "adjustment", False),
        ("GIFT_0001_20", "gift_card", False),
        ("POST", "postage", False),
    ]
    assert query(
        warehouse,
        "select count(*) from marts.fct_order_lines where not is_product_line",
    ) == [(3,)]
