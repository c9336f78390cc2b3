"""What the page says of a person, section by section, in the words of one language.

Belongs here: which facts a section tells, in which order. Does not: the profile (`profile`), form
(`parts`), words (`texts`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ml.contact_plan.reasons import EXPLANATIONS, EXPLANATIONS_ES
from orchestration.lib.audit.words import Words
from orchestration.lib.privacy.person_export.collect import SOMEBODY_ELSE
from orchestration.lib.privacy.person_export.facts import PersonFacts, is_told
from orchestration.lib.privacy.person_export.parts import (
    PageSection,
    PageTable,
    cell,
    heading_of,
    holding_table,
)

GOLDEN = "marts.dim_customers"
# Not fields of a record but what is computed of it.
NO_FIELDS = frozenset(
    {"winning_sources", "winning_times", "completeness_share", "source_records", "source_systems"}
)
# Fields that survive together: one source gives the whole name, one the whole address.
UNITS = {
    **dict.fromkeys(("given_name", "surname_1", "surname_2"), "name"),
    **dict.fromkeys(
        (
            "street", "street_type", "street_name", "street_number", "floor", "door", "city",
            "postal_code", "province_code", "municipality_code", "country_code",
        ),
        "address",
    ),
    "phone": "mobile_phone",
}  # fmt: skip
SERVICE_TABLES = {
    "marts.fct_web_sessions": "started_at",
    "marts.fct_form_submissions": "submitted_at",
    "marts.product_registrations": "registered_at",
    "marts.fct_service_cases": "opened_at",
    "marts.fct_leads": "created_at",
    "marts.customer_attributes": "declared_at",
}
VEHICLE_TABLES = {
    "marts.dim_vehicles": "",
    "marts.vehicle_contracts": "starts_on",
    "marts.fct_workshop_visits": "opened_at",
    "marts.fct_vehicle_orders": "ordered_at",
}
ORDER_COLUMNS = (
    "ordered_at", "order_id", "source_system", "store_id", "channel", "net_amount",
    "discount_amount", "currency", "is_return",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "sent_at", "channel", "source_system", "campaign_id", "delivered_at", "opened_at", "clicked_at",
    "bounced_at", "unsubscribed_at",
)  # fmt: skip


def _tables(facts: PersonFacts, words: Words, names: Mapping[str, str]) -> tuple[PageTable, ...]:
    return tuple(
        holding_table(words, facts.holdings[name], newest_by=moment, systems=facts.system_titles)
        for name, moment in names.items()
        if name in facts.holdings
    )


def _parsed(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _day(words: Words, moment: object) -> str:
    return words.day(datetime.fromisoformat(str(moment)).date()) if moment else words("none")


def identity_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell the golden record with the source and time of each field, the records and the identifiers."""
    golden = facts.first(GOLDEN)
    sources, times = _parsed(golden.get("winning_sources")), _parsed(golden.get("winning_times"))
    fields = tuple(
        (
            heading_of(words, name),
            cell(words, name, value),
            facts.title_of(str(sources[unit])) if unit in sources else words("none"),
            _day(words, times.get(unit)),
        )
        for name, value in golden.items()
        for unit in (UNITS.get(name, name),)
        if is_told(value) and name not in NO_FIELDS and not name.startswith("has_")
    )
    points = tuple(
        (
            words.maybe(f"kind.{identifier.kind}", identifier.kind),
            identifier.value,
            words("identity.shared") if identifier.is_shared else words("identity.own"),
        )
        for subject in facts.subjects
        for identifier in subject.identifiers
    )
    records = facts.subjects[0].records
    systems = sorted({facts.title_of(system) for system, _ in records})
    sentences = [
        words(
            "identity.intro",
            customer=facts.subjects[0].customer_id,
            records=words.number(len(records)),
            systems=words.listed(systems),
        )
    ]
    twins = sum(len(subject.records) for subject in facts.subjects if subject.is_twin)
    if twins:
        sentences.append(words("identity.twins", count=words.number(twins)))
    heads = {name: words(f"heading.{name}") for name in ("field", "value", "source", "since")}
    tables = [PageTable(words("identity.fields"), tuple(heads.values()), fields)]
    if "marts.customer_identities" in facts.holdings:
        holding = facts.holdings["marts.customer_identities"]
        tables.append(
            holding_table(
                words, holding, title=words("identity.records"), systems=facts.system_titles
            )
        )
    headings = (words("heading.kind"), words("heading.value"), words("heading.shared"))
    tables.append(PageTable(words("identity.points"), headings, points, is_folded=True))
    return PageSection("identity", words("section.identity.title"), tuple(sentences), tuple(tables))


def household_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell how many live in the household, and nothing about them."""
    customers = facts.first("marts.dim_households").get("customers") or 1
    sentence = (
        words("household.intro", customers=words.number(customers))
        if customers > 1
        else words("household.alone")
    )
    return PageSection("household", words("section.household.title"), (sentence,))


def consents_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell consents, suppressions and the legal basis."""
    suppressions = len(facts.rows("marts.fct_suppressions"))
    sentences = (
        words("consents.intro"),
        words("consents.has_suppression", count=words.number(suppressions))
        if suppressions
        else words("consents.no_suppression"),
        words("consents.basis"),
    )
    tables = _tables(
        facts,
        words,
        {
            "marts.customer_consents": "",
            "marts.fct_suppressions": "suppressed_at",
            "marts.fct_consents": "recorded_at",
        },
    )
    return PageSection("consents", words("section.consents.title"), sentences, tables)


def purchases_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell orders; the lines are folded."""
    orders = facts.rows("marts.fct_orders")
    amount = sum(float(row.get("net_amount") or 0) for row in orders)
    sentence = words(
        "purchases.intro", orders=words.number(len(orders)), amount=words.amount(amount, 2)
    )
    tables = []
    if orders:
        holding = facts.holdings["marts.fct_orders"]
        tables.append(
            holding_table(
                words, holding, ORDER_COLUMNS, newest_by="ordered_at", systems=facts.system_titles
            )
        )
    if "marts.fct_order_lines" in facts.holdings:
        lines = facts.holdings["marts.fct_order_lines"]
        tables.append(holding_table(words, lines, newest_by="ordered_at", is_folded=True))
    return PageSection("purchases", words("section.purchases.title"), (sentence,), tuple(tables))


def messages_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell messages and what became of them."""
    messages = facts.rows("marts.fct_messages")
    sentence = words(
        "messages.intro",
        messages=words.number(len(messages)),
        responses=words.number(sum(bool(row.get("has_response")) for row in messages)),
    )
    tables = []
    if messages:
        holding = facts.holdings["marts.fct_messages"]
        tables.append(
            holding_table(
                words, holding, MESSAGE_COLUMNS, newest_by="sent_at", systems=facts.system_titles
            )
        )
    tables += _tables(facts, words, {"marts.fct_campaign_responses": "responded_at"})
    return PageSection("messages", words("section.messages.title"), (sentence,), tuple(tables))


def _listing(facts: PersonFacts, words: Words, name: str, places: Mapping[str, str]) -> PageSection:
    tables = _tables(facts, words, places)
    sentences = () if tables else (words("page.empty"),)
    return PageSection(name, words(f"section.{name}.title"), sentences, tables)


def service_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell visits, forms, registered products, service cases, leads and tastes."""
    return _listing(facts, words, "service", SERVICE_TABLES)


def vehicles_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell vehicles with what belongs to them."""
    return _listing(facts, words, "vehicles", VEHICLE_TABLES)


def _play_title(facts: PersonFacts, words: Words, play: str) -> str:
    meta = facts.plays.get(play, {})
    title = meta.get("title_es" if words.language == "es" else "title") or meta.get("title")
    return str(title or play.removeprefix("play_").replace("_", " "))


def _legal_basis(facts: PersonFacts, words: Words, play: str, channel: str | None) -> str:
    basis = facts.plays.get(play, {}).get("legal_basis")
    if isinstance(basis, Mapping):
        basis = basis.get(channel or "")
    return words.maybe(f"basis.{basis}", str(basis)) if basis else words("none")


def _reason(words: Words, code: str) -> str:
    """Return a reason in words of the page, else in those that staff read."""
    told = EXPLANATIONS_ES if words.language == "es" else EXPLANATIONS
    return words.maybe(f"reason.{code}", told.get(code, code.replace("_", " ")))


def plan_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell each decision of the contact plan with its reasons in words."""
    decisions = facts.rows("plan.decisions")
    decisions.sort(key=lambda row: str(row["plan_date"]), reverse=True)
    rows = tuple(
        (
            words.day(row["plan_date"]),
            _play_title(facts, words, str(row["play"])),
            words.maybe(f"outcome.{row['outcome']}", str(row["outcome"])),
            cell(words, "channel", row["channel"]),
            _legal_basis(facts, words, str(row["play"]), row["channel"]),
            " ".join(
                _reason(words, code) for code in str(row["reason_codes"] or "").split(",") if code
            ),
        )
        for row in decisions
    )
    headings = tuple(
        heading_of(words, name)
        for name in ("plan_date", "play", "outcome", "channel", "legal_basis", "reason_codes")
    )
    tables: list[PageTable] = []
    if rows:
        tables.append(PageTable(words("table.plan.decisions"), headings, rows))
        tables += _tables(facts, words, {"plan.contact_plan": "plan_date"})
    sentence = words("plan.intro") if rows else words("plan.none")
    return PageSection("plan", words("section.plan.title"), (sentence,), tuple(tables))


def sources_section(facts: PersonFacts, words: Words) -> PageSection:
    """Show the delivered rows as they came, and list every table that holds something."""
    delivered = [each for each in facts.holdings.values() if each.schema == "raw"]
    sentences = [words("sources.intro", marker=SOMEBODY_ELSE), words("page.in_files")]
    rejected = facts.rows("raw._rejects")
    if rejected:
        sentences.insert(1, words("sources.rejected", count=words.number(len(rejected))))
    overview = PageTable(
        words("sources.table"),
        (words("heading.table"), words("heading.rows"), words("heading.file")),
        tuple(
            (holding.name, words.number(len(holding.rows)), f"csv/{holding.name}.csv")
            for holding in facts.holdings.values()
        ),
        is_folded=True,
    )
    shown = []
    for holding in delivered:
        system, _, table = holding.table.partition("__")
        title = f"{facts.title_of(system)}: {table.replace('_', ' ')}" if table else holding.name
        shown.append(holding_table(words, holding, is_folded=True, title=title))
    return PageSection(
        "sources", words("section.sources.title"), tuple(sentences), (*shown, overview)
    )


def purposes_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell purposes, recipients by channel and sending system, and transfers."""
    senders = sorted(
        {
            f"{facts.title_of(row['source_system'])}: {cell(words, 'channel', row['channel'])}"
            for row in facts.rows("marts.fct_messages")
        }
    )
    sentences = (
        words("purposes.intro"),
        words(
            "purposes.recipients",
            channels=words.listed(senders) if senders else words("purposes.no_channels"),
        ),
        words("purposes.transfers"),
    )
    return PageSection("purposes", words("section.purposes.title"), sentences)


def retention_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell every period with its reason."""
    rows = tuple(
        (
            each.titles[words.language],
            words("retention.kept")
            if each.days is None
            else words("retention.days", days=words.number(each.days)),
            each.bases[words.language],
        )
        for each in facts.policy.classes.values()
    )
    headings = (words("heading.class"), words("heading.period"), words("heading.basis"))
    table = PageTable(words("section.retention.title"), headings, rows)
    return PageSection(
        "retention", words("section.retention.title"), (words("retention.intro"),), (table,)
    )


def rights_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell the person's rights, whom to ask and where to complain."""
    names: Sequence[str] = (
        "access", "rectification", "erasure", "restriction", "automated", "withdrawal",
    )  # fmt: skip
    contact = facts.contact or words("rights.contact_unknown")
    sentences = (
        *(words(f"rights.{name}") for name in names),
        words("rights.contact", contact=contact),
        words("rights.aepd"),
    )
    return PageSection("rights", words("section.rights.title"), sentences)
