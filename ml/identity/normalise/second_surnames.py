"""Persons whom Spain gave two surnames and whose record has one.

Belongs here: what the other fields of a record prove of it. Does not: names as such (`names`).
"""

from __future__ import annotations

import pandas as pd

from ml.identity.normalise.name_frequencies import NameFrequencies
from ml.identity.normalise.text import fold, joined

MISSING_SURNAME_2 = "missing_surname_2"
# Ids of people who need not have two surnames.
FOREIGN_IDS = ("nie", "passport")


def with_missing_surnames(records: pd.DataFrame, frequencies: NameFrequencies) -> pd.Series:
    """Return ``name_issue`` with missing_surname_2 added where the second surname is left out.

    It is told of a person with given name and one surname who is at home in Spain (by country, or
    where no country is stated by a valid NIF, a Spanish telephone or province; never with a NIE or a
    passport) and whose surname is as frequent there as second surname as it is as first: people from
    elsewhere bring first surnames only.

    Parameters
    ----------
    records : pandas.DataFrame
        Normalised records: names, ``country_code``, ``national_id_kind``, ``is_national_id_valid``,
        ``phone``, ``mobile_phone``, ``province_code`` and ``name_issue``.
    frequencies : NameFrequencies
        Bearers of surnames, as first and as second one.
    """
    has_one = (
        (records["is_company"] == False).fillna(False)  # noqa: E712 it may be missing
        & records["is_name_valid"].fillna(False)
        & records["given_name"].notna()
        & records["surname_1"].notna()
        & records["surname_2"].isna()
    )
    is_spanish = (records["national_id_kind"] == "nif") & records["is_national_id_valid"].fillna(
        False
    )
    for name in ("phone", "mobile_phone"):
        is_spanish |= records[name].astype("string").str.startswith("+34").fillna(False)
    is_spanish |= records["province_code"].notna()
    country = records["country_code"]
    is_spanish = (country == "ES") | (is_spanish & country.isna())
    candidates = has_one & is_spanish & ~records["national_id_kind"].isin(FOREIGN_IDS)
    issues: pd.Series = records["name_issue"].copy()
    surnames = records.loc[candidates, "surname_1"]
    native = {name for name in surnames.unique() if frequencies.has_two_surnames(fold(name))}
    told = surnames.index[surnames.isin(native)]
    issues.loc[told] = [
        joined(issue if isinstance(issue, str) else None, MISSING_SURNAME_2)
        for issue in issues.loc[told]
    ]
    return issues
