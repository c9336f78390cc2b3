"""Retention on small warehouses: what goes, what stays, and that nothing brings it back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.contract import SystemContract, load_contracts
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.ingest.ledger import ensure_ledger
from orchestration.lib.ingest.merging import create_empty
from orchestration.lib.privacy.audit_log import append, log_file, read_entries
from orchestration.lib.privacy.audit_log_verification import verify
from orchestration.lib.privacy.registry import classes_of
from orchestration.lib.privacy.retention import (
    Cuts,
    TableResult,
    contents_of_old_rejects,
    cuts_as_of,
    enforce,
    knows_less,
    preview,
    read_cuts,
    state_file,
    write_cuts,
)
from orchestration.lib.privacy.retention_files import (
    OldFile,
    delete_expired,
    mark_expired,
    old_files,
    old_folders,
    old_versions,
)
from orchestration.lib.privacy.retention_logs import delete_runs, old_runs, prune_audit_log
from orchestration.lib.privacy.retention_policy import (
    RetentionClass,
    RetentionPolicy,
    RetentionRule,
    load_policy,
    override_file,
)
from orchestration.lib.privacy.retention_run import RetentionRun, apply_retention
from orchestration.lib.privacy.retention_scrubbing import Scrubbed, scrub_mixed_files
from orchestration.lib.privacy.rewriting import rewrite_in_place
from orchestration.lib.run_records import ensure_run_tables
from orchestration.resources import STAGING_DIR
from orchestration.settings import DBT_PROJECT_DIR
from tests.unit.ingest.conftest import Shop, column, contract

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CUT = date(2025, 1, 1)
YEAR = RetentionClass("year", 365, {}, {})
PERSONAL = ("direct_identifier", "quasi_identifier", "sensitive", "customer_key")
SALES = contract(
    column("sale_id", is_required=True),
    column("customer"),
    column("sold_at", "timestamp"),
    location="sales_*.csv",
    delivery="upsert",
    primary_key=("sale_id",),
    event_time="sold_at",
)
SHOP = SystemContract("shop", "Shop", "", "EUR", "UTC", False, 0.1, (SALES,))
RULE = RetentionRule("raw", "shop__sales", YEAR, "sold_at")
CUTS = Cuts({RULE.name: CUT, "raw._rejects": CUT})


def policy(*rules: RetentionRule) -> RetentionPolicy:
    return RetentionPolicy({"year": YEAR}, rules, ())


def test_every_table_with_personal_data_has_a_period_or_a_reason_to_be_kept() -> None:
    """By registry: a new source or model table without a decision fails here."""
    manifest = read_manifest(DBT_PROJECT_DIR)
    classes = classes_of(manifest)
    written = [
        (source["schema"], source["identifier"], source["columns"])
        for source in manifest["sources"].values()
        if source["schema"] in ("raw", "ml", "plan", "identity", "privacy", "quality")
    ]
    personal = [
        (schema, table)
        for schema, table, columns in written
        if any(
            found is not None and found.data_class in PERSONAL
            for found in (classes.of(schema, table, name) for name in columns)
        )
    ]
    assert len(personal) > 25
    assert load_policy(Path("/nowhere")).undecided(personal) == []


def test_every_rule_runs_on_the_table_as_it_is_declared(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    ensure_ledger(connection)
    for system in load_contracts(STAGING_DIR).values():
        for table in system.tables:
            create_empty(connection, table)
    for source in read_manifest(DBT_PROJECT_DIR)["sources"].values():
        if source["schema"] in ("ml", "plan"):
            columns = ", ".join(
                f'"{name}" {column["data_type"]}' for name, column in source["columns"].items()
            )
            connection.execute(f"create schema if not exists {source['schema']}")
            connection.execute(
                f"create table {source['schema']}.{source['identifier']} ({columns})"
            )
    rules = load_policy(Path("/nowhere"))
    cuts = cuts_as_of(rules, date(2026, 1, 2))
    results = enforce(connection, rules, Cuts(cuts))
    assert {result.table for result in results} == {rule.name for rule in rules.rules} >= set(cuts)


def test_a_deployment_sets_its_own_periods(tmp_path: Path) -> None:
    override_file(tmp_path).parent.mkdir()
    override_file(tmp_path).write_text("classes: {web: {days: 100}, messages: {days: null}}")
    cuts = cuts_as_of(load_policy(tmp_path), date(2026, 1, 2))
    assert cuts["raw.web__events"] == date(2025, 9, 24)
    assert "raw.mailing__sms" not in cuts
    for wrong in ("classes: {wbe: {days: 1}}", "classes: {web: {days: 0}}", "web: 1", "a: [b"):
        override_file(tmp_path).write_text(wrong)
        with pytest.raises(ConfigurationError, match=r"retention\.yml"):
            load_policy(tmp_path)


def test_rows_before_the_cut_go_and_undated_ones_stay(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        """create schema raw; create table raw.shop__sales as select * from (values
        ('a', timestamp '2024-12-31 23:59:59'), ('b', timestamp '2025-01-01'), ('c', null))
        as t(sale_id, sold_at)"""
    )
    (foreseen,) = preview(connection, policy(RULE), CUTS.by_table)
    (result,) = enforce(connection, policy(RULE), CUTS)
    assert foreseen == result
    assert (result.rows_deleted, result.oldest_kept) == (1, datetime(2025, 1, 1))
    rows = connection.execute("select sale_id from raw.shop__sales order by 1").fetchall()
    assert rows == [("b",), ("c",)]


def test_a_withdrawal_outlives_the_messages_of_its_time(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Forgetting it would allow again what the person forbade."""
    connection.execute(
        """create schema raw;
        create table raw.messages as from (values
            (1, timestamp '2020-01-01', null), (2, timestamp '2020-01-01', timestamp '2020-01-02'),
            (3, timestamp '2025-01-01', null)
        ) as rows (id, sent_at, opted_out_at)"""
    )
    rule = RetentionRule("raw", "messages", YEAR, "sent_at", keeps="opted_out_at is not null")
    (result,) = enforce(connection, policy(rule), Cuts({rule.name: CUT}))
    assert result.rows_deleted == 1
    assert connection.execute("select id from raw.messages order by id").fetchall() == [(2,), (3,)]


def test_a_date_whose_rows_are_partly_gone_is_told() -> None:
    result = TableResult("raw.shop__sales", "year", 365, CUT, 1, None)
    assert knows_less([result], date(2026, 1, 1)) == []
    ((table, sentence),) = knows_less([result], date(2025, 12, 31))
    assert table == "raw.shop__sales"
    assert "begins on 2025-01-01" in sentence


def test_lines_of_an_order_go_together(connection: duckdb.DuckDBPyConnection) -> None:
    """Shopify dates the first line of an order only; a later change keeps the order."""
    connection.execute(
        """create schema raw; create table raw.shop__sales as select * from (values
        ('old', timestamp '2024-05-01', 1), ('old', null, 2), ('new', timestamp '2025-05-01', 1),
        ('new', null, 2)) as t(sale_id, sold_at, line)"""
    )
    rule = replace(RULE, whole=("sale_id",))
    (result,) = enforce(connection, policy(rule), CUTS)
    assert result.rows_deleted == 2
    kept = connection.execute("select distinct sale_id from raw.shop__sales").fetchall()
    assert kept == [("new",)]


def test_proof_of_consent_goes_a_period_after_it_was_replaced(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        """create schema raw; create table raw.shop__sales as select * from (values
        ('replaced long ago', 'ana', timestamp '2020-01-01'), ('replaced lately', 'ana',
        timestamp '2021-01-01'), ('newest', 'ana', timestamp '2025-06-01'),
        ('old but valid', 'eva', timestamp '2019-01-01')) as t(sale_id, customer, sold_at)"""
    )
    rule = replace(RULE, until_superseded_by=("customer",))
    enforce(connection, policy(rule), CUTS)
    kept = connection.execute("select sale_id from raw.shop__sales order by 1").fetchall()
    assert kept == [("newest",), ("old but valid",), ("replaced lately",)]


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.integers(0, 900), max_size=25),
    first=st.integers(0, 900),
    second=st.integers(0, 900),
)
def test_cuts_leave_exactly_what_is_young_enough_in_any_order(
    days: list[int], first: int, second: int
) -> None:
    def day(number: int) -> date:
        return date.fromordinal(date(2024, 1, 1).toordinal() + number)

    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.shop__sales (sold_at timestamp)")
        for number in days:
            connection.execute("insert into raw.shop__sales values (?)", [day(number)])
        cuts = Cuts({RULE.name: day(first)})
        enforce(connection, policy(RULE), cuts)
        cuts = cuts.merged({RULE.name: day(second)})
        enforce(connection, policy(RULE), cuts)
        assert cuts.by_table[RULE.name] == day(max(first, second))
        rows = connection.execute("select sold_at from raw.shop__sales").fetchall()
        kept = sorted(row[0].date() for row in rows)
        assert kept == sorted(day(number) for number in days if number >= max(first, second))


def deliver(shop: Shop) -> None:
    shop.drop("sales_2024.csv", "sale_id,customer,sold_at\n1,ana,2024-03-01\n2,eva,2024-04-01\n")
    shop.drop("sales_2025.csv", "sale_id,customer,sold_at\n2,eva,2024-04-01\n3,ana,2025-04-01\n")
    shop.load(SALES)


def delete_old(shop: Shop) -> list[OldFile]:
    files = old_files(shop.connection, [SHOP], policy(RULE), CUTS.by_table, shop.landing)
    enforce(shop.connection, policy(RULE), CUTS)
    mark_expired(shop.connection, files)
    return files


def sales(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows("select sale_id from sales order by 1")]


def test_files_that_are_old_as_a_whole_go_and_mixed_ones_are_told(shop: Shop) -> None:
    deliver(shop)
    assert delete_old(shop) == [
        OldFile("shop", "sales_2024.csv", is_whole=True),
        OldFile("shop", "sales_2025.csv", is_whole=False),
    ]
    assert delete_expired(shop.connection, shop.landing) == 1
    assert [path.name for path in shop.folder.iterdir()] == ["sales_2025.csv"]
    assert sales(shop) == ["3"]


def test_no_later_load_brings_rows_back(shop: Shop) -> None:
    deliver(shop)
    delete_old(shop)
    delete_expired(shop.connection, shop.landing)
    for options in ({}, {"full_refresh": True}):
        shop.load(SALES, **options)
        enforce(shop.connection, policy(RULE), CUTS)
        assert sales(shop) == ["3"]
    # The old file is delivered again, under its name and another.
    for name in ("sales_2024.csv", "sales_2024_again.csv"):
        shop.drop(name, "sale_id,customer,sold_at\n1,ana,2024-03-01\n2,eva,2024-04-01\n")
        shop.load(SALES)
        enforce(shop.connection, policy(RULE), CUTS)
        assert sales(shop) == ["3"]


def test_a_table_all_of_whose_files_were_too_old_is_empty_not_missing(shop: Shop) -> None:
    shop.drop("sales_2024.csv", "sale_id,customer,sold_at\n1,ana,2024-03-01\n")
    shop.load(SALES)
    delete_old(shop)
    delete_expired(shop.connection, shop.landing)
    assert not list(shop.folder.iterdir())
    for options in ({}, {"full_refresh": True}):
        shop.load(SALES, **options)
        assert sales(shop) == []


def test_old_rows_are_taken_out_of_files_with_younger_ones(shop: Shop) -> None:
    shop.drop(
        "sales_2025.csv",
        "sale_id,customer,sold_at\n2,eva,2024-04-01\n2,eva g.,2024-05-01\n3,ana,2025-04-01\n",
    )
    shop.load(SALES)
    (file,) = delete_old(shop)
    assert not file.is_whole
    done = scrub_mixed_files(
        ["shop/sales_2025.csv", "shop/gone.csv"],
        {"shop": SHOP},
        policy(RULE),
        CUTS.by_table,
        shop.landing,
    )
    assert done == Scrubbed(1, frozenset())
    content = (shop.folder / "sales_2025.csv").read_text()
    # Also the row that a newer one of the file replaced, which the warehouse did not have.
    assert content == "sale_id,customer,sold_at\n3,ana,2025-04-01\n"
    # To the loader it is a file corrected under its name.
    shop.load(SALES)
    enforce(shop.connection, policy(RULE), CUTS)
    assert sales(shop) == ["3"]


def test_a_file_that_several_tables_read_is_left_and_told(shop: Shop) -> None:
    path = shop.drop("sales_2025.csv", "sale_id,customer,sold_at\n2,eva,2024-04-01\n")
    before = path.read_bytes()
    both = replace(SHOP, tables=(SALES, replace(SALES, name="proofs", identifier="shop__proofs")))
    done = scrub_mixed_files(
        ["shop/sales_2025.csv"], {"shop": both}, policy(RULE), CUTS.by_table, shop.landing
    )
    assert done == Scrubbed(0, frozenset({"shop/sales_2025.csv"}))
    assert path.read_bytes() == before


def test_a_file_that_came_anew_under_the_name_stays(shop: Shop) -> None:
    deliver(shop)
    delete_old(shop)
    shop.drop("sales_2024.csv", "sale_id,customer,sold_at\n9,ana,2025-03-01\n")
    assert delete_expired(shop.connection, shop.landing) == 0
    shop.load(SALES)
    enforce(shop.connection, policy(RULE), CUTS)
    assert sales(shop) == ["3", "9"]


def test_a_file_with_a_row_that_only_a_newer_file_shows_is_judged_by_its_content(
    shop: Shop,
) -> None:
    """All that the warehouse knows of the old file is old; the file itself repeats a young row."""
    shop.drop("sales_2024.csv", "sale_id,customer,sold_at\n1,ana,2024-03-01\n3,ana,2025-04-01\n")
    shop.drop("sales_2025.csv", "sale_id,customer,sold_at\n3,ana,2025-04-01\n")
    shop.load(SALES)
    assert [file.is_whole for file in delete_old(shop)] == [False]


def test_deleted_rejects_do_not_come_back_with_a_rebuild(shop: Shop) -> None:
    shop.drop("sales_2025.csv", "sale_id,customer,sold_at\n,ana,2025-04-01\n3,ana,2025-04-01\n")
    shop.load(SALES)
    shop.connection.execute("update raw._rejects set rejected_at = timestamp '2024-01-01'")
    rule = RetentionRule("raw", "_rejects", YEAR, "rejected_at")
    cleared = contents_of_old_rejects(shop.connection, CUTS.by_table)
    assert len(cleared) == 1
    cuts = replace(CUTS, cleared_rejects=cleared)
    enforce(shop.connection, policy(rule), cuts)
    assert shop.reasons() == []
    shop.load(SALES, full_refresh=True)
    assert shop.reasons() != []
    enforce(shop.connection, policy(rule), cuts)
    assert shop.reasons() == []


def test_a_run_that_is_not_asked_to_only_enforces_and_warns(shop: Shop, tmp_path: Path) -> None:
    """With the real policy, on a warehouse that has none of its tables but the rejects."""
    home = tmp_path / "home"
    ensure_ledger(shop.connection)
    ensure_run_tables(shop.connection)
    shop.connection.execute(
        "insert into raw._rejects by name select 'b' as batch_id, timestamp '2024-01-01' as rejected_at"
    )
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "privacy", "retention")
    run = RetentionRun("run-1", home, shop.landing, [SHOP], moves_to=None, typed_as_of=None)
    done = apply_retention(shop.connection, run, columns, NOW)
    assert (list(done.results), done.rows, read_entries(home)) == ([], 0, [])
    assert len(shop.reasons()) == 1

    moving = replace(run, run_id="run-2", moves_to=date(2024, 12, 31))
    done = apply_retention(shop.connection, moving, columns, NOW)
    assert (done.rows, sum(each.rows_deleted for each in done.results)) == (1, 1)
    assert [entry.action for entry in read_entries(home)] == ["retention"]
    write_cuts(state_file(home), done.cuts)

    shop.connection.execute(
        "insert into raw._rejects by name select 'b' as batch_id, timestamp '2024-01-02' as rejected_at"
    )
    later = replace(run, run_id="run-3", typed_as_of=date(2024, 6, 1))
    done = apply_retention(shop.connection, later, columns, NOW)
    assert shop.reasons() == []
    assert done.rows == 1
    warned = shop.connection.execute(
        "select run_id, relation, check_name, severity from quality.checks"
    ).fetchall()
    assert warned == [("run-3", "raw._rejects", "history_is_whole", "warn")]


def test_cuts_are_kept_and_those_of_a_version_count_before_the_clean_up(tmp_path: Path) -> None:
    assert read_cuts(tmp_path) == Cuts()
    write_cuts(state_file(tmp_path), Cuts({"a": CUT, "b": CUT}, frozenset("x"), frozenset("m")))
    version = tmp_path / "warehouse" / "current" / "retention.json"
    version.parent.mkdir(parents=True)
    later = date(2025, 6, 1)
    write_cuts(version, Cuts({"b": later, "c": CUT}, frozenset("y")))
    assert read_cuts(tmp_path) == Cuts(
        {"a": CUT, "b": later, "c": CUT}, frozenset("xy"), frozenset("m")
    )
    assert state_file(tmp_path).stat().st_mode & 0o077 == 0


def test_a_rewritten_file_has_no_byte_of_what_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as connection:
        ensure_ledger(connection)
        # compressed text can't be searched for
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute(
            """create schema marts; create table marts.people as
            select 'Plantada' || range as name, range as number from range(20000);
            comment on table marts.people is 'People';
            create view marts.named as select * from crm.marts.people;
            checkpoint; delete from marts.people where number >= 10; checkpoint"""
        )
    assert b"Plantada15000" in path.read_bytes()
    rewrite_in_place(path)
    content = path.read_bytes()
    assert b"Plantada15000" not in content
    assert b"Plantada5" in content
    assert path.stat().st_mode & 0o077 == 0
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.named").fetchall() == [(10,)]
        comment = connection.execute(
            "select comment from duckdb_tables() where table_name = 'people'"
        ).fetchall()
    assert comment == [("People",)]
    assert [each.name for each in tmp_path.iterdir()] == ["crm.duckdb"]


def test_the_start_of_the_audit_log_goes_and_the_chain_holds(tmp_path: Path) -> None:
    for number in range(5):
        append(tmp_path, "publish", {}, now=datetime(2020 + number, 1, 1, tzinfo=UTC))
    assert prune_audit_log(tmp_path, date(2022, 6, 1), now=NOW) == 3
    assert [entry.sequence for entry in read_entries(tmp_path)] == [4, 5, 6]
    result = verify(tmp_path)
    assert (result.fault, result.count) == ("", 6)
    # A start that nobody accounts for is still found.
    lines = log_file(tmp_path).read_bytes().splitlines(keepends=True)
    log_file(tmp_path).write_bytes(b"".join(lines[1:]))
    assert not verify(tmp_path).is_good


def test_an_altered_audit_log_is_not_shortened_past_the_alteration(tmp_path: Path) -> None:
    for number in range(3):
        append(tmp_path, "publish", {}, now=datetime(2020 + number, 1, 1, tzinfo=UTC))
    content = log_file(tmp_path).read_bytes().replace(b"publish", b"pubIish", 1)
    log_file(tmp_path).write_bytes(b"x" + content)
    assert prune_audit_log(tmp_path, date(2025, 1, 1), now=NOW) == 0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as opened:
        yield opened


def test_old_runs_go_with_their_events_and_output(instance: dg.DagsterInstance) -> None:
    @dg.op
    def work(context) -> None:
        context.log.info("worked")

    @dg.job
    def nightly() -> None:
        work()

    run_id = nightly.execute_in_process(instance=instance).run_id
    assert instance.all_logs(run_id)
    assert old_runs(instance, date(2020, 1, 1)) == []
    found = old_runs(instance, date(2100, 1, 1))
    assert found == [run_id]
    assert delete_runs(instance, found) == 1
    assert instance.get_run_by_id(run_id) is None
    assert not instance.all_logs(run_id)


def test_old_versions_and_quarantine_are_found_by_their_date(tmp_path: Path) -> None:
    for name, day in (("old", "2024-01-01"), ("new", "2025-05-01"), ("current", "2024-01-01")):
        folder = tmp_path / "warehouse" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(
            f'{{"run_id": "{name}", "published_at": "{day}T00:00:00"}}'
        )
    (tmp_path / "warehouse" / "current").symlink_to("runs/current")
    assert old_versions(tmp_path / "warehouse", CUT) == ["old"]
    quarantine = tmp_path / "quarantine"
    for name, year in (("a", 2024), ("b", 2025)):
        (quarantine / name).mkdir(parents=True)
        moment = datetime(year, 6, 1, tzinfo=UTC).timestamp()
        os.utime(quarantine / name, (moment, moment))
    assert [path.name for path in old_folders(quarantine, CUT)] == ["a"]
    shutil.rmtree(quarantine)
    assert old_folders(quarantine, CUT) == []
