"""The fate of messages: delivery, bounces, opens and clicks by people and machines, leaving.

One campaign at a time; who gets it is `campaigns`, people's traits are `uplift`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from simulation.behaviour.campaign_calendar import PlannedCampaign
from simulation.behaviour.state import NEVER, SECOND
from simulation.behaviour.uplift import Reactions
from simulation.frames import categorical
from simulation.randomness import Booleans, Integers, Times

BOUNCES: Final = ("hard", "soft")
SLEEPING_DOG: Final = 3
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


class MessageFate:
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
        delay = np.minimum(rng.lognormal(9.2, 1.4, count), 4 * 86_400).astype(np.int64)
        opens = self.is_delivered & (rng.random(count) < open_share)
        opened = np.where(opens, self.delivered_at + (20 + delay) * SECOND, NEVER)
        opened = by_day(opened)
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


def by_day(times: Times) -> Times:
    """Move times between 21:30 and 09:00 into the day: to the same minute twelve hours earlier."""
    second = (times - times.astype("datetime64[D]")).astype("timedelta64[s]").astype(np.int64)
    late = second >= 77_400
    early = second < 32_400
    # Twelve hours later from the night's second half, so that nothing moves before its message.
    shift = np.where(late, 43_200, np.where(early, 36_000, 0))
    moved: Times = np.where(np.isnat(times), times, times + shift.astype("timedelta64[s]"))
    return moved
