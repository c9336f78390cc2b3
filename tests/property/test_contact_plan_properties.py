"""What holds for every contact plan, tried on generated customers, candidates and histories.

Belongs here: laws of the plan. Does not: single examples (`tests/unit/ml`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.contact_plan import (
    ContactPlanResult,
    PlanPolicy,
    build_contact_plan,
    in_play_holdout,
    in_universal_holdout,
)
from ml.contact_plan.reasons import DEFERRAL_REASONS, SUPPRESSION_REASONS
from tests.unit.ml.contact_plan_examples import (
    KEY,
    make_candidates,
    make_channels,
    make_customers,
    make_history,
    make_play,
)

CHANNELS = ("email", "sms", "post", "phone", "push")
PLAYS = [
    make_play("play_gift", channels=["email", "sms"], offer_is_discount=True, cooldown_days=20),
    make_play("play_news", channels=["email", "push", "post"], priority=70),
    make_play("play_call", channels=["phone", "sms"], cooldown_days=5),
    make_play("play_card", channels=["post"], priority=90),
]
FIRST_DAY = dt.date(2017, 5, 1)
TABLES = ("candidates", "decisions", "contact_plan", "arbitration_run")


@dataclass(frozen=True)
class Case:
    """A generated day: everything that a plan is made of."""

    candidates: pd.DataFrame
    customers: pd.DataFrame
    history: pd.DataFrame
    plan_date: dt.date
    policy: PlanPolicy
    capacities: dict[str, int | None] = field(default_factory=dict)

    def build(self, **replaced: Any) -> ContactPlanResult:
        """Make the plan, with some of its inputs replaced."""
        inputs: dict[str, Any] = {
            "candidates": self.candidates,
            "plays": PLAYS,
            "channels": make_channels(**self.capacities),
            "customers": self.customers,
            "history": self.history,
            "plan_date": self.plan_date,
            "policy": self.policy,
            "holdout_key": KEY,
        }
        return build_contact_plan(**{**inputs, **replaced})


def _days(last: int) -> st.SearchStrategy[dt.date]:
    return st.integers(0, last).map(lambda days: FIRST_DAY + dt.timedelta(days=days))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a day with up to 12 customers, so that caps and capacities bind often."""
    flags = st.booleans()
    customer = st.fixed_dictionaries(
        {
            "has_email": flags,
            "has_sms": flags,
            "has_phone": flags,
            "has_postal_address": flags,
            "has_push": flags,
            "best_channel": st.sampled_from([None, *CHANNELS, "carrier pigeon"]),
            "rfm_cell": st.sampled_from([None, "555", "111"]),
            "preferred_hour": st.one_of(st.none(), st.integers(0, 23)),
        }
    )
    people = draw(st.lists(customer, max_size=12))
    ids = [f"C{number}" for number in range(len(people))]
    customers = make_customers(
        *({"customer_id": name, **row} for name, row in zip(ids, people, strict=True))
    )
    pairs = [(play.name, name) for play in PLAYS for name in ids]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    # Few values, so that ties are common and some don't earn their cost.
    value = st.sampled_from([None, 0.0, 1.0, 8.0, 20.0, 35.0, 35.0, 80.0])
    candidates = make_candidates(
        *(
            {
                "play": play,
                "customer_id": name,
                "due_at": draw(_days(25)),
                "valid_until": draw(_days(60)),
                "expected_order_value": draw(value),
            }
            for play, name in chosen
        )
    )
    contact = st.tuples(
        st.sampled_from([*ids, "C-gone"]),
        st.sampled_from([None, "play_old", *(play.name for play in PLAYS)]),
        st.sampled_from(CHANNELS),
        _days(50).map(lambda day: f"{day} 12:00"),
    )
    caps = sorted(draw(st.lists(st.integers(1, 4), min_size=3, max_size=3)))
    policy = PlanPolicy(
        *caps,
        universal_holdout_share=draw(st.sampled_from([0.0, 0.2])),
        play_holdout_share=draw(st.sampled_from([0.0, 0.2])),
        is_sunday_quiet=draw(flags),
    )
    capacity = st.one_of(st.none(), st.integers(0, 4))
    return Case(
        candidates=candidates,
        customers=customers,
        history=make_history(*draw(st.lists(contact, max_size=15))),
        plan_date=draw(_days(30)),
        policy=policy,
        capacities={name: draw(capacity) for name in CHANNELS},
    )


def assert_same(first: ContactPlanResult, second: ContactPlanResult) -> None:
    """Assert that all tables of two plans are equal, rows, order and types."""
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_every_candidate_is_decided_once_with_the_reasons_of_its_outcome(case: Case) -> None:
    result = case.build()
    run = result.arbitration_run.iloc[0]
    parts = run[["selected", "deferred", "suppressed", "control"]].sum()
    assert len(case.candidates) == run["candidates"] == len(result.decisions) == parts
    keys = ["customer_id", "play"]
    decided = result.decisions[keys].astype(object)
    proposed = case.candidates[keys].sort_values(keys, key=_name_order, ignore_index=True)
    pd.testing.assert_frame_equal(decided, proposed, check_dtype=False)
    codes_of = {
        "selected": ("selected",),
        "deferred": DEFERRAL_REASONS,
        "suppressed": SUPPRESSION_REASONS,
        "control": ("universal_holdout", "play_holdout"),
    }
    for row in result.decisions.itertuples():
        allowed = codes_of[str(row.outcome)]
        codes = str(row.reason_codes).split(",")
        # Known codes of this outcome, none twice, the one with precedence first.
        assert codes == [code for code in allowed if code in codes]
        assert (row.control_group != "none") == (row.outcome == "control")


def _name_order(names: pd.Series) -> pd.Series:
    return names.astype(str)


@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_caps_and_capacities_hold_and_the_checker_agrees(case: Case) -> None:
    """Counted here again, from the generated history and not by the plan's own code."""
    result = case.build()
    planned = result.contact_plan
    policy = case.policy
    for channel, capacity in case.capacities.items():
        assert capacity is None or (planned["channel"] == channel).sum() <= capacity
    today = planned["customer_id"].value_counts()
    assert (today <= policy.max_contacts_per_day).all()
    past = case.history[case.history["sent_at"] < pd.Timestamp(case.plan_date)]
    for customer, contacts in today.items():
        sent_at = past.loc[past["customer_id"] == customer, "sent_at"].dt.normalize()
        age = (planned["send_at"].iloc[0].normalize() - sent_at).dt.days
        assert contacts + (age < 7).sum() <= policy.max_contacts_per_7d
        assert contacts + (age < 30).sum() <= policy.max_contacts_per_30d
    assert result.arbitration_run.loc[0, "violations"] == 0


@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_objective_is_the_sum_of_the_plan_and_stays_below_the_bound(case: Case) -> None:
    result = case.build()
    planned = result.contact_plan
    run = result.arbitration_run.iloc[0]
    net = planned["expected_incremental_value"] - planned["cost"]
    assert np.isclose(run["objective"], net.sum())
    assert (net > 0).all()
    assert run["objective"] <= run["bound"] + 1e-9
    assert 0 <= run["gap_share"] <= 1
    unlimited = case.build(channels=make_channels()).arbitration_run.iloc[0]
    assert np.isclose(unlimited["objective"], run["bound"])
    assert unlimited["gap_share"] == 0


@settings(deadline=None, max_examples=40)
@given(case=cases(), seed=st.integers(0, 2**16))
def test_order_of_rows_and_definitions_changes_nothing(case: Case, seed: int) -> None:
    shuffled = {
        name: getattr(case, name).sample(frac=1, random_state=seed)
        for name in ("candidates", "customers", "history")
    }
    channels = make_channels(**case.capacities)[::-1]
    assert_same(case.build(), case.build(plays=PLAYS[::-1], channels=channels, **shuffled))


@settings(deadline=None, max_examples=40)
@given(case=cases(), days=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_future_contacts_change_nothing(case: Case, days: list[int]) -> None:
    names = case.customers["customer_id"].tolist() or ["C-gone"]
    future = make_history(
        *(
            (name, play.name, "email", f"{case.plan_date + dt.timedelta(days=day)} 00:00")
            for name in names
            for play in PLAYS
            for day in days
        )
    )
    history = pd.concat([case.history, future]) if len(case.history) else future
    assert_same(case.build(), case.build(history=history))


@settings(deadline=None, max_examples=40)
@given(case=cases())
def test_holdouts_are_not_contacted_and_stay_when_dates_and_customers_change(case: Case) -> None:
    policy = case.policy
    newcomers = make_customers(*({"customer_id": f"B{number}"} for number in range(5)))
    customers = pd.concat([newcomers.astype(object), case.customers.astype(object)])
    later = case.plan_date + dt.timedelta(days=3)
    groups: dict[tuple[str, str], set[str]] = {}
    for result in (case.build(), case.build(customers=customers), case.build(plan_date=later)):
        decisions = result.decisions.astype({"customer_id": object, "play": object})
        for row in decisions[decisions["outcome"] != "suppressed"].itertuples():
            name, play = str(row.customer_id), str(row.play)
            groups.setdefault((name, play), set()).add(str(row.control_group))
    for (name, play), found in groups.items():
        is_universal = in_universal_holdout([name], policy.universal_holdout_share, KEY)[0]
        is_play = in_play_holdout(play, [name], policy.play_holdout_share, KEY)[0]
        assert found == {"universal" if is_universal else "play" if is_play else "none"}


@settings(deadline=None, max_examples=10, derandomize=True)
@given(key=st.binary(min_size=16, max_size=80), share=st.sampled_from([0.02, 0.05, 0.10, 0.5]))
def test_shares_of_the_holdouts_are_near_nominal_under_any_key(key: bytes, share: float) -> None:
    """Bound: 5 standard errors of a binomial share; a sound hash goes beyond once in 10^4 keys.

    Always the same keys, so that this rare case can't fail a run by chance.
    """
    ids = [f"C{number}" for number in range(4000)]
    universal = in_universal_holdout(ids, share, key)
    play = in_play_holdout("play_news", ids, share, key)
    tolerance = 5 * np.sqrt(share * (1 - share) / len(ids))
    assert abs(universal.mean() - share) < tolerance
    assert abs(play.mean() - share) < tolerance
    both = share * share
    assert abs((universal & play).mean() - both) < 5 * np.sqrt(both * (1 - both) / len(ids))


@settings(deadline=None, max_examples=40)
@given(case=cases())
def test_suppression_follows_the_policys_precedence(case: Case) -> None:
    """Turning the precedence round turns each suppressed row's codes round, and nothing else."""
    rules = case.policy.suppression_rules[::-1]
    fields = {**vars(case.policy), "suppression_rules": rules}
    first = case.build().decisions
    turned = case.build(policy=PlanPolicy(**fields)).decisions
    is_suppressed = (first["outcome"] == "suppressed").to_numpy(dtype=bool)
    expected = first["reason_codes"].where(~is_suppressed, first["reason_codes"].map(_turn))
    pd.testing.assert_series_equal(turned["reason_codes"], expected, check_dtype=False)
    pd.testing.assert_frame_equal(
        turned.drop(columns="reason_codes"), first.drop(columns="reason_codes")
    )


def _turn(codes: str) -> str:
    return ",".join(codes.split(",")[::-1])
