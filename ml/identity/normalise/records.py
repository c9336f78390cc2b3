"""A frame of customer records, every field of it normalised.

Belongs here: which function works on which columns. Does not: how a field is normalised.
"""

from __future__ import annotations

import pandas as pd

from ml.identity.normalise.reference import Reference

NORMALISER_VERSION = "0"
RAW = [
    "full_name", "given_name", "surnames", "surname_1", "surname_2", "email", "phone",
    "mobile_phone", "national_id", "street", "city", "postal_code", "province_name", "birth_date",
]  # fmt: skip
NEW_TEXTS = [
    "given_name_root", "name_issue", "email_key", "email_suggestion", "email_issue", "phone_kind",
    "phone_issue", "mobile_phone_kind", "mobile_phone_issue", "national_id_kind",
    "national_id_issue", "street_type", "street_name", "street_number", "block", "staircase",
    "floor", "door", "address_rest", "address_issue", "postal_code_issue", "birth_date_issue",
]  # fmt: skip
NEW_FLAGS = [
    "is_company", "is_name_valid", "is_email_valid", "is_phone_valid", "is_mobile_phone_valid",
    "is_national_id_valid", "is_address_parsed", "is_postal_code_valid", "is_birth_date_valid",
]  # fmt: skip


def normalise_customer_records(frame: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Return the records with raw, normalised and validity columns, in the order of the input."""
    del reference
    result = frame.drop(columns=["surnames", "full_name", "province_name"])
    for name in RAW:
        result[f"{name}_raw"] = frame[name]
    for name in NEW_TEXTS:
        result[name] = pd.Series(None, index=frame.index, dtype="object")
    for name in NEW_FLAGS:
        result[name] = pd.Series(None, index=frame.index, dtype="boolean")
    return result
