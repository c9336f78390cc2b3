"""Sections about the data: quality by source and field, and duplicates.

Belongs here: what is said and drawn of them. Does not: queries (`facts`) or texts (`texts/`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from orchestration.lib.audit.charts import Bar, horizontal_bars
from orchestration.lib.audit.facts import Facts
from orchestration.lib.audit.parts import Section, SectionBuilder, first, share
from orchestration.lib.audit.reasons import reason_in_words
from orchestration.lib.audit.words import Words

WORST_FIELDS: Final = 15
POOR_SCORE: Final = 70
LISTED_DRIFT: Final = 15


def quality_section(facts: Facts, words: Words) -> Section:
    """Return scorecard, profiles, reconciliation, rejects and drift."""
    section = SectionBuilder("quality", words)
    _reconciliation(section, facts)
    _scorecard(section, facts)
    _profiles(section, facts)
    section.table(
        "issues_title",
        ("system", "field", "issue", "records", "share"),
        [
            (
                row["source_system"],
                words.maybe(f"field.{row['field']}", row["field"]),
                words.maybe(f"issue.{row['issue_code']}", row["issue_code"].replace("_", " ")),
                words.number(row["records"]),
                words.percent(row["records_share"]),
            )
            for row in facts["issues"]
        ],
        words=3,
    )
    section.table(
        "rejects_title",
        ("system", "table", "column", "reason", "rows"),
        [
            (
                row["source_system"],
                row["table_name"],
                words("column_line") if row["column_name"] == "(line)" else row["column_name"],
                reason_in_words(row["reason"], row["column_name"], words),
                words.number(row["rejected_rows"]),
            )
            for row in facts["rejects"]
        ],
        words=4,
    )
    _drift(section, facts)
    section.table(
        "unknown_title",
        ("dimension", "system", "lines_share", "amount_share"),
        [
            (
                words(f"dimension.{row['dimension']}"),
                row["source_system"],
                words.percent(row["unknown_line_share"], 2),
                words.percent(row["unknown_net_amount_share"], 2),
            )
            for row in facts["unknown_members"]
        ],
        words=2,
    )
    return section.build()


def _reconciliation(section: SectionBuilder, facts: Facts) -> None:
    words = section.words
    systems = [row for row in facts["systems"] if row["files"]]
    if not systems:
        return
    delivered = sum(row["rows_delivered"] for row in systems)
    rejected = sum(row["rows_rejected"] for row in systems)
    unbalanced = sum(row["unbalanced_files"] for row in systems)
    section.say(
        "accounted" if not unbalanced else "unaccounted",
        files=words.number(sum(row["files"] for row in systems)),
        rows=words.number(delivered),
        rejected=words.number(rejected),
        share=words.percent(share(rejected, delivered), 2),
        unbalanced=words.number(unbalanced),
    )
    section.table(
        "reconciliation_title",
        ("system", "files", "delivered", "loaded", "rejected", "unchanged"),
        [
            (
                row["source_system"],
                *(
                    words.number(row[name])
                    for name in (
                        "files",
                        "rows_delivered",
                        "rows_loaded",
                        "rows_rejected",
                        "rows_unchanged",
                    )
                ),
            )
            for row in systems
        ],
    )


def _scorecard(section: SectionBuilder, facts: Facts) -> None:
    words, scores = section.words, facts["scorecard"]
    if not scores:
        return
    by_system: defaultdict[str, list[float]] = defaultdict(list)
    for row in scores:
        by_system[row["source_system"]].append(float(row["score"]))
    means = {name: sum(values) / len(values) for name, values in by_system.items()}
    worst = scores[0]
    section.say(
        "scored",
        fields=words.number(len(scores)),
        poor=words.number(sum(float(row["score"]) < POOR_SCORE for row in scores)),
        field=words.maybe(f"field.{worst['field']}", worst["field"]),
        system=worst["source_system"],
        score=words.number(worst["score"]),
    )
    section.charts.append(
        horizontal_bars(
            section.title_of("scores_chart"),
            [
                Bar(name, mean, words.number(mean), is_accented=mean < POOR_SCORE)
                for name, mean in sorted(means.items(), key=lambda item: -item[1])
            ],
        )
    )
    dimensions = ("completeness", "validity", "uniqueness", "consistency", "timeliness")
    section.table(
        "scorecard_title",
        ("system", "field", "score", "grade", *dimensions),
        [
            (
                row["source_system"],
                words.maybe(f"field.{row['field']}", f"{row['entity']}.{row['field']}"),
                words.number(row["score"]),
                row["grade"],
                *(words.percent(row[f"{name}_share"]) for name in dimensions),
            )
            for row in scores[:WORST_FIELDS]
        ],
        words=2,
    )


def _profiles(section: SectionBuilder, facts: Facts) -> None:
    words, profiles = section.words, facts["profiles"]
    if not profiles:
        return
    section.say(
        "profiled",
        columns=words.number(sum(row["source_columns"] for row in profiles)),
        tables=words.number(sum(row["tables"] for row in profiles)),
        sparse=words.number(sum(row["sparse_columns"] for row in profiles)),
        empty=words.number(sum(row["empty_columns"] for row in profiles)),
    )
    names = ("tables", "source_columns", "full_columns", "sparse_columns", "empty_columns")
    section.table(
        "profiles_title",
        ("system", *names),
        [(row["source_system"], *(words.number(row[name]) for name in names)) for row in profiles],
    )


def _drift(section: SectionBuilder, facts: Facts) -> None:
    if not facts["profiles"]:
        return
    words, drift = section.words, facts["drift"]
    warnings = [row for row in drift if row["drift_severity"] == "warning"]
    section.say("drifted" if warnings else "steady", warnings=words.number(len(warnings)))
    section.table(
        "drift_title",
        ("system", "table", "column", "what_changed", "severity"),
        [
            (
                row["source_system"],
                row["table_name"],
                words("quality.whole_table") if row["column_name"] == "*" else row["column_name"],
                ", ".join(words(f"drift.{kind}") for kind in row["drift_kinds"].split(",")),
                words(f"severity.{row['drift_severity']}"),
            )
            for row in drift[:LISTED_DRIFT]
        ],
        words=5,
    )


def duplicates_section(facts: Facts, words: Words) -> Section:
    """Return how many records are one customer, and which values are shared."""
    section = SectionBuilder("duplicates", words)
    known = facts["known_by_systems"]
    if known:
        records = sum(row["records"] for row in known)
        customers = sum(row["customers"] for row in known)
        several = sum(row["customers"] for row in known if row["systems"] > 1)
        within = sum((row["records"] or 0) - (row["customers"] or 0) for row in facts["systems"])
        section.say(
            "found" if records > customers else "not_found",
            records=words.number(records),
            customers=words.number(customers),
            duplicates=words.number(records - customers),
            share=words.percent(share(records - customers, records)),
            within=words.number(within),
            several=words.people(several),
            several_share=words.percent(share(several, customers)),
        )
        if len(known) > 1:
            section.charts.append(
                horizontal_bars(
                    section.title_of("systems_chart"),
                    [
                        Bar(
                            words("duplicates.in_systems", systems=row["systems"]),
                            row["customers"],
                            words.people(row["customers"]),
                        )
                        for row in known
                    ],
                )
            )
        section.table(
            "systems_title",
            ("system", "records", "customers", "duplicates_within"),
            [
                (
                    row["source_system"],
                    words.people(row["records"]),
                    words.people(row["customers"]),
                    words.people((row["records"] or 0) - (row["customers"] or 0)),
                )
                for row in facts["systems"]
                if row["records"]
            ],
        )
    keys = [row for row in facts["shared_keys"] if row["key_values"]]
    section.table(
        "keys_title",
        ("key", "values", "values_within", "records_within", "values_across", "records_across"),
        [
            (
                words(f"key.{row['key_kind']}"),
                *(
                    words.people(row[name])
                    for name in (
                        "key_values",
                        "values_within",
                        "records_within",
                        "values_across",
                        "records_across",
                    )
                ),
            )
            for row in keys
        ],
    )
    shared = [row for row in facts["still_shared"] if row["key_values"]]
    section.table(
        "still_shared_title",
        ("key", "values", "shared_values", "customers"),
        [
            (
                words(f"key.{row['key_kind']}"),
                words.people(row["key_values"]),
                words.people(row["shared_values"]),
                words.people(row["customers"]),
            )
            for row in shared
        ],
    )
    if not keys and not shared and first(facts["base"]):
        section.say("no_keys")
    section.note("method")
    return section.build()
