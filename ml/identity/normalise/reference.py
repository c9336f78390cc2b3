"""What the normalisers know beyond a record: places by code and name, and how frequent names are.

Belongs here: look-ups made of frames that the caller read. Does not: reading them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

PROVINCE_COLUMNS = ["province_code", "province_name", "shopify_code"]
MUNICIPALITY_COLUMNS = ["municipality_code", "municipality_name", "province_code"]
POSTAL_COLUMNS = ["postal_code", "municipality_code"]


@dataclass(frozen=True)
class Reference:
    """Reference data of the normalisation.

    Attributes
    ----------
    provinces : pandas.DataFrame
        ``province_code``, ``province_name``, ``shopify_code``.
    municipalities : pandas.DataFrame
        ``municipality_code``, ``municipality_name``, ``province_code``.
    postal_codes : pandas.DataFrame
        ``postal_code``, ``municipality_code``; one row per pair.
    given_names : pandas.Series
        Bearers by given name, lower case without accents (ñ and ç kept), compound names included.
    surnames : pandas.Series
        Bearers by first surname, written the same way.
    second_surnames : pandas.Series, optional
        Bearers by second surname; without it no missing second surname is told.
    """

    provinces: pd.DataFrame
    municipalities: pd.DataFrame
    postal_codes: pd.DataFrame
    given_names: pd.Series
    surnames: pd.Series
    second_surnames: pd.Series | None = None

    def __post_init__(self) -> None:
        for frame, columns in (
            (self.provinces, PROVINCE_COLUMNS),
            (self.municipalities, MUNICIPALITY_COLUMNS),
            (self.postal_codes, POSTAL_COLUMNS),
        ):
            missing = [column for column in columns if column not in frame.columns]
            if missing:
                raise ValueError(f"A reference frame lacks the column(s) {', '.join(missing)}.")
