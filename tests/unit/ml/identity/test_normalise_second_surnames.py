"""Who lacks a second surname, and who never had one."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.identity.normalise import RecordNormaliser
from ml.identity.normalise.records import ALSO_READ, RAW_COLUMNS

ANA = {"given_name": "Ana", "surnames": "García"}
MISSING = [
    ANA | {"country_code": "ES"},
    ANA | {"national_id": "54362315K"},
    ANA | {"phone": "600112233"},
    ANA | {"postal_code": "28001", "city": "Madrid"},
    {"full_name": "María del Carmen Muñoz", "country_code": "ES"},
    {"given_name": "Iker", "surname_1": "Etxeberria", "country_code": "ES"},
    {"given_name": "Ana García", "country_code": "ES"},
]
NOT_MISSING = [
    ANA,  # from anywhere
    ANA | {"surnames": "García López", "country_code": "ES"},
    ANA | {"country_code": "FR", "phone": "600112233"},
    ANA | {"country_code": "ES", "national_id": "X1234567L"},
    ANA | {"country_code": "ES", "national_id": "AAB123456"},
    {"given_name": "Ion", "surnames": "Dumitru", "country_code": "ES"},
    {"given_name": "John", "surnames": "Brown", "country_code": "ES"},
    {"given_name": "Wei", "surnames": "Chen", "country_code": "ES"},
    {"given_name": "Ana", "country_code": "ES"},
    {"surnames": "García", "country_code": "ES"},
    {"full_name": "Talleres García, S.L.", "country_code": "ES"},
    {"full_name": "xxx", "country_code": "ES"},
    {"given_name": "Ana", "surnames": "Nadielollama", "country_code": "ES"},
]


def issues_of(normaliser: RecordNormaliser, record: dict[str, str]) -> list[str]:
    row = {name: record.get(name) for name in [*RAW_COLUMNS, *ALSO_READ]}
    result = normaliser.normalise(pd.DataFrame([row], dtype="object")).iloc[0]
    return (result["name_issue"] or "").split(",")


@pytest.mark.parametrize("record", MISSING)
def test_a_spaniard_with_one_surname_lacks_the_other(
    normaliser: RecordNormaliser, record: dict[str, str]
) -> None:
    assert "missing_surname_2" in issues_of(normaliser, record)


@pytest.mark.parametrize("record", NOT_MISSING)
def test_nobody_else_is_told_to_lack_one(
    normaliser: RecordNormaliser, record: dict[str, str]
) -> None:
    assert "missing_surname_2" not in issues_of(normaliser, record)


def test_other_issues_stay(normaliser: RecordNormaliser) -> None:
    record = {"given_name": "Ana García", "country_code": "ES"}
    assert issues_of(normaliser, record) == ["names_in_one_field", "missing_surname_2"]
