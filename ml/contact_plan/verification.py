"""Check a finished plan against the rules, from its tables alone.

Belongs here: an independent second look that trusts nothing but inputs and outputs. Does not: the
code that made the plan; sharing it would repeat its mistakes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.contact_plan.definitions import PlayDefinition
from ml.contact_plan.holdout import in_play_holdout, in_universal_holdout
from ml.contact_plan.inputs import FACTS_OF, PlanContext
from ml.contact_plan.legal import Fact

_KEY: Final = ["customer_id", "play"]


def count_violations(
    candidates: pd.DataFrame,
    decisions: pd.DataFrame,
    contact_plan: pd.DataFrame,
    context: PlanContext,
) -> int:
    """Count how often a plan breaks a rule; 0 is the only number to publish.

    Parameters
    ----------
    candidates, decisions, contact_plan
        The tables of a `ContactPlanResult`.
    context
        What the plan was made with.
    """
    return sum(violations_by_rule(candidates, decisions, contact_plan, context).values())


def violations_by_rule(
    candidates: pd.DataFrame,
    decisions: pd.DataFrame,
    contact_plan: pd.DataFrame,
    context: PlanContext,
) -> dict[str, int]:
    """Count the violations of each rule. Parameters as in `count_violations`."""
    selected = decisions.loc[decisions["outcome"] == "selected"]
    planned = contact_plan.merge(candidates[[*_KEY, "due_at", "valid_until"]], on=_KEY, how="left")
    planned = planned.merge(context.customers, on="customer_id", how="left")
    planned["customer_id"] = planned["customer_id"].astype(object)
    net_value = planned["expected_incremental_value"] - planned["cost"]
    return {
        "not_decided_once": _key_differences(candidates, decisions),
        "outcome_without_reason": int((decisions["reason_codes"].fillna("") == "").sum()),
        "planned_but_not_selected": _key_differences(selected, contact_plan),
        "value_below_cost": int((~(net_value > 0)).sum()),
        **_frequency_violations(planned, context),
        "channel_capacity": _capacity_violations(planned, context),
        "unreachable_channel": _channel_violations(planned, context),
        "unlawful_contact": _legal_violations(planned, context),
        "outside_validity_window": int(
            (~planned["due_at"].le(pd.Timestamp(context.plan_day))).sum()
            + (~planned["valid_until"].ge(planned["send_at"].dt.normalize())).sum()
        ),
        "discount_to_best_customers": _brand_violations(planned, context),
        "play_cooldown": _cooldown_violations(planned, context),
        "control_group_contacted": _control_violations(planned, context),
        "send_time": _send_time_violations(planned, context),
    }


def _key_differences(expected: pd.DataFrame, found: pd.DataFrame) -> int:
    """Count the keys that are in one frame only, and the repeated rows of the second."""
    left = pd.MultiIndex.from_frame(expected[_KEY].astype(object))
    right = pd.MultiIndex.from_frame(found[_KEY].astype(object))
    one_sided = (~left.isin(right)).sum() + (~right.isin(left)).sum()
    return int(one_sided + right.duplicated().sum())


def _history_with_ids(context: PlanContext) -> pd.DataFrame:
    ids = context.customers["customer_id"].to_numpy(dtype=object)
    positions = context.history["customer_position"].to_numpy(dtype=np.int64)
    return context.history.assign(customer_id=ids[positions])


def _frequency_violations(planned: pd.DataFrame, context: PlanContext) -> dict[str, int]:
    policy = context.policy
    history = _history_with_ids(context)
    today = planned["customer_id"].value_counts()
    violations = {}
    for days, cap in (
        (1, policy.max_contacts_per_day),
        (7, policy.max_contacts_per_7d),
        (30, policy.max_contacts_per_30d),
    ):
        first_day = pd.Timestamp(context.send_day) - pd.Timedelta(days=days - 1)
        earlier = history.loc[history["sent_day"] >= first_day, "customer_id"].value_counts()
        # History alone may be above a cap (other systems send too): only what we add counts.
        excess = today + earlier.reindex(today.index, fill_value=0) - cap
        violations[f"frequency_cap_{days}d"] = int(np.minimum(excess.clip(lower=0), today).sum())
    return violations


def _capacity_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    used = planned["channel"].value_counts()
    excess = [
        max(int(used.get(channel.name, 0)) - channel.daily_capacity, 0)
        for channel in context.channels
        if channel.daily_capacity is not None
    ]
    return sum(excess)


def _channel_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    is_right = np.zeros(len(planned), dtype=bool)
    for play in context.plays:
        for channel in play.channels:
            is_pair = (planned["play"] == play.name) & (planned["channel"] == channel)
            has_point = ~_has(planned, channel, Fact.LACKS_CONTACT_POINT)
            is_right |= is_pair.to_numpy(dtype=bool, na_value=False) & has_point
    return int((~is_right).sum())


def _legal_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    count = 0
    for play in context.plays:
        for channel, basis in play.legal_basis.items():
            rows = planned[(planned["play"] == play.name) & (planned["channel"] == channel)]
            if len(rows):
                count += int((~_is_lawful(rows, play, channel, basis)).sum())
    return count


def _is_lawful(
    rows: pd.DataFrame, play: PlayDefinition, channel: str, basis: str
) -> NDArray[np.bool_]:
    """Say the law again, as what must be true and not as what stands in the way."""

    def has(*facts: Fact) -> NDArray[np.bool_]:
        return _has(rows, channel, *facts)

    is_free = ~has(Fact.IS_ON_OWN_LIST, Fact.HAS_COMPLAINED, Fact.IS_UNDELIVERABLE)
    if basis == "contract":
        return is_free & ~has(Fact.LACKS_CONTRACT)
    is_free &= ~has(Fact.IS_WITHDRAWN, Fact.IS_ON_OPT_OUT_LIST, Fact.IS_MINOR, Fact.IS_CHILD)
    has_consented = ~has(Fact.IS_NOT_GRANTED)
    was_never_asked = ~has(Fact.IS_REFUSED)
    has_bought = ~has(Fact.IS_NO_CUSTOMER)
    is_founded = has_consented
    if (basis, channel) in {("soft_opt_in", "email"), ("soft_opt_in", "sms")}:
        is_founded = has_consented | (has_bought & was_never_asked)
    if (basis, channel) == ("legitimate_interest", "phone"):
        is_founded = has_consented | (has_bought & was_never_asked)
    if (basis, channel) == ("legitimate_interest", "post"):
        is_founded = has_consented | was_never_asked
    if play.uses_profiling or play.consent_purpose == "profiling":
        is_founded &= ~has(Fact.HAS_OBJECTED_TO_PROFILING)
    if play.consent_purpose == "profiling":
        is_founded &= ~has(Fact.IS_PROFILING_NOT_GRANTED)
    if play.consent_purpose == "third_parties":
        is_founded &= ~has(Fact.IS_THIRD_PARTIES_NOT_GRANTED)
    return is_free & is_founded


def _has(rows: pd.DataFrame, channel: str, *facts: Fact) -> NDArray[np.bool_]:
    """Tell which rows have any of the facts; a customer who is unknown to the plan has every one."""
    asked = sum(int(fact) for fact in facts)
    held = rows[FACTS_OF[channel]].fillna(asked).to_numpy(dtype=np.int64)
    found: NDArray[np.bool_] = (held & asked) != 0
    return found


def _brand_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    discounts = [play.name for play in context.plays if play.offer_is_discount]
    is_protected = planned["rfm_cell"].isin(list(context.policy.no_discount_cells))
    return int((planned["play"].isin(discounts) & is_protected).sum())


def _cooldown_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    days = {play.name: play.cooldown_days for play in context.plays}
    history = _history_with_ids(context)
    last = history.groupby(_KEY, as_index=False)["sent_day"].max()
    repeated = planned[_KEY].astype(object).merge(last, on=_KEY)
    waited = (pd.Timestamp(context.send_day) - repeated["sent_day"]).dt.days
    return int((waited < repeated["play"].map(days).astype("float64")).sum())


def _control_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    policy, key = context.policy, context.holdout_key
    ids = planned["customer_id"]
    count = int(in_universal_holdout(ids, policy.universal_holdout_share, key).sum())
    for play, members in ids.groupby(planned["play"].astype(object)):
        count += int(in_play_holdout(str(play), members, policy.play_holdout_share, key).sum())
    return count


def _send_time_violations(planned: pd.DataFrame, context: PlanContext) -> int:
    policy = context.policy
    send_at = planned["send_at"]
    is_quiet = (send_at.dt.dayofweek == 6) & policy.is_sunday_quiet
    is_right_hour = send_at.dt.hour.between(policy.earliest_send_hour, policy.latest_send_hour)
    is_right_day = send_at.dt.normalize() == pd.Timestamp(context.send_day)
    return int((is_quiet | ~is_right_hour | ~is_right_day).sum())
