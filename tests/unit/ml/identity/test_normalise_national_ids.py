"""NIF, NIE and CIF as they stand in customer files, judged as python-stdnum judges them."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.es import cif, dni, nie, nif

from ml.identity.normalise.national_ids import normalise_national_ids

# delivered, normalised, kind, is valid, issue
EXAMPLES = [
    ("54362315K", "54362315K", "nif", True, None),
    ("54362315-k", "54362315K", "nif", True, None),
    ("54.362.315-K", "54362315K", "nif", True, None),
    ("54 362 315 K", "54362315K", "nif", True, None),
    ("54362315 k", "54362315K", "nif", True, None),
    ("NIF 54362315K", "54362315K", "nif", True, None),
    ("N.I.F.: 54362315K", "54362315K", "nif", True, None),
    ("DNI54362315K", "54362315K", "nif", True, None),
    ("ES54362315K", "54362315K", "nif", True, None),
    ("'54362315K", "54362315K", "nif", True, None),
    ("K54362315", "54362315K", "nif", True, "letter_first"),
    ("05076837R", "05076837R", "nif", True, None),
    ("5076837R", "05076837R", "nif", True, "zeros_restored"),
    ("5.076.837-R", "05076837R", "nif", True, "zeros_restored"),
    ("76837", "76837", "unknown", False, "unknown_format"),
    ("54362315A", "54362315A", "nif", False, "wrong_letter"),
    ("5076837A", "05076837A", "nif", False, "zeros_restored,wrong_letter"),
    ("54362315", "54362315", "nif", False, "missing_letter"),
    ("5076837", "5076837", "nif", False, "missing_letter"),
    ("12345678Z", "12345678Z", "nif", False, "placeholder_national_id"),
    ("00000000T", "00000000T", "nif", False, "placeholder_national_id"),
    ("11111111H", "11111111H", "nif", False, "placeholder_national_id"),
    ("X2482300W", "X2482300W", "nie", True, None),
    ("x-2482300-w", "X2482300W", "nie", True, None),
    ("X 2.482.300 W", "X2482300W", "nie", True, None),
    ("X02482300W", "X2482300W", "nie", True, None),
    ("X2482300A", "X2482300A", "nie", False, "wrong_letter"),
    ("Y0123456", "Y0123456", "unknown", False, "unknown_format"),
    ("NIE X2482300W", "X2482300W", "nie", True, None),
    ("K0867756N", "K0867756N", "nif", True, None),
    ("M1234567L", "M1234567L", "nif", True, None),
    ("M1234567A", "M1234567A", "nif", False, "wrong_letter"),
    ("A28015865", "A28015865", "cif", True, None),
    ("a-28.015.865", "A28015865", "cif", True, None),
    ("ESA28015865", "A28015865", "cif", True, None),
    ("CIF: B-58378431", "B58378431", "cif", True, None),
    ("B58378432", "B58378432", "cif", False, "wrong_letter"),
    ("Q2826000H", "Q2826000H", "cif", True, None),
    ("Q2826000A", "Q2826000A", "cif", False, "wrong_letter"),
    ("PAA123456", "PAA123456", "passport", None, None),
    ("AB1234567", "AB1234567", "passport", None, None),
    ("hola", "HOLA", "unknown", False, "unknown_format"),
    ("ñandú", "ÑANDÚ", "unknown", False, "unknown_format"),
    ("", None, None, None, None),
    ("-", None, None, None, None),
    (None, None, None, None, None),
]


@pytest.mark.parametrize(("delivered", "number", "kind", "is_valid", "issue"), EXAMPLES)
def test_examples(delivered, number, kind, is_valid, issue) -> None:
    row = normalise_national_ids(pd.Series([delivered], dtype="object")).iloc[0]
    assert [None if pd.isna(value) else value for value in row] == [number, kind, is_valid, issue]


NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{8}[A-Z]", fullmatch=True),
    st.from_regex(r"[XYZ][0-9]{7}[A-Z]", fullmatch=True),
    st.from_regex(r"[KLM][0-9]{7}[A-Z]", fullmatch=True),
    st.from_regex(r"[ABCDEFGHJNPQRSUVW][0-9]{7}[0-9A-J]", fullmatch=True),
    st.from_regex(r"[0-9]{8}", fullmatch=True).map(lambda digits: digits + dni.calc_check_digit(digits)),
    st.from_regex(r"[XYZ][0-9]{7}", fullmatch=True).map(lambda body: body + nie.calc_check_digit(body)),
    st.from_regex(r"[ABEHJU][0-9]{7}", fullmatch=True).map(
        lambda body: body + cif.calc_check_digits(body)[0]
    ),
)  # fmt: skip


@given(NUMBERS)
def test_the_check_is_that_of_stdnum(number: str) -> None:
    row = normalise_national_ids(pd.Series([number])).iloc[0]
    assert row["national_id"] == number
    if row["national_id_issue"] != "placeholder_national_id":
        assert bool(row["is_national_id_valid"]) == nif.is_valid(number)
