"""The section on automated decisions: what was computed of a person, how, and what follows from it.

GDPR art. 13.2.f, 15.1.h and 22. Belongs here: figures and the sentences that explain them. Does not:
what the models do (`ml/lifetime_value`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.lib.audit.words import Words
from orchestration.lib.privacy.person_export.facts import PersonFacts
from orchestration.lib.privacy.person_export.parts import PageSection, cell, holding_table

SHARES = ("p_alive", "churn_risk", "p_purchase_30d", "p_purchase_90d")
COUNTS = ("expected_purchases_365d",)
AMOUNTS = ("expected_value", "clv_365d")
OTHERS = ("next_purchase_at", "best_channel", "purchase_churn_segment")
PREDICTIONS = "ml.customer_predictions"
# Further figures of a person that are computed; those that a warehouse lacks are left out.
COMPUTED = (
    "marts.customer_360",
    "marts.customer_rfm",
    "marts.customer_purchase_patterns",
    "marts.customer_lifecycle",
    "marts.customer_lines",
    "ml.recommendations",
    "ml.renewals",
)


def _figure(words: Words, name: str, value: Any) -> str:  # noqa: ANN401 - whatever a table holds
    if name in SHARES:
        return words.percent(float(value))
    if name in AMOUNTS:
        return words.amount(float(value), 2)
    if name in COUNTS:
        return words.number(float(value), 1)
    if name == "best_channel":
        return cell(words, "channel", value)
    return cell(words, name, value)


def _model_sentence(facts: PersonFacts, words: Words, newest: Mapping[str, Any]) -> str:
    grade = next(
        (
            run["grade"]
            for run in facts.model_runs
            if run["model"] == newest["model"] and run["as_of_date"] == newest["as_of_date"]
        ),
        None,
    )
    return words(
        "profile.model",
        model=newest["model"],
        version=newest["model_version"] or words("none"),
        day=words.day(newest["as_of_date"]),
        grade=grade or words("none"),
    )


def profile_section(facts: PersonFacts, words: Words) -> PageSection:
    """Tell segment and predictions with what each means, how it was made, and what follows from it."""
    sentences = [words("profile.intro")]
    overview = facts.first("marts.customer_360")
    segment = overview.get(f"segment_name_{words.language}")
    if segment:
        sentences.append(
            words("profile.segment", segment=segment, cell=overview.get("rfm_cell") or "")
        )
    predictions = facts.rows(PREDICTIONS)
    newest = max(predictions, key=lambda row: row["as_of_date"]) if predictions else None
    if newest is None:
        sentences.append(words("profile.not_predicted"))
    else:
        for name in (*SHARES, *COUNTS, *AMOUNTS, *OTHERS):
            if newest.get(name) is not None:
                value = _figure(words, name, newest[name])
                sentences.append(words(f"profile.{name}", value=value))
        sentences.append(words("profile.logic"))
        sentences.append(_model_sentence(facts, words, newest))
        if newest.get("is_abstaining"):
            sentences.append(words("profile.abstains"))
    sentences.append(words("profile.consequence"))
    tables = []
    if PREDICTIONS in facts.holdings:
        holding = facts.holdings[PREDICTIONS]
        tables.append(holding_table(words, holding, newest_by="as_of_date", is_folded=True))
    for name in COMPUTED:
        if name in facts.holdings:
            title = f"{words('profile.others')}: {name}"
            tables.append(holding_table(words, facts.holdings[name], is_folded=True, title=title))
    return PageSection("profile", words("section.profile.title"), tuple(sentences), tuple(tables))
