"""An erasure end to end on a small deployment made by hand, undisturbed and stopped at every step."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.errors import CheckFailedError, ConfigurationError, InputError
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.keys import load_key
from orchestration.lib.privacy.audit_log import read_entries
from orchestration.lib.privacy.byte_search import compile_patterns, search_tree
from orchestration.lib.privacy.erasure import process
from orchestration.lib.privacy.erasure.console import read_requests
from orchestration.lib.privacy.erasure.journal import (
    Journal,
    Request,
    begin,
    pending,
    require_none_pending,
)
from orchestration.lib.privacy.erasure.process import Erasure
from orchestration.lib.privacy.tombstones import read_tombstones
from orchestration.settings import Settings
from tests.privacy_warehouse import ANA, LUIS, PEDRO, build_warehouse, contract_of

ASKED_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
HERS = (
    ("email", "ana.garcia@correo.es"),
    ("email", "ana@boletin.es"),
    ("loyalty_card", "2900000000001"),
    ("full_name", "Ana García López"),
    ("device_id", "d.ana-device-1"),
)
CUSTOMERS = (
    ("1001", "ANA", "GARCÍA LÓPEZ", "53871946N", "ana.garcia@correo.es", "2900000000001"),
    ("1002", "Luis", "Pérez García", "76543218T", "luis@correo.es", "2900000000002"),
)


def customers_file(folder: Path) -> Path:
    """Write an export of the ERP as its contract describes it."""
    table = contract_of("erp", "customers")
    names = ("customer_code", "given_name", "surnames", "national_id", "email", "loyalty_card")
    lines = [table.delimiter.join(each.accepted_names[0] for each in table.columns)]
    for row in CUSTOMERS:
        values = dict(zip(names, row, strict=True)) | {
            "registered_on": "10/01/2023", "modified_at": "10/01/2024 10:00",
        }  # fmt: skip
        lines.append(table.delimiter.join(values.get(each.name, "") for each in table.columns))
    path = folder / "clientes_20240131.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\r\n".join(lines) + "\r\n", encoding="cp1252")
    return path


def tickets_file(folder: Path) -> Path:
    """Write an export of the tills, which feeds two tables."""
    lines = [
        json.dumps(
            {
                "ticket_id": f"T{number}", "store_id": "S1", "till": 5, "card_number": card,
                "opened_at": "2024-01-05T10:00:00+01:00", "operation": "sale", "currency": "EUR",
                "total": 10.5, "original_ticket_id": None, "payment_method": "card",
                "lines": [
                    {"line": 1, "sku": "A", "quantity": 1, "unit_price": 10.5, "discount": 0, "amount": 10.5}
                ],
            }
        )
        for number, card in enumerate(["2900000000001", "2900000000002"])
    ]  # fmt: skip
    path = folder / "tickets_2024-01.ndjson.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    return path


def build_home(home: Path) -> Path:
    """Make a deployment of one published version and what lies around it."""
    run = home / "warehouse" / "runs" / "run-1"
    run.mkdir(parents=True)
    file = customers_file(home / "landing" / "erp")
    tickets_file(home / "landing" / "pos")
    with duckdb.connect(str(run / "crm.duckdb")) as connection:
        build_warehouse(connection)
        connection.execute("update raw.web__events set user_pseudo_id = 'd.ana-device-1' "
                           "where user_pseudo_id = 'd.ana'")  # fmt: skip
        connection.execute(
            """create table marts.fct_orders as
            select ticket_id as order_id, customer_id, total as net_amount from raw.pos__tickets
            left join marts.customer_identities
                on source_system = 'pos' and source_customer_id = card_number"""
        )
        connection.execute(
            """insert into raw._batches (batch_id, source_system, table_name, source_file,
            content_sha256, status) values ('b1', 'erp', 'customers', ?, ?, 'loaded')""",
            [file.name, content_hash(file)],
        )
        connection.execute(
            "insert into raw._rejects (source_system, raw_line) values "
            "('erp', '1001;ANA;ana.garcia@correo.es'), ('erp', '1002;Luis;luis@correo.es')"
        )
        people = connection.execute("select customer_id from marts.dim_customers").fetchall()
    with duckdb.connect(str(run / "analytics.duckdb")) as connection:
        connection.execute(
            "create schema marts; create table marts.dim_customers (customer_id varchar)"
        )
        key = load_key("pseudonym", "", home / "keys")
        connection.executemany(
            "insert into marts.dim_customers values (?)",
            [(each,) for each in process_pseudonyms([row[0] for row in people], key)],
        )
    (run / "run.json").write_text(json.dumps({"run_id": "run-1", "published_at": "2026-11-25"}))
    (home / "warehouse" / "current").symlink_to("runs/run-1")
    for name in ("crm.duckdb", "analytics.duckdb"):
        (home / "warehouse" / name).symlink_to(f"current/{name}")
    (home / "quarantine" / "run-0").mkdir(parents=True)
    (home / "quarantine" / "run-0" / "erp__customers.csv").write_text(
        "raw_line,reason\n1001;ana.garcia@correo.es,bad\n1002;luis@correo.es,bad\n"
    )
    (home / "audit.html").write_text("<p>for example ana.garcia@correo.es</p>")
    (home / "dagster").mkdir()
    with sqlite3.connect(home / "dagster" / "events.db") as events:
        events.execute("create table event_logs (id integer primary key, event text)")
        events.execute("insert into event_logs (event) values ('row of ana@boletin.es'), ('fine')")
    return home


def process_pseudonyms(people: list[str], key: bytes) -> list[str]:
    from orchestration.lib.analytics import pseudonyms

    return pseudonyms(people, key)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_home(tmp_path_factory.mktemp("erasure") / "home")


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def erasure_of(home: Path, *customers: str) -> Erasure:
    return Erasure(Settings(home=home), begin(home, Request(customers), ASKED_AT))


def hits(home: Path) -> int:
    report = search_tree(home, compile_patterns(list(HERS)), leave_out=(home / "keys",))
    return sum(hit.count for hit in report.hits)


def table(home: Path, query: str) -> list[Any]:
    with duckdb.connect(str(home / "warehouse" / "crm.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def state_of(home: Path) -> dict[str, Any]:
    """Return the content of everything but journals and logs."""
    with duckdb.connect(str(home / "warehouse" / "crm.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by all"
        ).fetchall()
        tables = {
            name: connection.execute(f"from {name} order by all").fetchall() for (name,) in names
        }
    files = {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix in (".csv", ".html") and not path.is_symlink()
    }
    stones = sorted((each.kind, each.erased_at) for each in read_tombstones(home))
    return {"tables": tables, "files": files, "tombstones": stones, "pending": len(pending(home))}


def test_a_person_goes_and_everybody_else_stays(home: Path) -> None:
    assert hits(home) > 10
    mode = (home / "landing" / "erp" / "clientes_20240131.csv").stat().st_mode
    certificate = erasure_of(home, ANA).run()
    assert hits(home) == 0
    assert certificate["verification"]["is_clean"]
    # whom the linking left alone went too
    assert (certificate["people"], certificate["found_beside_the_linking"]) == (2, 1)
    left = {row[0] for row in table(home, "select customer_id from marts.dim_customers")}
    assert left == {LUIS, PEDRO}
    orders = table(
        home, "select order_id, customer_id, net_amount from marts.fct_orders order by all"
    )
    assert [row[:2] for row in orders] == [("T0", None), ("T1", LUIS), ("T2", None), ("T3", None)]
    assert float(sum(row[2] for row in orders)) == 46
    cards = table(home, "select ticket_id, card_number from raw.pos__tickets order by all")
    assert [row[1] for row in cards] == [None, "2900000000002", None, None]
    assert table(home, "select raw_line from raw._rejects") == [("1002;Luis;luis@correo.es",)]
    file = home / "landing" / "erp" / "clientes_20240131.csv"
    assert file.read_bytes().startswith(customers_head())
    assert "luis@correo.es" in file.read_text("cp1252")
    assert file.stat().st_mode == mode
    assert table(home, "select content_sha256 from raw._batches") == [(content_hash(file),)]
    tickets = gzip.decompress((home / "landing" / "pos" / "tickets_2024-01.ndjson.gz").read_bytes())
    told = [json.loads(line) for line in tickets.splitlines()]
    assert [each.pop("card_number") for each in told] == [None, "2900000000002"]
    # amounts that one of the two tables of the file doesn't declare stay for the other
    assert {each.pop("ticket_id") for each in told} == {"T0", "T1"}
    assert told[0] == told[1]
    quarantined = (home / "quarantine" / "run-0" / "erp__customers.csv").read_text()
    assert quarantined == "raw_line,reason\n1002;luis@correo.es,bad\n"
    with sqlite3.connect(home / "dagster" / "events.db") as events:
        assert events.execute("select count(*) from event_logs").fetchone() == (2,)
    with duckdb.connect(str(home / "warehouse" / "analytics.duckdb")) as connection:
        assert connection.execute("select count(*) from marts.dim_customers").fetchall() == [(2,)]


def customers_head() -> bytes:
    table = contract_of("erp", "customers")
    head = table.delimiter.join(each.accepted_names[0] for each in table.columns)
    return head.encode("cp1252")


def test_the_certificate_names_nobody(home: Path) -> None:
    erasure = erasure_of(home, ANA)
    erasure.run()
    folder = erasure.journal.folder
    assert [path.name for path in folder.iterdir()] == ["certificate.json"]
    assert (folder / "certificate.json").stat().st_mode & 0o777 == 0o600
    content = (folder / "certificate.json").read_text()
    told = [*(value for _, value in HERS), ANA, "1001", "GARC", "53871946N", "612398745"]
    assert not [each for each in told if each.lower() in content.lower()]
    actions = [entry.action for entry in read_entries(home)]
    assert actions[0] == "erasure_begun"
    assert actions.count("erase") == 2


class Stopped(Exception):
    """The process ends here."""


@pytest.fixture(scope="module")
def undisturbed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    copy = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(original, copy, symlinks=True)
    erasure_of(copy, ANA).run()
    return state_of(copy)


@pytest.mark.parametrize("moment", [1, 6, 11, 13, 20])
def test_stopped_at_any_step_it_ends_the_same(
    home: Path, undisturbed: dict[str, Any], moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are lines of the journal and files put in place; benchmarks.erasure kills processes."""
    steps = 0

    def stopping(real: Any) -> Any:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == moment:
                raise Stopped
            result = real(*arguments, **named)
            steps += 1
            if steps == moment:
                raise Stopped
            return result

        return step

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "note", stopping(Journal.note))
        patched.setattr(
            "orchestration.lib.privacy.erasure.versions.put_in_place",
            stopping(process_versions().put_in_place),
        )
        with pytest.raises(Stopped):
            erasure_of(home, ANA).run()
    assert len(pending(home)) == 1
    with pytest.raises(ConfigurationError, match="cadencia erase --resume"):
        require_none_pending(home)
    for journal in pending(home):
        Erasure(Settings(home=home), journal).run()
    assert state_of(home) == undisturbed
    assert hits(home) == 0


def process_versions() -> Any:
    from orchestration.lib.privacy.erasure import versions

    return versions


def test_killed_while_it_tidies_up_it_is_finished(home: Path) -> None:
    erasure = erasure_of(home, ANA)
    journal = erasure.journal
    request = (journal.folder / "request.json").read_bytes()
    certificate = erasure.run()
    (journal.folder / "request.json").write_bytes(request)
    assert len(pending(home)) == 1
    assert Erasure(Settings(home=home), Journal(journal.folder)).run() == certificate
    assert pending(home) == []


def test_what_is_still_found_keeps_the_request_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "erase_from_others", lambda *_: iter(()))
    with pytest.raises(CheckFailedError, match="is not complete") as refusal:
        erasure_of(home, ANA).run()
    assert "ana" not in str(refusal.value).replace("quarantine", "")
    assert len(pending(home)) == 1


def test_a_published_file_that_is_damaged_is_told(home: Path) -> None:
    erasure = erasure_of(home, ANA)
    assert erasure.lookup.customer_ids
    (home / "warehouse" / "runs" / "run-1" / "crm.duckdb").write_bytes(b"nothing")
    with pytest.raises(InputError, match="can't be opened"):
        erasure.run()


def test_a_batch_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("customer_id,email\nC1,\n,a@correo.es\n")
    assert read_requests(path) == Request(("C1",), ("a@correo.es",))
    path.write_text("customer_id,email\nC1,a@correo.es\n")
    with pytest.raises(InputError, match="row 2 names a person twice"):
        read_requests(path)
    path.write_text("nif\nX\n")
    with pytest.raises(InputError, match="nif are not known"):
        read_requests(path)
