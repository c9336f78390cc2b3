"""Campaigns: randomised, with the planted uplift, and their purchases really happen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulation.behaviour.uplift import P_CONTROL, P_TREATED, UPLIFT_TYPES
from tests.unit.simulation.engine.conftest import CONFIG, History

END = pd.Timestamp(CONFIG.start) + pd.Timedelta(days=CONFIG.days)


@pytest.fixture(scope="module")
def outcomes(history: History) -> pd.DataFrame:
    lines = history["campaigns"][["campaign_id", "line"]]
    return history["potential_outcomes"].merge(lines, on="campaign_id")


def test_each_type_reacts_as_planted(outcomes: pd.DataFrame) -> None:
    for number, kind in enumerate(UPLIFT_TYPES):
        for is_treated, planted in ((False, P_CONTROL[number]), (True, P_TREATED[number])):
            arm = outcomes[
                (outcomes["uplift_type"] == kind) & (outcomes["is_treated"] == is_treated)
            ]
            error = np.sqrt(planted / len(arm))
            # Undelivered messages dilute the treated arm a little.
            assert arm["converted"].mean() == pytest.approx(planted, abs=4 * error + 0.03 * planted)


def test_control_groups_are_random(outcomes: pd.DataFrame) -> None:
    treated = outcomes["is_treated"]
    assert treated.mean() == pytest.approx(1 - CONFIG.control_share, abs=0.01)
    sure = outcomes["p_control"]
    difference = sure[treated].mean() - sure[~treated].mean()
    assert abs(difference) < 4 * sure.std() / np.sqrt((~treated).sum())


def test_conversions_are_purchases_in_the_frames(history: History, outcomes: pd.DataFrame) -> None:
    converted = outcomes[outcomes["converted"] & (outcomes["converted_at"] < END)]
    tickets = history["tickets"][["person_id", "campaign_id"]]
    orders = history["shop_orders"].rename(columns={"driving_campaign_id": "driver"})
    visits = history["workshop_visits"][["person_id", "campaign_id"]]
    bought = {
        "groceries": tickets,
        "electronics": orders[["person_id", "driver"]].rename(columns={"driver": "campaign_id"}),
        "cars": visits,
    }
    for line, frame in bought.items():
        wanted = converted.loc[converted["line"] == line, ["person_id", "campaign_id"]]
        found = set(map(tuple, frame[frame["campaign_id"] >= 0].to_numpy()))
        kept = [tuple(row) in found for row in wanted.to_numpy()]
        assert len(kept) > 30
        # A car may be sold between the message and the visit.
        assert np.mean(kept) >= (0.97 if line == "cars" else 1.0)
        assert len(found) <= len(wanted)


def test_conversions_come_within_the_week(outcomes: pd.DataFrame, history: History) -> None:
    sent = history["campaigns"].set_index("campaign_id")["sent_at"]
    converted = outcomes[outcomes["converted"]]
    days = (converted["converted_at"] - sent[converted["campaign_id"]].to_numpy()) / pd.Timedelta(
        days=1
    )
    assert (days > 0).all()
    assert days.max() < 7.6
    assert outcomes.loc[~outcomes["converted"], "converted_at"].isna().all()


def test_messages_live_in_order(history: History) -> None:
    messages = history["messages"]
    control = messages["is_control"]
    times = ["sent_at", "delivered_at", "opened_at", "clicked_at", "bounced_at", "unsubscribed_at"]
    assert messages.loc[control, times].isna().all().all()
    assert messages.loc[~control, "sent_at"].notna().all()
    assert (messages["delivered_at"].isna() | messages["bounced_at"].isna()).all()
    for earlier, later in (("sent_at", "delivered_at"), ("delivered_at", "opened_at")):
        known = messages[later].notna()
        assert (messages.loc[known, later] > messages.loc[known, earlier]).all()
    assert messages["message_id"].is_unique


def test_machines_open_and_scanners_click(history: History) -> None:
    messages, truth = history["messages"], history.market.true_people
    delivered = messages[(messages["channel"] == "email") & messages["delivered_at"].notna()]
    traits = truth.iloc[delivered["person_id"]].reset_index(drop=True)
    machine = delivered["is_machine_open"].to_numpy()
    assert machine[traits["is_machine_opener"]].mean() > 0.85
    neither = ~traits["is_machine_opener"] & ~traits["has_mail_scanner"]
    assert not machine[neither].any()
    scanned = delivered["is_scanner_click"].to_numpy()
    assert scanned[traits["has_mail_scanner"]].all()
    assert not scanned[~traits["has_mail_scanner"]].any()


def test_dead_addresses_bounce_once_and_leave(history: History) -> None:
    messages, truth = history["messages"], history.market.true_people
    hard = messages[messages["bounce_type"] == "hard"]
    assert truth["is_address_dead"].iloc[hard["person_id"]].all()
    emails = messages[(messages["channel"] == "email") & ~messages["is_control"]]
    after = emails.merge(hard[["person_id", "sent_at"]], on="person_id", suffixes=("", "_bounce"))
    assert (after["sent_at"] <= after["sent_at_bounce"]).all()


def test_nobody_is_written_to_after_unsubscribing(history: History) -> None:
    messages = history["messages"]
    for channel in ("email", "sms"):
        own = messages[messages["channel"] == channel]
        left = own.loc[own["unsubscribed_at"].notna(), ["person_id", "unsubscribed_at"]]
        assert len(left) > 20
        later = own.merge(left, on="person_id", suffixes=("", "_left"))
        assert not (later["sent_at"] > later["unsubscribed_at_left"]).any()
    withdrawn = history["consent_events"].query("system == 'mailing'")
    assert not withdrawn["is_granted"].any()
    due = messages.loc[messages["unsubscribed_at"] < END]
    assert set(due["person_id"]) <= set(withdrawn["person_id"])


def test_events_tell_the_messages(history: History) -> None:
    messages, events = history["messages"], history["message_events"]
    assert events["occurred_at"].max() < END
    for action, column in (
        ("sent", "sent_at"),
        ("bounce", "bounced_at"),
        ("unsub", "unsubscribed_at"),
    ):
        due = messages[messages[column] < END].set_index("message_id")[column]
        told = events[events["action"] == action].set_index("message_id")["occurred_at"]
        pd.testing.assert_series_equal(
            told.sort_index(), due.sort_index(), check_names=False, check_index_type=False
        )
    opened = messages[messages["opened_at"] < END]
    first = events[events["action"] == "open"].groupby("message_id")["occurred_at"].min()
    assert (first[opened["message_id"]].to_numpy() == opened["opened_at"].to_numpy()).all()
