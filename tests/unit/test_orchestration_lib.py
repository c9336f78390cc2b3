"""Small pieces of the orchestration: dates, redaction, notifications, the SQL shell's answers."""

from __future__ import annotations

import io
import json
import logging
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.lib.as_of import parse_as_of
from orchestration.lib.connection import open_for_writing
from orchestration.lib.dbt_project import project_fingerprint
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.notifications import notify_failure
from orchestration.lib.redaction import redact
from orchestration.lib.sql_shell import run_query
from orchestration.settings import Settings, get_settings
from tests.conftest import Webhook

TODAY = date(2026, 11, 22)


def test_as_of_dates() -> None:
    assert parse_as_of("", TODAY) is None
    assert parse_as_of("2017-07-01", TODAY) == date(2017, 7, 1)
    assert parse_as_of("2026-11-22", TODAY) == TODAY
    with pytest.raises(ConfigurationError, match="lies in the future"):
        parse_as_of("2026-11-23", TODAY)
    for wrong in ("01/07/2017", "2017-02-30", "yesterday"):
        with pytest.raises(ConfigurationError, match="write it as YYYY-MM-DD"):
            parse_as_of(wrong, TODAY)


@pytest.mark.parametrize(
    "message",
    [
        "Conversion Error: Could not convert string 'Ana García' to INT32",
        "Constraint Error: Duplicate key \"email: x\" violates ('ana@example.org')",
        'invalid date field format: "13/13/1950", expected string "13/13/1950"',
    ],
)
def test_error_messages_lose_the_values_they_quote(message: str) -> None:
    cleaned = redact(message)
    for value in ("Ana", "ana@"):
        assert value not in cleaned
    assert cleaned.split(":")[0] == message.split(":")[0]


@pytest.mark.parametrize(
    "statement",
    [
        "select cast(email as integer) from people",
        "select cast(email as date) from people",
        "select strptime(email, '%Y') from people",
        "insert into people from people",
        "insert into people values ('b@example.org', 'Ana García')",
        "select cast('1999-13-13' as date) from people",
    ],
)
def test_errors_of_the_working_copy_lose_the_values_they_quote(
    tmp_path: Path, statement: str
) -> None:
    """Whatever step fails: Dagster keeps the message in its storage."""
    with (
        pytest.raises(duckdb.Error) as caught,
        open_for_writing(tmp_path / "crm.duckdb") as connection,
    ):
        connection.execute(
            "create table people (email varchar primary key, name varchar check (name <> 'Ana García'))"
        )
        connection.execute("insert into people values ('ana@example.org', 'x')")
        connection.execute(statement)
    for value in ("ana@", "b@example", "García"):
        assert value not in str(caught.value).split("LINE 1")[0]
    assert caught.value.__suppress_context__ or "…" not in str(caught.value)


def test_settings_name_the_variable_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_KEEP_PUBLISHED", "zero")
    with pytest.raises(ConfigurationError, match="CADENCIA_KEEP_PUBLISHED"):
        get_settings()


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_PSEUDONYM_KEY", "very secret key value")
    assert "very secret" not in repr(get_settings())


def test_sources_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_SOURCES", "cdnow, complete_journey")
    assert get_settings().sources == ("cdnow", "complete_journey")


def test_the_fingerprint_follows_content_not_time(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    model = tmp_path / "models" / "a.sql"
    model.write_text("select 1")
    before = project_fingerprint(tmp_path)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "x.sql").write_text("compiled")
    model.touch()
    assert project_fingerprint(tmp_path) == before
    model.write_text("select 2")
    assert project_fingerprint(tmp_path) != before


def test_a_failure_is_posted_without_the_error_text(
    caplog: pytest.LogCaptureFixture, webhook: str
) -> None:
    log = logging.getLogger("test")
    notify_failure(
        webhook=webhook,
        run_id="0123456789",
        step="dbt_marts",
        error_type="Failure",
        log=log,
    )
    (body,) = Webhook.bodies
    assert body["step"] == "dbt_marts"
    assert "Nothing was published" in body["text"]
    assert "failed in step dbt_marts" in caplog.text


def test_an_unreachable_webhook_does_not_hide_the_failure(caplog: pytest.LogCaptureFixture) -> None:
    notify_failure(
        webhook="http://127.0.0.1:9/",
        run_id="0123456789",
        step="dbt_marts",
        error_type="Failure",
        log=logging.getLogger("test"),
    )
    assert "failed in step dbt_marts" in caplog.text
    assert "could not be reached" in caplog.text


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    with duckdb.connect(str(warehouse / "analytics.duckdb")) as connection:
        connection.execute("create table numbers as select range as n from range(5)")
    return Settings(home=tmp_path)


def test_sql_answers_as_table_csv_and_json(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=io.StringIO(), width=80)
    run_query(published, "analytics", "from numbers where n < 2", "csv", 100, console)
    assert capsys.readouterr().out == "n\n0\n1\n"
    run_query(published, "analytics", "from numbers where n < 2", "json", 100, console)
    assert json.loads(capsys.readouterr().out) == [{"n": 0}, {"n": 1}]
    run_query(published, "analytics", "from numbers order by n", "table", 3, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2" in text
    assert "The first 3 rows" in text


def test_sql_is_read_only_and_stays_in_the_warehouse(published: Settings, tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for query in ("drop table numbers", f"from '{secret}'", "selec 1"):
        with pytest.raises(InputError, match="The query failed"):
            run_query(published, "analytics", query, "table", 10, console)


def test_sql_names_wrong_options_and_a_missing_warehouse(tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    settings = Settings(home=tmp_path)
    with pytest.raises(ConfigurationError, match="choose analytics or crm"):
        run_query(settings, "prod", "select 1", "table", 10, console)
    with pytest.raises(ConfigurationError, match="choose table, csv, json"):
        run_query(settings, "crm", "select 1", "excel", 10, console)
    with pytest.raises(ConfigurationError, match="no published warehouse"):
        run_query(settings, "crm", "select 1", "table", 10, console)
