"""What several systems must name alike: web addresses, devices, and provinces from the project's seeds.

Belongs here: shared names and facts of public registers. Does not: any one system's layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

_SEEDS: Final = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
SITES: Final[Mapping[str, str]] = {
    "groceries": "https://www.superalbera.example",
    "electronics": "https://www.nebra.example",
    "cars": "https://www.automocionalbera.example",
}


def pseudo_id(device_id: int) -> str:
    """Return the cookie of a device, as Google Analytics writes it."""
    return f"{device_id}.{1_690_000_000 + device_id % 30_000_000}"


@cache
def provinces() -> pd.DataFrame:
    """Return the provinces: province_code, province_name, shopify_code, population."""
    return pd.read_csv(
        _SEEDS / "provinces.csv",
        dtype={"province_code": str, "shopify_code": str},
        keep_default_na=False,
    )


@cache
def shopify_codes() -> dict[str, str]:
    """Return the letters that Shopify gives each province, by code."""
    table = provinces()
    return dict(zip(table["province_code"], table["shopify_code"], strict=True))
