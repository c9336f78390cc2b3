"""The registry of personal columns: a class for every column, or a sentence that says what to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.errors import ContractError
from orchestration.lib.housekeeping import drop_undeclared_raw
from orchestration.lib.privacy.registry import (
    CLASSES,
    ColumnClass,
    ColumnClasses,
    PersonalColumn,
    Vocabulary,
    classes_of,
    personal_columns,
    published_columns,
    read_vocabulary,
    strictest,
    write_registry,
)
from orchestration.settings import DBT_PROJECT_DIR

EMAIL = ColumnClass("direct_identifier", "email")
KEY = ColumnClass("customer_key", "customer_key")
NONE = ColumnClass("none")
VOCABULARY = Vocabulary(
    technical={"_row_number": NONE}, shared={"segment_hint": NONE, "phone_key": ColumnClass("none")}
)


def node(kind: str, schema: str, name: str, columns: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a node; a class is written 'direct_identifier/email' or 'none'; '' is none at all."""
    described = {}
    for column, text in columns.items():
        data_class, _, identifier_kind = text.partition("/")
        meta = {"data_class": data_class} if data_class else {}
        if identifier_kind:
            meta["identifier_kind"] = identifier_kind
        described[column] = {"config": {"meta": {"cadencia": meta}} if meta else {}}
    return {
        "resource_type": kind,
        "schema": schema,
        "name": name,
        "identifier": more.pop("identifier", name),
        "original_file_path": f"models/{schema}/{name}.sql",
        "columns": described,
        **more,
    }


MANIFEST: dict[str, Any] = {
    "nodes": {
        "a": node(
            "model",
            "marts",
            "dim_customers",
            {"customer_id": "customer_key/customer_key", "email": "direct_identifier/email"},
        ),
        "b": node("model", "marts", "dim_stores", {"email": "none"}),
        "c": node("model", "staging", "stg_shop__stores", {"email": "none"}),
        "d": node("model", "staging", "stg_shop__customers", {}),
        "e": node("seed", "reference", "channels", {}),
        "f": node("model", "intermediate", "int_customers", {"email": ""}),
    },
    "sources": {
        "s": node(
            "source",
            "raw",
            "people",
            {"mail": "direct_identifier/email", "town": "quasi_identifier"},
            identifier="shop__people",
            source_name="shop",
        )
    },
}


@pytest.fixture
def warehouse(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute(
        """create schema raw; create schema staging; create schema intermediate;
        create schema marts; create schema reference;
        create table raw.shop__people as select 'a' as mail, 'b' as town, 1 as _row_number;
        create view staging.stg_shop__customers as select mail, town, 'x' as segment_hint,
            'C1' as customer_id from raw.shop__people;
        create table staging.stg_shop__stores as select 'x' as email;
        create table intermediate.int_customers as select 'x' as email;
        create table marts.dim_customers as select 'C1' as customer_id, 'x' as email;
        create table marts.dim_stores as select 'x' as email;
        create table reference.channels as select 'web' as channel;"""
    )
    return connection


def registered(warehouse: duckdb.DuckDBPyConnection) -> dict[str, ColumnClass]:
    return {
        f"{c.schema}.{c.table}.{c.column}": ColumnClass(c.data_class, c.identifier_kind)
        for c in personal_columns(MANIFEST, warehouse)
    }


@pytest.fixture(autouse=True)
def small_vocabulary(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "warehouse" in request.fixturenames:
        monkeypatch.setattr(
            "orchestration.lib.privacy.registry.read_vocabulary", lambda: VOCABULARY
        )


def test_every_column_gets_the_class_of_its_yml_its_system_or_its_name(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert registered(warehouse) == {
        "raw.shop__people.mail": EMAIL,
        "raw.shop__people.town": ColumnClass("quasi_identifier"),
        "raw.shop__people._row_number": NONE,
        "staging.stg_shop__customers.mail": EMAIL,  # as the contract of the system says
        "staging.stg_shop__customers.town": ColumnClass("quasi_identifier"),
        "staging.stg_shop__customers.segment_hint": NONE,  # by the vocabulary
        "staging.stg_shop__customers.customer_id": KEY,  # as the marts say
        "staging.stg_shop__stores.email": NONE,  # its own yml wins
        "intermediate.int_customers.email": EMAIL,  # the strictest that a mart says
        "marts.dim_customers.customer_id": KEY,
        "marts.dim_customers.email": EMAIL,
        "marts.dim_stores.email": NONE,
        "reference.channels.channel": NONE,  # a seed
    }


@pytest.mark.parametrize(
    ("ddl", "words"),
    [
        (
            "create schema activation; create table activation.outbox as select 'x' as email",
            ["activation.outbox.email", "no yml declares the table", "staging/sources.yml"],
        ),
        (
            "alter table marts.dim_stores add column segment_hint varchar",
            ["marts.dim_stores.segment_hint", "dbt_project/models/marts/dim_stores.yml"],
        ),
        (
            "alter table intermediate.int_customers add column nickname varchar",
            ["intermediate.int_customers.nickname", "int_customers.yml", "column_classes.yml"],
        ),
        (
            "create or replace view staging.stg_shop__stores as select 'x' as email, 1 as sigils",
            ["staging.stg_shop__stores.sigils", "data_class: none"],
        ),
        (
            "alter table raw.shop__people add column extra varchar",
            ["raw.shop__people.extra", "does not declare the column"],
        ),
        (
            "create table raw.kiosk__tickets as select 'x' as mail, 1 as _row_number",
            [
                "raw.kiosk__tickets.mail",
                "kiosk__tickets._row_number",
                "cadencia run --full-refresh",
            ],
        ),
    ],
)
def test_a_column_that_nobody_classed_fails_with_what_to_write(
    warehouse: duckdb.DuckDBPyConnection, ddl: str, words: list[str]
) -> None:
    if "replace view" in ddl:
        warehouse.execute("drop table staging.stg_shop__stores")
    warehouse.execute(ddl)
    with pytest.raises(ContractError) as caught:
        personal_columns(MANIFEST, warehouse)
    for word in words:
        assert word in str(caught.value)


def test_an_identifier_without_its_kind_fails(warehouse: duckdb.DuckDBPyConnection) -> None:
    manifest = {**MANIFEST, "nodes": dict(MANIFEST["nodes"])}
    manifest["nodes"]["b"] = node("model", "marts", "dim_stores", {"email": "direct_identifier"})
    with pytest.raises(ContractError, match=r"dim_stores\.email has no identifier_kind"):
        personal_columns(manifest, warehouse)


def test_a_name_of_two_kinds_has_to_be_told_apart() -> None:
    manifest = {**MANIFEST, "nodes": dict(MANIFEST["nodes"])}
    manifest["nodes"]["b"] = node(
        "model", "marts", "dim_stores", {"email": "direct_identifier/other"}
    )
    with pytest.raises(ContractError, match="several kinds of identifiers"):
        ColumnClasses(manifest, VOCABULARY).of("intermediate", "int_new", "email")


def test_a_vocabulary_that_contradicts_a_yml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary(technical={}, shared={"email": NONE})
    monkeypatch.setattr("orchestration.lib.privacy.registry.read_vocabulary", lambda: vocabulary)
    with pytest.raises(ContractError, match=r"email: column_classes\.yml says none"):
        classes_of(MANIFEST)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shared: {secret: [a]}", "'secret' is no data class"),
        ("shared: {direct_identifier: [a]}", "stand by their kind"),
        ("shared: {none: [a], sensitive: [a]}", "'a' stands twice"),
    ],
)
def test_a_broken_vocabulary_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "column_classes.yml"
    path.write_text(text)
    with pytest.raises(ContractError, match=re.escape(words)):
        read_vocabulary(path)


def test_the_registry_is_a_table_that_names_itself(warehouse: duckdb.DuckDBPyConnection) -> None:
    manifest = {**MANIFEST, "sources": dict(MANIFEST["sources"])}
    manifest["sources"]["p"] = node(
        "source",
        "privacy",
        "personal_columns",
        dict.fromkeys(
            ["schema_name", "table_name", "column_name", "data_class", "identifier_kind"], "none"
        ),
        source_name="privacy",
    )
    columns = write_registry(manifest, warehouse)
    rows = warehouse.execute("from privacy.personal_columns").fetchall()
    assert [PersonalColumn(*row) for row in rows] == columns
    assert ("privacy", "personal_columns", "data_class", "none", None) in rows
    # A later project reads a published version by the registry that it holds.
    later: dict[str, Any] = {"nodes": {}, "sources": {}}
    assert published_columns(later, warehouse) == columns
    warehouse.execute("drop table privacy.personal_columns")
    with pytest.raises(ContractError):
        published_columns(later, warehouse)


def test_a_full_refresh_drops_raw_tables_of_nobody(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create table raw.kiosk__tickets as select 'x' as mail")
    assert drop_undeclared_raw(warehouse, MANIFEST) == ["raw.kiosk__tickets"]
    assert drop_undeclared_raw(warehouse, MANIFEST) == []
    assert len(registered(warehouse)) == 13


@given(st.lists(st.sampled_from([EMAIL, KEY, NONE, ColumnClass("sensitive")]), min_size=1))
def test_the_strictest_class_is_never_weaker_than_any(classes: list[ColumnClass]) -> None:
    (rank,) = {CLASSES.index(each.data_class) for each in strictest(classes)}
    assert rank == max(CLASSES.index(each.data_class) for each in classes)


# The project itself.


@pytest.fixture(scope="module")
def project() -> ColumnClasses:
    return classes_of(read_manifest(DBT_PROJECT_DIR))


def test_every_column_of_the_projects_yml_has_a_class_and_every_identifier_a_kind(
    project: ColumnClasses,
) -> None:
    for node_ in [
        *read_manifest(DBT_PROJECT_DIR)["nodes"].values(),
        *read_manifest(DBT_PROJECT_DIR)["sources"].values(),
    ]:
        if node_["resource_type"] not in ("model", "source"):
            continue
        table = node_.get("identifier") or node_.get("alias") or node_["name"]
        for column in node_["columns"]:
            found = project.of(node_["schema"], table, column)
            place = f"{node_['schema']}.{table}.{column}"
            assert found is not None, project.remedy(node_["schema"], table, column)
            assert found.identifier_kind or not found.is_identifying, place


def test_a_new_source_finds_every_canonical_column_classed(project: ColumnClasses) -> None:
    text = (DBT_PROJECT_DIR / "macros" / "canonical_columns.sql").read_text()
    names = set(re.findall(r'\["(\w+)", ', text))
    assert len(names) > 150
    unclassed = [n for n in names if project.of("staging", "stg_new__customers", n) is None]
    assert unclassed == []


def test_no_table_of_people_calls_an_identifier_harmless(project: ColumnClasses) -> None:
    """A column with the name of an identifier is one wherever there is a customer beside it."""
    for (schema, table), columns in project.declared.items():
        if schema == "raw" or not any(found.is_identifying for found in columns.values()):
            continue
        for name, found in columns.items():
            (named, *_) = project.by_name[name]
            assert found.data_class == named.data_class, f"{schema}.{table}.{name}"


def test_the_vocabulary_has_no_name_that_needs_no_word(project: ColumnClasses) -> None:
    assert set(project.vocabulary.shared) & set(project.by_name) == set()
