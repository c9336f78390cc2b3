"""A frame of customer records, every field of it normalised.

Belongs here: which function works on which columns. Does not: how a field is normalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ml.identity.normalise.addresses import normalise_addresses
from ml.identity.normalise.birth_dates import normalise_birth_dates
from ml.identity.normalise.emails import normalise_emails
from ml.identity.normalise.name_frequencies import NameFrequencies
from ml.identity.normalise.names import normalise_names
from ml.identity.normalise.national_ids import normalise_national_ids
from ml.identity.normalise.phones import normalise_phones
from ml.identity.normalise.places import Places, index_places, normalise_places
from ml.identity.normalise.reference import Reference
from ml.identity.normalise.second_surnames import with_missing_surnames

# Raise it whenever a value may come out differently: records of another version are normalised again.
NORMALISER_VERSION = "5"
RAW_COLUMNS = [
    "full_name", "given_name", "surnames", "surname_1", "surname_2", "email", "phone",
    "mobile_phone", "national_id", "street", "city", "postal_code", "province_name", "birth_date",
    "birth_date_text",
]  # fmt: skip
# Read as well, but neither kept as delivered nor required.
ALSO_READ = ["province_code", "municipality_code", "country_code", "first_seen_at"]


@dataclass(frozen=True)
class RecordNormaliser:
    """The normalisers with their look-ups made once.

    Attributes
    ----------
    reference : Reference
        Places and names.
    """

    reference: Reference

    @cached_property
    def places(self) -> Places:
        """Look-ups of places."""
        return index_places(self.reference)

    @cached_property
    def names(self) -> NameFrequencies:
        """Look-ups of names."""
        reference = self.reference
        return NameFrequencies(reference.given_names, reference.surnames, reference.second_surnames)

    def normalise(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the records with raw, normalised and validity columns, in the order of the input.

        Parameters
        ----------
        frame : pandas.DataFrame
            Records with the canonical columns of a customer; others are handed through.

        Raises
        ------
        ValueError
            When a canonical column is missing; it names it.
        """
        missing = [name for name in [*RAW_COLUMNS, *ALSO_READ] if name not in frame.columns]
        if missing:
            raise ValueError(f"The customer records lack the column(s) {', '.join(missing)}.")
        raw = frame[RAW_COLUMNS].rename(columns=lambda name: f"{name}_raw")
        untouched = frame.drop(columns=[*RAW_COLUMNS, *ALSO_READ[:-1]])
        phones = normalise_phones(frame["phone"])
        mobiles = normalise_phones(frame["mobile_phone"]).rename(
            columns=lambda name: name.replace("phone", "mobile_phone")
        )
        seconds = phones.pop("phone_second")
        # a cell with two numbers fills an empty field for the other
        other = mobiles.pop("mobile_phone_second")
        mobiles["mobile_phone"] = mobiles["mobile_phone"].where(
            frame["mobile_phone"].notna(), seconds
        )
        phones["phone"] = phones["phone"].where(frame["phone"].notna(), other)
        result = pd.concat(
            [
                untouched,
                raw,
                normalise_names(frame, self.names),
                normalise_emails(frame["email"]),
                _with_kind(phones, "phone"),
                _with_kind(mobiles, "mobile_phone"),
                normalise_national_ids(frame["national_id"]),
                normalise_addresses(frame["street"]),
                normalise_places(frame, self.places),
                normalise_birth_dates(
                    frame["birth_date"], frame["first_seen_at"], frame["birth_date_text"]
                ),
            ],
            axis="columns",
        )
        result["name_issue"] = with_missing_surnames(result, self.names)
        return result


def _with_kind(phones: pd.DataFrame, name: str) -> pd.DataFrame:
    """Judge the numbers that came from the other field."""
    is_moved = phones[name].notna() & phones[f"is_{name}_valid"].isna()
    if is_moved.any():
        judged = normalise_phones(phones.loc[is_moved, name])
        phones.loc[is_moved, f"{name}_kind"] = judged["phone_kind"]
        phones.loc[is_moved, f"is_{name}_valid"] = judged["is_phone_valid"]
    return phones


def normalise_customer_records(frame: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Return the records with raw, normalised and validity columns; see :class:`RecordNormaliser`."""
    return RecordNormaliser(reference).normalise(frame)
