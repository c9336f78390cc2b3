"""Finding people: by what a person gives, with every identifier, and what is shared marked as such."""

from __future__ import annotations

import duckdb
import pytest

from orchestration.lib.contract import load_contracts
from orchestration.lib.errors import InputError
from orchestration.lib.privacy.subjects import STAGING_DIR, Subject, find_subjects
from orchestration.lib.privacy.targets import rows_of, stage, targets_of, tombstone_targets
from tests.privacy_warehouse import ANA, LONE, LUIS, PEDRO, build_warehouse

CONTRACTS = load_contracts(STAGING_DIR)


@pytest.fixture
def family(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    build_warehouse(connection)
    return connection


def values_of(subject: Subject, kind: str, *, is_shared: bool) -> set[str]:
    return {each.value for each in subject.identifiers if each[::2] == (kind, is_shared)}


def test_a_person_is_found_with_all_records_and_identifiers(
    family: duckdb.DuckDBPyConnection,
) -> None:
    ana = find_subjects(family, customer_ids=[ANA])[0]
    assert ana.records == (
        ("ecommerce", "77"),
        ("erp", "1001"),
        ("mailing", "ana@boletin.es"),
        ("pos", "2900000000001"),
    )
    assert values_of(ana, "email", is_shared=False) == {
        "ana.garcia@correo.es",
        "ana@boletin.es",
    }
    assert values_of(ana, "loyalty_card", is_shared=False) == {"2900000000001"}
    assert values_of(ana, "account", is_shared=False) == {"e1"}
    assert "ANA GARCÍA LÓPEZ" in values_of(ana, "full_name", is_shared=False)


def test_what_the_family_has_too_is_shared(family: duckdb.DuckDBPyConnection) -> None:
    ana = find_subjects(family, customer_ids=[ANA])[0]
    assert values_of(ana, "phone", is_shared=True) == {"612 398 745", "+34612398745"}
    assert values_of(ana, "device_id", is_shared=True) == {"d.family"}
    assert values_of(ana, "device_id", is_shared=False) == {"d.ana"}
    assert values_of(ana, "address", is_shared=True) == {"Calle Mayor, 3"}


def test_nothing_is_shared_with_people_of_the_same_batch(family: duckdb.DuckDBPyConnection) -> None:
    everybody = find_subjects(family, customer_ids=[ANA, LUIS])
    assert not any(each.is_shared for subject in everybody for each in subject.identifiers)


def test_a_record_that_the_linking_left_alone_comes_along(
    family: duckdb.DuckDBPyConnection,
) -> None:
    found = find_subjects(family, emails=["Ana.Garcia@Correo.es "])
    assert [(each.customer_id, each.is_twin) for each in found] == [(ANA, False), (LONE, True)]


def test_a_lone_record_of_a_shared_address_is_nobodys(family: duckdb.DuckDBPyConnection) -> None:
    family.execute(
        "update identity.customer_records set email = 'ana.garcia@correo.es' "
        "where source_system = 'erp' and source_customer_id = '1003'"
    )
    found = find_subjects(family, customer_ids=[ANA])
    assert [each.customer_id for each in found] == [ANA]


def test_an_identifier_of_different_people_is_refused_without_the_value(
    family: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(InputError, match="different people") as refusal:
        find_subjects(family, phones=["612 39 87 45"])
    assert ANA in str(refusal.value)
    assert "612" not in str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "customer"),
    [
        ({"national_ids": ["53871946-n"]}, ANA),
        ({"emails": ["pedro@correo.es"]}, PEDRO),
        ({"customer_ids": ["C00000000000000ff"]}, ANA),
    ],
)
def test_people_are_found_by_other_spellings_and_by_ids_that_are_history(
    family: duckdb.DuckDBPyConnection, asked: dict[str, list[str]], customer: str
) -> None:
    assert find_subjects(family, **asked)[0].customer_id == customer


def test_who_is_not_there_is_told_without_the_value(family: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(InputError, match="Nobody is known by the value of --email") as refusal:
        find_subjects(family, emails=["nobody@correo.es"])
    assert "nobody@" not in str(refusal.value)
    with pytest.raises(InputError, match="There is no customer C0"):
        find_subjects(family, customer_ids=["C0"])


def rows_in(family: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[tuple[object, ...]]:
    query = rows_of(family, CONTRACTS, schema, table, {})
    return family.execute(query).fetchall() if query else []


def test_the_rows_of_a_person_are_found_in_any_table(family: duckdb.DuckDBPyConnection) -> None:
    stage(family, targets_of(family, CONTRACTS, find_subjects(family, customer_ids=[ANA])))
    assert [row[0] for row in rows_in(family, "raw", "erp__customers")] == ["1001"]
    assert [row[0] for row in rows_in(family, "raw", "pos__tickets")] == ["T0", "T3"]
    # her device with and without login, her session on the family's device, nothing else of it
    assert [row[1] for row in rows_in(family, "raw", "web__events")] == [1, 2, 3, 4]
    # the son's case from the shared telephone stays with him
    assert [row[0] for row in rows_in(family, "raw", "contact_center__cases")] == ["K2"]
    assert {row[0] for row in rows_in(family, "marts", "dim_customers")} == {ANA, LONE}
    assert len(rows_in(family, "marts", "customer_id_history")) == 1


def test_only_rows_that_their_text_does_not_tell_need_a_key_of_their_own(
    family: duckdb.DuckDBPyConnection,
) -> None:
    targets = targets_of(family, CONTRACTS, find_subjects(family, customer_ids=[ANA]))
    stones = tombstone_targets(family, CONTRACTS, targets).values
    assert set(stones) == {"record", "email", "loyalty_card", "national_id", "account", "device_id"}
    # keys that are addresses are told by the address, which nobody shares
    assert stones["record"] == {"erp:1001", "pos:2900000000001", "ecommerce:77"}
    family.execute("update raw.web__events set user_id = null where event_timestamp = 1")
    family.execute(
        "insert into raw.web__events (event_date, event_timestamp, event_name, ga_session_id, "
        "user_pseudo_id) values ('2024-01-05', 7, 'scroll', 12, 'd.family')"
    )
    targets = targets_of(family, CONTRACTS, find_subjects(family, customer_ids=[ANA]))
    # an event without login in her session on the device of the family
    stones = tombstone_targets(family, CONTRACTS, targets).values
    assert stones["group:web__events"] == {"d.family|12"}


def test_a_cluster_called_after_a_record_of_a_person_is_hers(
    family: duckdb.DuckDBPyConnection,
) -> None:
    family.execute(
        """create table identity.suspicious_clusters as
        select * from (values ('pos:2900000000001', 9), ('pos:1', 8)) as t(person_cluster, members)"""
    )
    stage(family, targets_of(family, CONTRACTS, find_subjects(family, customer_ids=[ANA])))
    query = rows_of(family, CONTRACTS, "identity", "suspicious_clusters", {})
    assert query is not None
    assert family.execute(query).fetchall() == [("pos:2900000000001", 9)]


def test_what_people_type_when_they_have_none_is_nobodys(
    family: duckdb.DuckDBPyConnection,
) -> None:
    family.execute("update raw.erp__customers set phone = '123456789' where customer_code = '1001'")
    ana = find_subjects(family, customer_ids=[ANA])[0]
    assert "123456789" in values_of(ana, "phone", is_shared=True)
    targets = targets_of(family, CONTRACTS, [ana])
    assert "123456789" not in tombstone_targets(family, CONTRACTS, targets).values.get("phone", ())
