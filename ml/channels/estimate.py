"""Best channel by customer: what each earns, less what it costs, among those that may be used.

Belongs here: messages, consents and costs in, preferences out. Does not: capacities and the choice of
whom to contact (`contact_plan`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from ml.channels.config import (
    ATTRIBUTED,
    BASE_RATE,
    INCREMENTAL,
    MODEL_VERSION,
    ChannelConfig,
    ChannelError,
)
from ml.channels.ranking import base_ranking
from ml.channels.shrinkage import FloatArray, hierarchical_rates

MESSAGE_COLUMNS = ("customer_id", "channel", "sent_at", "has_converted")
PREFERENCE_TYPES: Mapping[str, str] = {
    "customer_id": "string",
    "as_of_date": "datetime64[us]",
    "channel": "string",
    "rank": "int64",
    "messages": "int64",
    "conversion_rate": "float64",
    "conversion_rate_low": "float64",
    "conversion_rate_high": "float64",
    "engagement_rate": "float64",
    "effect": "float64",
    "expected_net_value": "float64",
    "basis": "string",
    "is_best": "bool",
    "is_exploration": "bool",
    "reason": "string",
    "model_version": "string",
}


@dataclass(frozen=True)
class ChannelInputs:
    """
    What is known.

    Parameters
    ----------
    messages
        One row a message: `customer_id, channel, sent_at, has_converted`; and where there is, `is_held_out`
        (a customer of the audience who was left without, for the effect), `has_clicked` (a person's
        click), `has_opened`, `is_machine_open` (such openings count for nothing).
    allowed
        One row a customer and channel that consent and suppressions allow: `customer_id, channel`.
        Channels not listed for a customer are not in the result.
    costs
        `channel, unit_cost`; a channel that is not listed costs nothing.
    customers
        `customer_id` and any of `segment` and `value_per_conversion`.
    touches
        For the ranking of the base only, contacts that are no messages (search, banners):
        `channel, contacts, conversions`, and `cost` where it is known.
    """

    messages: pd.DataFrame
    allowed: pd.DataFrame
    costs: pd.DataFrame
    customers: pd.DataFrame
    touches: pd.DataFrame


@dataclass(frozen=True)
class ChannelResult:
    """
    What one estimation gives.

    Parameters
    ----------
    preferences
        One row a customer and allowed channel, the best first: `PREFERENCE_TYPES`.
    ranking
        One row a channel of the base, the best first.
    reason
        Why nothing could be said; empty when something was.
    """

    preferences: pd.DataFrame
    ranking: pd.DataFrame
    reason: str

    def best(self) -> pd.DataFrame:
        """Return `customer_id, best_channel`: what explores is used as well as what is best."""
        frame = self.preferences
        chosen = frame[frame["is_exploration"] | frame["is_best"]]
        chosen = chosen.sort_values(["customer_id", "is_exploration"], ascending=[True, False])
        chosen = chosen.drop_duplicates("customer_id")
        return chosen[["customer_id", "channel"]].rename(columns={"channel": "best_channel"})


def estimate_channels(
    inputs: ChannelInputs, as_of: dt.date, *, seed: int, config: ChannelConfig | None = None
) -> ChannelResult:
    """
    Rank each customer's allowed channels by expected net value.

    Parameters
    ----------
    inputs
        Messages, consents, costs, customers, touches.
    as_of
        First day that is not known; messages whose outcome was not known by then are not used.
    seed
        Of the exploration.
    config
        The defaults when left out.

    Returns
    -------
    ChannelResult
        With held-out customers the effect of a message is what it adds (`basis` "incremental");
        without, every purchase after a message is the channel's ("attributed"); a channel too little
        used has the mean rate of all ("base_rate").
    """
    config = config or ChannelConfig()
    messages = _known_messages(inputs.messages, as_of, config)
    allowed = _allowed(inputs.allowed)
    ranking = base_ranking(messages, inputs.costs, inputs.touches, config)
    if allowed.empty:
        reason = "No customer allows any channel, so there is none to choose from."
        return ChannelResult(_typed(pd.DataFrame(columns=list(PREFERENCE_TYPES))), ranking, reason)
    sent = messages[~messages["is_held_out"]]
    if len(sent) < config.min_messages:
        reason = (
            f"Only {len(sent)} messages have a known outcome before {as_of:%Y-%m-%d}, fewer than the "
            f"{config.min_messages} needed to compare channels; the cheapest channel comes first."
        )
    else:
        reason = ""
    rows = pd.concat(
        [
            _channel(str(channel), part, sent, inputs, config)
            for channel, part in allowed.groupby("channel", sort=True)
        ],
        ignore_index=True,
    )
    rows = _with_effects(rows, messages, inputs, config)
    rows = _valued(rows, inputs, config)
    rows = rows.sort_values(
        ["customer_id", "expected_net_value", "unit_cost", "channel"],
        ascending=[True, False, True, True],
    )
    rows["rank"] = rows.groupby("customer_id").cumcount() + 1
    rows["is_best"] = rows["rank"] == 1
    rows["is_exploration"] = _explored(rows, as_of, seed, config)
    rows["reason"] = reason or None
    rows["reason"] = rows["reason"].fillna(_words(rows))
    rows["as_of_date"] = np.datetime64(as_of, "us")
    rows["model_version"] = MODEL_VERSION
    return ChannelResult(_typed(rows), ranking, reason)


def _known_messages(frame: pd.DataFrame, as_of: dt.date, config: ChannelConfig) -> pd.DataFrame:
    _require(frame, MESSAGE_COLUMNS, "messages")
    known = frame.dropna(subset=["customer_id", "channel", "sent_at"])
    sent_at = pd.to_datetime(known["sent_at"], utc=True).dt.tz_localize(None)
    is_known = sent_at + pd.Timedelta(days=config.outcome_days) <= pd.Timestamp(as_of)
    known = known[is_known.to_numpy()]

    def flag(name: str) -> FloatArray:
        if name not in known:
            return np.zeros(len(known))
        values = known[name].astype("boolean").fillna(False)
        return np.asarray(values.to_numpy(dtype=np.float64), dtype=np.float64)

    # An opening by software is nobody's.
    engaged = np.maximum(flag("has_clicked"), flag("has_opened") * (1 - flag("is_machine_open")))
    return pd.DataFrame(
        {
            "customer_id": known["customer_id"].astype("string").to_numpy(),
            "channel": known["channel"].astype("string").to_numpy(),
            "sent_at": sent_at[is_known.to_numpy()].to_numpy(),
            "is_held_out": flag("is_held_out") > 0,
            "has_converted": flag("has_converted") > 0,
            "has_engaged": engaged > 0,
        }
    )


def _allowed(frame: pd.DataFrame) -> pd.DataFrame:
    _require(frame, ["customer_id", "channel"], "allowed channels")
    allowed = frame[["customer_id", "channel"]].dropna().astype("string").drop_duplicates()
    return allowed.sort_values(["channel", "customer_id"])


def _channel(
    channel: str,
    allowed: pd.DataFrame,
    sent: pd.DataFrame,
    inputs: ChannelInputs,
    config: ChannelConfig,
) -> pd.DataFrame:
    """Return the rates of the customers who allow a channel."""
    here = sent[sent["channel"] == channel]
    counts = here.groupby("customer_id")[["has_converted", "has_engaged"]].sum()
    counts["messages"] = here.groupby("customer_id").size()
    everybody = pd.Index(allowed["customer_id"]).union(counts.index)
    counts = counts.reindex(everybody).fillna(0).astype(np.float64)
    segment = _segments(inputs.customers, everybody)
    trials = counts["messages"].to_numpy()
    basis = ATTRIBUTED
    if len(here) < config.min_messages:
        # Too little of its own: it counts as an unknown customer of the mean channel.
        basis = BASE_RATE
        mean = float(sent["has_converted"].mean()) if len(sent) else 0.0
        rate, spread = np.full(len(trials), mean), np.full(len(trials), mean)
        engaged = np.full(len(trials), float(sent["has_engaged"].mean()) if len(sent) else 0.0)
    else:
        rate, spread = hierarchical_rates(trials, counts["has_converted"].to_numpy(), segment)
        engaged, _ = hierarchical_rates(trials, counts["has_engaged"].to_numpy(), segment)
    reach = float(norm.ppf(0.5 + config.confidence / 2))
    frame = pd.DataFrame(
        {
            "customer_id": everybody.astype("string"),
            "channel": channel,
            "messages": trials.astype(np.int64),
            "conversion_rate": rate,
            "conversion_rate_low": np.clip(rate - reach * spread, 0, 1),
            "conversion_rate_high": np.clip(rate + reach * spread, 0, 1),
            "engagement_rate": engaged,
            "basis": basis,
        }
    )
    return frame[frame["customer_id"].isin(allowed["customer_id"])]


def _with_effects(
    rows: pd.DataFrame, messages: pd.DataFrame, inputs: ChannelInputs, config: ChannelConfig
) -> pd.DataFrame:
    """
    Add what a message adds, where held-out customers tell; else all that follows it.

    What a customer buys without a message doesn't depend on the channel it would have come by, so
    held-out customers of all channels speak together: one channel alone has far too few of them.
    """
    held_out = messages[messages["is_held_out"]]
    if len(held_out) < config.min_messages:
        return rows.assign(effect=rows["conversion_rate"])
    counts = held_out.groupby("customer_id")["has_converted"].agg(["size", "sum"])
    everybody = pd.Index(rows["customer_id"].unique()).union(counts.index)
    counts = counts.reindex(everybody).fillna(0).astype(np.float64)
    rate, _ = hierarchical_rates(
        counts["size"].to_numpy(), counts["sum"].to_numpy(), _segments(inputs.customers, everybody)
    )
    anyway = rows["customer_id"].map(pd.Series(rate, index=everybody)).to_numpy(dtype=np.float64)
    return rows.assign(
        effect=rows["conversion_rate"] - anyway,
        basis=rows["basis"].where(rows["basis"] == BASE_RATE, INCREMENTAL),
    )


def _valued(rows: pd.DataFrame, inputs: ChannelInputs, config: ChannelConfig) -> pd.DataFrame:
    value = pd.Series(config.value_per_conversion, index=rows.index)
    if "value_per_conversion" in inputs.customers:
        own = inputs.customers.drop_duplicates("customer_id")
        by_id = pd.Series(
            own["value_per_conversion"].astype("Float64").to_numpy(dtype=float, na_value=np.nan),
            index=own["customer_id"].astype("string"),
        )
        value = rows["customer_id"].map(by_id).fillna(config.value_per_conversion)
    cost = pd.Series(0.0, index=rows.index)
    if not inputs.costs.empty:
        _require(inputs.costs, ["channel", "unit_cost"], "costs")
        by_channel = inputs.costs.set_index(inputs.costs["channel"].astype(str))["unit_cost"]
        cost = rows["channel"].map(by_channel.astype(float)).fillna(0.0)
    earned = (rows["effect"] + config.engagement_value * rows["engagement_rate"]) * value
    return rows.assign(expected_net_value=earned - cost, unit_cost=cost)


def _segments(customers: pd.DataFrame, ids: pd.Index) -> np.ndarray:
    if "segment" not in customers or "customer_id" not in customers:
        return np.full(len(ids), -1, dtype=np.int64)
    known = customers.drop_duplicates("customer_id")
    codes, _ = pd.factorize(known["segment"].astype("string"), sort=True)
    by_id = pd.Series(codes, index=known["customer_id"].astype("string"))
    return by_id.reindex(ids).fillna(-1).to_numpy(dtype=np.int64)


def _explored(rows: pd.DataFrame, as_of: dt.date, seed: int, config: ChannelConfig) -> np.ndarray:
    """Return the rows of exploration: the second channel of customers drawn by hash, not by order."""
    second = (rows["rank"] == 2).to_numpy()
    drawn = np.zeros(len(rows), dtype=bool)
    ids = rows["customer_id"].to_numpy(dtype=object)
    for place in np.flatnonzero(second):
        key = f"{seed}|{as_of}|{ids[place]}".encode()
        number = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
        drawn[place] = number / 2**64 < config.exploration_share
    return drawn


def _words(rows: pd.DataFrame) -> pd.Series:
    said = {
        INCREMENTAL: "bought more with messages than without",
        ATTRIBUTED: "bought after messages",
        BASE_RATE: "channel hardly used, so the mean of all",
    }
    text = (
        rows["messages"].astype(str)
        + " messages; "
        + rows["basis"].map(said)
        + ": "
        + (100 * rows["effect"]).round(2).astype(str)
        + " % a message"
    )
    return text.where(~rows["is_exploration"], "to learn: " + text)


def _require(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ChannelError(
            f"The {name} lack the column {missing[0]!r}; they need {', '.join(columns)}."
        )


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    index = pd.RangeIndex(len(rows))
    return pd.DataFrame(
        {
            name: pd.Series(rows[name].to_numpy(), index=index, dtype=kind)
            for name, kind in PREFERENCE_TYPES.items()
        }
    )
