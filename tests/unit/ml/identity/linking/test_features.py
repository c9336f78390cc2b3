"""What is made of the text of a record, whatever it holds."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import pytest

from ml.identity.linking import LinkingError, RecordFields
from ml.identity.linking.features import (
    FeatureSet,
    build_features,
    describe_features,
    number_records,
)
from ml.identity.linking.full_names import count_given_words
from ml.identity.linking.terms import terms_sql, unseen_step
from ml.identity.linking.text import define_macros


def features_of(rows: list[dict[str, Any]], **fields: Any) -> pd.DataFrame:
    """Return the features of these rows, in their order."""
    connection = duckdb.connect()
    frame = pd.DataFrame(rows)
    frame["record_id"] = range(len(frame))
    connection.register("frame", frame)
    connection.execute("create table records as from frame")
    connection.execute("create schema identity")
    record_fields = RecordFields.of(fields)
    define_macros(connection)
    described = describe_features(connection, "records", record_fields)
    if described.whole_names is not None:
        count_given_words(connection, "records", record_fields)
    build_features(connection, "records", described, "identity.linkage_features")
    return connection.execute("from identity.linkage_features order by record_id").df()


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        ("1970-03-04", "19700304"),
        ("04/03/1970", "19700304"),
        ("4.3.1970", "19700304"),
        ("19700304", "19700304"),
        ("04031970", "19700304"),
        ("25-12-85", "19851225"),
        ("1970-13-04", None),
        ("1970", "1970"),
        ("1970-03-04 00:00:00", "19700304"),
        ("", None),
        ("unknown", None),
        ("31/12/0001", None),
    ],
)
def test_birth_dates(text: str, birth: str | None) -> None:
    rows = [{"dob": text}, {"dob": "30/01/1980"}]
    found = features_of(rows, birth_date="dob")["birth"].iloc[0]
    assert (None if pd.isna(found) else found) == birth


def test_the_dates_themselves_say_which_of_day_and_month_comes_first() -> None:
    american = [{"dob": "03/04/1970"}, {"dob": "01/30/1980"}, {"dob": "02/28/1981"}]
    assert features_of(american, birth_date="dob")["birth"].iloc[0] == "19700304"
    spanish = [{"dob": "03/04/1970"}, {"dob": "30/01/1980"}, {"dob": "28/02/1981"}]
    assert features_of(spanish, birth_date="dob")["birth"].iloc[0] == "19700403"


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("+34 612 345 678", ["612345678"]),
        ("0034612345678", ["612345678"]),
        ("612.345.678", ["612345678"]),
        ("(312) 719-4323", ["127194323"]),
        ("4199485", ["4199485"]),
        ("000000000", None),
        ("123", None),
        ("n/a", None),
    ],
)
def test_telephones(text: str, phones: list[str] | None) -> None:
    found = features_of([{"phone": text}], phone="phone")["phones"].iloc[0]
    assert (None if found is pd.NA or found is None else list(found)) == phones


def test_several_telephones_are_one_list_without_repeats() -> None:
    rows = [{"a": "612345678", "b": "+34612345678"}, {"a": "612345678", "b": "934567890"}]
    found = features_of(rows, phone=["a", "b"])["phones"]
    assert [list(phones) for phones in found] == [["612345678"], ["612345678", "934567890"]]


@pytest.mark.parametrize(
    "text", ["", "  ", "N/A", "null", "None", "UNKNOWN", "desconocido", "---", "x"]
)
def test_placeholders_are_no_values(text: str) -> None:
    row = {"given": text, "surname": text, "city": text, "street": text, "email": text}
    found = features_of(
        [row], given_name="given", surname="surname", city="city", street="street", email="email"
    )
    assert found[["given", "surname", "city", "street", "email"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "given", "surname"),
    [
        ("García Pérez, Ana María", "ana maria", "garcia perez"),
        ("José Luis García Pérez", "jose luis", "garcia perez"),
        ("Dr. Ana de la Torre", "ana", "torre"),
        ("Thomas Clifford, 1st Baron Clifford of Chudleigh", "thomas", "clifford"),
        ("SMITH, John Q.", "john q", "smith"),
        ("Ana", "ana", None),
    ],
)
def test_names_of_one_column(name: str, given: str, surname: str | None) -> None:
    others = ["Luis García", "Pérez, Luis", "Ana María Torre", "María José Clifford", "José Luis Smith",
              "Ana Pérez", "José García", "Luis Clifford", "María Smith", "John Smith", "John Torre",
              "Thomas Smith", "Thomas Pérez"]  # fmt: skip
    found = features_of([{"name": text} for text in [name, *others]], full_name="name").iloc[0]
    assert found["given"] == given
    assert (None if pd.isna(found["surname"]) else found["surname"]) == surname


def test_a_record_with_both_fields_is_not_read_from_its_whole_name() -> None:
    rows = [{"name": "Ana García", "given": "Lucía", "surname": "Torre"}, {"name": "Ana García"}]
    found = features_of(rows, full_name="name", given_name="given", surname="surname")
    assert found["given"].tolist() == ["lucia", "ana"]
    assert found["surname"].tolist() == ["torre", "garcia"]


def test_names_of_shops_are_not_divided() -> None:
    rows = [{"name": "Salvation Army Early Learning Center of Temple"}] * 3
    found = features_of(rows, full_name="name")
    assert "given" not in found and found["name"].iloc[0].startswith("salvation army")


@pytest.mark.parametrize(
    "text",
    [
        "Иван Петров",
        "🙂🙂",
        "李小龍",
        "a" * 5000,
        "word " * 1000,
        "'; drop table x; --",
        "\x00\x01",
    ],
)
def test_any_text_is_taken(text: str) -> None:
    row = {
        "name": text,
        "phone": text,
        "street": text,
        "birth": text,
        "email": text,
        "postal": text,
    }
    found = features_of(
        [row, {}],
        full_name="name", phone="phone", street="street", birth_date="birth", email="email",
        postal_code="postal", gender="name", other=["name"], national_id="phone",
    )  # fmt: skip
    assert len(found) == 2
    for column in ("given", "surname", "street", "other_1"):
        if column in found and isinstance(found[column].iloc[0], str):
            assert len(found[column].iloc[0]) <= 80


def test_cyrillic_names_are_names() -> None:
    found = features_of(
        [{"given": "Иван", "surname": "Петров"}], given_name="given", surname="surname"
    )
    assert found["given"].iloc[0] == "иван" and found["surname"].iloc[0] == "петров"


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(LinkingError, match="telefon"):
        RecordFields.of({"telefon": "phone"})


def test_a_missing_column_is_named() -> None:
    connection = duckdb.connect()
    connection.execute("create table records as select 1 as record_id, 'a' as name")
    with pytest.raises(LinkingError, match=r"records lacks the column\(s\) phone"):
        describe_features(connection, "records", RecordFields.of({"phone": "phone"}))


@pytest.mark.parametrize("ids", ["(1), (1), (2)", "(1), (null), (2)"])
def test_every_record_needs_an_id_of_its_own(ids: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"create table records as from (values {ids}) as v(record_id)")
    with pytest.raises(LinkingError, match="3 records have 2 different record_id"):
        number_records(connection, "records", FeatureSet(columns=("record_id",)))


def test_what_a_value_is_worth_changes_by_powers_of_four_only() -> None:
    connection = duckdb.connect()
    rows = [{"given": "ana"}] * 9 + [{"given": "eva"}] * 2 + [{"given": f"x{n}"} for n in range(9)]
    frame = pd.DataFrame(rows)
    frame["record_id"] = range(len(frame))
    connection.register("frame", frame)
    connection.execute("create table records as from frame")
    define_macros(connection)
    described = describe_features(connection, "records", RecordFields.of({"given_name": "given"}))
    build_features(connection, "records", described, "features")
    means = {"given": 4.0, "given_first": 4.0}
    found = connection.execute(
        f"select term, step from ({terms_sql(described, 'features', means)}) where feature = 'given'"
    ).fetchall()
    # 9 / 4 is nearer to 4 than to 1; 2 / 4 is as rare as who occurs once, and has no row like them
    assert sorted(found) == [("ana", 2)]
    assert unseen_step(4.0) == -2
