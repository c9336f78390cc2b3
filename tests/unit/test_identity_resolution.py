"""One run of identity on a database: tables as declared, keys alone, models by day, the console."""

from __future__ import annotations

import io
import random
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.identity_checks import run_checks
from orchestration.lib.identity_console import print_explanation, print_report, print_review
from orchestration.lib.identity_resolution import read_rule_set, resolve_records, write_golden
from orchestration.settings import DBT_PROJECT_DIR

NAMES = "Ana Luis Eva Juan Marta Pablo Lucia Diego Sara Ivan Nuria Oscar Elena Jorge".split()  # noqa: SIM905
SURNAMES = "Gil Rey Sanz Mora Vidal Pena Soto Cano Rubio Marin Nieto Leon Prieto Blanco".split()  # noqa: SIM905
PEOPLE = 60


@pytest.fixture
def warehouse(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in which everybody is in the ERP and half of them in the web shop too."""
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "identity", "customer_records")
    connection = duckdb.connect(str(tmp_path / "crm.duckdb"))
    ddl = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(
        f"""create schema identity; create schema staging; create table identity.customer_records ({ddl});
        create table staging.stg_steward__pair_decisions (record_id_1 varchar, record_id_2 varchar,
            decision varchar, source_file varchar, row_number bigint, decided_at timestamp)"""
    )
    draw = random.Random(1)
    for number in range(PEOPLE):
        name, one, two = draw.choice(NAMES), draw.choice(SURNAMES), draw.choice(SURNAMES)
        for system in ("erp", "ecommerce")[: 1 + number % 2]:
            connection.execute(
                """insert into identity.customer_records by name select ? as source_system,
                    ? as source_customer_id, ? as given_name_raw, ? as email_raw, ? as given_name,
                    lower(?) as given_name_root, ? as surname_1, ? as surname_2, true as is_name_valid,
                    ? as email, ? as email_key, true as is_email_valid, ? as phone,
                    'mobile' as phone_kind, true as is_phone_valid, ? as street,
                    true as is_postal_code_valid, ? as postal_code,
                    timestamp '2020-01-01' + to_days(?::int) as first_seen_at""",
                [system, str(number), name, f"p{number}@a.es", name, name, one, two, f"p{number}@a.es",
                 f"p{number}@a.es", f"+346{number:08}", f"Calle {SURNAMES[number % 14]} {number}",
                 f"28{number % 50:03}", number],
            )  # fmt: skip
    return connection


def run(connection: duckdb.DuckDBPyConnection, day: int = 1, **options: bool) -> dict[str, str]:
    as_of, systems = date(2024, 1, day), ["ecommerce", "erp"]
    resolve_records(connection, as_of, systems, **options)
    write_golden(connection, as_of, systems)
    return dict(
        connection.execute("select record_id, customer_id from identity.customer_ids").fetchall()
    )


def figures(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], float]:
    return {
        (metric, dimension): value
        for metric, dimension, value in connection.execute(
            "select metric, dimension, value from identity.quality_report"
        ).fetchall()
    }


def test_every_table_is_as_declared_and_the_checks_hold(warehouse) -> None:
    run(warehouse)
    for source in read_manifest(DBT_PROJECT_DIR)["sources"].values():
        if source["schema"] != "identity" or source["name"] == "customer_records":
            continue
        found = [
            row[0] for row in warehouse.execute(f"describe identity.{source['name']}").fetchall()
        ]
        assert sorted(found) == sorted(source["columns"]), source["name"]
        for column in source["columns"].values():
            assert column["config"]["meta"]["cadencia"]["data_class"], (source["name"], column)
    assert [(check.name, outcome.is_passed) for check, outcome in run_checks(warehouse)] == [
        (check.name, True) for check, _ in run_checks(warehouse)
    ]


def test_records_of_one_person_are_one_customer(warehouse) -> None:
    ids = run(warehouse)
    assert len(ids) == PEOPLE * 3 // 2
    assert len(set(ids.values())) == PEOPLE
    assert all(ids[f"erp:{number}"] == ids[f"ecommerce:{number}"] for number in range(1, PEOPLE, 2))
    numbers = figures(warehouse)
    assert numbers["persons", "all"] == PEOPLE
    assert numbers["persons_by_records", "2"] == PEOPLE / 2
    assert numbers["records_without_a_link", "erp"] == PEOPLE / 2
    assert numbers["records_without_a_link", "ecommerce"] == 0
    assert numbers["estimated_precision", "all"] > 0.9


def test_again_retrained_and_from_nothing_give_the_same_ids(warehouse) -> None:
    ids = run(warehouse)
    assert run(warehouse) == ids
    assert run(warehouse, is_full_refresh=True) == ids
    # a model older than a month is trained again
    assert run(warehouse, day=31) == ids
    resolved = warehouse.execute("from identity.record_clusters order by all").fetchall()
    for (table,) in warehouse.execute(
        "select table_name from duckdb_tables() where schema_name = 'identity' "
        "and table_name <> 'customer_records'"
    ).fetchall():
        warehouse.execute(f"drop table identity.{table}")
    assert run(warehouse) == ids
    assert warehouse.execute("from identity.record_clusters order by all").fetchall() == resolved


def test_golden_values_of_what_changed_are_those_of_a_run_over_everything(warehouse) -> None:
    warehouse.execute(
        "update identity.customer_records set record_hash = 'a', normalised_with = '1'"
    )
    run(warehouse)
    before = golden_rows(warehouse)
    warehouse.execute(
        "update identity.customer_records set gender = 'f', record_hash = 'b' "
        "where source_customer_id in ('7', '8')"
    )
    warehouse.execute("delete from identity.customer_records where source_customer_id = '9'")
    warehouse.execute(
        """insert into identity.customer_records by name
        select * replace ('new' || source_customer_id as source_customer_id, 'c' as record_hash)
        from identity.customer_records where source_customer_id in ('11', '12')"""
    )
    run(warehouse, day=2)
    after = golden_rows(warehouse)
    assert 4 <= len(set(after) ^ set(before)) < PEOPLE / 2
    warehouse.execute(
        "create or replace table identity.linkage_golden_pending as select '*' as customer_id"
    )
    run(warehouse, day=2)
    assert golden_rows(warehouse) == after


def golden_rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute("from identity.golden_customers order by customer_id").fetchall()


def test_keys_alone_are_not_linked_but_a_steward_may(warehouse) -> None:
    warehouse.execute(
        """create or replace temp table bare as select source_system, source_customer_id, first_seen_at
        from identity.customer_records; delete from identity.customer_records;
        insert into identity.customer_records by name from bare"""
    )
    ids = run(warehouse)
    assert len(set(ids.values())) == len(ids)
    assert warehouse.execute("select count(*) from identity.linking_runs").fetchall() == [(0,)]
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:1', 'ecommerce:1', 'always_match', 'd.csv', 1, timestamp '2024-01-01'),
        ('erp:3', 'ecommerce:1', 'always_match', 'd.csv', 2, timestamp '2024-01-01')"""
    )
    merged = run(warehouse)
    assert merged["erp:1"] == merged["ecommerce:1"] == merged["erp:3"] == ids["ecommerce:1"]
    assert len(set(merged.values())) == len(ids) - 2


def test_a_decision_beats_the_evidence_and_contradictions_are_an_input_error(warehouse) -> None:
    run(warehouse)
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:1', null, 'unmerge', 'd.csv', 1, timestamp '2024-01-01'),
        ('erp:2', 'erp:4', 'always_match', 'd.csv', 2, timestamp '2024-01-01')"""
    )
    ids = run(warehouse)
    assert ids["erp:1"] != ids["ecommerce:1"]
    assert ids["erp:2"] == ids["erp:4"]
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:4', 'erp:2', 'never_match', 'd.csv', 3, timestamp '2024-01-01')"""
    )
    with pytest.raises(InputError, match=r"d\.csv row 2"):
        run(warehouse)


@pytest.mark.parametrize("day", [1, 2])
def test_a_decision_that_is_taken_back_leaves_nothing_behind(warehouse, day) -> None:
    ids = run(warehouse)
    found = warehouse.execute("from identity.record_clusters order by all").fetchall()
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:1', 'erp:3', 'always_match', 'd.csv', 1, timestamp '2024-01-01'),
        ('erp:5', 'ecommerce:5', 'never_match', 'd.csv', 2, timestamp '2024-01-01')"""
    )
    merged = run(warehouse, day=day)
    # the other records of both come along
    assert len({merged[record] for record in ("erp:1", "ecommerce:1", "erp:3", "ecommerce:3")}) == 1
    assert merged["erp:5"] != merged["ecommerce:5"]
    assert run(warehouse, day=day) == merged
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:1', null, 'revoke', 'e.csv', 1, timestamp '2024-01-02'),
        ('erp:5', 'ecommerce:5', 'revoke', 'e.csv', 2, timestamp '2024-01-02')"""
    )
    assert run(warehouse, day=day) == ids
    assert warehouse.execute("from identity.record_clusters order by all").fetchall() == found


def test_an_unmerge_that_is_there_from_the_first_run_holds(warehouse) -> None:
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:1', null, 'unmerge', 'd.csv', 1, timestamp '2024-01-01')"""
    )
    first = run(warehouse)
    assert first["erp:1"] != first["ecommerce:1"]
    assert run(warehouse, day=2) == first


def test_a_run_that_looks_back_leaves_no_model_and_no_id_behind(warehouse) -> None:
    later = run(warehouse, day=9)
    kept = [
        warehouse.execute(f"from identity.{table} order by all").fetchall()
        for table in ("linking_models", "linking_runs", "id_assignments", "customer_id_history")
    ]
    warehouse.execute("create temp table later as from identity.customer_records")
    warehouse.execute("delete from identity.customer_records where first_seen_at >= '2020-02-01'")
    assert len(run(warehouse, day=4)) < len(later)
    warehouse.execute("delete from identity.customer_records")
    warehouse.execute("insert into identity.customer_records from later")
    assert run(warehouse, day=9) == later
    assert kept == [
        warehouse.execute(f"from identity.{table} order by all").fetchall()
        for table in ("linking_models", "linking_runs", "id_assignments", "customer_id_history")
    ]


def test_other_sources_of_keys_alone_in_between_change_nothing(warehouse) -> None:
    """A run of another data set, whose days lie before, in the same warehouse."""
    ids = run(warehouse, day=9)
    warehouse.execute("create temp table people as from identity.customer_records")
    warehouse.execute(
        """delete from identity.customer_records; insert into identity.customer_records by name
        select 'cdnow' as source_system, '7' as source_customer_id, timestamp '1997-01-01' as first_seen_at"""
    )
    as_of = date(1998, 7, 1)
    resolve_records(warehouse, as_of, ["cdnow"])
    assert write_golden(warehouse, as_of, ["cdnow"]).ledger_rows == 2
    warehouse.execute("delete from identity.customer_records")
    warehouse.execute("insert into identity.customer_records from people")
    assert run(warehouse, day=9) == ids
    assert write_golden(warehouse, date(2024, 1, 9), ["ecommerce", "erp"]).ledger_rows == 0


def test_the_rule_set_names_columns_that_there_are(warehouse, tmp_path) -> None:
    run(warehouse)
    assert read_rule_set(warehouse).survivors
    broken = tmp_path / "rules.yml"
    broken.write_text("version: 1\nunits: {}\nfields:\n  shoe_size: {rules: [most_recent]}\n")
    with pytest.raises(ConfigurationError, match=r"rules\.yml:4: .*shoe_size"):
        read_rule_set(warehouse, broken)


def test_the_console_shows_evidence_and_values_only_when_asked(warehouse, tmp_path) -> None:
    warehouse.execute(
        "update identity.customer_records set source_customer_id = 'tel:600111222' "
        "where source_system = 'erp' and source_customer_id = '1'"
    )
    warehouse.execute(
        """insert into staging.stg_steward__pair_decisions values
        ('erp:3', 'erp:5', 'never_match', 'd.csv', 7, timestamp '2024-01-01')"""
    )
    ids = run(warehouse)
    warehouse.close()
    file = tmp_path / "crm.duckdb"

    def said(function, *arguments) -> str:
        text = io.StringIO()
        function(file, *arguments, Console(file=text, width=160))
        return text.getvalue()

    assert "estimated precision" in said(print_report)
    assert "created" in said(print_report)
    assert said(print_review, 5, False)
    two = said(print_explanation, "erp:3", "erp:5", False)
    assert "two customers" in two
    assert "never_match of erp:3 and erp:5" in two
    assert "d.csv row 7" in two
    one = said(print_explanation, "erp:tel:600111222", "ecommerce:1", False)
    assert "one customer" in one
    assert "same e-mail" in one
    assert "600111222" not in one
    assert "p1@a.es" not in one
    shown = said(print_explanation, "erp:tel:600111222", "ecommerce:1", True)
    assert "600111222" in shown
    assert "p1@a.es" in shown
    assert "erp:3" in said(print_explanation, ids["erp:3"], ids["erp:5"], False)
    with pytest.raises(ConfigurationError, match="neither a record"):
        said(print_explanation, "erp:3", "nobody", False)
