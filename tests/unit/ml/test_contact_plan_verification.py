"""The checker of finished plans sees each rule being broken.

Belongs here: good plans spoilt on purpose, one rule at a time. Does not: making plans.
"""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from ml.contact_plan import Fact, PlanContext, PlanPolicy, make_context, violations_by_rule
from tests.unit.ml.contact_plan_examples import (
    KEY,
    NO_HOLDOUTS,
    TUESDAY,
    make_candidates,
    make_channels,
    make_customers,
    make_history,
    make_play,
    plan,
)

_IRRELEVANT_TO_ADVERTISING = {
    "LACKS_CONTACT_POINT",
    "IS_NO_CUSTOMER",
    "LACKS_CONTRACT",
    "IS_PROFILING_NOT_GRANTED",
    "IS_THIRD_PARTIES_NOT_GRANTED",
}
PLAYS = [
    make_play("play_gift", channels=["email"], cooldown_days=10, offer_is_discount=True),
    make_play("play_news", channels=["email", "sms"]),
]
CUSTOMERS = make_customers(
    {"customer_id": "C0", "has_phone": False}, {"customer_id": "C1"}, {"customer_id": "C2"}
)
CANDIDATES = make_candidates(
    {"customer_id": "C0", "play": "play_gift"},
    {"customer_id": "C1", "play": "play_news"},
    {"customer_id": "C2", "play": "play_gift", "expected_order_value": 50.0},
    {"customer_id": "C2", "play": "play_news"},
)
RESULT = plan(CANDIDATES, CUSTOMERS, PLAYS)


def context_with(**policy: object) -> PlanContext:
    """Make the context of the plan, with another policy where given."""
    channels = make_channels(email=5)
    fields = {**NO_HOLDOUTS, **policy}
    return make_context(
        PLAYS, channels, CUSTOMERS, make_history(), TUESDAY, PlanPolicy(**fields), KEY
    )


def found_violations(
    context: PlanContext,
    decisions: pd.DataFrame = RESULT.decisions,
    contact_plan: pd.DataFrame = RESULT.contact_plan,
) -> dict[str, int]:
    """Give the rules that are broken, with their counts."""
    found = violations_by_rule(RESULT.candidates, decisions, contact_plan, context)
    return {rule: count for rule, count in found.items() if count}


def with_history(*rows: tuple[str, str, str]) -> PlanContext:
    """Make a context with a history of (customer_id, play, sent_at)."""
    history = make_history(*((customer, play, "email", day) for customer, play, day in rows))
    policy = PlanPolicy(**NO_HOLDOUTS)
    return make_context(PLAYS, make_channels(), CUSTOMERS, history, TUESDAY, policy, KEY)


def test_good_plan_has_no_violations() -> None:
    assert RESULT.contact_plan["customer_id"].tolist() == ["C0", "C1", "C2"]
    assert found_violations(context_with()) == {}


def test_candidate_left_out_or_decided_twice() -> None:
    context = context_with()
    last = RESULT.decisions.iloc[[2]]  # C2's deferred gift: not planned, so one rule is touched
    assert found_violations(context, RESULT.decisions.drop(index=2)) == {"not_decided_once": 1}
    doubled = pd.concat([RESULT.decisions, last])
    assert found_violations(context, doubled) == {"not_decided_once": 1}


def test_decision_without_reason() -> None:
    decisions = RESULT.decisions.copy()
    decisions.loc[2, "reason_codes"] = ""
    assert found_violations(context_with(), decisions) == {"outcome_without_reason": 1}


def test_contact_that_was_not_selected_or_is_missing() -> None:
    missing = RESULT.contact_plan.iloc[:2]
    found = found_violations(context_with(), contact_plan=missing)
    assert found == {"planned_but_not_selected": 1}
    decisions = RESULT.decisions.copy()
    decisions.loc[0, "outcome"] = "deferred"
    assert found_violations(context_with(), decisions) == {"planned_but_not_selected": 1}


def test_customer_above_the_daily_cap() -> None:
    second = RESULT.contact_plan.iloc[[2]].assign(play="play_gift")
    contact_plan = pd.concat([RESULT.contact_plan, second])
    decisions = RESULT.decisions.assign(outcome="selected")
    found = found_violations(context_with(), decisions, contact_plan)
    assert found == {"frequency_cap_1d": 1}


def test_customer_above_a_cap_with_history() -> None:
    rows = [("C1", "play_news", f"2017-05-{day:02d}") for day in (10, 11)]
    assert found_violations(with_history(*rows)) == {"frequency_cap_7d": 1}
    rows = [("C1", "play_news", "2017-04-20")] * 6
    assert found_violations(with_history(*rows)) == {"frequency_cap_30d": 1}


def test_history_above_a_cap_counts_only_what_the_plan_adds() -> None:
    rows = [("C1", "play_news", "2017-05-12")] * 5
    assert found_violations(with_history(*rows)) == {"frequency_cap_7d": 1}


def test_full_channel() -> None:
    context = dataclasses.replace(context_with(), channels=tuple(make_channels(email=1)))
    assert found_violations(context) == {"channel_capacity": 2}


@pytest.mark.parametrize(
    ("row", "channel"),
    [(0, "sms"), (1, "post"), (2, None)],
    ids=["play and customer don't have it", "play doesn't have it", "none at all"],
)
def test_unreachable_channel(row: int, channel: str | None) -> None:
    contact_plan = RESULT.contact_plan.copy()
    contact_plan.loc[row, "channel"] = channel
    found = found_violations(context_with(), contact_plan=contact_plan)
    assert found == {"unreachable_channel": 1}


def test_customer_without_the_contact_point() -> None:
    customers = CUSTOMERS.assign(email_facts=[int(Fact.LACKS_CONTACT_POINT), 0, 0])
    context = dataclasses.replace(context_with(), customers=customers)
    assert found_violations(context) == {"unreachable_channel": 1}


@pytest.mark.parametrize(
    "fact", [fact for fact in Fact if fact.name not in _IRRELEVANT_TO_ADVERTISING]
)
def test_contact_that_the_law_forbids(fact: Fact) -> None:
    """The second look finds each fact by itself, without the code that made the plan."""
    customers = CUSTOMERS.assign(email_facts=[int(fact), 0, 0])
    context = dataclasses.replace(context_with(), customers=customers)
    is_refused = fact == Fact.IS_REFUSED
    # Refused without "not granted" can't be: what is granted was not refused.
    assert found_violations(context) == ({} if is_refused else {"unlawful_contact": 1})


def test_discount_to_the_best_cell() -> None:
    customers = CUSTOMERS.assign(rfm_cell="555")
    context = dataclasses.replace(context_with(), customers=customers)
    assert found_violations(context) == {"discount_to_best_customers": 1}


def test_play_again_within_its_cooldown() -> None:
    assert found_violations(with_history(("C0", "play_gift", "2017-05-07"))) == {"play_cooldown": 1}
    assert found_violations(with_history(("C0", "play_gift", "2017-05-06"))) == {}


def test_contacted_control_groups() -> None:
    # C0 is pinned as a member of the universal holdout in test_contact_plan_definitions.
    context = context_with(universal_holdout_share=0.1)
    assert found_violations(context) == {"control_group_contacted": 1}
    context = context_with(play_holdout_share=0.999999)
    assert found_violations(context) == {"control_group_contacted": 3}


def test_contact_that_costs_more_than_it_earns() -> None:
    contact_plan = RESULT.contact_plan.copy()
    contact_plan.loc[1, "cost"] = 10.0
    assert found_violations(context_with(), contact_plan=contact_plan) == {"value_below_cost": 1}
    contact_plan.loc[1, "cost"] = float("nan")
    assert found_violations(context_with(), contact_plan=contact_plan) == {"value_below_cost": 1}


@pytest.mark.parametrize(
    "send_at", ["2017-05-16 08:00", "2017-05-16 21:00", "2017-05-17 10:00", "2017-05-21 10:00"]
)
def test_contact_at_a_wrong_time(send_at: str) -> None:
    contact_plan = RESULT.contact_plan.copy()
    contact_plan.loc[1, "send_at"] = pd.Timestamp(send_at)
    assert found_violations(context_with(), contact_plan=contact_plan) == {"send_time": 1}


def test_contact_outside_its_validity() -> None:
    context = dataclasses.replace(context_with(), plan_day=pd.Timestamp("2017-05-09").to_numpy())
    assert found_violations(context) == {"outside_validity_window": 3}
    contact_plan = RESULT.contact_plan.copy()
    contact_plan.loc[1, "send_at"] = pd.Timestamp("2017-05-25 10:00")
    found = found_violations(context_with(), contact_plan=contact_plan)
    assert found == {"outside_validity_window": 1, "send_time": 1}
