"""Campaigns: randomised audiences, messages and their fate, and the purchases they cause.

Traits and potential outcomes are `uplift`, dates and texts `campaign_calendar`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.campaign_calendar import (
    LINES,
    SYSTEM_OF_LINE,
    PlannedCampaign,
    campaigns_of,
)
from simulation.behaviour.message_fate import BOUNCES, MessageFate, by_day
from simulation.behaviour.participation import Memberships
from simulation.behaviour.state import (
    NEVER,
    SECOND,
    Columns,
    Pool,
    StatefulProcess,
    Window,
    shifted,
)
from simulation.behaviour.uplift import Reactions, uplift_categorical
from simulation.config import SimulationConfig
from simulation.frames import (
    CAMPAIGNS,
    MESSAGE_EVENTS,
    MESSAGES,
    NO_ID,
    POTENTIAL_OUTCOMES,
    categorical,
    concatenate,
)
from simulation.population import Population
from simulation.randomness import Booleans, Integers, Times

CONVERSION_DAYS: Final = 7.0
CHANNELS: Final = ("email", "sms")
ACTIONS: Final = ("sent", "delivered", "open", "click", "bounce", "unsub", "abuse")
SUBSCRIBED, UNSUBSCRIBED, CLEANED, PENDING = 0, 1, 2, 3

_EVENT_COLUMNS: Final = {
    "at": "datetime64[us]",
    "message": "int64",
    "campaign": "int64",
    "person": "int64",
    "channel": "int8",
    "action": "int8",
    "bounce": "int8",
    "machine": "bool",
}


@dataclass(frozen=True)
class CampaignFrames:
    """What the campaigns of a slice leave, and what they make happen."""

    frames: dict[str, pd.DataFrame]
    clicks: Columns  # human clicks of electronics e-mails: person, at, campaign
    withdrawals: Columns  # person, at, channel, campaign


class Campaigns(StatefulProcess):
    """Audience states and campaigns."""

    arrays = ("email_status", "sms_allowed")
    pools = ("conversions", "events", "clicks", "withdrawals")
    counters = ("next_campaign", "next_message")

    def __init__(
        self, config: SimulationConfig, population: Population, reactions: Reactions
    ) -> None:
        self._config = config
        self._reactions = reactions
        people = population.people
        self.email_status = np.full(len(people), SUBSCRIBED, dtype=np.int8)
        self.sms_allowed = people["accepts_sms"].to_numpy() & population.has_mobile
        self.next_campaign = 1001
        self.next_message = 1
        self.conversions = Pool(
            {
                "at": "datetime64[us]",
                "person": "int64",
                "campaign": "int64",
                "line": "int8",
                "category": "int64",
                "clicked": "bool",
            }
        )
        self.events = Pool(_EVENT_COLUMNS)
        self.clicks = Pool({"at": "datetime64[us]", "person": "int64", "campaign": "int64"})
        self.withdrawals = Pool(
            {"at": "datetime64[us]", "person": "int64", "campaign": "int64", "channel": "int8"}
        )

    def advance(
        self,
        window: Window,
        members: Memberships,
        has_line: dict[str, Booleans],
        contents: Any,  # noqa: ANN401
    ) -> CampaignFrames:
        """Send the campaigns of a slice.

        Parameters
        ----------
        window
            The slice.
        members
            Who is a member of which system.
        has_line
            By line, who can buy there at all.
        contents
            Landing page by category.
        """
        campaigns: list[dict[str, Any]] = []
        messages: list[pd.DataFrame] = []
        outcomes: list[pd.DataFrame] = []
        withdrawals: list[Columns] = []
        rng = window.rng("campaigns")
        for planned in campaigns_of(window):
            withdrawals.append(self._apply_withdrawals(planned.sent_at))
            number = int(self.numbers("next_campaign", 1)[0])
            audience = self._audience(rng, planned, members, has_line[planned.line])
            if not len(audience):
                continue
            campaigns.append(_campaign_row(number, planned, contents))
            sent, outcome = self._send(rng, planned, number, audience)
            messages.append(sent)
            outcomes.append(outcome)
        withdrawals.append(self._apply_withdrawals(window.end))
        rows = {name: [row[name] for row in campaigns] for name in CAMPAIGNS.columns}
        frames = {
            "campaigns": CAMPAIGNS.build(rows) if campaigns else CAMPAIGNS.empty(),
            "messages": concatenate(MESSAGES, messages),
            "message_events": self._due_events(window),
            "potential_outcomes": concatenate(POTENTIAL_OUTCOMES, outcomes),
        }
        left = {
            name: np.concatenate([part[name] for part in withdrawals]) for name in withdrawals[0]
        }
        return CampaignFrames(frames, self.clicks.take_until(window.end), left)

    def take_conversions(self, window: Window) -> dict[str, Columns]:
        """Return the purchases campaigns make happen in the slice, by line."""
        due = self.conversions.take_until(window.end)
        return {
            line: {name: values[due["line"] == number] for name, values in due.items()}
            for number, line in enumerate(LINES)
        }

    def hold(self, people: Integers) -> None:
        """Write nothing to people whose double opt-in is pending."""
        self.email_status[people] = PENDING

    def withdraw(self, people: Integers, channel: str) -> None:
        """Stop writing to people who withdrew their consent elsewhere."""
        if channel == "sms":
            self.sms_allowed[people] = False
        elif channel == "email":
            still = people[self.email_status[people] == SUBSCRIBED]
            self.email_status[still] = UNSUBSCRIBED

    def _apply_withdrawals(self, until: np.datetime64) -> Columns:
        """Apply and return the withdrawals by link or reply up to a time."""
        due = self.withdrawals.take_until(until)
        for number, channel in enumerate(CHANNELS):
            self.withdraw(due["person"][due["channel"] == number], channel)
        return due

    def _audience(
        self,
        rng: np.random.Generator,
        planned: PlannedCampaign,
        members: Memberships,
        has_line: Booleans,
    ) -> Integers:
        allowed = (
            (self.email_status == SUBSCRIBED) & (members.since("mailing") < planned.sent_at)
            if planned.channel == "email"
            else self.sms_allowed
        )
        allowed = allowed & has_line
        allowed &= members.since(SYSTEM_OF_LINE[planned.line]) < planned.sent_at
        rows = np.flatnonzero(allowed)
        return rows[rng.random(len(rows)) < self._config.campaign_reach_share]

    def _send(
        self, rng: np.random.Generator, planned: PlannedCampaign, number: int, person: Integers
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        count = len(person)
        is_control = rng.random(count) < self._config.control_share
        fate = MessageFate(rng, planned, self._reactions, person, ~is_control)
        p_control, p_treated = self._reactions.outcomes(planned.channel, person)
        chance = np.where(fate.is_delivered, p_treated, p_control)
        converted = rng.random(count) < chance
        fate.read(rng, converted)
        converted_at = _conversion_times(rng, planned, fate, converted)
        message = self.numbers("next_message", count)
        self._plan(planned, number, person, message, fate, converted, converted_at)
        channel = CHANNELS.index(planned.channel)
        channels = categorical(np.full(count, channel), CHANNELS)
        campaign = np.full(count, number)
        sent = MESSAGES.build(
            {
                "message_id": message,
                "campaign_id": campaign,
                "person_id": person,
                "channel": channels,
                "is_control": is_control,
                **fate.columns(),
            }
        )
        kind = self._reactions.uplift_type[planned.channel][person]
        return sent, POTENTIAL_OUTCOMES.build(
            {
                "campaign_id": campaign,
                "person_id": person,
                "channel": channels,
                "uplift_type": uplift_categorical(kind),
                "p_control": p_control,
                "p_treated": p_treated,
                "is_treated": ~is_control,
                "converted": converted,
                "converted_at": converted_at,
            }
        )

    def _plan(
        self,
        planned: PlannedCampaign,
        number: int,
        person: Integers,
        message: Integers,
        fate: MessageFate,
        converted: Booleans,
        converted_at: Times,
    ) -> None:
        self.conversions.push(
            at=converted_at[converted],
            person=person[converted],
            campaign=number,
            line=LINES.index(planned.line),
            category=planned.category_number,
            clicked=~np.isnat(fate.human_clicked_at[converted]),
        )
        channel = CHANNELS.index(planned.channel)
        for action, at, machine in fate.events():
            rows = np.flatnonzero(~np.isnat(at))
            self.events.push(
                at=at[rows],
                message=message[rows],
                campaign=number,
                person=person[rows],
                channel=channel,
                action=ACTIONS.index(action),
                bounce=fate.bounce[rows] if action == "bounce" else -1,
                machine=machine[rows],
            )
        left = np.fmin(fate.unsubscribed_at, fate.complained_at)
        rows = np.flatnonzero(~np.isnat(left))
        self.withdrawals.push(at=left[rows], person=person[rows], campaign=number, channel=channel)
        if channel == 0:
            self.email_status[person[fate.bounce == 0]] = CLEANED
            if planned.line == "electronics":
                rows = np.flatnonzero(~np.isnat(fate.human_clicked_at))
                self.clicks.push(
                    at=fate.human_clicked_at[rows], person=person[rows], campaign=number
                )

    def _due_events(self, window: Window) -> pd.DataFrame:
        due = self.events.take_until(window.end)
        order = np.lexsort((due["action"], due["at"]))
        due = {name: values[order] for name, values in due.items()}
        return MESSAGE_EVENTS.build(
            {
                "message_id": due["message"],
                "campaign_id": due["campaign"],
                "person_id": due["person"],
                "channel": categorical(due["channel"], CHANNELS),
                "action": categorical(due["action"], ACTIONS),
                "bounce_type": categorical(due["bounce"], BOUNCES),
                "occurred_at": due["at"],
                "is_machine": due["machine"],
            }
        )


def _campaign_row(number: int, planned: PlannedCampaign, contents: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "campaign_id": number,
        "channel": planned.channel,
        "line": planned.line,
        "title": planned.title,
        "subject": planned.subject,
        "sent_at": planned.sent_at,
        "category": planned.category,
        "offer": planned.offer,
        "discount_share": planned.discount_share,
        "content_id": contents.get(planned.category, NO_ID),
    }


def _conversion_times(
    rng: np.random.Generator, planned: PlannedCampaign, fate: MessageFate, converted: Booleans
) -> Times:
    """Return when the purchases happen: within the week, and soon after a click."""
    count = len(converted)
    delay = 900 + rng.beta(1.0, 2.5, count) * CONVERSION_DAYS * 86_400
    at = shifted(np.full(count, planned.sent_at), delay, SECOND)
    soon = shifted(fate.human_clicked_at, rng.integers(120, 60_000, count), SECOND)
    at = np.where(np.isnat(soon), at, soon)
    # Shops are closed at night: the purchase happens by day.
    return np.where(converted, by_day(at), NEVER)
