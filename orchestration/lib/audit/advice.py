"""What the audit finds and advises: rules on the facts, each with the number that made it speak.

Belongs here: the rules and their limits. Does not: sentences (`texts/`) or drawings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from orchestration.lib.audit.customer_sections import revenue_of_top_fifth
from orchestration.lib.audit.facts import Facts
from orchestration.lib.audit.parts import Section, SectionBuilder, first, share
from orchestration.lib.audit.words import Words

MOST_FINDINGS: Final = 9
# From which number on a rule speaks; below it the advice would cost more than it brings.
FEW_IDENTIFIED: Final = 0.9
POOR_SCORE: Final = 70
MANY_FIRST_TIME: Final = 0.15
MANY_OVERDUE: Final = 0.1
MANY_REJECTS: Final = 0.001
CONCENTRATED: Final = 0.5
MANY_UNREACHABLE: Final = 0.1
MANY_UNQUALIFIED: Final = 0.1
MANY_ISSUES: Final = 0.02
UNSUBSCRIBE_LIMIT: Final = 0.005


class Advice(NamedTuple):
    """One piece of advice: its text's key and the values that fill it."""

    key: str
    values: dict[str, str]


Rule = Callable[[Facts, Words], Iterator[Advice]]


def _duplicates(facts: Facts, words: Words) -> Iterator[Advice]:
    for row in facts["still_shared"]:
        if row["shared_values"] >= 5:
            yield Advice(
                "review_shared_keys",
                {
                    "key": words(f"key.{row['key_kind']}"),
                    "values": words.number(row["shared_values"]),
                    "customers": words.people(row["customers"]),
                },
            )


def _identification(facts: Facts, words: Words) -> Iterator[Advice]:
    base = first(facts["base"])
    if base and base["orders"] and base["identified_share"] < FEW_IDENTIFIED:
        yield Advice(
            "identify_buyers",
            {
                "share": words.percent(1 - base["identified_share"]),
                "amount": words.percent(1 - float(base["identified_amount_share"] or 0)),
            },
        )


def _fields(facts: Facts, words: Words) -> Iterator[Advice]:
    for row in facts["scorecard"][:3]:
        if float(row["score"]) < POOR_SCORE:
            yield Advice(
                "mend_field",
                {
                    "field": words.maybe(f"field.{row['field']}", row["field"]),
                    "system": row["source_system"],
                    "score": words.number(row["score"]),
                    "completeness": words.percent(row["completeness_share"]),
                    "validity": words.percent(row["validity_share"]),
                },
            )


def _issues(facts: Facts, words: Words) -> Iterator[Advice]:
    unmended = [row for row in facts["issues"] if not row["is_mended"]]
    for row in unmended[:2]:
        if row["records_share"] >= MANY_ISSUES:
            yield Advice(
                "check_at_entry",
                {
                    "issue": words.maybe(
                        f"issue.{row['issue_code']}", row["issue_code"].replace("_", " ")
                    ),
                    "field": words.maybe(f"field.{row['field']}", row["field"]),
                    "system": row["source_system"],
                    "records": words.number(row["records"]),
                },
            )


def _rejects(facts: Facts, words: Words) -> Iterator[Advice]:
    for row in facts["systems"]:
        rejected = share(row["rows_rejected"], row["rows_delivered"])
        if rejected and rejected >= MANY_REJECTS:
            yield Advice(
                "correct_rejects",
                {
                    "system": row["source_system"],
                    "rows": words.number(row["rows_rejected"]),
                    "share": words.percent(rejected, 2),
                },
            )


def _drift(facts: Facts, words: Words) -> Iterator[Advice]:
    warnings = [row for row in facts["drift"] if row["drift_severity"] == "warning"]
    if warnings:
        tables = sorted({f"{row['source_system']}.{row['table_name']}" for row in warnings})
        yield Advice(
            "ask_about_drift",
            {"warnings": words.number(len(warnings)), "tables": words.listed(tables[:4])},
        )


def _qualification(facts: Facts, words: Words) -> Iterator[Advice]:
    for row in facts["qualification"]:
        unknown = 1 - float(row["qualified_share"])
        if unknown >= MANY_UNQUALIFIED:
            yield Advice(
                "qualify_purchases",
                {
                    "system": row["source_system"],
                    "share": words.percent(unknown),
                    "who": words.percent(row["who_share"]),
                    "what": words.percent(row["what_share"]),
                },
            )


def _first_time(facts: Facts, words: Words) -> Iterator[Advice]:
    for row in facts["groups"]:
        if row["rfm_group"] == "first_time" and row["customer_share"] >= MANY_FIRST_TIME:
            yield Advice(
                "second_purchase",
                {
                    "customers": words.people(row["customers"]),
                    "share": words.percent(row["customer_share"]),
                    "ticket": words.amount(row["mean_ticket_amount"], 2),
                },
            )


def _overdue(facts: Facts, words: Words) -> Iterator[Advice]:
    row = first(facts["overdue"])
    overdue = share(row["overdue"], row["with_cycle"]) if row else None
    if row and overdue and overdue >= MANY_OVERDUE:
        yield Advice(
            "win_back",
            {
                "customers": words.people(row["overdue"]),
                "share": words.percent(overdue),
                "amount": words.amount(row["overdue_amount"]),
            },
        )


def _best_customers(facts: Facts, words: Words) -> Iterator[Advice]:
    top = revenue_of_top_fifth(facts)
    if top and top >= CONCENTRATED:
        yield Advice("keep_the_best", {"amount": words.percent(top)})


def _reach(facts: Facts, words: Words) -> Iterator[Advice]:
    points = first(facts["contact_points"])
    if not points or not points["customers"]:
        return
    without_email = 1 - (share(points["email"], points["customers"]) or 0)
    if without_email >= MANY_UNREACHABLE:
        yield Advice("ask_for_email", {"share": words.percent(without_email)})
    for row in facts["messages"]:
        unsubscribed = share(row["unsubscribed"], row["messages"])
        if unsubscribed and unsubscribed >= UNSUBSCRIBE_LIMIT:
            yield Advice(
                "lower_pressure",
                {
                    "channel": words.maybe(f"channel.{row['channel']}", row["channel"]),
                    "share": words.percent(unsubscribed, 2),
                },
            )


def _timing(facts: Facts, words: Words) -> Iterator[Advice]:
    days = facts["weekdays"]
    orders = sum(row["orders"] for row in days)
    if not orders:
        return
    best = max(days, key=lambda row: row["orders"])
    # An even week would give each day a seventh; a fifth more is a habit.
    if best["orders"] / orders >= 1.2 / 7:
        yield Advice(
            "time_messages",
            {
                "day": words(f"weekday_long.{best['weekday']}"),
                "share": words.percent(best["orders"] / orders),
            },
        )


def _plan(facts: Facts, words: Words) -> Iterator[Advice]:
    plan = first(facts["plan"])
    if plan and plan["contacts"]:
        yield Advice(
            "start_with_the_plan",
            {
                "contacts": words.number(plan["contacts"]),
                "cost": words.amount(plan["cost"]),
                "value": words.amount(plan["expected_value"]),
            },
        )


RULES: Final[tuple[Rule, ...]] = (
    _identification,
    _fields,
    _issues,
    _rejects,
    _drift,
    _duplicates,
    _qualification,
    _overdue,
    _first_time,
    _best_customers,
    _reach,
    _timing,
    _plan,
)


def next_steps_section(facts: Facts, words: Words) -> Section:
    """Return what to do next, data first: what plays bring depends on it."""
    section = SectionBuilder("next", words)
    for rule in RULES:
        for advice in rule(facts, words):
            section.say(advice.key, **advice.values)
    return section.build()


def main_findings(sections: tuple[Section, ...]) -> tuple[str, ...]:
    """Return the first sentence of each section: each was written to stand alone."""
    return tuple(section.sentences[0] for section in sections if section.sentences)[:MOST_FINDINGS]
