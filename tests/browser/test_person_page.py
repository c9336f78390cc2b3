"""The page of a person's export in a real browser: both languages, a phone, no word on the console.

Belongs here: what only a browser can tell. Does not: what the page says (`unit/privacy/test_person_export`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.lib.privacy.person_export.page import render_page
from tests.browser.test_audit_page import DESKTOP, PHONE, browse, chromium, probe
from tests.privacy_warehouse import build_warehouse
from tests.unit.privacy.test_person_export import add_profile, facts_of

__all__ = ["chromium"]


@pytest.fixture
def page(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    build_warehouse(connection)
    add_profile(connection, is_abstaining=False)
    path = tmp_path / "report.html"
    path.write_text(render_page(facts_of(connection), "es"), encoding="utf-8")
    return path


def test_the_page_renders_and_switches_its_language(chromium: Path, page: Path) -> None:
    dom, console = browse(chromium, page, "--dump-dom")
    assert console == []
    assert dom.count("<details>") >= 10
    found = probe(chromium, page, DESKTOP)
    assert found["at_first"] == ["es"]
    assert found["after_english"] == ["en"]


def test_a_phone_sees_nothing_cut_off(chromium: Path, page: Path) -> None:
    assert probe(chromium, page, PHONE)["too_wide"] == []
