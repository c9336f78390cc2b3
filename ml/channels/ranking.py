"""Channels of the whole base, the best first: conversion, engagement, cost per purchase.

Means and intervals; preferences of customers are `estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import beta

from ml.channels.config import ChannelConfig

RANKING_TYPES: Mapping[str, str] = {
    "rank": "int64",
    "channel": "string",
    "contacts": "int64",
    "conversions": "int64",
    "conversion_rate": "Float64",
    "conversion_rate_low": "Float64",
    "conversion_rate_high": "Float64",
    "held_out_rate": "Float64",
    "engagement_rate": "Float64",
    "cost": "Float64",
    "cost_per_conversion": "Float64",
    "net_value_per_contact": "Float64",
}


def base_ranking(
    messages: pd.DataFrame, costs: pd.DataFrame, touches: pd.DataFrame, config: ChannelConfig
) -> pd.DataFrame:
    """
    Return one row a channel, by net value a contact.

    Parameters
    ----------
    messages
        Known messages: channel, is_held_out, has_converted, has_engaged.
    costs
        `channel, unit_cost`.
    touches
        `channel, contacts, conversions` and perhaps `cost`.
    config
        Value of a purchase and confidence.
    """
    sent = messages[~messages["is_held_out"]]
    rows = sent.groupby("channel", sort=True).agg(
        contacts=("has_converted", "size"),
        conversions=("has_converted", "sum"),
        engagement_rate=("has_engaged", "mean"),
    )
    rows["held_out_rate"] = (
        messages[messages["is_held_out"]].groupby("channel")["has_converted"].mean()
    )
    unit = pd.Series(dtype=float)
    if {"channel", "unit_cost"} <= set(costs.columns):
        unit = costs.set_index(costs["channel"].astype(str))["unit_cost"].astype(float)
    rows["cost"] = rows["contacts"] * unit.reindex(rows.index.astype(str)).fillna(0.0).to_numpy()
    rows = rows.reset_index()
    if {"channel", "contacts", "conversions"} <= set(touches.columns) and len(touches):
        others = touches.assign(channel=touches["channel"].astype("string"))
        rows = pd.concat([rows, others.reindex(columns=rows.columns)], ignore_index=True)
    rows = rows[rows["contacts"].fillna(0).astype(float) > 0].reset_index(drop=True)
    contacts = rows["contacts"].to_numpy(dtype=np.float64)
    # More purchases than contacts is a fault of counting; a rate stays a rate.
    bought = np.minimum(rows["conversions"].to_numpy(dtype=np.float64), contacts)
    half = (1 - config.confidence) / 2
    rows["conversion_rate"] = bought / contacts
    # Jeffreys' interval: sensible with no purchase at all.
    rows["conversion_rate_low"] = beta.ppf(half, bought + 0.5, contacts - bought + 0.5)
    rows["conversion_rate_high"] = beta.ppf(1 - half, bought + 0.5, contacts - bought + 0.5)
    added = rows["conversion_rate"] - rows["held_out_rate"].astype("Float64").fillna(0)
    cost = rows["cost"].astype("Float64")
    rows["cost_per_conversion"] = (cost / pd.Series(bought).where(bought > 0)).astype("Float64")
    rows["net_value_per_contact"] = (
        added * config.value_per_conversion - (cost / contacts).fillna(0)
    ).astype("Float64")
    rows = rows.sort_values(["net_value_per_contact", "channel"], ascending=[False, True])
    rows["rank"] = np.arange(1, len(rows) + 1)
    columns = {
        name: _nullable(rows[name]) if kind == "Float64" else rows[name].to_numpy()
        for name, kind in RANKING_TYPES.items()
    }
    return pd.DataFrame(columns).astype(dict(RANKING_TYPES))


def _nullable(values: pd.Series) -> pd.Series:
    """Return a nullable column: unknown is NULL, not NaN."""
    numbers = pd.to_numeric(values).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(numbers, dtype="Float64")
