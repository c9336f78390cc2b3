"""The rules that suppress a candidate: the law, reach, validity, brand, cool-down and value.

Belongs here: what makes a candidate (not) eligible by itself. Does not: control groups, and the
choice between eligible candidates.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.contact_plan import reasons
from ml.contact_plan.inputs import FACTS_OF, PlanContext, find_positions
from ml.contact_plan.legal import Fact, reasons_of, stopping_facts

_Scalar = TypeVar("_Scalar", bound=np.generic)
_NOT_ALLOWED = 99
_BEST = -1
# What is told of a person whom no channel could reach anyway.
_OF_PERSON_OR_NOWHERE = int(Fact.LACKS_CONTACT_POINT | Fact.IS_CHILD | Fact.IS_MINOR)


def assign_channels(candidates: pd.DataFrame, context: PlanContext) -> NDArray[np.int64]:
    """Choose each candidate's channel: the customer's best one if allowed, else the play's order.

    Allowed is a channel of the play that the play's legal basis carries for this customer.

    Parameters
    ----------
    candidates
        As made by `prepare_candidates`.
    context
        Plays, channels and customers.

    Returns
    -------
    numpy.ndarray
        Position of the channel in the context, -1 where the customer can't be reached.
    """
    rows = len(candidates)
    if not rows or not context.channels:
        return np.full(rows, -1, dtype=np.int64)
    names = [channel.name for channel in context.channels]
    ranks = np.full((len(context.plays), len(names)), _NOT_ALLOWED, dtype=np.int8)
    for position, play in enumerate(context.plays):
        for rank, name in enumerate(play.channels):
            ranks[position, names.index(name)] = rank
    customer = candidates["customer_position"].to_numpy()
    row_ranks = ranks[candidates["play_position"].to_numpy()]
    row_ranks[_stopping(candidates, context) != 0] = _NOT_ALLOWED

    best = find_positions(pd.Index(names), context.customers["best_channel"])[customer]
    has_best = np.flatnonzero(best >= 0)
    is_usable = row_ranks[has_best, best[has_best]] != _NOT_ALLOWED
    row_ranks[has_best[is_usable], best[has_best[is_usable]]] = _BEST

    chosen: NDArray[np.int64] = row_ranks.argmin(axis=1).astype(np.int64)
    chosen[row_ranks.min(axis=1) == _NOT_ALLOWED] = -1
    return chosen


def _stopping(candidates: pd.DataFrame, context: PlanContext) -> NDArray[np.int32]:
    """Give for each candidate and channel the facts that stop it; 0 also for others' channels."""
    names = [channel.name for channel in context.channels]
    stops = np.zeros((len(context.plays), len(names)), dtype=np.int32)
    for position, play in enumerate(context.plays):
        for name in play.channels:
            stops[position, names.index(name)] = stopping_facts(play, name)
    facts = context.customers[[FACTS_OF[name] for name in names]].to_numpy(dtype=np.int32)
    customer = candidates["customer_position"].to_numpy()
    stopping: NDArray[np.int32] = facts[customer] & stops[candidates["play_position"].to_numpy()]
    return stopping


def find_legal_barriers(
    candidates: pd.DataFrame, channel: NDArray[np.int64], context: PlanContext
) -> dict[str, NDArray[np.bool_]]:
    """Tell for each candidate without a channel why no channel of the play may be used.

    Where there is an address for at least one of them, the reasons are those of the channels with
    an address; a person of whom we have none can't be reached, whatever else is true.
    """
    rows = len(candidates)
    if not rows or not context.channels:
        facts = np.full(rows, int(Fact.LACKS_CONTACT_POINT), dtype=np.int32)
    else:
        stopping = _stopping(candidates, context)
        has_point = (stopping != 0) & ((stopping & int(Fact.LACKS_CONTACT_POINT)) == 0)
        facts = np.bitwise_or.reduce(np.where(has_point, stopping, 0), axis=1)
        everywhere = np.bitwise_or.reduce(stopping, axis=1)
        facts = np.where(has_point.any(axis=1), facts, everywhere & _OF_PERSON_OR_NOWHERE)
    return reasons_of(np.where(channel < 0, facts, 0))


def value_candidates(
    candidates: pd.DataFrame, channel: NDArray[np.int64], context: PlanContext
) -> pd.DataFrame:
    """Value each candidate: expected incremental value, cost of the channel and the net of both.

    Values are NaN where they are not known: the cost without a channel, the expected value without
    an expected order value. An infinite order value is not known either.
    """
    shares = np.array([play.prior_incremental_response_share for play in context.plays])
    costs = np.array([*(item.unit_cost for item in context.channels), np.nan])
    order_value = candidates["expected_order_value"].to_numpy()
    order_value = np.where(np.isfinite(order_value), order_value, np.nan)
    expected = _take(shares, candidates["play_position"].to_numpy()) * order_value
    cost = costs[channel]  # position -1 is the NaN at the end
    return pd.DataFrame(
        {"expected_incremental_value": expected, "cost": cost, "net_value": expected - cost}
    )


def find_suppressions(
    candidates: pd.DataFrame,
    channel: NDArray[np.int64],
    values: pd.DataFrame,
    context: PlanContext,
) -> dict[str, NDArray[np.bool_]]:
    """Tell for each suppression rule which candidates it stops.

    All rules are looked at for each candidate, so that the ledger tells everything that stands in
    the way. `PlanPolicy.suppression_rules` says which of them comes first.

    Returns
    -------
    dict
        Reason code to one flag a candidate.
    """
    play = candidates["play_position"].to_numpy()
    customer = candidates["customer_position"].to_numpy()
    due = candidates["due_at"].to_numpy().astype("datetime64[D]")
    valid_until = candidates["valid_until"].to_numpy().astype("datetime64[D]")
    is_discount = np.array([item.offer_is_discount for item in context.plays], dtype=bool)
    cells = context.customers["rfm_cell"]
    is_protected = cells.isin(list(context.policy.no_discount_cells)).to_numpy(dtype=bool)
    expected = values["expected_incremental_value"].to_numpy()
    with np.errstate(invalid="ignore"):
        is_below_cost = values["net_value"].to_numpy() <= 0
    return {
        **find_legal_barriers(candidates, channel, context),
        # By the day of sending: a Sunday's plan arrives on Monday, when an offer may have ended.
        reasons.OUTSIDE_VALIDITY_WINDOW: (due > context.plan_day)
        | (valid_until < context.send_day),
        reasons.BRAND_NO_DISCOUNT: _take(is_discount, play) & is_protected[customer],
        reasons.PLAY_COOLDOWN: _is_in_cooldown(play, customer, context),
        reasons.VALUE_UNKNOWN: np.isnan(expected),
        reasons.VALUE_BELOW_COST: is_below_cost,
    }


def _is_in_cooldown(
    play: NDArray[np.int64], customer: NDArray[np.int64], context: PlanContext
) -> NDArray[np.bool_]:
    names = pd.Index([item.name for item in context.plays], dtype=object)
    cooldown = np.array([item.cooldown_days for item in context.plays], dtype="timedelta64[D]")
    past_play = find_positions(names, context.history["play"])
    is_ours = past_play >= 0
    past_play = past_play[is_ours]
    sent_day = context.history["sent_day"].to_numpy().astype("datetime64[D]")[is_ours]
    past_customer = context.history["customer_position"].to_numpy()[is_ours]
    is_recent = sent_day > context.send_day - _take(cooldown, past_play)
    # One number for (customer, play): whether any recent contact has it is then one lookup.
    width = max(len(context.plays), 1)
    recent = np.unique(past_customer[is_recent] * width + past_play[is_recent])
    is_cooling: NDArray[np.bool_] = np.isin(customer * width + play, recent)
    return is_cooling


def _take(table: NDArray[_Scalar], positions: NDArray[np.int64]) -> NDArray[_Scalar]:
    # An empty table (no plays) can only be asked for no rows, which numpy refuses for float index.
    return table[positions] if len(table) else np.empty(len(positions), dtype=table.dtype)
