"""How many people bear a name in Spain, from the INE statistics that the package genderator ships.

Belongs here: reading the package's files. Does not: what names are compared for.
"""

from __future__ import annotations

from importlib.resources import files

import pandas as pd


def _bearers(file_name: str, column: int = 1) -> pd.Series:
    path = files("genderator") / "data" / file_name
    with path.open("r", encoding="utf-8") as lines:
        frame = pd.read_csv(
            lines, sep="\t", comment="#", header=None, usecols=[0, column], names=["name", "bearers"],
            keep_default_na=False,
        )  # fmt: skip
    return frame.drop_duplicates("name").set_index("name")["bearers"].astype("int64")


def given_name_bearers() -> pd.Series:
    """Return bearers by given name, lower case without accents."""
    return _bearers("names_ine.tsv")


def surname_bearers() -> pd.Series:
    """Return bearers by first surname, lower case without accents."""
    return _bearers("surnames_ine.tsv")


def second_surname_bearers() -> pd.Series:
    """Return bearers by second surname, lower case without accents."""
    return _bearers("surnames_ine.tsv", 2)
