"""The frames of a plan as they go to the warehouse: columns, types and order.

Belongs here: how results are written down. Does not: any decision.

Texts have pandas' string type and times microseconds, so that DuckDB sees VARCHAR and TIMESTAMP
also in columns that are empty or all NULL.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ml.contact_plan.arbitration import ArbitrationSolution
from ml.contact_plan.inputs import CANDIDATE_COLUMNS, FACTS_OF, PlanContext
from ml.contact_plan.legal import bases_relied_on

SELECTED: Final = "selected"
DEFERRED: Final = "deferred"
SUPPRESSED: Final = "suppressed"
CONTROL: Final = "control"
OUTCOMES: Final = (SELECTED, DEFERRED, SUPPRESSED, CONTROL)
_CONTEXT_COLUMNS: Final = (
    "reason",
    "offer",
    "recommended_category",
    "recommended_product_ids",
)


def candidate_table(prepared: pd.DataFrame, context: PlanContext) -> pd.DataFrame:
    """Write down the candidates: one row per play and customer proposed on the plan date."""
    table = prepared[list(CANDIDATE_COLUMNS)].copy()
    for column in ("play", "customer_id", *_CONTEXT_COLUMNS):
        table[column] = _text(table[column])
    for column in ("due_at", "valid_until"):
        table[column] = table[column].astype("datetime64[us]")
    table.insert(0, "plan_date", _times(context.plan_day, len(table)))
    return table


def legal_bases(
    prepared: pd.DataFrame, channel: NDArray[np.int64], context: PlanContext
) -> pd.Series[str]:
    """Name what each candidate's contact would rest on; missing without a channel."""
    names = [item.name for item in context.channels]
    customer = prepared["customer_position"].to_numpy()
    facts = np.zeros(len(prepared), dtype=np.int64)
    for position, name in enumerate(names):
        rows = np.flatnonzero(channel == position)
        facts[rows] = context.customers[FACTS_OF[name]].to_numpy()[customer[rows]]
    play = prepared["play_position"].to_numpy()
    return _text(bases_relied_on(play, channel, facts, context.plays, names))


def decision_table(
    proposed: pd.DataFrame,
    outcome: NDArray[np.object_],
    reason_codes: NDArray[np.object_],
    channel: NDArray[np.int64],
    values: pd.DataFrame,
    context: PlanContext,
) -> pd.DataFrame:
    """Write down the decisions: one row per candidate (the control group is added after it)."""
    names = np.array([*(item.name for item in context.channels), None], dtype=object)
    return pd.DataFrame(
        {
            "plan_date": proposed["plan_date"],
            "customer_id": proposed["customer_id"],
            "play": proposed["play"],
            "outcome": _text(outcome),
            "reason_codes": _text(reason_codes),
            "channel": _text(names[channel]),
            "expected_incremental_value": values["expected_incremental_value"],
            "cost": values["cost"],
            "net_value": values["net_value"],
        }
    )


def control_group_names(
    is_universal: NDArray[np.bool_], is_play: NDArray[np.bool_]
) -> pd.Series[str]:
    """Name each candidate's control group: none, universal or play."""
    names = np.full(len(is_universal), "none", dtype=object)
    names[is_play] = "play"
    names[is_universal] = "universal"
    return _text(names)


def contact_plan_table(
    prepared: pd.DataFrame, decisions: pd.DataFrame, context: PlanContext
) -> pd.DataFrame:
    """Write down the contacts to make: one row per selected decision."""
    rows = np.flatnonzero((decisions["outcome"] == SELECTED).to_numpy(dtype=bool))
    chosen = decisions.iloc[rows].reset_index(drop=True)
    source = prepared.iloc[rows].reset_index(drop=True)
    play = source["play_position"].to_numpy(dtype=np.int64)
    categories = np.array([item.category for item in context.plays], dtype=object)
    templates = np.array([item.template for item in context.plays], dtype=object)
    customer = source["customer_position"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "plan_date": chosen["plan_date"],
            "customer_id": chosen["customer_id"],
            "play": chosen["play"],
            "category": _text(categories[play]),
            "channel": chosen["channel"],
            "legal_basis": chosen["legal_basis"],
            "send_at": _send_times(customer, context),
            "template": _text(templates[play]),
            "offer": _text(source["offer"]),
            "recommended_category": _text(source["recommended_category"]),
            "recommended_product_ids": _text(source["recommended_product_ids"]),
            "expected_incremental_value": chosen["expected_incremental_value"],
            "cost": chosen["cost"],
            "control_group": chosen["control_group"],
            "reason": _text(source["reason"]),
        }
    )


def arbitration_run_table(
    decisions: pd.DataFrame, solution: ArbitrationSolution, violations: int, context: PlanContext
) -> pd.DataFrame:
    """Write down the run: one row of counts, objective, bound and gap."""
    counts = decisions["outcome"].value_counts()
    gap = (solution.bound - solution.objective) / solution.bound if solution.bound > 0 else 0.0
    row: dict[str, Any] = {
        "plan_date": _times(context.plan_day, 1),
        "method": _text([solution.method]),
        "candidates": [len(decisions)],
        **{outcome: [int(counts.get(outcome, 0))] for outcome in OUTCOMES},
        "objective": [solution.objective],
        "bound": [solution.bound],
        # Two sums of the same numbers in another order may differ in the last digit.
        "gap_share": [max(gap, 0.0)],
        "violations": [violations],
    }
    return pd.DataFrame(row)


def _send_times(customer: NDArray[np.int64], context: PlanContext) -> pd.Series[pd.Timestamp]:
    policy = context.policy
    preferred = context.customers["preferred_hour"].to_numpy()[customer]
    hours = np.where(np.isfinite(preferred), preferred, policy.default_send_hour)
    hours = np.clip(np.floor(hours), policy.earliest_send_hour, policy.latest_send_hour)
    times = context.send_day.astype("datetime64[h]") + hours.astype("timedelta64[h]")
    return pd.Series(times.astype("datetime64[us]"))


def _times(day: np.datetime64, rows: int) -> pd.Series[pd.Timestamp]:
    return pd.Series(np.full(rows, day.astype("datetime64[us]"), dtype="datetime64[us]"))


def _text(values: ArrayLike | pd.Series[Any]) -> pd.Series[str]:
    return pd.Series(values, dtype="string")
