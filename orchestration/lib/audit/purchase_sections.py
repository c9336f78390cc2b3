"""Sections about purchases: their pattern, and how much of them is known.

Belongs here: what is said and drawn of them. Does not: queries (`facts`) or texts (`texts/`).
"""

from __future__ import annotations

from typing import Final

from orchestration.lib.audit.charts import Bar, columns, horizontal_bars
from orchestration.lib.audit.facts import Facts
from orchestration.lib.audit.parts import Section, SectionBuilder, first, share
from orchestration.lib.audit.words import Words

LISTED_DEPARTMENTS: Final = 8
LAST_MONTHS: Final = 24


def purchase_section(facts: Facts, words: Words) -> Section:
    """Return when, how often, how much and what customers buy."""
    section = SectionBuilder("purchases", words)
    base = first(facts["base"])
    if not base or not base["orders"]:
        return section.build()
    _rhythm(section, facts)
    _calendar(section, facts)
    _months(section, facts)
    _baskets(section, facts)
    return section.build()


def _rhythm(section: SectionBuilder, facts: Facts) -> None:
    words, gap = section.words, first(facts["gap_median"])
    if gap and gap["median_days"] is not None:
        section.say(
            "gap",
            days=words.number(gap["median_days"], 0),
            regular=words.percent(gap["regular_share"], 0),
        )
    customers = sum(row["customers"] for row in facts["gaps"])
    if customers:
        section.charts.append(
            columns(
                section.title_of("gaps_chart"),
                [
                    Bar(
                        f"≤ {row['days_to']}"
                        if row["days_to"] < 10_000
                        else f"> {row['days_from']}",
                        row["customers"],
                        words.percent(share(row["customers"], customers), 0),
                    )
                    for row in facts["gaps"]
                ],
            )
        )
    cycle = first(facts["overdue"])
    if cycle and cycle["with_cycle"]:
        section.charts.append(
            horizontal_bars(
                section.title_of("cycle_chart"),
                [
                    Bar(
                        words(f"purchases.{name}"),
                        cycle[name],
                        words.percent(share(cycle[name], cycle["with_cycle"])),
                        is_accented=name == "overdue",
                    )
                    for name in ("in_cycle", "due", "overdue")
                ],
            )
        )


def _calendar(section: SectionBuilder, facts: Facts) -> None:
    words = section.words
    orders = sum(row["orders"] for row in facts["weekdays"])
    by_day = {row["weekday"]: row["orders"] for row in facts["weekdays"]}
    best_day = max(by_day, key=lambda day: by_day[day])
    section.charts.append(
        columns(
            section.title_of("weekdays_chart"),
            [
                Bar(
                    words(f"weekday.{day}"),
                    by_day.get(day, 0),
                    words.percent(share(by_day.get(day, 0), orders), 0),
                    is_accented=day == best_day,
                )
                for day in range(1, 8)
            ],
        )
    )
    by_hour = {row["hour"]: row["orders"] for row in facts["hours"]}
    if not by_hour:
        section.say(
            "best_day",
            day=words(f"weekday_long.{best_day}"),
            share=words.percent(share(by_day[best_day], orders)),
        )
        return
    best_hour = max(by_hour, key=lambda hour: by_hour[hour])
    section.say(
        "best_day_and_hour",
        day=words(f"weekday_long.{best_day}"),
        share=words.percent(share(by_day[best_day], orders)),
        hour=best_hour,
    )
    section.charts.append(
        columns(
            section.title_of("hours_chart"),
            [
                Bar(
                    str(hour),
                    by_hour.get(hour, 0),
                    words.percent(share(by_hour.get(hour, 0), sum(by_hour.values()))),
                    is_accented=hour == best_hour,
                )
                for hour in range(24)
            ],
            labelled_every=3,
        )
    )


def _months(section: SectionBuilder, facts: Facts) -> None:
    months = facts["months"][-LAST_MONTHS:]
    if len(months) < 3:
        return
    words = section.words
    section.charts.append(
        columns(
            section.title_of("months_chart"),
            [
                Bar(
                    f"{row['month'].month}/{row['month'].year % 100:02d}",
                    float(row["net_amount"] or 0),
                    words.amount(row["net_amount"]),
                )
                for row in months
            ],
            labelled_every=3,
        )
    )


def _baskets(section: SectionBuilder, facts: Facts) -> None:
    words, ticket = section.words, first(facts["tickets"])
    if ticket and ticket["quantiles"]:
        low, quarter, median, three_quarters, high = ticket["quantiles"]
        section.say(
            "ticket",
            median=words.amount(median, 2),
            mean=words.amount(ticket["mean_amount"], 2),
            low=words.amount(low, 2),
            high=words.amount(high, 2),
        )
        section.charts.append(
            horizontal_bars(
                section.title_of("tickets_chart"),
                [
                    Bar(
                        words("purchases.cheaper_than", share=words.percent(cut, 0)),
                        value,
                        words.amount(value, 2),
                        is_accented=cut == 0.5,
                    )
                    for cut, value in zip(
                        (0.1, 0.25, 0.5, 0.75, 0.9),
                        (low, quarter, median, three_quarters, high),
                        strict=True,
                    )
                ],
            )
        )
    departments = facts["departments"]
    total = sum(float(row["net_amount"] or 0) for row in departments)
    if total:
        section.charts.append(
            horizontal_bars(
                section.title_of("departments_chart"),
                [
                    Bar(
                        row["department"].capitalize() or words("purchases.no_department"),
                        float(row["net_amount"] or 0),
                        words.percent(share(row["net_amount"], total)),
                    )
                    for row in departments[:LISTED_DEPARTMENTS]
                ],
            )
        )


def qualification_section(facts: Facts, words: Words) -> Section:
    """Return of which purchases it is known who, what and when."""
    section = SectionBuilder("qualification", words)
    rows = facts["qualification"]
    orders = sum(row["orders"] for row in rows)
    if not orders:
        return section.build()
    means = {
        name: sum(row[f"{name}_share"] * row["orders"] for row in rows) / orders
        for name in ("who", "what", "when", "qualified")
    }
    section.say("known", **{name: words.percent(value) for name, value in means.items()})
    section.charts.append(
        horizontal_bars(
            section.title_of("chart"),
            [
                Bar(
                    words(f"qualification.{name}"),
                    value,
                    words.percent(value),
                    is_accented=name == "qualified",
                )
                for name, value in means.items()
            ],
        )
    )
    section.table(
        "table_title",
        ("system", "orders", "who", "what", "when", "qualified"),
        [
            (
                row["source_system"],
                words.number(row["orders"]),
                *(
                    words.percent(row[f"{name}_share"])
                    for name in ("who", "what", "when", "qualified")
                ),
            )
            for row in rows
        ],
    )
    return section.build()
