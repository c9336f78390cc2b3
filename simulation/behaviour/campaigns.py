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
from simulation.behaviour.participation import Memberships
from simulation.behaviour.state import NEVER, SECOND, Columns, Pool, StatefulProcess, Window
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
SLEEPING_DOG: Final = 3
CHANNELS: Final = ("email", "sms")
BOUNCES: Final = ("hard", "soft")
ACTIONS: Final = ("sent", "delivered", "open", "click", "bounce", "unsub", "abuse")
SUBSCRIBED, UNSUBSCRIBED, CLEANED = 0, 1, 2

_SOFT_BOUNCE_SHARE: Final = 0.012
_SMS_FAILURE_SHARE: Final = 0.025
_SMS_CLICK_SHARE: Final = 0.05
_UNSUBSCRIBE_IF_OPENED: Final = 0.007
_UNSUBSCRIBE_IF_UNOPENED: Final = 0.0004
_SMS_OPT_OUT_SHARE: Final = 0.004
_SLEEPING_DOG_FACTOR: Final = 3.0
_COMPLAINT_SHARE: Final = 0.0005
# A buyer the message persuaded read it more often than not.
_OPENED_IF_CONVERTED: Final = 0.85
_CLICKED_IF_CONVERTED: Final = 0.55
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
            {"at": "datetime64[us]", "person": "int64", "campaign": "int64", "line": "int8"}
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
        fate = _Fate(rng, planned, self._reactions, person, ~is_control)
        p_control, p_treated = self._reactions.outcomes(planned.channel, person)
        chance = np.where(fate.is_delivered, p_treated, p_control)
        converted = rng.random(count) < chance
        fate.read(rng, converted)
        delay = rng.beta(1.0, 2.5, count) * CONVERSION_DAYS * 86_400
        converted_at = planned.sent_at + (900 + delay).astype(np.int64) * SECOND
        # Shops are closed at night: the purchase happens by day.
        converted_at = np.where(converted, _by_day(converted_at), NEVER)
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
        fate: _Fate,
        converted: Booleans,
        converted_at: Times,
    ) -> None:
        self.conversions.push(
            at=converted_at[converted],
            person=person[converted],
            campaign=number,
            line=LINES.index(planned.line),
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


class _Fate:
    """What becomes of each message of a campaign."""

    def __init__(
        self,
        rng: np.random.Generator,
        planned: PlannedCampaign,
        reactions: Reactions,
        person: Integers,
        is_sent: Booleans,
    ) -> None:
        count = len(person)
        self._email = planned.channel == "email"
        self._person, self._reactions = person, reactions
        self._kind = reactions.uplift_type[planned.channel][person]
        spread = rng.integers(0, 1800, count) * SECOND
        self.sent_at = np.where(is_sent, planned.sent_at + spread, NEVER)
        failure = rng.random(count)
        if self._email:
            hard = reactions.is_address_dead[person]
            soft = ~hard & (failure < _SOFT_BOUNCE_SHARE)
        else:
            hard = np.zeros(count, dtype=bool)
            soft = failure < _SMS_FAILURE_SHARE
        self.bounce = np.where(is_sent, np.select([hard, soft], [0, 1], -1), -1).astype(np.int8)
        self.is_delivered: Booleans = is_sent & (self.bounce < 0)
        answered = self.sent_at + rng.integers(1, 90, count) * SECOND
        self.delivered_at = np.where(self.is_delivered, answered, NEVER)
        self.bounced_at = np.where(self.bounce >= 0, answered, NEVER)

    def read(self, rng: np.random.Generator, converted: Booleans) -> None:
        """Draw opens, clicks, unsubscriptions and complaints."""
        count = len(self._person)
        reactions, person = self._reactions, self._person
        open_share = np.where(converted, _OPENED_IF_CONVERTED, reactions.open_propensity[person])
        delay = np.minimum(rng.lognormal(9.2, 1.4, count), 6 * 86_400).astype(np.int64)
        opens = self.is_delivered & (rng.random(count) < open_share)
        opened = np.where(opens, self.delivered_at + (20 + delay) * SECOND, NEVER)
        opened = _by_day(opened)
        click_share = np.where(converted, _CLICKED_IF_CONVERTED, reactions.click_propensity[person])
        if not self._email:
            click_share, opens = np.full(count, _SMS_CLICK_SHARE), self.is_delivered
        clicks = opens & (rng.random(count) < click_share)
        start = opened if self._email else self.delivered_at
        clicked = np.where(clicks, start + rng.integers(8, 240, count) * SECOND, NEVER)
        self.human_opened_at = opened if self._email else np.full(count, NEVER)
        self.human_clicked_at = clicked
        self._read_by_machines(rng)
        self._leave(rng, opens)

    def _read_by_machines(self, rng: np.random.Generator) -> None:
        count = len(self._person)
        reactions, person = self._reactions, self._person
        possible = self.is_delivered & self._email
        prefetch = possible & reactions.is_machine_opener[person] & (rng.random(count) < 0.9)
        scanned = possible & reactions.has_mail_scanner[person]
        self.machine_opened_at = np.where(
            prefetch, self.delivered_at + rng.integers(30, 3600, count) * SECOND, NEVER
        )
        self.scanned_at = np.where(
            scanned, self.delivered_at + rng.integers(2, 15, count) * SECOND, NEVER
        )
        machine = np.fmin(self.machine_opened_at, self.scanned_at)
        self.opened_at = np.fmin(machine, self.human_opened_at)
        self.is_machine_open: Booleans = ~np.isnat(machine) & (self.opened_at == machine)
        self.clicked_at = np.fmin(self.scanned_at, self.human_clicked_at)
        self.is_scanner_click: Booleans = scanned & (self.clicked_at == self.scanned_at)

    def _leave(self, rng: np.random.Generator, opens: Booleans) -> None:
        count = len(self._person)
        share = np.where(opens, _UNSUBSCRIBE_IF_OPENED, _UNSUBSCRIBE_IF_UNOPENED)
        if not self._email:
            share = np.full(count, _SMS_OPT_OUT_SHARE)
        share = share * np.where(self._kind == SLEEPING_DOG, _SLEEPING_DOG_FACTOR, 1.0)
        base = np.where(np.isnat(self.human_opened_at), self.delivered_at, self.human_opened_at)
        leaves = self.is_delivered & (rng.random(count) < share)
        delay = rng.integers(15, 5400, count) * SECOND
        self.unsubscribed_at = np.where(leaves, base + delay, NEVER)
        complains = self.is_delivered & opens & self._email & ~leaves
        complains &= rng.random(count) < _COMPLAINT_SHARE
        self.complained_at = np.where(complains, base + delay, NEVER)

    def columns(self) -> dict[str, Any]:
        """Return the columns of MESSAGES."""
        human, machine = ~np.isnat(self.human_opened_at), ~np.isnat(self.machine_opened_at)
        scanned = ~np.isnat(self.scanned_at)
        human_clicks = ~np.isnat(self.human_clicked_at)
        return {
            "sent_at": self.sent_at,
            "delivered_at": self.delivered_at,
            "bounced_at": self.bounced_at,
            "bounce_type": categorical(self.bounce, BOUNCES),
            "opened_at": self.opened_at,
            "is_machine_open": self.is_machine_open,
            "human_opened_at": self.human_opened_at,
            "open_count": human.astype(np.int64) + machine + scanned,
            "clicked_at": self.clicked_at,
            "is_scanner_click": self.is_scanner_click,
            "click_count": human_clicks.astype(np.int64) + scanned,
            "unsubscribed_at": self.unsubscribed_at,
            "complained_at": self.complained_at,
        }

    def events(self) -> list[tuple[str, Times, Booleans]]:
        """Return the events by action: times by message and whether a machine caused them."""
        human = np.zeros(len(self._person), dtype=bool)
        machine = ~human
        events = [
            ("sent", self.sent_at, human),
            ("delivered", self.delivered_at, human),
            ("bounce", self.bounced_at, human),
            ("open", self.human_opened_at, human),
            ("open", self.machine_opened_at, machine),
            ("open", self.scanned_at, machine),
            ("click", self.human_clicked_at, human),
            ("click", self.scanned_at, machine),
            ("unsub", self.unsubscribed_at, human),
            ("abuse", self.complained_at, human),
        ]
        return events


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


def _by_day(times: Times) -> Times:
    """Move times between 21:30 and 09:00 into the day: to the same minute twelve hours earlier."""
    second = (times - times.astype("datetime64[D]")).astype("timedelta64[s]").astype(np.int64)
    late = second >= 77_400
    early = second < 32_400
    # Twelve hours later from the night's second half, so that nothing moves before its message.
    shift = np.where(late, 43_200, np.where(early, 36_000, 0))
    moved: Times = np.where(np.isnat(times), times, times + shift.astype("timedelta64[s]"))
    return moved
