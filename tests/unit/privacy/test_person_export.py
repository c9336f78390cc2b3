"""A person's export: complete by the registry, without other people, in a ZIP that the person can read."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ml.contact_plan.reasons import EXPLANATIONS
from orchestration.lib.audit.words import LANGUAGES, load_texts
from orchestration.lib.contract import load_contracts
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.ingest.ledger import ensure_ledger, export_rejects
from orchestration.lib.privacy.person_export.collect import SOMEBODY_ELSE, Holding, collect
from orchestration.lib.privacy.person_export.facts import PersonFacts
from orchestration.lib.privacy.person_export.package import write_package
from orchestration.lib.privacy.person_export.page import HERE, render_page
from orchestration.lib.privacy.registry import PersonalColumn
from orchestration.lib.privacy.retention_policy import load_policy
from orchestration.lib.privacy.subjects import STAGING_DIR, Subject, find_subjects
from tests.privacy_warehouse import ANA, LONE, LUIS, PEDRO, build_warehouse

CONTRACTS = load_contracts(STAGING_DIR)
NOW = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
KINDS = {
    "email": "email", "email_raw": "email", "customer_id": "customer_key",
    "source_customer_id": "customer_key", "record_id": "customer_key",
}  # fmt: skip


def registry_of(connection: duckdb.DuckDBPyConnection) -> list[PersonalColumn]:
    """Return a registry in which every column counts as personal: the strictest there is."""
    rows = connection.execute(
        """select schema_name, table_name, column_name from duckdb_columns()
        where not internal and database_name = current_database() and schema_name <> 'main'
        order by all"""
    ).fetchall()
    contracts = {
        (table.identifier, column.name): (column.data_class, column.identifier_kind)
        for system in CONTRACTS.values()
        for table in system.tables
        for column in table.columns
    }
    found = []
    for schema, table, name in rows:
        data_class, kind = contracts.get((table, name), ("quasi_identifier", None))
        if schema != "raw" and name in KINDS:
            data_class, kind = "direct_identifier", KINDS[name]
        found.append(PersonalColumn(schema, table, name, data_class, kind))
    return found


@pytest.fixture
def family(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    build_warehouse(connection)
    return connection


def held_of(
    connection: duckdb.DuckDBPyConnection, *customers: str
) -> tuple[list[Subject], dict[str, Holding]]:
    subjects = find_subjects(connection, customer_ids=list(customers))
    holdings = collect(connection, CONTRACTS, registry_of(connection), subjects)
    return subjects, {holding.name: holding for holding in holdings}


def column(holding: Holding, name: str) -> list[Any]:
    return [row[name] for row in holding.records()]


def test_a_new_table_with_a_customer_key_appears_by_itself(
    family: duckdb.DuckDBPyConnection,
) -> None:
    family.execute(
        """create table marts.brand_new as select * from (values (?, 'hers'), (?, 'his'))
        as t(customer_id, note)""",
        [ANA, LUIS],
    )
    _, held = held_of(family, ANA)
    assert held["marts.brand_new"].rows == ((ANA, "hers"),)


def test_delivered_rows_of_all_systems_are_there(family: duckdb.DuckDBPyConnection) -> None:
    _, held = held_of(family, ANA)
    assert column(held["raw.erp__customers"], "customer_code") == ["1001"]
    assert column(held["raw.pos__tickets"], "ticket_id") == ["T0", "T3"]
    assert column(held["raw.mailing__subscribed_members"], "euid") == ["e1"]
    assert column(held["raw.contact_center__cases"], "case_number") == ["K2"]
    assert len(held["raw.web__events"].rows) == 4


def test_rejected_lines_are_there_when_they_name_the_person(
    family: duckdb.DuckDBPyConnection,
) -> None:
    for line in ("x;ANA.GARCIA@correo.es;?", "y;luis@correo.es;?", "z;612398745;?"):
        family.execute(
            """insert into raw._rejects by name select 'b' as batch_id, 'erp' as source_system,
            ? as raw_line""",
            [line],
        )
    _, held = held_of(family, ANA)
    # The telephone is the son's too: a line with nothing else is nobody's for sure.
    assert column(held["raw._rejects"], "raw_line") == ["x;ANA.GARCIA@correo.es;?"]


def test_lines_that_a_stopped_run_set_aside_are_there(
    family: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    ensure_ledger(family)
    for line in ("x;ana.garcia@correo.es;?", "y;luis@correo.es;?"):
        family.execute(
            """insert into raw._rejects by name select 'b' as batch_id, 'erp' as source_system,
            'customers' as table_name, ? as raw_line""",
            [line],
        )
    export_rejects(family, ["b"], tmp_path / "run-1")
    family.execute("delete from raw._rejects")
    subjects = find_subjects(family, customer_ids=[ANA])
    held = collect(family, CONTRACTS, registry_of(family), subjects, tmp_path)
    (lines,) = [each for each in held if each.schema == "quarantine"]
    assert column(lines, "raw_line") == ["x;ana.garcia@correo.es;?"]


def test_a_row_about_two_people_keeps_only_what_is_hers(family: duckdb.DuckDBPyConnection) -> None:
    family.execute(
        """create table identity.doubtful as select * from (values
        ('erp:1001', 'erp:1002', 'García', 'Pérez', 0.5)) as t(record_id_l, record_id_r, left_name,
        right_name, weight)"""
    )
    _, held = held_of(family, ANA)
    row = held["identity.doubtful"].records()[0]
    assert (row["record_id_l"], row["left_name"]) == ("erp:1001", "García")
    assert row["record_id_r"] == row["right_name"] == SOMEBODY_ELSE


def test_what_her_household_and_car_are_known_by_is_followed_without_the_others(
    family: duckdb.DuckDBPyConnection,
) -> None:
    family.execute(
        """create table marts.homes as select * from (values (?, 'H1'), (?, 'H1')) as t(
            customer_id, household_id);
        create table marts.dim_households as select 'H1' as household_id, 2 as customers,
            'somebody@correo.es' as email""".replace("?", "'{}'").format(ANA, LUIS)
    )
    _, held = held_of(family, ANA)
    assert column(held["marts.homes"], "customer_id") == [ANA]
    (row,) = held["marts.dim_households"].records()
    assert (row["customers"], row["email"]) == (2, SOMEBODY_ELSE)


def every_text(held: dict[str, Holding]) -> str:
    return "\n".join(
        str(value) for each in held.values() for row in each.rows for value in row
    ).lower()


@pytest.mark.parametrize(("person", "others"), [(ANA, (LUIS, PEDRO)), (LUIS, (ANA, PEDRO))])
def test_no_identifier_that_only_others_have_is_in_it(
    family: duckdb.DuckDBPyConnection, person: str, others: tuple[str, ...]
) -> None:
    """Whatever is collected, nothing of another person is in it; a shared telephone is both's."""
    subjects, held = held_of(family, person)
    mine = {each.value.lower() for subject in subjects for each in subject.identifiers}
    text = every_text(held)
    for other in others:
        for identifier in find_subjects(family, customer_ids=[other])[0].identifiers:
            value = identifier.value.lower()
            is_hers = identifier.is_shared or any(value in each for each in mine)
            if not is_hers and len(value) >= 5:
                assert value not in text, (identifier.kind, other)
        assert other.lower() not in text


def test_a_record_that_the_linking_left_alone_is_included(
    family: duckdb.DuckDBPyConnection,
) -> None:
    subjects, held = held_of(family, ANA)
    assert [subject.customer_id for subject in subjects] == [ANA, LONE]
    assert set(column(held["marts.dim_customers"], "customer_id")) == {ANA, LONE}


def facts_of(family: duckdb.DuckDBPyConnection, **changes: Any) -> PersonFacts:
    subjects, held = held_of(family, ANA)
    values: dict[str, Any] = {
        "subjects": tuple(subjects),
        "holdings": held,
        "model_runs": ({"model": "mbg_nbd", "as_of_date": date(2026, 1, 1), "grade": "B"},),
        "policy": load_policy(Path("/nowhere")),
        "system_titles": {"erp": "ERP <of the shops>"},
        "plays": {
            "play_welcome": {
                "title": "Welcome",
                "title_es": "Bienvenida",
                "legal_basis": {"email": "soft_opt_in"},
            }
        },
        "as_of": date(2026, 1, 1),
        "issued_at": NOW,
        "currency": "EUR",
        "controller": "Tiendas & Co",
        "contact": "dpd@correo.es",
        **changes,
    }
    return PersonFacts(**values)


def add_profile(family: duckdb.DuckDBPyConnection, *, is_abstaining: bool) -> None:
    family.execute(
        f"""create schema ml; create schema plan;
        create table ml.customer_predictions as select '{ANA}' as customer_id,
            date '2026-01-01' as as_of_date, 'mbg_nbd' as model, '1.0.0' as model_version,
            {"null" if is_abstaining else "0.834"}::double as p_alive,
            {is_abstaining} as is_abstaining;
        create table plan.decisions as select date '2026-01-01' as plan_date, 'play_welcome' as play,
            '{ANA}' as customer_id, 'suppressed' as outcome,
            'no_reachable_channel,value_below_cost' as reason_codes, 'email' as channel"""
    )


def test_the_page_explains_predictions_and_decisions_in_words(
    family: duckdb.DuckDBPyConnection,
) -> None:
    add_profile(family, is_abstaining=False)
    page = render_page(facts_of(family), "es")
    assert "Probabilidad de que siga siendo cliente: 83,4\u00a0%" in page
    assert "Probability that you are still a customer: 83.4\u00a0%" in page
    assert "mbg_nbd, versión 1.0.0, a fecha de 01/01/2026; calificación en la prueba: B" in page
    assert "No hay canal permitido y con dato de contacto. Contactarle costaría" in page
    assert "Bienvenida" in page
    assert "clientes, productos similares (LSSI art. 21.2)" in page
    assert "Agencia Española de Protección de Datos" in page
    assert "Código de Comercio art. 30.1" in page
    assert "dpd@correo.es" in page
    assert "ERP &lt;of the shops&gt;" in page
    assert "Tiendas &amp; Co" in page
    assert "http://" not in page
    assert "<script" not in page


def test_the_page_says_when_the_model_abstained(family: duckdb.DuckDBPyConnection) -> None:
    add_profile(family, is_abstaining=True)
    page = render_page(facts_of(family), "en")
    assert "The model abstained" in page
    assert "Probability that you are still a customer" not in page


def test_an_empty_record_still_gives_a_whole_page(family: duckdb.DuckDBPyConnection) -> None:
    page = render_page(facts_of(family, holdings={}, controller="", contact=""), "es")
    for section in ("identity", "profile", "plan", "rights"):
        assert f'id="es-{section}"' in page
    with pytest.raises(ConfigurationError, match="--language"):
        render_page(facts_of(family), "fr")


def test_both_languages_say_the_same_and_know_every_reason() -> None:
    texts = {language: load_texts(language, HERE / "texts") for language in LANGUAGES}
    optional = ("field.", "value.", "match.")
    keys = [{key for key in each if not key.startswith(optional)} for each in texts.values()]
    assert keys[0] == keys[1]
    for code in EXPLANATIONS:
        assert f"reason.{code}" in texts["es"]


def test_the_package_has_json_csv_a_description_and_the_page(
    family: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    facts = facts_of(family)
    target = tmp_path / "ana.zip"
    described = {"raw.erp__customers": ("Customers.", {"email": "E-mail."})}
    write_package(target, facts, "<p>page</p>", described)
    assert target.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["ana.zip"]
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
        tables = set(facts.holdings)
        assert names == {
            "report.html", "manifest.json",
            *(f"json/{table}.json" for table in tables), *(f"csv/{table}.csv" for table in tables),
        }  # fmt: skip
        manifest = json.loads(archive.read("manifest.json"))
        for entry in manifest["tables"]:
            rows = json.loads(archive.read(f"json/{entry['table']}.json"))
            text = archive.read(f"csv/{entry['table']}.csv").decode("utf-8-sig")
            lines = list(csv.reader(io.StringIO(text)))
            assert len(rows) == entry["rows"] == len(lines) - 1
            assert lines[0] == [each["name"] for each in entry["columns"]]
        erp = next(each for each in manifest["tables"] if each["table"] == "raw.erp__customers")
        email = next(each for each in erp["columns"] if each["name"] == "email")
        assert email == {
            "name": "email", "description": "E-mail.", "data_class": "direct_identifier",
        }  # fmt: skip
    with pytest.raises(ConfigurationError, match="--out"):
        write_package(tmp_path / "ana.zip" / "inside.zip", facts, "", {})
