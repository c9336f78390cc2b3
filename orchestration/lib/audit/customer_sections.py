"""Sections about the customers: segmentation, abandonment, concentration, reachability.

Belongs here: what is said and drawn of them. Does not: queries (`facts`) or texts (`texts/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestration.lib.audit.charts import Bar, Cell, columns, curve, grid, horizontal_bars
from orchestration.lib.audit.facts import Facts, Row
from orchestration.lib.audit.parts import Section, SectionBuilder, first, share
from orchestration.lib.audit.words import Words

CONTACT_POINTS: Final = ("email", "phone", "post", "push")
LOST_AFTER_MONTHS: Final = (1, 3, 6, 12)
HIGH_RISK_TENTH: Final = 5


def segmentation_section(facts: Facts, words: Words) -> Section:
    """Return RFM grid, groups and segments."""
    section = SectionBuilder("segmentation", words)
    groups = [row for row in facts["groups"] if row["rfm_group"] != "all" and row["customers"]]
    if not groups:
        return section.build()
    best = max(groups, key=lambda row: row["net_amount_share"] or 0)
    section.say(
        "groups",
        group=words(f"group.{best['rfm_group']}"),
        customers=words.percent(best["customer_share"]),
        amount=words.percent(best["net_amount_share"]),
    )
    section.charts.append(
        horizontal_bars(
            section.title_of("groups_chart"),
            [
                Bar(
                    words(f"group.{row['rfm_group']}"),
                    row["customers"],
                    f"{words.people(row['customers'])} · {words.percent(row['customer_share'])}",
                )
                for row in groups
            ],
        )
    )
    cells = facts["rfm_grid"]
    total = sum(float(row["net_amount"] or 0) for row in cells)
    if cells:
        champions = next((r for r in cells if r["r_score"] == 5 and r["f_score"] == 5), None)
        held = share(champions["net_amount"], total) if champions else None
        section.charts.append(
            grid(
                section.title_of("rfm_chart"),
                section.title_of(
                    "rfm_text",
                    customers=words.people(champions["customers"] if champions else 0),
                    amount=words.percent(held),
                ),
                [
                    Cell(
                        row["r_score"],
                        row["f_score"],
                        float(row["net_amount"] or 0) / (total or 1),
                        words.people(row["customers"]),
                    )
                    for row in cells
                ],
                section.title_of("recency_axis"),
                section.title_of("frequency_axis"),
            )
        )
        section.note("rfm_note")
    section.table(
        "groups_title",
        ("group", "customers", "orders", "mean_ticket", "mean_customer", "amount_share"),
        [
            (
                words(f"group.{row['rfm_group']}"),
                words.people(row["customers"]),
                words.number(row["orders"]),
                words.amount(row["mean_ticket_amount"], 2),
                words.amount(row["mean_customer_amount"]),
                words.percent(row["net_amount_share"]),
            )
            for row in groups
        ],
    )
    section.table(
        "segments_title",
        ("segment", "customers", "amount"),
        [
            (
                row[f"segment_name_{words.language}"] or "–",  # noqa: RUF001
                words.people(row["customers"]),
                words.amount(row["net_amount"]),
            )
            for row in facts["segments"]
        ],
    )
    return section.build()


def _not_seen_since(recency: Sequence[Row], months: int) -> int:
    return sum(row["customers"] for row in recency if row["months"] >= months)


def abandonment_section(facts: Facts, words: Words) -> Section:
    """Return how long ago customers bought, the risk of losing them, and who is overdue."""
    section = SectionBuilder("abandonment", words)
    recency = facts["recency"]
    buyers = sum(row["customers"] for row in recency)
    if not buyers:
        return section.build()
    lost = {months: share(_not_seen_since(recency, months), buyers) for months in range(13)}
    section.say("lost", **{f"m{months}": words.percent(lost[months]) for months in (3, 6, 12)})
    by_month = {row["months"]: row["customers"] for row in recency}
    section.charts.append(
        columns(
            section.title_of("recency_chart"),
            [
                Bar(
                    str(month) if month < 12 else "12+",
                    by_month.get(month, 0),
                    words.percent(share(by_month.get(month, 0), buyers), 0),
                )
                for month in range(13)
            ],
        )
    )
    section.charts.append(
        horizontal_bars(
            section.title_of("lost_chart"),
            [
                Bar(
                    words("abandonment.more_than", days=30 * months),
                    lost[months] or 0,
                    words.percent(lost[months]),
                    is_accented=months >= 6,
                )
                for months in LOST_AFTER_MONTHS
            ],
        )
    )
    _churn_risk(section, facts["churn_risk"])
    overdue = first(facts["overdue"])
    if overdue and overdue["with_cycle"]:
        section.say(
            "overdue",
            customers=words.people(overdue["overdue"]),
            share=words.percent(share(overdue["overdue"], overdue["with_cycle"])),
            amount=words.amount(overdue["overdue_amount"]),
        )
    return section.build()


def _churn_risk(section: SectionBuilder, risks: Sequence[Row]) -> None:
    words = section.words
    if not risks:
        section.say("abstaining")
        return
    customers = sum(row["customers"] for row in risks)
    high = [row for row in risks if row["tenth"] >= HIGH_RISK_TENTH]
    at_risk = sum(row["customers"] for row in high)
    section.say(
        "at_risk",
        customers=words.people(at_risk),
        share=words.percent(share(at_risk, customers)),
        amount=words.amount(sum(float(row["net_amount"] or 0) for row in high)),
    )
    by_tenth = {row["tenth"]: row["customers"] for row in risks}
    section.charts.append(
        columns(
            section.title_of("risk_chart"),
            [
                Bar(
                    words.percent(tenth / 10 + 0.05, 0),
                    by_tenth.get(tenth, 0),
                    words.people(by_tenth.get(tenth, 0)),
                    is_accented=tenth >= HIGH_RISK_TENTH,
                )
                for tenth in range(10)
            ],
        )
    )


def pareto_section(facts: Facts, words: Words) -> Section:
    """Return how concentrated the revenue is."""
    section = SectionBuilder("pareto", words)
    points = [
        (float(row["customer_share"]), float(row["revenue_share"]))
        for row in facts["pareto"]
        if row["customer_share"] is not None and row["revenue_share"] is not None
    ]
    if not points:
        return section.build()
    top = revenue_of_top_fifth(facts) or 0.0
    half = next((customers for customers, revenue in points if revenue >= 0.5), 1.0)
    section.say("held", top=words.percent(top), half=words.percent(half))
    ticks = [(tick / 4, words.percent(tick / 4, 0)) for tick in range(5)]
    section.charts.append(
        curve(
            section.title_of("chart"),
            section.title_of("text", top=words.percent(top), half=words.percent(half)),
            [(0.0, 0.0), *points],
            x_labels=ticks,
            y_labels=ticks,
            marked=(0.2, min(top, 1.0), words.percent(top)),
            is_diagonal_shown=True,
        )
    )
    section.note("axes")
    return section.build()


def revenue_of_top_fifth(facts: Facts) -> float | None:
    """Return the share of revenue of the best fifth of customers, None without a curve."""
    return max(
        (float(row["revenue_share"] or 0) for row in facts["pareto"] if row["is_top_20"]),
        default=None,
    )


def reachability_section(facts: Facts, words: Words) -> Section:
    """Return who can be reached by which channel, and what messages came to."""
    section = SectionBuilder("reachability", words)
    points = first(facts["contact_points"])
    if points and points["customers"]:
        unreachable = points["customers"] - points["any_channel"]
        section.say(
            "reachable",
            share=words.percent(share(points["any_channel"], points["customers"])),
            unreachable=words.people(unreachable),
        )
        section.charts.append(
            horizontal_bars(
                section.title_of("points_chart"),
                [
                    Bar(
                        words(f"channel.{name}"),
                        points[name],
                        words.percent(share(points[name], points["customers"])),
                    )
                    for name in CONTACT_POINTS
                ],
            )
        )
    consents = facts["consents"]
    if consents:
        section.table(
            "consents_title",
            ("purpose", "channel", "granted", "pending", "refused"),
            [
                (
                    words.maybe(f"purpose.{row['purpose']}", row["purpose"]),
                    words.maybe(f"channel.{row['channel']}", row["channel"]),
                    words.people(row["granted"]),
                    words.people(row["pending"]),
                    words.people(row["refused"]),
                )
                for row in consents
            ],
            words=2,
        )
    elif points:
        section.say("no_consents")
    section.table(
        "messages_title",
        ("channel", "messages", "delivered_share", "opened", "clicked", "unsubscribed"),
        [
            (
                words.maybe(f"channel.{row['channel']}", row["channel"]),
                words.number(row["messages"]),
                *(
                    words.percent(share(row[name], row["messages"])) if row[name] else "–"  # noqa: RUF001
                    for name in ("delivered", "opened", "clicked", "unsubscribed")
                ),
            )
            for row in facts["messages"]
        ],
    )
    return section.build()
