"""Small plays, channels and frames that the contact plan's tests build on.

Belongs here: builders with defaults. Does not: assertions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ml.contact_plan import (
    CANDIDATE_COLUMNS,
    CONTACT_CHANNELS,
    CUSTOMER_COLUMNS,
    HISTORY_COLUMNS,
    ChannelDefinition,
    ContactPlanResult,
    Fact,
    PlanPolicy,
    PlayDefinition,
    build_contact_plan,
)

KEY = b"a key that only the tests know"
TUESDAY = dt.date(2017, 5, 16)
SUNDAY = dt.date(2017, 5, 14)
NO_HOLDOUTS: Mapping[str, Any] = {"universal_holdout_share": 0.0, "play_holdout_share": 0.0}

META: Mapping[str, Any] = {
    "title": "Welcome",
    "title_es": "Bienvenida",
    "line_of_business": "groceries",
    "lifecycle_stage": "first_time",
    "category": "Ciclo",
    "goal": "A second purchase",
    "kpi": "second_purchase_share",
    "consent_purpose": "marketing",
    "legal_basis": "consent",
    "uses_profiling": True,
    "channels": ["email", "sms", "post"],
    "template": "welcome_v1",
    "offer_is_discount": False,
    "priority": 50,
    "cooldown_days": 0,
    "validity_days": 14,
    "prior_incremental_response_share": 0.1,
    "is_automatic": True,
}


def make_play(name: str = "play_welcome", **fields: Any) -> PlayDefinition:
    """Make a play from `META` with some fields replaced."""
    return PlayDefinition.from_meta(name, {**META, **fields})


def make_channels(**capacities: int | None) -> list[ChannelDefinition]:
    """Make all channels with simple costs; those named get a daily capacity."""
    costs = {"email": 0.1, "sms": 0.5, "whatsapp": 0.5, "push": 0.1, "phone": 3.0, "post": 1.0}
    return [ChannelDefinition(name, cost, capacities.get(name)) for name, cost in costs.items()]


def make_customers(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Make customers with addresses for every channel but push, with some fields replaced.

    They consented to everything, bought, have a contract and stand on no list: ``facts`` adds what
    speaks against a contact, for all channels or as a mapping by channel.
    """
    default = {
        "best_channel": None,
        "rfm_cell": "333",
        "rfm_group": "recurrent",
        "preferred_hour": None,
    }
    return pd.DataFrame(
        [{**default, **_facts(row), **row} for row in rows], columns=list(CUSTOMER_COLUMNS)
    )


def _facts(row: Mapping[str, Any]) -> dict[str, int | None]:
    has_phone = row.get("has_phone", True)
    has_point = {
        "email": row.get("has_email", True),
        "sms": row.get("has_sms", has_phone),
        "whatsapp": row.get("has_sms", has_phone),
        "phone": has_phone,
        "post": row.get("has_postal_address", True),
        "push": row.get("has_push", False),
    }
    given = row.get("facts", Fact(0))
    facts: dict[str, int | None] = {}
    for channel in CONTACT_CHANNELS:
        against = given.get(channel, Fact(0)) if isinstance(given, Mapping) else given
        known = has_point[channel]
        lacks = Fact(0) if known else Fact.LACKS_CONTACT_POINT
        facts[f"{channel}_facts"] = None if known is None else int(against | lacks)
    return facts


def make_candidates(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Make candidates of `play_welcome` worth 100 that are due, with some fields replaced."""
    default = {
        "play": "play_welcome",
        "due_at": dt.date(2017, 5, 10),
        "valid_until": dt.date(2017, 5, 24),
        "reason": "Bought for the first time 5 days ago.",
        "expected_order_value": 100.0,
        "offer": None,
        "recommended_category": None,
        "recommended_product_ids": None,
    }
    return pd.DataFrame([{**default, **row} for row in rows], columns=list(CANDIDATE_COLUMNS))


def make_history(*rows: tuple[str, str | None, str, str]) -> pd.DataFrame:
    """Make a history from (customer_id, play, channel, sent_at)."""
    history = pd.DataFrame(list(rows), columns=list(HISTORY_COLUMNS))
    history["sent_at"] = pd.to_datetime(history["sent_at"])
    return history


def plan(
    candidates: pd.DataFrame,
    customers: pd.DataFrame,
    plays: Sequence[PlayDefinition] | None = None,
    channels: Sequence[ChannelDefinition] | None = None,
    history: pd.DataFrame | None = None,
    plan_date: dt.date = TUESDAY,
    **policy: Any,
) -> ContactPlanResult:
    """Build a plan, without control groups unless their shares are given."""
    return build_contact_plan(
        candidates,
        [make_play()] if plays is None else plays,
        make_channels() if channels is None else channels,
        customers,
        make_history() if history is None else history,
        plan_date,
        PlanPolicy(**{**NO_HOLDOUTS, **policy}),
        KEY,
    )


def outcomes(result: ContactPlanResult) -> dict[tuple[str, str], str]:
    """Give for each (customer_id, play) its outcome and reason codes, as ``outcome: codes``."""
    decisions = result.decisions
    keys = zip(decisions["customer_id"], decisions["play"], strict=True)
    texts = decisions["outcome"] + ": " + decisions["reason_codes"]
    return dict(zip(keys, texts, strict=True))
