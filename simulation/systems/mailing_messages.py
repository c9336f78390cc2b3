"""What the mailings sent and what came of it: campaign reports, activity by recipient, text messages.

An event is delivered with the period it falls into, not with its message; reports and text messages
come again when they changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from simulation import faults
from simulation.clock import to_utc
from simulation.delivery import Desk, Period, row_hits, with_letter_in_number
from simulation.draws import hashed
from simulation.files import TextLayout
from simulation.frames import CAMPAIGNS, MESSAGES, NO_ID, Slice, concatenate
from simulation.systems.mailing_sql import (
    ABUSE,
    ACTIONS,
    ACTIVITY_SQL,
    BOUNCE,
    CLICK,
    OPEN,
    REPORTS_SQL,
    SCANNER,
    SENT,
    SMS_SQL,
    UNSUBSCRIBE,
)
from simulation.systems.reference import SITES

SYSTEM: Final = "mailing"
Times = NDArray[np.datetime64]

_LISTS: Final[Mapping[str, str]] = {
    "groceries": "Súper Albera",
    "electronics": "Nebra",
    "cars": "Automoción Albera",
}
_COUNTERS: Final = (
    "recipients",
    "deliveries",
    "soft_bounces",
    "hard_bounces",
    "unique_opens",
    "opens",
    "unique_clicks",
    "clicks",
    "unsubscribes",
    "complaints",
    "orders",
    "revenue",
)
_EVENT_TYPES: Final = {
    "campaign_id": "int64",
    "person_id": "int64",
    "action": "int8",
    "occurred_at": "datetime64[us]",
    "agent": "int8",
    "is_hard": "bool",
    "is_first": "bool",
}


class MessageFiles:
    """Writes campaign reports, activity and text messages; remembers what is still to come."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.campaigns = CAMPAIGNS.empty()
        self.counters = pd.DataFrame(
            {"campaign_id": pd.Series([], dtype="int64")}
            | {name: pd.Series([], dtype="float64") for name in _COUNTERS}
        ).set_index("campaign_id")
        self.pending_events = pd.DataFrame(
            {name: pd.Series([], dtype=dtype) for name, dtype in _EVENT_TYPES.items()}
        )
        self.pending_sms = MESSAGES.empty()
        self.leaving = pd.DataFrame()

    def write(self, happened: Slice, period: Period, emails: NDArray[np.object_]) -> None:
        """Deliver the activity, reports and text messages of a period.

        Parameters
        ----------
        happened
            The slice.
        period
            Its time.
        emails
            Each person's address as the mailings hold it.
        """
        self.campaigns = concatenate(CAMPAIGNS, [self.campaigns, happened["campaigns"]])
        messages = happened["messages"]
        is_sent = ~messages["is_control"].to_numpy() & messages["sent_at"].notna().to_numpy()
        is_email = (messages["channel"] == "email").to_numpy(dtype=bool)
        events = pd.concat(
            [
                self.pending_events,
                email_events(messages[is_sent & is_email], self.desk.config.seed),
            ],
            ignore_index=True,
        )
        is_due = events["occurred_at"].to_numpy() < period.ends_at
        self.pending_events = events[~is_due].reset_index(drop=True)
        due = events[is_due].reset_index(drop=True)
        self.leaving = _leaving(due)
        self._write_activity(due, period, emails)
        self._count(due, happened["shop_orders"])
        self._write_reports(due, period)
        self._write_sms(messages[is_sent & ~is_email], period)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return campaigns, counters and what is still to come."""
        return {
            "campaigns": self.campaigns,
            "counters": self.counters.reset_index(),
            "pending_events": self.pending_events,
            "pending_sms": self.pending_sms,
        }

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up campaigns, counters and what is still to come."""
        self.campaigns = CAMPAIGNS.build(dict(frames["campaigns"]))
        self.counters = frames["counters"].set_index("campaign_id")
        self.pending_events = frames["pending_events"].astype(_EVENT_TYPES)
        self.pending_sms = MESSAGES.build(dict(frames["pending_sms"]))

    def titles(self) -> pd.DataFrame:
        """Return the campaigns' titles."""
        return self.campaigns[["campaign_id", "title"]].rename(columns={"title": "campaign_title"})

    def _write_activity(
        self, events: pd.DataFrame, period: Period, emails: NDArray[np.object_]
    ) -> None:
        events = events[emails[events["person_id"].to_numpy()] != None]  # noqa: E711 - element by element
        if events.empty:
            return
        desk = self.desk
        name = f"activity_{period.label}.csv.gz"
        people = events["person_id"].to_numpy()
        row_ids = _row_ids(events)
        damaged = desk.rows_hit(faults.DAMAGED_ROW, SYSTEM, "activity", row_ids)
        bits = hashed(people, desk.config.seed, SYSTEM, "agent")
        stamps = _utc_stamps(events["occurred_at"].to_numpy()[damaged])
        broken = [
            with_letter_in_number(stamp, number)
            for stamp, number in zip(
                stamps, desk.bits(SYSTEM, "activity", row_ids[damaged]), strict=True
            )
        ]
        damaged_stamps = np.full(len(events), None, dtype=object)
        damaged_stamps[damaged] = broken
        known, positions = np.unique(people, return_inverse=True)
        addresses = pa.DictionaryArray.from_arrays(
            pa.array(positions.astype(np.int32)), pa.array(emails[known], pa.string())
        )
        table = pa.table(
            {
                "campaign_id": events["campaign_id"].to_numpy(),
                "email": addresses,
                "person_id": people,
                "action": events["action"].to_numpy(),
                "is_hard": events["is_hard"].to_numpy(),
                "occurred_at": to_utc(events["occurred_at"].to_numpy()),
                "agent": events["agent"].to_numpy(),
                "page": self._landing_pages(events["campaign_id"].to_numpy()),
                "bits": (bits >> np.uint64(8)).astype(np.int64),
                "damaged_stamp": pa.array(damaged_stamps, pa.string()),
            }
        )
        desk.register(activity=table)
        layout = desk.layout(SYSTEM, name, TextLayout())
        desk.landing.write_csv(SYSTEM, "activity", name, ACTIVITY_SQL, layout)
        keys = np.full(len(events), None, dtype=object)
        keys[damaged] = [
            f"c{campaign:06d}+{emails[person]}+{ACTIONS[action]}"
            for campaign, person, action in events.iloc[damaged][
                ["campaign_id", "person_id", "action"]
            ].itertuples(index=False)
        ]
        hits = row_hits(damaged, "Timestamp", faults.DAMAGED_ROW, stamps, broken)
        desk.truth.plant(SYSTEM, "activity", name, keys, hits)
        desk.repeat_now_and_then(SYSTEM, "activity", name, period)

    def _landing_pages(self, campaign_ids: NDArray[np.int64]) -> pa.DictionaryArray:
        """Return the page that each campaign links to."""
        paths = self.desk.market.contents["path"].to_numpy(dtype=object)
        known = self.campaigns["campaign_id"].to_numpy()
        order = np.argsort(known, kind="stable")
        pages = [
            f"{SITES[line]}{paths[content] if content != NO_ID else '/'}"
            for line, content in zip(
                self.campaigns["line"], self.campaigns["content_id"].tolist(), strict=True
            )
        ]
        positions = order[np.searchsorted(known[order], campaign_ids)]
        return pa.DictionaryArray.from_arrays(
            pa.array(positions.astype(np.int32)), pa.array(pages, pa.string())
        )

    def _count(self, events: pd.DataFrame, orders: pd.DataFrame) -> None:
        """Add a period's events and web orders to the campaigns' counters."""
        action, is_first = events["action"].to_numpy(), events["is_first"].to_numpy()
        is_hard = events["is_hard"].to_numpy()
        conditions = {
            "recipients": action == SENT,
            "soft_bounces": (action == BOUNCE) & ~is_hard,
            "hard_bounces": (action == BOUNCE) & is_hard,
            "unique_opens": (action == OPEN) & is_first,
            "opens": action == OPEN,
            "unique_clicks": (action == CLICK) & is_first,
            "clicks": action == CLICK,
            "unsubscribes": action == UNSUBSCRIBE,
            "complaints": action == ABUSE,
        }
        flags = pd.DataFrame({name: flag.astype(float) for name, flag in conditions.items()})
        counts = flags.groupby(events["campaign_id"].to_numpy()).sum()
        counts["deliveries"] = (
            counts["recipients"] - counts["soft_bounces"] - counts["hard_bounces"]
        )
        of_campaigns = orders[orders["campaign_id"].to_numpy() != NO_ID].groupby("campaign_id")[
            "total"
        ]
        sales = pd.DataFrame(
            {"orders": of_campaigns.size().astype(float), "revenue": of_campaigns.sum()}
        )
        for added in (counts, sales):
            self.counters = self.counters.add(added, fill_value=0.0)
        self.counters = self.counters.fillna(0.0)[list(_COUNTERS)].rename_axis("campaign_id")

    def _write_reports(self, events: pd.DataFrame, period: Period) -> None:
        """Deliver the reports of campaigns that something happened to."""
        touched = np.unique(events["campaign_id"].to_numpy())
        if not len(touched):
            return
        campaigns = self.campaigns[np.isin(self.campaigns["campaign_id"].to_numpy(), touched)]
        self.desk.register(
            campaigns=campaigns.assign(list=campaigns["line"].astype(object).map(_LISTS)),
            counters=self.counters.loc[touched].reset_index(),
        )
        name = f"campaigns_{period.label}.csv"
        layout = self.desk.layout(SYSTEM, name, TextLayout())
        self.desk.landing.write_csv(SYSTEM, "campaigns", name, REPORTS_SQL, layout)

    def _write_sms(self, new: pd.DataFrame, period: Period) -> None:
        sms = concatenate(MESSAGES, [self.pending_sms, new])
        if sms.empty:
            return
        later = sms[["delivered_at", "bounced_at", "clicked_at", "unsubscribed_at"]].to_numpy()
        is_new = sms["sent_at"].to_numpy() >= period.starts_at
        happens_now = ((later >= period.starts_at) & (later < period.ends_at)).any(axis=1)
        is_pending = np.asarray((later >= period.ends_at).any(axis=1))
        self.pending_sms = sms[is_pending].reset_index(drop=True)
        due = sms[np.asarray(is_new | happens_now)].reset_index(drop=True)
        if due.empty:
            return
        desk = self.desk
        name = f"sms_{period.label}.csv"
        ids = due["message_id"].to_numpy()
        damaged = desk.rows_hit(faults.DAMAGED_ROW, SYSTEM, "sms", ids)
        repeated = desk.rows_hit(faults.DUPLICATED_ROW, SYSTEM, "sms", ids)
        stamps = due["sent_at"].iloc[damaged].dt.strftime("%Y-%m-%d %H:%M:%S").tolist()
        broken = [
            with_letter_in_number(stamp, number)
            for stamp, number in zip(stamps, desk.bits(SYSTEM, "sms", ids[damaged]), strict=True)
        ]
        damaged_stamps = pd.array([None] * len(due), dtype="string[pyarrow]")
        damaged_stamps[damaged] = broken
        people = due["person_id"].to_numpy()
        mobiles = desk.market.people["mobile"].iloc[people].array
        numbers = [f"tel:{mobile}" for mobile in mobiles]
        desk.truth.identify(SYSTEM, "sms", numbers, people)
        due = due.assign(damaged_stamp=damaged_stamps, mobile=mobiles)
        desk.register(
            sms=pd.concat([due, due.iloc[repeated]], ignore_index=True), titles=self.titles()
        )
        desk.landing.write_csv(
            SYSTEM, "sms", name, SMS_SQL.format(ends_at=period.ends_on), TextLayout(delimiter=";")
        )
        keys = np.array([f"S{number:09d}" for number in ids.tolist()], dtype=object)
        for hits in (
            row_hits(damaged, "sent_at", faults.DAMAGED_ROW, stamps, broken),
            row_hits(repeated, "", faults.DUPLICATED_ROW, keys[repeated], keys[repeated]),
        ):
            desk.truth.plant(SYSTEM, "sms", name, keys, hits)


def email_events(messages: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Turn e-mails with their first events and counts into one row an event, in order of time.

    Parameters
    ----------
    messages
        E-mails that went out (MESSAGES).
    seed
        The market's seed: when the second and later opens and clicks are.
    """
    parts = [
        _events(messages, SENT, "sent_at"),
        _events(messages, BOUNCE, "bounced_at", is_hard=(messages["bounce_type"] == "hard")),
        _events(messages, OPEN, "opened_at", agent=messages["is_machine_open"]),
        _events(messages, CLICK, "clicked_at", agent=messages["is_scanner_click"] * SCANNER),
        _events(messages, UNSUBSCRIBE, "unsubscribed_at"),
        _events(messages, ABUSE, "complained_at"),
        *_repeated(messages, OPEN, "opened_at", "open_count", "is_machine_open", seed),
        *_repeated(messages, CLICK, "clicked_at", "click_count", "is_scanner_click", seed),
    ]
    events = pd.concat(parts, ignore_index=True)
    return events.sort_values(
        ["occurred_at", "person_id", "action"], kind="stable", ignore_index=True
    )


def _events(
    messages: pd.DataFrame,
    action: int,
    column: str,
    *,
    agent: pd.Series[bool] | pd.Series[int] | None = None,
    is_hard: pd.Series[bool] | None = None,
) -> pd.DataFrame:
    happened = messages[column].notna().to_numpy()
    count = int(happened.sum())
    return pd.DataFrame(
        {
            "campaign_id": messages["campaign_id"].to_numpy()[happened],
            "person_id": messages["person_id"].to_numpy()[happened],
            "action": np.full(count, action, dtype=np.int8),
            "occurred_at": messages[column].to_numpy()[happened],
            "agent": (
                np.zeros(count, dtype=np.int8)
                if agent is None
                else agent.to_numpy()[happened].astype(np.int8)
            ),
            "is_hard": (
                np.zeros(count, dtype=bool)
                if is_hard is None
                else is_hard.to_numpy(dtype=bool)[happened]
            ),
            "is_first": np.ones(count, dtype=bool),
        }
    )


def _repeated(
    messages: pd.DataFrame, action: int, first: str, counted: str, by_machine: str, seed: int
) -> list[pd.DataFrame]:
    """Return the second and later opens or clicks, all by people, in the hours after the first.

    The first one by a person after a machine's is at `human_opened_at`.
    """
    repeats = np.where(messages[first].notna(), messages[counted].to_numpy() - 1, 0).clip(0)
    rows = np.repeat(np.arange(len(messages)), repeats)
    if not len(rows):
        return []
    number = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    ids = messages["message_id"].to_numpy()[rows] * 64 + number
    bits = hashed(ids, seed, SYSTEM, ACTIONS[action], "again")
    after = ((number + 1) * 3600 * 5 + (bits % np.uint64(3600 * 4)).astype(np.int64)).astype(
        "timedelta64[s]"
    )
    starts = messages[first].to_numpy()
    is_human_first = np.zeros(len(rows), dtype=bool)
    if action == OPEN:
        human = messages["human_opened_at"].to_numpy()
        is_late = messages[by_machine].to_numpy() & ~np.isnat(human)
        starts = np.where(is_late, human, starts)
        is_human_first = is_late[rows] & (number == 0)
    again = messages.iloc[rows].assign(
        **{first: starts[rows] + np.where(is_human_first, np.timedelta64(0, "s"), after)}
    )
    return [_events(again, action, first).assign(is_first=False)]


def _leaving(events: pd.DataFrame) -> pd.DataFrame:
    """Return who leaves the audience and why: unsubscribed, complained, cleaned (hard bounce)."""
    action = events["action"].to_numpy()
    kinds = np.select(
        [
            action == UNSUBSCRIBE,
            action == ABUSE,
            (action == BOUNCE) & events["is_hard"].to_numpy(),
        ],
        ["unsubscribed", "complained", "cleaned"],
        "",
    )
    left = pd.DataFrame(
        {
            "person_id": events["person_id"],
            "campaign_id": events["campaign_id"],
            "left_at": events["occurred_at"],
            "kind": kinds,
        }
    )
    is_leaving: NDArray[np.bool_] = np.asarray(kinds != "")
    return left[is_leaving].reset_index(drop=True)


def _row_ids(events: pd.DataFrame) -> NDArray[np.int64]:
    """Return a number for each event that does not depend on where it stands."""
    ids: NDArray[np.int64] = (
        events["occurred_at"].to_numpy().astype(np.int64) * 31
        + events["person_id"].to_numpy() * 8
        + events["action"].to_numpy()
    )
    return ids


def _utc_stamps(times: Times) -> list[str]:
    return [f"{stamp}Z" for stamp in np.datetime_as_string(to_utc(times), unit="s").tolist()]
