"""Dates of birth: whether they can be one, default dates, day and month swapped.

Belongs here: what the date and the time of the record tell. Does not: reading dates from text.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = ["birth_date", "is_birth_date_valid", "birth_date_issue"]
# What systems write when they know nothing.
DEFAULT_DATES = ["1900-01-01", "1899-12-30", "1899-12-31", "1901-01-01", "1911-11-11", "1900-12-31"]
MAX_AGE_DAYS = 110 * 365


def normalise_birth_dates(
    values: pd.Series, seen_at: pd.Series, unread: pd.Series | None = None
) -> pd.DataFrame:
    """Judge dates of birth against the time when the record was first seen.

    Parameters
    ----------
    values : pandas.Series
        Dates.
    seen_at : pandas.Series
        When the record was first seen.
    unread : pandas.Series, optional
        What was delivered where it is no date of the source's form, as text.

    Returns
    -------
    pandas.DataFrame
        ``birth_date`` (missing when it can be none), ``is_birth_date_valid`` and ``birth_date_issue``:
        default_date, impossible_date, day_month_swapped (there is no such month, and the date is read
        the other way round; or it lies after the record and swapped it would not: then it is missing).
    """
    is_delivered = values.notna()
    dates = pd.to_datetime(values, errors="coerce").astype("datetime64[s]")
    is_turned = pd.Series(False, index=values.index)
    if unread is not None:
        month_first = pd.to_datetime(
            unread.astype("string"), format="%m/%d/%Y", errors="coerce"
        ).astype("datetime64[s]")
        is_turned = ~is_delivered & month_first.notna() & (month_first.dt.day > 12)
        is_delivered = is_delivered | unread.notna()
        dates = dates.mask(is_turned, month_first)
    seen = pd.to_datetime(seen_at, errors="coerce").astype("datetime64[s]")
    age_days = (seen - dates).dt.days
    is_default = dates.isin(pd.to_datetime(DEFAULT_DATES).astype("datetime64[s]"))
    is_later = (age_days < 0).fillna(False)
    is_too_old = (age_days > MAX_AGE_DAYS).fillna(False) | (dates.dt.year < 1900)
    is_impossible = is_later | is_too_old | (is_delivered & dates.isna())
    swapped = pd.to_datetime(
        pd.DataFrame({"year": dates.dt.year, "month": dates.dt.day, "day": dates.dt.month}),
        errors="coerce",
    ).astype("datetime64[s]")
    is_swapped = is_later & (swapped <= seen).fillna(False)
    issue = np.select(
        [is_default, is_swapped, is_impossible, is_turned],
        ["default_date", "day_month_swapped", "impossible_date", "day_month_swapped"],
        default="",
    )
    is_valid = (~(is_default | is_impossible)).astype("boolean").where(is_delivered)
    codes = pd.Series(issue, index=values.index, dtype="object")
    codes[codes == ""] = None
    return pd.DataFrame(
        {
            "birth_date": dates.where(is_valid.fillna(False).astype(bool)),
            "is_birth_date_valid": is_valid,
            "birth_date_issue": codes,
        },
        index=values.index,
    )
