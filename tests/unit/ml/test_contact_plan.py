"""The contact plan of one day: a hand-made example, single rules and dates.

Belongs here: what `build_contact_plan` decides. Does not: broken input, generated plans.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.contact_plan import CANDIDATE_COLUMNS, CUSTOMER_COLUMNS
from ml.contact_plan.reasons import LEGAL_REASONS
from tests.unit.ml.contact_plan_examples import (
    SUNDAY,
    make_candidates,
    make_channels,
    make_customers,
    make_history,
    make_play,
    outcomes,
    plan,
)

C1 = {"customer_id": "C1"}
WELCOME = ("C1", "play_welcome")


def decide(
    candidate: dict[str, Any] | None = None,
    customer: dict[str, Any] | None = None,
    **arguments: Any,
) -> str:
    """Plan one candidate of one customer and give its outcome and reason codes."""
    candidates = make_candidates({**C1, **(candidate or {})})
    return outcomes(plan(candidates, make_customers({**C1, **(customer or {})}), **arguments))[
        WELCOME
    ]


def test_example_by_hand() -> None:
    """Every number can be followed on paper: net value = 0.1 x order value - channel cost."""
    plays = [
        make_play("play_news", channels=["email", "sms"]),
        make_play("play_offer", channels=["post"], offer_is_discount=True, cooldown_days=30),
        make_play("play_call", channels=["phone"], prior_incremental_response_share=0.02),
    ]
    customers = make_customers(
        {"customer_id": "C1", "rfm_cell": "555", "best_channel": "sms", "preferred_hour": 19},
        {"customer_id": "C2", "has_email": False, "has_phone": False},
        {"customer_id": "C3", "best_channel": "post"},
        {"customer_id": "C4"},
        {"customer_id": "C5"},
        {"customer_id": "C6"},
    )
    values = [
        ("C1", "play_news", 40.0),
        ("C1", "play_offer", 900.0),
        ("C2", "play_news", 500.0),
        ("C3", "play_news", 100.0),
        ("C3", "play_offer", 60.0),
        ("C4", "play_news", 80.0),
        ("C4", "play_offer", 50.0),
        ("C5", "play_news", 90.0),
        ("C6", "play_call", 100.0),
        ("C6", "play_offer", 70.0),
    ]
    candidates = make_candidates(
        *(
            {"customer_id": customer, "play": play, "expected_order_value": value}
            for customer, play, value in values
        )
    )
    history = make_history(
        ("C5", "play_news", "email", "2017-05-11 10:00"),
        ("C5", None, "sms", "2017-05-13 10:00"),
        ("C6", "play_offer", "post", "2017-05-02 10:00"),
    )
    result = plan(candidates, customers, plays, make_channels(email=1), history)

    assert outcomes(result) == {
        ("C1", "play_news"): "selected: selected",
        ("C1", "play_offer"): "suppressed: brand_no_discount_for_best_customers",
        ("C2", "play_news"): "suppressed: no_reachable_channel",
        ("C3", "play_news"): "selected: selected",
        ("C3", "play_offer"): "deferred: lower_value_than_selected",
        ("C4", "play_news"): "deferred: channel_capacity",
        ("C4", "play_offer"): "selected: selected",
        ("C5", "play_news"): "deferred: frequency_cap_7d",
        ("C6", "play_call"): "suppressed: value_below_cost",
        ("C6", "play_offer"): "suppressed: play_cooldown",
    }
    planned = result.contact_plan[["customer_id", "channel", "send_at", "cost"]]
    assert planned.to_numpy(dtype=object).tolist() == [
        ["C1", "sms", pd.Timestamp("2017-05-16 19:00"), 0.5],
        ["C3", "email", pd.Timestamp("2017-05-16 10:00"), 0.1],
        ["C4", "post", pd.Timestamp("2017-05-16 10:00"), 1.0],
    ]
    run = result.arbitration_run.iloc[0]
    counts = ["candidates", "selected", "deferred", "suppressed", "control", "violations"]
    assert run[counts].tolist() == [10, 3, 3, 4, 0, 0]
    assert run["method"] == "greedy"
    assert run["objective"] == pytest.approx(3.5 + 9.9 + 4.0)
    assert run["bound"] == pytest.approx(3.5 + 9.9 + 7.9)
    assert run["gap_share"] == pytest.approx(3.9 / 21.3)


def test_plan_carries_the_play_and_the_candidate() -> None:
    candidate = {**C1, "offer": "Free coffee", "recommended_product_ids": "p1,p2"}
    row = plan(make_candidates(candidate), make_customers(C1)).contact_plan.iloc[0]
    assert row["plan_date"] == pd.Timestamp("2017-05-16")
    assert row["category"] == "Ciclo"
    assert row["template"] == "welcome_v1"
    assert row["offer"] == "Free coffee"
    assert row["recommended_product_ids"] == "p1,p2"
    assert row["recommended_category"] is pd.NA
    assert row["reason"] == "Bought for the first time 5 days ago."
    assert row["expected_incremental_value"] == pytest.approx(10.0)
    assert row["control_group"] == "none"


@pytest.mark.parametrize(
    ("customer", "channel"),
    [
        ({}, "email"),
        ({"best_channel": "post"}, "post"),
        ({"best_channel": "whatsapp"}, "email"),
        ({"best_channel": "post", "has_postal_address": False}, "email"),
        ({"has_email": False}, "sms"),
        ({"has_email": None}, "sms"),
        ({"has_email": False, "has_sms": False}, "post"),
        ({"has_email": False, "has_phone": False}, "post"),
    ],
)
def test_channel_is_the_best_allowed_else_by_the_plays_order(
    customer: dict[str, Any], channel: str
) -> None:
    result = plan(make_candidates(C1), make_customers({**C1, **customer}))
    assert result.decisions["channel"].tolist() == [channel]


@pytest.mark.parametrize(
    ("due_at", "valid_until", "is_valid"),
    [
        ("2017-05-16", "2017-05-16", True),
        ("2017-05-17", "2017-05-20", False),
        ("2017-05-01", "2017-05-15", False),
        ("2017-05-01", "9999-12-31", True),
    ],
)
def test_validity_window_includes_both_ends(due_at: str, valid_until: str, is_valid: bool) -> None:
    dates = {
        "due_at": dt.date.fromisoformat(due_at),
        "valid_until": dt.date.fromisoformat(valid_until),
    }
    found = decide(dates)
    assert found == ("selected: selected" if is_valid else "suppressed: outside_validity_window")


def test_best_cell_is_recognised_when_read_as_a_number() -> None:
    plays = [make_play(offer_is_discount=True)]
    customers = make_customers({**C1, "rfm_cell": 555}, {"customer_id": "C2", "rfm_cell": None})
    customers["rfm_cell"] = customers["rfm_cell"].astype(float)
    found = outcomes(plan(make_candidates(C1), customers, plays))
    assert found[WELCOME] == "suppressed: brand_no_discount_for_best_customers"


@pytest.mark.parametrize(("sent_at", "is_cooling"), [("2017-05-06", False), ("2017-05-07", True)])
def test_cooldown_ends_after_its_days(sent_at: str, is_cooling: bool) -> None:
    history = make_history(("C1", "play_welcome", "email", f"{sent_at} 23:59"))
    found = decide(plays=[make_play(cooldown_days=10)], history=history)
    assert found == ("suppressed: play_cooldown" if is_cooling else "selected: selected")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1.0, "suppressed: value_below_cost"),  # 0.1 x 1.0 - 0.1 = 0: earns nothing
        (1.1, "selected: selected"),
        (-5.0, "suppressed: value_below_cost"),
        (None, "suppressed: value_unknown"),
        (float("inf"), "suppressed: value_unknown"),
    ],
)
def test_contact_must_earn_more_than_it_costs(value: float | None, found: str) -> None:
    assert decide({"expected_order_value": value}) == found


def test_all_suppressing_rules_are_told_in_order_of_precedence() -> None:
    candidate = {"due_at": dt.date(2017, 6, 1), "expected_order_value": 1.0}
    customer = {"rfm_cell": "555", "has_email": False, "has_phone": False}
    plays = [make_play(offer_is_discount=True, cooldown_days=30)]
    history = make_history(("C1", "play_welcome", "email", "2017-05-01"))
    assert decide(candidate, customer, plays=plays, history=history) == (
        "suppressed: outside_validity_window,brand_no_discount_for_best_customers,"
        "play_cooldown,value_below_cost"
    )


def test_policy_can_reorder_the_rules() -> None:
    rules = (
        "value_below_cost",
        "value_unknown",
        "no_reachable_channel",
        "outside_validity_window",
        "brand_no_discount_for_best_customers",
        "play_cooldown",
        "undeliverable",
        *LEGAL_REASONS,
    )
    candidate = {"due_at": dt.date(2017, 6, 1), "expected_order_value": 1.0}
    found = decide(candidate, suppression_rules=rules)
    assert found == "suppressed: value_below_cost,outside_validity_window"


@pytest.mark.parametrize(
    ("sent", "policy", "found"),
    [
        (["2017-05-10"], {"max_contacts_per_7d": 1}, "deferred: frequency_cap_7d"),
        (["2017-05-09"], {"max_contacts_per_7d": 1}, "selected: selected"),
        (["2017-04-17"] * 6, {}, "deferred: frequency_cap_30d"),
        (["2017-04-16"] * 6, {}, "selected: selected"),
        (["2017-05-15"] * 6, {}, "deferred: frequency_cap_7d,frequency_cap_30d"),
    ],
)
def test_caps_count_the_history(sent: list[str], policy: dict[str, Any], found: str) -> None:
    history = make_history(*(("C1", None, "email", day) for day in sent))
    assert decide(history=history, **policy) == found


def test_tighter_cap_is_named_beside_the_better_contact() -> None:
    plays = [make_play("play_a"), make_play("play_b", priority=60)]
    candidates = make_candidates({**C1, "play": "play_a"}, {**C1, "play": "play_b"})
    history = make_history(("C1", None, "email", "2017-05-15"))
    arguments: dict[str, Any] = {"max_contacts_per_day": 2, "max_contacts_per_7d": 2}
    found = outcomes(plan(candidates, make_customers(C1), plays, history=history, **arguments))
    assert found == {
        ("C1", "play_a"): "deferred: lower_value_than_selected,frequency_cap_7d",
        ("C1", "play_b"): "selected: selected",
    }


def test_only_the_tightest_cap_is_named() -> None:
    """With 2 contacts left in 7 days and 1 in 30 days, it is the 30 days that bind."""
    plays = [make_play("play_a"), make_play("play_b", priority=60)]
    candidates = make_candidates({**C1, "play": "play_a"}, {**C1, "play": "play_b"})
    history = make_history(*(("C1", None, "email", f"2017-05-{day:02d}") for day in (1, 2, 15)))
    caps = {"max_contacts_per_day": 3, "max_contacts_per_7d": 3, "max_contacts_per_30d": 4}
    found = outcomes(plan(candidates, make_customers(C1), plays, history=history, **caps))
    expected = "deferred: lower_value_than_selected,frequency_cap_30d"
    assert found[("C1", "play_a")] == expected


def test_contacts_after_the_plan_date_are_not_seen() -> None:
    future = [("C1", "play_welcome", "email", f"2017-05-{day}") for day in (16, 17, 18)]
    plays = [make_play(cooldown_days=30)]
    assert decide(plays=plays, history=make_history(*future)) == "selected: selected"


def test_sunday_is_sent_on_monday_at_an_allowed_hour() -> None:
    customers = make_customers(
        {"customer_id": "C1", "preferred_hour": 6},
        {"customer_id": "C2", "preferred_hour": 23},
        {"customer_id": "C3", "preferred_hour": 12.9},
    )
    candidates = make_candidates(*({"customer_id": name} for name in ("C1", "C2", "C3")))
    quiet = plan(candidates, customers, plan_date=SUNDAY)
    loud = plan(candidates, customers, plan_date=SUNDAY, is_sunday_quiet=False)
    monday = [f"2017-05-15 {hour}:00" for hour in ("09", "20", "12")]
    sunday = [f"2017-05-14 {hour}:00" for hour in ("09", "20", "12")]
    assert quiet.contact_plan["send_at"].tolist() == [pd.Timestamp(time) for time in monday]
    assert loud.contact_plan["send_at"].tolist() == [pd.Timestamp(time) for time in sunday]
    assert quiet.contact_plan["plan_date"].unique().tolist() == [pd.Timestamp(SUNDAY)]


def test_offer_that_ends_on_a_quiet_sunday_is_not_sent_on_monday() -> None:
    candidate = {"valid_until": SUNDAY}
    assert decide(candidate, plan_date=SUNDAY) == "suppressed: outside_validity_window"
    assert decide(candidate, plan_date=SUNDAY, is_sunday_quiet=False) == "selected: selected"


def test_monday_counts_what_sunday_planned_for_it() -> None:
    """Sunday's plan is sent on Monday at 10:00, which is not before Monday's plan date."""
    monday = dt.date(2017, 5, 15)
    history = make_history(("C1", "play_other", "email", "2017-05-15 10:00"))
    assert decide(history=history, plan_date=monday) == "selected: selected"
    history["plan_date"] = pd.to_datetime("2017-05-14")
    assert decide(history=history, plan_date=monday) == "deferred: frequency_cap_1d"
    history["plan_date"] = pd.to_datetime("2017-05-15")
    assert decide(history=history, plan_date=monday) == "selected: selected"


def test_holdout_members_are_controls_and_never_planned() -> None:
    ids = [f"C{number}" for number in range(40)]
    candidates = make_candidates(*({"customer_id": name} for name in ids))
    customers = make_customers(*({"customer_id": name} for name in ids))
    result = plan(candidates, customers, universal_holdout_share=0.1, play_holdout_share=0.1)
    controls = result.decisions[result.decisions["outcome"] == "control"]
    found = controls.set_index("customer_id")[["reason_codes", "control_group"]]
    # The members are those pinned in test_contact_plan_definitions.
    universal = {name: ("universal_holdout", "universal") for name in ("C0", "C20", "C34", "C6")}
    play = {name: ("play_holdout", "play") for name in ("C18", "C25", "C29", "C3", "C5")}
    expected = universal | play
    assert {str(name): tuple(row) for name, row in found.T.items()} == expected
    assert not set(result.contact_plan["customer_id"]) & set(expected)
    assert result.arbitration_run.loc[0, "control"] == 9


def test_suppression_comes_before_control() -> None:
    candidates = make_candidates({"customer_id": "C0", "expected_order_value": 0.0})
    result = plan(candidates, make_customers({"customer_id": "C0"}), universal_holdout_share=0.1)
    assert outcomes(result) == {("C0", "play_welcome"): "suppressed: value_below_cost"}
    assert result.decisions["control_group"].tolist() == ["none"]


def test_control_group_is_named_once_and_for_eligible_candidates_only() -> None:
    """C0 is in the universal holdout (pinned) and, with this share, in every play's group too."""
    plays = [make_play("play_a"), make_play("play_b")]
    candidates = make_candidates(
        {"customer_id": "C0", "play": "play_b"},
        {"customer_id": "C0", "play": "play_a", "expected_order_value": 0.0},
    )
    shares = {"universal_holdout_share": 0.1, "play_holdout_share": 0.999999}
    result = plan(candidates, make_customers({"customer_id": "C0"}), plays, **shares)
    assert outcomes(result) == {
        ("C0", "play_a"): "suppressed: value_below_cost",
        ("C0", "play_b"): "control: universal_holdout",
    }
    assert result.decisions["control_group"].tolist() == ["none", "universal"]


def test_large_plan_is_made_without_looping_over_rows() -> None:
    """Not timed: 200,000 candidates take about a second, a loop over rows would be noticed."""
    rng = np.random.default_rng(7)
    ids = np.array([f"C{number:06d}" for number in range(100_000)], dtype=object)
    customers = pd.DataFrame({"customer_id": ids}).assign(
        **dict.fromkeys(CUSTOMER_COLUMNS[1:7], 0),
        **dict.fromkeys(CUSTOMER_COLUMNS[7:10], None),
        preferred_hour=np.nan,
    )
    plays = [make_play("play_a"), make_play("play_b", channels=["sms"])]
    frames = [
        pd.DataFrame({"customer_id": ids}).assign(
            play=play.name,
            due_at=pd.Timestamp("2017-05-01"),
            valid_until=pd.Timestamp("2017-05-30"),
            expected_order_value=rng.gamma(2.0, 30.0, len(ids)),
            **dict.fromkeys(("reason", "offer", *CANDIDATE_COLUMNS[7:]), None),
        )
        for play in plays
    ]
    result = plan(pd.concat(frames), customers, plays, make_channels(email=30_000, sms=10_000))
    run = result.arbitration_run.iloc[0]
    assert run["candidates"] == 200_000
    assert run["selected"] == 40_000
    assert run["violations"] == 0
