"""The audit page: two complete languages, valid structure, drawings with words, nobody named.

Belongs here: what can be checked without a browser. Does not: how it looks (`tests/browser`).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.lib.audit.charts import Bar, columns, horizontal_bars
from orchestration.lib.audit.facts import QUERIES, Facts, existing_tables, read_facts
from orchestration.lib.audit.page import SECTIONS, render_audit
from orchestration.lib.audit.parts import Section
from orchestration.lib.audit.words import LANGUAGES, TEXTS_DIR, Words, load_texts
from orchestration.lib.errors import ConfigurationError, InputError

VOID = {"meta", "link", "input", "rect", "line", "circle", "polyline", "br"}


class Structure(HTMLParser):
    """Collects what a page consists of and whether every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.labels: list[str] = []
        self.drawings: list[dict[str, str]] = []
        self.addresses: list[str] = []
        self.text: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "svg":
            self.drawings.append(found)
        if tag == "label":
            self.labels.append(found["for"])
        self.references += found.get("aria-labelledby", "").split()
        for name in ("href", "src", "action", "xlink:href"):
            if name in found:
                self.addresses.append(found[name])
        self.last_id = found.get("id", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("title", "desc"):
            self.text[self.last_id] = data


def parse(page: str) -> Structure:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    return structure


def group(name: str, customers: int, **values: Any) -> dict[str, Any]:
    return {
        "rfm_group": name,
        "customers": customers,
        "customer_share": customers / 1000,
        "orders": customers * 3,
        "net_amount_share": customers / 1000,
        "mean_ticket_amount": Decimal("20.5"),
        "mean_customer_amount": Decimal("61.5"),
        **values,
    }


def full_facts() -> Facts:
    """Return facts in which every section has something to tell and every rule speaks."""
    score = {
        "source_system": "erp",
        "entity": "customers",
        "field": "national_id",
        "completeness_share": 0.5,
        "validity_share": 0.6,
        "uniqueness_share": 0.9,
        "consistency_share": None,
        "timeliness_share": 1.0,
        "score": 55.0,
        "grade": "D",
        "rows_scored": 1000,
    }
    facts: Facts = {name: [] for name in QUERIES}
    facts |= {
        "base": [
            {
                "as_of_date": date(2026, 1, 31),
                "source_systems": "erp,pos",
                "reporting_currency": "EUR",
                "customers": 1000,
                "source_records": 1500,
                "orders": 9000,
                "net_amount": Decimal("123456.7"),
                "first_day": date(2024, 1, 1),
                "last_day": date(2026, 1, 30),
                "identified_share": 0.6,
                "identified_amount_share": 0.7,
            }
        ],
        "systems": [
            {
                "source_system": "erp",
                "records": 1500,
                "customers": 1200,
                "orders": 9000,
                "net_amount": Decimal(1),
                "files": 3,
                "rows_delivered": 5000,
                "rows_loaded": 4000,
                "rows_rejected": 900,
                "rows_unchanged": 100,
                "unbalanced_files": 0,
            }
        ],
        "scorecard": [score],
        "issues": [
            {
                "source_system": "erp",
                "field": "national_id",
                "issue_code": "wrong_check_letter",
                "is_mended": False,
                "records": 200,
                "records_share": 0.2,
            }
        ],
        "drift": [
            {
                "source_system": "erp",
                "table_name": "clientes",
                "column_name": "*",
                "drift_kinds": "row_count,new_columns",
                "drift_severity": "warning",
                "drift_score": 4.0,
            }
        ],
        "profiles": [
            {
                "source_system": "erp",
                "tables": 2,
                "source_columns": 20,
                "full_columns": 5,
                "sparse_columns": 4,
                "empty_columns": 1,
            }
        ],
        "known_by_systems": [
            {"systems": 1, "customers": 700, "records": 800},
            {"systems": 2, "customers": 3, "records": 700},
        ],
        "still_shared": [
            {"key_kind": "email", "key_values": 900, "shared_values": 50, "customers": 110}
        ],
        "groups": [group("all", 1000), group("first_time", 400), group("loyal", 600)],
        "rfm_grid": [
            {"r_score": r, "f_score": f, "customers": r * f - 1, "net_amount": Decimal(r * f)}
            for r in range(1, 6)
            for f in range(1, 6)
        ],
        "segments": [
            {"segment_name_en": "A & B", "segment_name_es": "C", "customers": 2, "net_amount": 1.0}
        ],
        "recency": [{"months": month, "customers": 100 - month} for month in range(13)],
        "churn_risk": [
            {"tenth": t, "customers": 100, "expected_value": 1.0, "net_amount": Decimal(5)}
            for t in range(10)
        ],
        "overdue": [
            {
                "with_cycle": 500,
                "in_cycle": 200,
                "due": 100,
                "overdue": 200,
                "overdue_amount": Decimal(999),
                "net_amount": Decimal(9999),
                "is_abstaining": False,
            }
        ],
        "gaps": [{"class_number": 1, "days_from": 0, "days_to": 3, "customers": 10}],
        "gap_median": [{"median_days": 12.0, "regular_share": 0.5}],
        "weekdays": [{"weekday": d, "orders": 100 * d, "net_amount": 1.0} for d in range(1, 8)],
        "hours": [{"hour": hour, "orders": hour} for hour in range(24)],
        "months": [
            {"month": datetime(2024, month, 1), "orders": 1, "net_amount": Decimal(month)}
            for month in range(1, 13)
        ],
        "tickets": [{"quantiles": [1.0, 2.0, 3.0, 4.0, 5.0], "mean_amount": 3.0, "orders": 10}],
        "departments": [{"department": "FRUIT <fresh>", "net_amount": Decimal(5), "customers": 9}],
        "pareto": [
            {"customer_share": 0.2, "revenue_share": 0.8, "is_top_20": True},
            {"customer_share": 1.0, "revenue_share": 1.0, "is_top_20": False},
        ],
        "qualification": [
            {
                "source_system": "erp",
                "orders": 9000,
                "who_share": 0.6,
                "what_share": 0.9,
                "when_share": 1.0,
                "qualified_share": 0.5,
            }
        ],
        "contact_points": [
            {
                "customers": 1000,
                "email": 500,
                "phone": 300,
                "post": 900,
                "push": 0,
                "any_channel": 950,
            }
        ],
        "messages": [
            {
                "channel": "email",
                "messages": 1000,
                "delivered": 990,
                "opened": 300,
                "clicked": 40,
                "bounced": 10,
                "unsubscribed": 9,
            }
        ],
        "plan": [{"contacts": 100, "expected_value": 50.0, "cost": 5.0}],
    }
    return facts


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, spanish = load_texts("en"), load_texts("es")
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        named = [
            {name for _, name, _, _ in Formatter().parse(t) if name} for t in (text, spanish[key])
        ]
        assert named[0] == named[1], key
        assert text.strip(), key
        assert spanish[key].strip(), key


def test_no_text_file_declares_a_key_twice() -> None:
    """YAML keeps the last of two equal keys and says nothing."""
    for language in LANGUAGES:
        node = yaml.compose((TEXTS_DIR / f"{language}.yml").read_text(encoding="utf-8"))
        assert isinstance(node, yaml.MappingNode)
        for block in [node, *(v for _, v in node.value if isinstance(v, yaml.MappingNode))]:
            keys = [key.value for key, _ in block.value]
            assert len(keys) == len(set(keys))


def test_a_full_page_is_well_formed_and_every_drawing_has_words() -> None:
    page = parse(render_audit(full_facts(), "en"))
    assert len(page.ids) == len(set(page.ids))
    assert set(page.references) <= set(page.ids)
    assert set(page.labels) <= set(page.ids)
    assert len(page.drawings) >= 30
    for drawing in page.drawings:
        assert drawing["role"] == "img"
        title, words = drawing["aria-labelledby"].split()
        assert page.text[title].strip()
        assert page.text[words].strip()


def test_the_page_asks_nothing_of_anybody() -> None:
    html = render_audit(full_facts(), "es")
    assert {address for address in parse(html).addresses if not address.startswith("#")} == {
        "data:,"
    }
    assert not re.search(r"https?://|@import|url\(|<script|javascript:| on\w+=", html)


def test_values_of_the_warehouse_are_escaped() -> None:
    html = render_audit(full_facts(), "en")
    assert "Fruit &lt;fresh&gt;" in html
    assert "A &amp; B" in html


def test_few_persons_are_not_counted_exactly() -> None:
    html = render_audit(full_facts(), "en")
    words = Words("en", "EUR")
    assert [words.people(count) for count in (0, 1, 4, 5)] == ["0", "<\u00a05", "<\u00a05", "5"]
    # The fixture has a segment of two, three customers in two systems and grid cells of one to four.
    assert "&lt;\u00a05" in html


def test_numbers_are_written_as_each_language_writes_them() -> None:
    english, spanish = Words("en", "USD"), Words("es", "EUR")
    assert (english.number(1234.5, 1), spanish.number(1234.5, 1)) == ("1,234.5", "1.234,5")
    assert (english.amount(1234), spanish.amount(1234)) == ("1,234\u00a0USD", "1.234\u00a0€")
    assert (english.percent(0.123), spanish.percent(0.123)) == ("12.3\u00a0%", "12,3\u00a0%")
    assert english.day(date(2026, 1, 5)) == "5 January 2026"
    assert spanish.day(date(2026, 1, 5)) == "05/01/2026"
    assert english.listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_without_data_says_so_in_a_sentence(language: str) -> None:
    facts: Facts = {name: [] for name in QUERIES}
    for build in SECTIONS:
        section: Section = build(facts, Words(language, "EUR"))
        assert section.sentences == (load_texts(language)[f"{section.name}.none"],)
        assert not section.charts
        assert not section.tables


def test_every_rule_that_advises_gives_its_number() -> None:
    html = render_audit(full_facts(), "en")
    advice = html.split('<ol class="steps">')[1].split("</ol>")[0]
    items = re.findall(r"<li>(.*?)</li>", advice)
    assert len(items) == 14
    assert all(re.search(r"\d", item) for item in items)


def test_a_warehouse_without_sales_and_an_unknown_language_are_told() -> None:
    with pytest.raises(InputError, match="cadencia run"):
        render_audit({name: [] for name in QUERIES}, "en")
    with pytest.raises(ConfigurationError, match="en or es"):
        render_audit(full_facts(), "fr")


def test_queries_whose_tables_are_missing_are_left_out(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "create schema marts; create table marts.pareto_curve as select "
        "0.2 as customer_share, 0.5 as revenue_share, true as is_top_20"
    )
    facts = read_facts(connection)
    assert facts["pareto"] == [
        {"customer_share": Decimal("0.2"), "revenue_share": Decimal("0.5"), "is_top_20": True}
    ]
    assert all(not rows for name, rows in facts.items() if name != "pareto")
    assert "marts.pareto_curve" in existing_tables(connection)


def test_bars_of_nothing_are_drawn_without_error() -> None:
    for draw in (horizontal_bars, columns):
        assert "<svg" in draw("Nothing", []).svg
        assert "<svg" in draw("Zero", [Bar("a", 0.0, "0")]).svg


def test_keys_that_tie_records_come_out_as_counts_only(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        """create schema identity; create schema marts;
        create table identity.customer_records as
        select source_system, 'SECRET-ID' as national_id, true as is_national_id_valid,
            'SECRET-CARD' || i % 2 as loyalty_card, 'secret@mail' as email_key,
            '+34SECRET' || i as mobile_phone, cast(null as varchar) as phone
        from range(6) as numbers (i), (values ('erp'), ('dms')) as systems (source_system);
        create table marts.dim_customers as
        select 'SECRET-C' || i as customer_id, 'SECRET-ID' as national_id,
            cast(null as varchar) as loyalty_card,
            'secret@mail' as email, 'SECRET' as phone from range(6) as numbers (i)"""
    )
    facts = read_facts(connection)
    by_key = {row["key_kind"]: row for row in facts["shared_keys"]}
    assert by_key["national_id"]["records_across"] == 12
    assert (by_key["loyalty_card"]["values_within"], by_key["phone"]["values_within"]) == (2, 0)
    still = {row["key_kind"]: row["customers"] for row in facts["still_shared"]}
    assert still == {"national_id": 6, "email": 6, "phone": 6}
    assert "secret" not in repr(facts).lower()


def test_texts_stand_beside_the_code() -> None:
    assert sorted(path.stem for path in Path(TEXTS_DIR).glob("*.yml")) == sorted(LANGUAGES)
