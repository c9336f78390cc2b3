"""Privacy of what the job leaves behind, on the simulated market with the files of all its systems.

Nothing is changed here: the deployment is shared with other test files.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import build_nodes, read_manifest
from orchestration.lib.ingest.merging import create_empty
from orchestration.lib.privacy.byte_search import compile_patterns, full_names, search_tree
from orchestration.lib.privacy.leak_places import search_places
from orchestration.lib.privacy.leaks import leak_message, leaks_in_analytics
from orchestration.lib.privacy.registry import personal_columns
from orchestration.resources import STAGING_DIR
from orchestration.settings import DBT_PROJECT_DIR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture
def crm(market_home: Path) -> duckdb.DuckDBPyConnection:
    path = (market_home / "warehouse" / "crm.duckdb").resolve()
    return duckdb.connect(str(path), read_only=True)


def test_the_registry_has_every_column_of_every_table(crm: duckdb.DuckDBPyConnection) -> None:
    missing = crm.execute(
        """select schema_name, table_name, column_name from duckdb_columns() where not internal
        except select schema_name, table_name, column_name from privacy.personal_columns"""
    ).fetchall()
    assert missing == []
    ((schemas, identifiers, without_kind),) = crm.execute(
        """select count(distinct schema_name), count(*) filter (where identifier_kind is not null),
            count(*) filter (where identifier_kind is null
                and data_class in ('direct_identifier', 'customer_key'))
        from privacy.personal_columns"""
    ).fetchall()
    assert (schemas >= 10, identifiers > 500, without_kind) == (True, True, 0)


def planted(landing: Path, people: int) -> list[tuple[str, str]]:
    """Return identifiers of simulated people who are in the files of some system, from the truth."""
    rows = duckdb.execute(
        f"""select given_name, surname_1, surname_2, national_id, email, mobile, landline,
            cast(card_number as varchar), cast(shopify_id as varchar)
        from '{landing}/truth/people.parquet' where person_id in (
            select person_id from '{landing}/truth/source_records.parquet')
        order by person_id limit {people}"""
    ).fetchall()
    kinds = ("national_id", "email", "phone", "phone", "loyalty_card", "customer_key")
    found = []
    for given, surname_1, surname_2, *values in rows:
        found += full_names(given, surname_1, surname_2)
        found += [(kind, value) for kind, value in zip(kinds, values, strict=True) if value]
    return list(dict.fromkeys(found))


def test_no_planted_identifier_leaves_what_it_was_delivered_in(market_home: Path) -> None:
    """Not for the analysts' database, logs, Dagster's storage, what dbt writes, and names of files."""
    patterns = compile_patterns(planted(market_home / "landing", people=100))
    assert len(patterns) - len(patterns.refused) > 400
    delivered = search_tree(market_home / "landing" / "erp", patterns)
    assert len({hit.position for hit in delivered.hits}) > 100, delivered.sentence()
    report = search_places(market_home, patterns, [DBT_PROJECT_DIR / "target"])
    assert report.is_complete, report.not_searched
    assert report.bytes_read > 10_000_000
    assert report.hits == (), report.sentence()


def test_what_a_run_writes_is_for_its_owner_only(market_home: Path) -> None:
    """The test started it under the usual umask; the command sets its own."""
    others = [
        path
        for path in [market_home, *market_home.rglob("*")]
        if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert others == []


def test_every_column_of_the_systems_that_the_market_lacks_has_a_class(
    market_home: Path, tmp_path: Path
) -> None:
    """Their staging models over empty tables have the columns that a run would have."""
    copy = tmp_path / "crm.duckdb"
    copy.write_bytes((market_home / "warehouse" / "crm.duckdb").read_bytes())
    systems = ("cdnow", "complete_journey", "online_retail")
    with duckdb.connect(str(copy)) as warehouse:
        for system in systems:
            for table in load_contracts(STAGING_DIR)[system].tables:
                create_empty(warehouse, table)
    manifest = read_manifest(DBT_PROJECT_DIR)
    models = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and Path(node["path"]).parts[1] in systems
    ]
    built = build_nodes(DBT_PROJECT_DIR, copy, models, {"source_systems": list(systems)})
    views = {result.name for result in built if result.has_succeeded}
    assert set(models) <= views
    with duckdb.connect(str(copy), read_only=True) as warehouse:
        tables = {(column.schema, column.table) for column in personal_columns(manifest, warehouse)}
    assert {("staging", model) for model in models} <= tables


def test_no_column_that_is_called_harmless_holds_an_identifier(
    market_home: Path, tmp_path: Path
) -> None:
    """The classes are true of the data, also in the layers that analysts never see."""
    crm_file, harmless_file = tmp_path / "crm.duckdb", tmp_path / "harmless.duckdb"
    crm_file.write_bytes((market_home / "warehouse" / "crm.duckdb").read_bytes())
    harmless = ("none", "quasi_identifier", "sensitive")
    with duckdb.connect(str(crm_file)) as warehouse:
        columns = personal_columns(read_manifest(DBT_PROJECT_DIR), warehouse)
        warehouse.execute(f"attach '{harmless_file}' as harmless")
        for (schema, table), group in groupby(columns, key=lambda each: (each.schema, each.table)):
            kept = ", ".join(f'"{c.column}"' for c in group if c.data_class in harmless)
            if schema in ("raw", "staging", "intermediate", "identity", "plays") and kept:
                warehouse.execute(f'create schema if not exists harmless."{schema}"')
                warehouse.execute(
                    f'create table harmless."{schema}"."{table}" as '
                    f'select {kept} from "{schema}"."{table}"'
                )
    # Somebody lives above a shop.
    of_shops = frozenset(
        {("raw", "erp__stores", "address"), ("staging", "base_erp__stores", "street")}
        | {("raw", "dms__dealers", "street"), ("intermediate", "int_stores__unioned", "street")}
    )
    leaks = leaks_in_analytics(crm_file, harmless_file, columns, of_shops)
    assert leaks == [], leak_message(leaks)
