"""The guide to databases and services: its examples are read by the real contract and really work."""

from __future__ import annotations

import re
import textwrap
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from orchestration.lib.contract import SystemContract, load_contract_file
from orchestration.lib.remote.address import database_url_of
from orchestration.lib.remote.remote_load import load_remote_table
from orchestration.lib.remote.rest_client import PAGINATORS
from orchestration.lib.remote.run_extracts import RunExtracts
from tests.conftest import PROJECT_ROOT
from tests.rest_service import Answer, Asked, run_rest_service

GUIDE = (PROJECT_ROOT / "docs" / "connect-a-database-or-api.md").read_text(encoding="utf-8")
SYSTEM = """\
version: 2
sources:
  - name: {name}
    schema: raw
    description: Example of the guide.
    config:
      meta:
        cadencia: {{title: Example, currency: EUR, timezone: UTC, is_live: true, reject_limit_share: 0}}
    tables:
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def system_of(name: str, block: str, folder: Path) -> SystemContract:
    path = folder / "sources.yml"
    path.write_text(SYSTEM.format(name=name) + textwrap.indent(block, "      "))
    (system,) = load_contract_file(path)
    return system


def test_the_example_of_a_database_is_a_contract(tmp_path: Path) -> None:
    (table,) = system_of("dms", blocks("yaml")[0], tmp_path).tables
    assert (table.cursor, table.delivery) == ("updated_at", "upsert")


def test_every_address_in_the_guide_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_of("dms", blocks("yaml")[0], tmp_path)
    (exported,) = re.findall(r"CADENCIA_SOURCE_DMS_URL='(.*?)'", GUIDE)
    others = re.findall(r"`((?:mysql|mssql|sqlite)://.*?)`", GUIDE)
    assert len(others) == 3
    for url in (exported, *others):
        monkeypatch.setenv("CADENCIA_SOURCE_DMS_URL", url)
        assert isinstance(database_url_of(system, tmp_path), sa.URL)


def test_the_example_of_a_service_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = system_of("helpdesk", blocks("yaml")[1], tmp_path)
    (table,) = system.tables

    def answer(asked: Asked, number: int) -> Answer:
        record = {"id": number, "requester": {"email": "a@example.com"}, "updated_at": "2024-01-01"}
        following = "/v2/tickets?page=2" if number == 1 else None
        return Answer({"data": {"items": [record]}, "links": {"next": following}})

    monkeypatch.setenv("CADENCIA_SOURCE_HELPDESK_TOKEN", "hush")
    with run_rest_service(answer) as service, duckdb.connect() as warehouse:
        monkeypatch.setenv("CADENCIA_SOURCE_HELPDESK_URL", service.url)
        load_remote_table(
            warehouse,
            system,
            table,
            RunExtracts(tmp_path / "work", tmp_path),
            wanted=system.tables,
            loaded_at=datetime(2025, 1, 1),
            run_id="guide",
        )
        rows = warehouse.execute(
            "select ticket_id, requester_email from raw.helpdesk__tickets order by ticket_id"
        ).fetchall()
    assert rows == [(1, "a@example.com"), (2, "a@example.com")]
    assert service.requests[0].params == {"per_page": "100", "sort": "updated_at"}


def test_every_paginator_is_in_the_guide() -> None:
    for name in PAGINATORS:
        assert f"`{name}`" in GUIDE
