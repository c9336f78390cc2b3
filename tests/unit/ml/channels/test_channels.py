"""Channels: planted preferences found, consent kept, machines not counted, nothing claimed of nothing."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ml.channels import ChannelConfig, ChannelError, ChannelInputs, ChannelResult, estimate_channels
from ml.channels.shrinkage import fit_beta, hierarchical_rates

AS_OF = dt.date(2025, 7, 1)
NONE = pd.DataFrame()
COSTS = pd.DataFrame({"channel": ["email", "sms"], "unit_cost": [0.002, 0.06]})


def messages(customers: int, seed: int, *, each: int = 20) -> pd.DataFrame:
    """Return messages; even customers buy after e-mails, odd ones after text messages."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), 2 * each)
    channel = np.tile(np.repeat(["email", "sms"], each), customers)
    likes = np.where(who % 2 == 0, "email", "sms")
    is_held_out = rng.random(len(who)) < 0.2
    chance = np.where((channel == likes) & ~is_held_out, 0.25, 0.03)
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:03}" for number in who],
            "channel": channel,
            "sent_at": pd.Timestamp("2025-03-01")
            + pd.to_timedelta(rng.integers(0, 100, len(who)), unit="D"),
            "has_converted": rng.random(len(who)) < chance,
            "is_held_out": is_held_out,
            "has_opened": True,
            "is_machine_open": channel == "email",
        }
    )


def everything(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["customer_id", "channel"]].drop_duplicates()


def run(
    frame: pd.DataFrame, config: ChannelConfig | None = None, **others: pd.DataFrame
) -> ChannelResult:
    allowed = others.pop("allowed", None)
    allowed = everything(frame) if allowed is None else allowed
    parts = {"allowed": allowed, "costs": COSTS, "customers": NONE, "touches": NONE}
    return estimate_channels(
        ChannelInputs(messages=frame, **{**parts, **others}), AS_OF, seed=1, config=config
    )


def test_planted_preferences_are_found_and_purchases_anyway_are_not_the_channels() -> None:
    result = run(messages(200, 1), ChannelConfig(exploration_share=0))
    best = result.best().set_index("customer_id")["best_channel"]
    likes = np.where(best.index.str[1:].astype(int) % 2 == 0, "email", "sms")

    assert (best.to_numpy() == likes).mean() > 0.95
    frame = result.preferences
    assert (frame["basis"] == "incremental").all() and not frame.drop(
        columns="reason"
    ).isna().any().any()
    assert frame.loc[frame["is_best"], "effect"].mean() == pytest.approx(0.22, abs=0.02)
    # Shrunk from 0 towards the mean of all.
    assert 0 < frame.loc[~frame["is_best"], "effect"].mean() < 0.06
    assert (frame["conversion_rate_low"] <= frame["conversion_rate"]).all()


def test_openings_by_software_count_for_nothing() -> None:
    rates = run(messages(60, 2)).preferences.groupby("channel")["engagement_rate"].mean()
    assert rates["email"] < 0.01 and rates["sms"] > 0.99


def test_only_allowed_channels_are_ranked() -> None:
    frame = messages(60, 3)
    allowed = everything(frame).query("channel == 'sms' or customer_id > 'C030'")
    result = run(frame, allowed=allowed)
    assert not (result.preferences.query("customer_id <= 'C030'")["channel"] == "email").any()
    nobody = run(frame, allowed=allowed.head(0))
    assert nobody.preferences.empty and "No customer allows" in nobody.reason


def test_cost_and_value_decide_between_equal_effects() -> None:
    frame = messages(100, 4).assign(has_converted=False, has_opened=False)
    frame["is_held_out"] = False
    frame.loc[frame.index % 10 == 0, "has_converted"] = True
    result = run(frame, ChannelConfig(exploration_share=0))
    assert (result.best()["best_channel"] == "email").mean() > 0.9
    dear = COSTS.assign(unit_cost=[9.0, 0.0])
    dearest = run(frame, ChannelConfig(exploration_share=0), costs=dear)
    assert (dearest.best()["best_channel"] == "sms").all()


def test_some_customers_get_the_second_channel_and_always_the_same_ones() -> None:
    frame = messages(300, 5)
    config = ChannelConfig(exploration_share=0.2)
    preferences = run(frame, config).preferences
    share = preferences.groupby("customer_id")["is_exploration"].any().mean()
    assert share == pytest.approx(0.2, abs=0.07)
    again = run(frame.sample(frac=1, random_state=1), config).preferences
    pd.testing.assert_frame_equal(preferences, again)
    assert preferences.loc[preferences["is_exploration"], "reason"].str.startswith("to learn").all()


def test_messages_whose_outcome_is_not_known_yet_change_nothing() -> None:
    frame = messages(60, 6)
    late = frame.assign(sent_at=pd.Timestamp("2025-06-27"), has_converted=True)
    known = run(frame)
    with_late = run(pd.concat([frame, late]))
    pd.testing.assert_frame_equal(known.preferences, with_late.preferences)
    pd.testing.assert_frame_equal(known.ranking, with_late.ranking)


def test_channels_of_the_base_are_ranked_with_other_contacts() -> None:
    touches = pd.DataFrame(
        {"channel": ["search", "banner"], "contacts": [1_000, 500], "conversions": [300, 0]}
    )
    touches["cost"] = [500.0, None]
    ranking = run(messages(60, 7), touches=touches).ranking.set_index("channel")
    assert ranking.index[0] == "search"
    assert ranking.loc["search", "cost_per_conversion"] == pytest.approx(500 / 300)
    assert ranking.loc["banner", "cost_per_conversion"] is pd.NA
    assert ranking.loc["banner", "conversion_rate_high"] < 0.01
    assert ranking.loc["email", "held_out_rate"] == pytest.approx(0.03, abs=0.03)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_messages(rows: int) -> None:
    frame = messages(5, 8).head(rows)
    allowed = pd.DataFrame({"customer_id": ["C000", "C000"], "channel": ["email", "sms"]})
    result = run(frame, allowed=allowed)
    assert "fewer than the 100" in result.reason
    assert result.preferences["channel"].tolist() == ["email", "sms"]
    assert not result.preferences.isna().any().any()


def test_rates_of_a_planted_beta_are_recovered_by_segment() -> None:
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 30, 4_000).astype(float)
    true = rng.beta(2, 18, 4_000)
    successes = rng.binomial(trials.astype(int), true).astype(float)
    prior = fit_beta(trials, successes)
    assert prior.mean == pytest.approx(0.1, abs=0.01)
    assert prior.precision == pytest.approx(20, rel=0.2)
    rate, _ = hierarchical_rates(trials, successes, np.full(4_000, -1))
    raw = successes / trials
    assert np.square(rate - true).mean() < 0.5 * np.square(raw - true).mean()
    segment = (np.arange(4_000) % 2).astype(np.int64)
    tilted, _ = hierarchical_rates(trials, successes * (segment == 1), segment)
    assert tilted[segment == 0].max() < 0.01


def test_input_that_cannot_be_understood() -> None:
    frame = messages(5, 9)
    with pytest.raises(ChannelError, match="messages lack the column 'channel'"):
        run(frame.drop(columns="channel"), allowed=everything(frame))
    with pytest.raises(ChannelError, match="exploration_share"):
        ChannelConfig(exploration_share=0.9)
    with pytest.raises(ChannelError, match="min_messages"):
        ChannelConfig(min_messages=0)
    with pytest.raises(ChannelError, match="outcome_days"):
        ChannelConfig(value_per_conversion=0)
