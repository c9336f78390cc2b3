"""The search of logs, Dagster's storage, documents and names of files: planted identifiers are found."""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.privacy.byte_search import compile_patterns
from orchestration.lib.privacy.leak_places import identifiers_of_some, search_places

ANA = {
    "email": "ana.gil@example.org",
    "phone": "612345987",
    "national_id": "12345987Z",
    "full_name": "Ana María Núñez de la Serna",
}


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def in_sqlite(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table event_logs (event text, packed blob)")
        connection.execute(
            "insert into event_logs values (?, ?)", ["harmless", zlib.compress(text.encode())]
        )


def in_analytics(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table checks as select repeat('x', 20) as name, ? as message", [text]
        )
        connection.execute(f"comment on table checks is $${text}$$")


PLACES: dict[str, Callable[[Path, str], None]] = {
    "dagster/history/event_log.db": in_sqlite,
    "dagster/storage/run/compute_logs/step.err": lambda path, text: write(path, text.encode()),
    "warehouse/runs/r1/analytics.duckdb": in_analytics,
    "warehouse/runs/r1/run.json": lambda path, text: write(path, f'{{"note": "{text}"}}'.encode()),
    "audit.html": lambda path, text: write(path, f"<td>{text}</td>".encode()),
    "run.log": lambda path, text: write(path, text.encode()),
    "privacy/audit_log.jsonl": lambda path, text: write(path, text.encode()),
    "privacy/erasures/7/certificate.json": lambda path, text: write(path, text.encode()),
    "logs/old.gz": lambda path, text: write(path, gzip.compress(text.encode())),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ANA)
def test_a_planted_identifier_is_found(tmp_path: Path, place: str, kind: str) -> None:
    PLACES[place](tmp_path / place, f"can't read {ANA[kind]} in row 3")
    patterns = compile_patterns(list(ANA.items()))
    report = search_places(tmp_path, patterns)
    assert {hit.kind for hit in report.hits} == {kind}
    assert {hit.path for hit in report.hits} == {tmp_path / place}
    assert ANA[kind] not in report.sentence()


@pytest.mark.parametrize("folder", ["outbox/email", "quarantine/run", "warehouse/work"])
def test_names_of_files_are_searched_where_the_content_may_be_personal(
    tmp_path: Path, folder: str
) -> None:
    write(tmp_path / folder / "rows.csv", b"ana.gil@example.org")
    patterns = compile_patterns(list(ANA.items()))
    assert search_places(tmp_path, patterns).hits == ()
    write(tmp_path / folder / "ana.gil@example.org.csv", b"")
    (hit,) = search_places(tmp_path, patterns).hits
    assert (hit.kind, hit.where) == ("email", "name")


def test_documents_outside_the_home_are_searched_when_named(tmp_path: Path) -> None:
    write(tmp_path / "target" / "manifest.json", b'{"default": "612 345 987"}')
    patterns = compile_patterns(list(ANA.items()))
    assert search_places(tmp_path / "home", patterns).files == 0
    (hit,) = search_places(tmp_path / "home", patterns, [tmp_path / "target"]).hits
    assert hit.kind == "phone"


def test_who_stands_for_nobody_is_not_looked_for(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """create schema identity; create schema marts;
        create table identity.customer_records as from (values
            ('erp', '1', 'Ana', 'Núñez', 'Serna', 'ana.gil@example.org', '999999999', 'Mayor 1, 2º B'),
            ('erp', '2', 'Luis', 'Gil', null, null, '612345987', 'Menor 14'))
            as records(source_system, source_customer_id, given_name, surname_1, surname_2, email,
                phone, street);
        create table marts.customer_identities as select 'C' || source_customer_id as customer_id,
            source_system, source_customer_id, null as valid_to from identity.customer_records;
        create table marts.dim_customers as select customer_id from marts.customer_identities;
        create table marts.dim_stores as select 'MAYOR, 1 2º b' as street"""
    )
    found = identifiers_of_some(connection, 10, seed=1)
    assert found == [
        ("address", "Menor 14"),
        ("email", "ana.gil@example.org"),
        ("phone", "612345987"),
        ("full_name", "Ana Núñez Serna"),
        ("full_name", "Luis Gil"),
    ]
    assert identifiers_of_some(connection, 1, seed=1) == identifiers_of_some(connection, 1, seed=1)
    assert len(identifiers_of_some(connection, 1, seed=1)) < len(found)
