"""The search for identifiers in the analysts' database: what is planted is found, what is not is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.privacy.leaks import (
    Leak,
    Place,
    leak_message,
    leaks_in_analytics,
    public_columns,
)
from orchestration.lib.privacy.registry import PersonalColumn
from orchestration.settings import DBT_PROJECT_DIR

COLUMNS = [
    *(
        PersonalColumn("identity", "customer_records", name, "direct_identifier", kind)
        for name, kind in {
            "email": "email",
            "mobile_phone": "phone",
            "national_id": "national_id",
            "loyalty_card": "loyalty_card",
            "given_name": "given_name",
            "surname_1": "surname",
            "surname_2": "surname",
            "street": "address",
        }.items()
    ),
    PersonalColumn("raw", "web__events", "device", "direct_identifier", "device_id"),
    PersonalColumn("raw", "dms__vehicles", "vin", "direct_identifier", "vehicle"),
    PersonalColumn("raw", "mailing__members", "euid", "direct_identifier", "account"),
    PersonalColumn("marts", "t", "customer_id", "customer_key", "customer_key"),
]
PLANTED = {
    "email": "Ana.Gil@example.org",
    "phone": "+34 612 345 987",
    "national_id": "12345987Z",
    "loyalty_card": "98001234567",
    "given_name": "Ana María",
    "surname_1": "Ñúñez",
    "surname_2": "de la Serna",
    "street": "Calle Mayor 15, 3º B",
    "device": "1834567890.1706883673",
    "vin": "VSSZZZ7FYA9000000",
    "euid": "6e7f6119c4",
}


@pytest.fixture
def crm_file(tmp_path: Path) -> Path:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema identity; create schema raw; create schema marts")
        connection.execute(
            """create table identity.customer_records as select $email as email,
            $phone as mobile_phone, $national_id as national_id, $loyalty_card as loyalty_card,
            $given_name as given_name, $surname_1 as surname_1, $surname_2 as surname_2,
            $street as street""",
            {k: v for k, v in PLANTED.items() if k not in ("device", "vin", "euid")},
        )
        connection.execute(
            """insert into identity.customer_records values
            (null, '600000000', '00000000', '12345678', 'Rosa', 'Blanco', null, 'Sol 1'),
            ('a@b', null, null, null, 'Paz', 'Sol', null, null)"""
        )
        connection.execute(
            "create table raw.web__events as select ? as device", [PLANTED["device"]]
        )
        connection.execute("create table raw.dms__vehicles as select ? as vin", [PLANTED["vin"]])
        connection.execute(
            "create table raw.mailing__members as select ? as euid", [PLANTED["euid"]]
        )
    return path


def search(
    crm_file: Path, statements: list[str], public: frozenset[Place] = frozenset()
) -> list[Leak]:
    target = crm_file.with_name("analytics.duckdb")
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target)) as connection:
        connection.execute("create schema marts")
        for statement in statements:
            connection.execute(statement)
    return leaks_in_analytics(crm_file, target, COLUMNS, public)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "Ana.Gil@example.org"),
        ("email", "can't read <ana.gil@EXAMPLE.org>; try again"),
        ("email", "mailing-ana.gil@example.org-preferred_channel"),
        ("phone", "612345987"),
        ("phone", "calls to +34 612 34 59 87 fail"),
        ("phone", "0034-612-345-987"),
        ("national_id", "12345987z"),
        ("national_id", "NIF 12.345.987-Z, checked"),
        ("national_id", "erp-12345987Z"),
        ("loyalty_card", "card=98001234567"),
        ("full_name", "hand over to ANA MARIA NUÑEZ tomorrow"),
        ("full_name", '{"name": "Ana María Ñúñez de la Serna"}'),
        ("full_name", "Núñez de la Serna, Ana María"),
        ("address", "calle mayor 15 3º b"),
        ("device_id", "1834567890.1706883673"),
        ("device_id", "web-1834567890.1706883673"),
        ("vehicle", "vehicle vsszzz7fya9000000 sold"),
        ("account", "list/6e7f6119c4"),
    ],
)
def test_a_planted_identifier_is_found(crm_file: Path, kind: str, text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    found = search(crm_file, [f"create table marts.t as select {literal} as reason"])
    assert {(leak.place, leak.identifier_kind) for leak in found} == {("marts.t.reason", kind)}
    message = leak_message(found)
    assert "marts.t.reason: 1 known" in message
    assert "direct_identifier" in message
    for value in PLANTED.values():
        assert value.lower() not in message.lower()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.text(alphabet="xyzñ -,;:<(\"'", max_size=12),
    after=st.text(alphabet="xyzñ -,;:>)\"'.", max_size=12),
    planted=st.sampled_from(
        [
            "ana.gil@example.org",
            "12345987Z",
            "VSSZZZ7FYA9000000",
            "ana maria nunez de",
            "612 34 59 87",
        ]
    ),
)
def test_whatever_stands_around_it_an_identifier_is_found(
    crm_file: Path, before: str, after: str, planted: str
) -> None:
    text = f"{before} {planted} {after}".replace("'", "''")
    assert search(crm_file, [f"create table marts.t as select '{text}' as message"])


def test_certain_kinds_are_found_alone_in_a_big_column(crm_file: Path) -> None:
    """One e-mail among many texts is no chance; one number of nine digits may be."""
    texts = "select 'order ' || (700000000 + n) as reason from range(5000) as r(n)"
    assert search(crm_file, [f"create table marts.t as {texts}"]) == []
    planted = f"{texts} union all select 'ana.gil@example.org'"
    (leak,) = search(crm_file, [f"create table marts.t as {planted}"])
    assert (leak.identifier_kind, leak.identifiers) == ("email", 1)
    by_chance = f"{texts} union all select 'order 612345987'"
    assert search(crm_file, [f"create table marts.t as {by_chance}"]) == []


def test_telephones_as_numbers_are_found(crm_file: Path) -> None:
    (leak,) = search(crm_file, ["create table marts.t as select 34612345987 as callback"])
    assert leak.identifier_kind == "phone"


def test_lists_and_structs_are_searched_as_text(crm_file: Path) -> None:
    ddl = "create table marts.t as select ['x', 'ana.gil@example.org'] as notes"
    assert [leak.place for leak in search(crm_file, [ddl])] == ["marts.t.notes"]


def test_short_common_and_placeholder_values_alarm_nobody(crm_file: Path) -> None:
    harmless = [
        "Copa rosa blanca",
        "600000000",
        "12345678",
        "Sol 1",
        "a@b",
        "info@shop.example",
        "Serna",
        "María",
        "P6e7f6119c4aa",
        "paz y amor",
    ]
    values = ", ".join(f"('{value}')" for value in harmless)
    assert search(crm_file, [f"create table marts.t as from (values {values}) as v(title)"]) == []


def test_what_the_business_makes_public_may_name_somebody_by_chance(crm_file: Path) -> None:
    """A street is named after people, a shop after its owner; an e-mail is still one."""
    public = frozenset({("marts", "t", "street")})
    rosa, ana = "'Calle Rosa Blanco 4'", "'ana.gil@example.org'"
    assert search(crm_file, [f"create table marts.t as select {rosa} as street"])
    assert search(crm_file, [f"create table marts.t as select {rosa} as street"], public) == []
    assert search(crm_file, [f"create table marts.t as select {ana} as street"], public)
    # A profile of the delivered shops tells their first street again; another street is somebody's.
    shops = f"create table marts.t as select {rosa} as street"
    profile = "create table marts.profiles as select {} as minimum"
    assert search(crm_file, [shops, profile.format(rosa)], public) == []
    assert search(crm_file, [shops, profile.format("'Calle Mayor 15 3º B'")], public)


def test_public_columns_are_those_whose_yml_says_so() -> None:
    found = public_columns(read_manifest(DBT_PROJECT_DIR))
    assert ("marts", "dim_stores", "street") in found
    assert ("marts", "dim_products", "brand") in found
    assert not [place for place in found if place[1].startswith(("customer", "dim_customers"))]


def test_a_base_of_keys_alone_is_searched_too(crm_file: Path) -> None:
    """No delivered column identifies anybody: what is known comes from the records only, or is nothing."""
    target = crm_file.with_name("analytics.duckdb")
    with duckdb.connect(str(target)) as connection:
        connection.execute("create table t as select 'ana.gil@example.org' as note")
    records = [column for column in COLUMNS if column.schema == "identity"]
    assert [leak.place for leak in leaks_in_analytics(crm_file, target, records)] == ["main.t.note"]
    assert leaks_in_analytics(crm_file, target, []) == []


def test_pseudonyms_are_not_searched(crm_file: Path) -> None:
    ddl = "create table marts.t as select '6e7f6119c4' as customer_id"
    assert search(crm_file, [ddl]) == []
    assert search(crm_file, []) == []
