"""Telephone numbers as they stand in customer files, the Spanish ones against the library."""

from __future__ import annotations

import pandas as pd
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.identity.normalise.phones import normalise_phones

# delivered, number, kind, issue
VALID = [
    ("600112233", "+34600112233", "mobile", None),
    ("600 11 22 33", "+34600112233", "mobile", None),
    ("600-112-233", "+34600112233", "mobile", None),
    ("600.112.233", "+34600112233", "mobile", None),
    ("600/112233", "+34600112233", "mobile", None),
    ("6 0 0 1 1 2 2 3 3", "+34600112233", "mobile", None),
    ("+34600112233", "+34600112233", "mobile", None),
    ("+34 600 11 22 33", "+34600112233", "mobile", None),
    ("(+34) 600 112 233", "+34600112233", "mobile", None),
    ("0034600112233", "+34600112233", "mobile", None),
    ("00 34 600112233", "+34600112233", "mobile", None),
    ("34600112233", "+34600112233", "mobile", None),
    ("'600112233", "+34600112233", "mobile", None),
    ("\u00a0600112233", "+34600112233", "mobile", None),
    ("711222333", "+34711222333", "mobile", None),
    ("748222333", "+34748222333", "mobile", None),
    ("91 123 45 67", "+34911234567", "landline", None),
    ("(91) 123 45 67", "+34911234567", "landline", None),
    ("971 22 33 44", "+34971223344", "landline", None),
    ("881 22 33 44", "+34881223344", "landline", None),
    ("902 20 21 22", "+34902202122", "other", None),
    ("900 100 200", "+34900100200", "other", None),
    ("600112233.0", "+34600112233", "mobile", None),
    ("6,00112233E+08", "+34600112233", "mobile", None),
    ("600112233 (madre)", "+34600112233", "mobile", "mended"),
    ("Tel. 600 112 233", "+34600112233", "mobile", "mended"),
    ("móvil: 600112233", "+34600112233", "mobile", "mended"),
    ("600112233 / 911234567", "+34600112233", "mobile", "several_phones"),
    ("911234567-600112233", "+34911234567", "landline", "several_phones"),
    ("911234567; 600112233", "+34911234567", "landline", "several_phones"),
    ("911234567 y 600112233", "+34911234567", "landline", "several_phones"),
    ("+33 6 12 34 56 78", "+33612345678", "mobile", None),
    ("0033612345678", "+33612345678", "mobile", None),
    ("+351 912 345 678", "+351912345678", "mobile", None),
    ("+44 20 7946 0018", "+442079460018", "landline", None),
    ("+49 151 23456789", "+4915123456789", "mobile", None),
]
INVALID = [
    ("60011223", "invalid_phone"),
    ("6001122334", "invalid_phone"),
    ("100112233", "invalid_phone"),
    ("hola", "invalid_phone"),
    ("no tiene", "invalid_phone"),
    ("12", "invalid_phone"),
    ("+34 500 112 233 1", "invalid_phone"),
    ("600000000", "placeholder_phone"),
    ("666666666", "placeholder_phone"),
    ("999999999", "placeholder_phone"),
    ("000000000", "placeholder_phone"),
    ("123456789", "placeholder_phone"),
    ("+34 600000000", "placeholder_phone"),
]


@pytest.mark.parametrize(("delivered", "number", "kind", "issue"), VALID)
def test_numbers(delivered, number, kind, issue) -> None:
    row = normalise_phones(pd.Series([delivered])).iloc[0]
    assert (row["phone"], row["phone_kind"], row["phone_issue"]) == (number, kind, issue)
    assert row["is_phone_valid"]


@pytest.mark.parametrize(("delivered", "issue"), INVALID)
def test_what_is_no_number(delivered, issue) -> None:
    row = normalise_phones(pd.Series([delivered])).iloc[0]
    assert row["phone"] is None
    assert not row["is_phone_valid"]
    assert row["phone_issue"] == issue


@pytest.mark.parametrize("delivered", [None, "", "-", "n/a"])
def test_nothing_delivered_is_neither_valid_nor_invalid(delivered) -> None:
    row = normalise_phones(pd.Series([delivered], dtype="object")).iloc[0]
    assert row.isna().all()


def test_the_other_number_of_a_cell_is_kept() -> None:
    row = normalise_phones(pd.Series(["911234567/600112233"])).iloc[0]
    assert row["phone_second"] == "+34600112233"


@given(st.from_regex(r"[5-9][0-9]{8}", fullmatch=True))
def test_spanish_numbers_are_judged_as_the_library_judges_them(digits: str) -> None:
    row = normalise_phones(pd.Series([digits])).iloc[0]
    if row["phone_issue"] == "placeholder_phone":
        return
    is_valid = phonenumbers.is_valid_number(phonenumbers.parse(digits, "ES"))
    assert bool(row["is_phone_valid"]) == is_valid
