"""Build the contact plan of one day: rules, control groups, arbitration, and the ledger of it all.

Belongs here: the order of the steps and the frames that come out. Does not: any single rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.contact_plan import outputs, reasons
from ml.contact_plan.arbitration import ArbitrationProblem, ArbitrationSolution, arbitrate
from ml.contact_plan.control_groups import find_controls
from ml.contact_plan.definitions import ChannelDefinition, PlanPolicy, PlayDefinition
from ml.contact_plan.eligibility import assign_channels, find_suppressions, value_candidates
from ml.contact_plan.frequency import remaining_contacts
from ml.contact_plan.inputs import PlanContext, make_context, prepare_candidates
from ml.contact_plan.verification import count_violations


@dataclass(frozen=True, eq=False)
class ContactPlanResult:
    """The tables of one day's plan, in order of customer and play.

    Attributes
    ----------
    candidates
        One row per play and customer: what was proposed.
    decisions
        One row per candidate: selected, deferred, suppressed or control, and why.
    contact_plan
        One row per contact to make. Control groups are not in it.
    arbitration_run
        One row: counts, objective, bound and the violations found by checking the result.
    """

    candidates: pd.DataFrame
    decisions: pd.DataFrame
    contact_plan: pd.DataFrame
    arbitration_run: pd.DataFrame


def build_contact_plan(
    candidates: pd.DataFrame,
    plays: Iterable[PlayDefinition],
    channels: Iterable[ChannelDefinition],
    customers: pd.DataFrame,
    history: pd.DataFrame,
    plan_date: dt.date,
    policy: PlanPolicy,
    holdout_key: bytes,
) -> ContactPlanResult:
    """Decide for every candidate of a day whether the customer is contacted, and why (not).

    The precedence is: suppression rules, then control groups, then the caps and capacities among
    what is left. The order of rows changes nothing, and neither do contacts after the plan date.

    Parameters
    ----------
    candidates
        Rows of all plays, unique by play and customer_id: play, customer_id, due_at, valid_until,
        reason, expected_order_value, offer, recommended_category, recommended_product_ids.
    plays
        Definitions of all plays that have candidates; others are welcome.
    channels
        Definitions of all channels that the plays name.
    customers
        One row per customer: customer_id, for each channel the facts that stand in the way of a
        contact (email_facts, …, see `legal.Fact`), best_channel, rfm_cell, rfm_group,
        preferred_hour.
    history
        One row per earlier contact: customer_id, play, channel, sent_at; and plan_date when known
        (a contact that an earlier plan decided counts although it is sent later).
    plan_date
        The day of the plan.
    policy
        Caps, shares, hours and brand rules.
    holdout_key
        Secret that draws the control groups; the same key gives the same groups.

    Raises
    ------
    ContactPlanError
        When a definition or a frame can't be used; the sentence says which and what to do.
    """
    context = make_context(plays, channels, customers, history, plan_date, policy, holdout_key)
    prepared = prepare_candidates(candidates, context)
    channel = assign_channels(prepared, context)
    values = value_candidates(prepared, channel, context)
    flags = find_suppressions(prepared, channel, values, context)
    is_eligible = ~np.logical_or.reduce(list(flags.values()))
    is_universal, is_play_control = find_controls(prepared, is_eligible, context)
    flags[reasons.UNIVERSAL_HOLDOUT] = is_universal
    flags[reasons.PLAY_HOLDOUT] = is_play_control

    competing = np.flatnonzero(is_eligible & ~is_universal & ~is_play_control)
    solution = _arbitrate_rows(prepared, channel, values, competing, flags, context)

    outcome = np.full(len(prepared), outputs.SUPPRESSED, dtype=object)
    outcome[is_universal | is_play_control] = outputs.CONTROL
    outcome[competing] = np.where(solution.is_selected, outputs.SELECTED, outputs.DEFERRED)
    codes = (*policy.suppression_rules, *reasons.DECISION_REASONS)
    reason_codes = reasons.combine_reasons(codes, flags, len(prepared))

    proposed = outputs.candidate_table(prepared, context)
    decisions = outputs.decision_table(proposed, outcome, reason_codes, channel, values, context)
    decisions.insert(
        list(decisions.columns).index("channel") + 1,
        "legal_basis",
        outputs.legal_bases(prepared, channel, context),
    )
    decisions["control_group"] = outputs.control_group_names(is_universal, is_play_control)
    planned = outputs.contact_plan_table(prepared, decisions, context)
    violations = count_violations(proposed, decisions, planned, context)
    run = outputs.arbitration_run_table(decisions, solution, violations, context)
    return ContactPlanResult(proposed, decisions, planned, run)


def _arbitrate_rows(
    prepared: pd.DataFrame,
    channel: NDArray[np.int64],
    values: pd.DataFrame,
    competing: NDArray[np.int64],
    flags: dict[str, NDArray[np.bool_]],
    context: PlanContext,
) -> ArbitrationSolution:
    """Arbitrate the competing rows and add the reasons of their outcomes to `flags`."""
    remaining = remaining_contacts(context)
    slots = np.minimum.reduce(list(remaining.values()))
    priorities = np.array([play.priority for play in context.plays], dtype=np.int64)
    capacities = [item.daily_capacity for item in context.channels]
    customer = prepared["customer_position"].to_numpy()[competing]
    play = prepared["play_position"].to_numpy()[competing]
    problem = ArbitrationProblem(
        customer=customer,
        play=play,
        channel=channel[competing],
        net_value=values["net_value"].to_numpy()[competing],
        priority=priorities[play],
        slots=slots,
        capacity=np.array([-1 if item is None else item for item in capacities], dtype=np.int64),
    )
    solution = arbitrate(problem)

    is_capped = ~solution.is_selected & ~solution.is_capacity_limited
    found = {
        reasons.SELECTED: solution.is_selected,
        reasons.CHANNEL_CAPACITY: solution.is_capacity_limited,
        reasons.LOWER_VALUE: is_capped & (slots[customer] > 0),
    }
    for code, left in remaining.items():
        # A cap is named where it leaves less than a plain day's contacts, and no other leaves less.
        is_binding = (left == slots) & (left < context.policy.max_contacts_per_day)
        found[code] = is_capped & is_binding[customer]
    for code, flag in found.items():
        flags[code] = np.zeros(len(prepared), dtype=bool)
        flags[code][competing] = flag
    return solution
