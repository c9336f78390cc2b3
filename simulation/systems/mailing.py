"""The group's mailings: Mailchimp's audience export, and a national opt-out list of hashes.

Whole lists, each quarter of the history and each week of a continuation. Campaign reports, activity
and text messages are in `mailing_messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.clock import to_utc
from simulation.delivery import Desk, Period, SystemWriter, iso_times, only_where
from simulation.draws import hashed, uniform
from simulation.files import TextLayout
from simulation.frames import NO_ID, Slice
from simulation.person_faults import PersonColumn, PersonLayout
from simulation.systems.mailing_messages import MessageFiles
from simulation.systems.reference import shopify_codes

SYSTEM: Final = "mailing"
_LAYOUT: Final = TextLayout()
_PEOPLE: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("Email Address", ("email",)),
        PersonColumn("First Name", ("given_name",)),
        PersonColumn("Last Name", ("surname_1", "surname_2")),
        PersonColumn("Phone Number", ("mobile",)),
        PersonColumn("Birthday", ("birth_date",)),
        PersonColumn("Postal Code", ("postal_code",)),
        PersonColumn("province_code", ("province_code",)),
    ),
    coverage={"mobile": 0.5, "birth_date": 0.45, "postal_code": 0.8},
    date_format="%m/%d",
)
_SUNDAY: Final = 6

_HEAD: Final = (
    '"Email Address"',
    '"First Name"',
    '"Last Name"',
    '"Phone Number"',
    '"Birthday"',
    '"Postal Code"',
    'preferred_channel as "Preferred Channel"',
    'rating as "MEMBER_RATING"',
    'optin_time as "OPTIN_TIME"',
    'ip as "OPTIN_IP"',
    'confirm_time as "CONFIRM_TIME"',
    'case when confirm_time is not null then ip end as "CONFIRM_IP"',
    'null as "LATITUDE"',
    'null as "LONGITUDE"',
    '1 as "GMTOFF"',
    '2 as "DSTOFF"',
    "'Europe/Madrid' as \"TIMEZONE\"",
    "'ES' as \"CC\"",
    'region as "REGION"',
    'last_changed as "LAST_CHANGED"',
)
_TAIL: Final = (
    '100000000 + person_id as "LEID"',
    "substr(md5('euid' || person_id), 1, 10) as \"EUID\"",
    'null as "NOTES"',
    'tags as "TAGS"',
)
_CAMPAIGN: Final = "case when left_campaign_id >= 0 then printf('c%06d', left_campaign_id) end"
_MEMBER_FILES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("subscribed", ()),
    (
        "unsubscribed",
        (
            'left_time as "UNSUB_TIME"',
            'campaign_title as "UNSUB_CAMPAIGN_TITLE"',
            f'{_CAMPAIGN} as "UNSUB_CAMPAIGN_ID"',
            'reason as "UNSUB_REASON"',
            'null as "UNSUB_REASON_OTHER"',
        ),
    ),
    (
        "cleaned",
        (
            'left_time as "CLEAN_TIME"',
            'campaign_title as "CLEAN_CAMPAIGN_TITLE"',
            f'{_CAMPAIGN} as "CLEAN_CAMPAIGN_ID"',
        ),
    ),
)


class MailingWriter(SystemWriter):
    """Writes the mailings' files; remembers each member's record and state."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.records = desk.records(_PEOPLE)
        self.messages = MessageFiles(desk)
        count = len(desk.market.people)
        self.columns: dict[str, NDArray[np.object_]] = {
            column.name: np.full(count, None, dtype=object) for column in _PEOPLE.columns
        }
        self.members = pd.DataFrame(
            {
                # Position in _MEMBER_FILES, or NO_ID: not in the audience.
                "file": np.full(count, NO_ID, dtype=np.int8),
                "is_confirmed": np.zeros(count, dtype=bool),
                "changed_at": np.full(count, np.datetime64("NaT", "us")),
                "left_at": np.full(count, np.datetime64("NaT", "us")),
                "left_campaign_id": np.full(count, NO_ID, dtype=np.int64),
                "is_complaint": np.zeros(count, dtype=bool),
                # New or changed since the last audience export.
                "is_unreported": np.zeros(count, dtype=bool),
            }
        )

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver what was sent and what came of it, and now and then the audience."""
        self._absorb_changes(period)
        self._absorb_new(happened["new_members"])
        self.messages.write(happened, period, self.columns["Email Address"])
        self._absorb_leavers(happened)
        if self._is_due(period):
            self._write_audience(period)
            self._write_robinson(period)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return the members' states and what is pending of the messages."""
        return {"members": self.members, **self.messages.state()}

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up the members' states; their records follow from the people."""
        self.members = frames["members"]
        self.messages.restore(frames)
        joined_at = self.desk.members.joined_at[SYSTEM]
        ids = np.flatnonzero(~np.isnat(joined_at))
        until = np.datetime64(self.desk.simulated_until, "us")
        delivered = self.records.deliver(ids, until, known_since=joined_at[ids])
        for name, values in delivered.columns.items():
            self.columns[str(name)][ids] = values

    def _is_due(self, period: Period) -> bool:
        if period.is_daily:
            return period.last_day.weekday() == _SUNDAY
        is_end = period.ends_on == self.desk.history_ends_on
        return period.is_first or is_end or period.starts_on.month % 3 == 0

    def _absorb_changes(self, period: Period) -> None:
        """Take down new and changed records; they show in the next audience export."""
        ids, changed_at = self.desk.members.changed(SYSTEM)
        if not len(ids):
            return
        joined_at = self.desk.members.joined_at[SYSTEM][ids]
        delivered = self.records.deliver(ids, period.ends_at, known_since=joined_at)
        for name, values in delivered.columns.items():
            self.columns[str(name)][ids] = values
        self.members.loc[ids, "changed_at"] = changed_at
        self.members.loc[ids, "is_unreported"] = True

    def _absorb_new(self, new_members: pd.DataFrame) -> None:
        new = new_members[(new_members["system"] == SYSTEM).to_numpy(dtype=bool)]
        ids = new["person_id"].to_numpy()
        self.members.loc[ids, "file"] = 0
        self.members.loc[ids, "is_confirmed"] = new["is_confirmed"].to_numpy()

    def _absorb_leavers(self, happened: Slice) -> None:
        """Move those who unsubscribed or complained, come back, or whose address is dead."""
        consents = happened["consent_events"]
        of_email = consents[
            ((consents["system"] == SYSTEM) & (consents["channel"] == "email")).to_numpy(dtype=bool)
        ].sort_values("occurred_at", kind="stable")
        withdrawn = of_email[~of_email["is_granted"].to_numpy()]
        self._move(withdrawn["person_id"], 1, withdrawn["occurred_at"], withdrawn["campaign_id"])
        granted = of_email[of_email["is_granted"].to_numpy()]
        self._move(granted["person_id"], 0, granted["occurred_at"], None)
        events = self.messages.leaving
        for file, kind in ((1, "unsubscribed"), (1, "complained"), (2, "cleaned")):
            left = events[(events["kind"] == kind).to_numpy(dtype=bool)]
            self._move(left["person_id"], file, left["left_at"], left["campaign_id"])
            if kind == "complained":
                self.members.loc[left["person_id"].to_numpy(), "is_complaint"] = True

    def _move(
        self,
        people: pd.Series[int],
        file: int,
        times: pd.Series[pd.Timestamp],
        campaigns: pd.Series[int] | None,
    ) -> None:
        ids = people.to_numpy()
        known = self.members["file"].to_numpy()[ids] != NO_ID
        ids = ids[known]
        self.members.loc[ids, "file"] = file
        self.members.loc[ids, "changed_at"] = times.to_numpy()[known]
        self.members.loc[ids, "left_at"] = times.to_numpy()[known]
        self.members.loc[ids, "left_campaign_id"] = (
            NO_ID if campaigns is None else campaigns.to_numpy()[known]
        )

    def _write_audience(self, period: Period) -> None:
        audience = self._audience()
        if audience.empty:
            return
        self.desk.register(audience=audience, titles=self.messages.titles())
        name = f"audience_export_{period.stamp}.zip"
        members = {
            f"{kind}_members_export_{period.stamp}.csv": f"""
                select {", ".join((*_HEAD, *extra, *_TAIL))}
                from (select * from audience where file = {file}) as audience
                left join titles on audience.left_campaign_id = titles.campaign_id
                order by audience.row
            """
            for file, (kind, extra) in enumerate(_MEMBER_FILES)
        }
        layout = self.desk.layout(SYSTEM, name, _LAYOUT)
        self.desk.landing.write_zip(SYSTEM, "members", name, members, layout, period.last_day)
        self._report(name, period)

    def _report(self, name: str, period: Period) -> None:
        """Note the faults and identities of the records that this export shows for the first time."""
        is_new = (self.members["file"] != NO_ID) & self.members["is_unreported"]
        ids = np.flatnonzero(is_new.to_numpy())
        self.members["is_unreported"] = False
        if not len(ids):
            return
        joined_at = self.desk.members.joined_at[SYSTEM][ids]
        delivered = self.records.deliver(ids, period.ends_at, known_since=joined_at)
        keys = _lower(delivered.columns["Email Address"])
        shown = delivered.hits[delivered.hits["field"] != "province_code"]
        self.desk.truth.plant(SYSTEM, "members", name, keys, shown)
        has_key = np.array([key is not None for key in keys])
        self.desk.truth.identify(SYSTEM, "members", keys[has_key], ids[has_key])

    def _audience(self) -> pd.DataFrame:
        """Return the members in order of joining; of two with one address, the first."""
        joined_at = self.desk.members.joined_at[SYSTEM]
        ids = np.flatnonzero(self.members["file"].to_numpy() != NO_ID)
        ids = ids[np.argsort(joined_at[ids], kind="stable")]
        frame = pd.DataFrame({name: values[ids] for name, values in self.columns.items()})
        frame["person_id"] = ids
        is_first = ~frame["Email Address"].str.lower().duplicated() & frame["Email Address"].notna()
        frame = frame[is_first].reset_index(drop=True)
        ids = frame["person_id"].to_numpy()
        state = self.members.iloc[ids].reset_index(drop=True)
        seed = self.desk.config.seed
        bits = hashed(ids, seed, SYSTEM, "details")
        channel = uniform(ids, seed, SYSTEM, "preferred channel")
        confirmed_at = to_utc(joined_at[ids]) + ((bits >> np.uint64(8)) % 7200 + 20).astype(
            "timedelta64[s]"
        )
        return frame.assign(
            file=state["file"],
            row=np.arange(len(ids)),
            preferred_channel=only_where(channel < 0.22, np.where(channel < 0.15, "email", "sms")),
            rating=2 + (bits % 4).astype(int),
            optin_time=iso_times(to_utc(joined_at[ids])),
            confirm_time=only_where(state["is_confirmed"].to_numpy(), iso_times(confirmed_at)),
            ip=[
                f"83.{part >> 16 & 63}.{part >> 8 & 255}.{part & 255}"
                for part in (bits >> 24).tolist()
            ],
            region=frame["province_code"].map(shopify_codes()),
            last_changed=iso_times(to_utc(state["changed_at"].to_numpy())),
            left_time=iso_times(to_utc(state["left_at"].to_numpy())),
            left_campaign_id=state["left_campaign_id"],
            reason=np.where(state["is_complaint"], "ABUSE", "NORMAL"),
            tags=np.where(bits % 5 == 0, '"Club","Newsletter"', '"Newsletter"'),
        )

    def _write_robinson(self, period: Period) -> None:
        self.desk.register(people=_listed(self.desk.market.people))
        parts = (
            ("email", "robinson_email_on", "lower(email)"),
            ("telefono", "robinson_phone_on", "'+34' || mobile"),
            ("nif", "robinson_national_id_on", "national_id"),
        )
        listed = " union all ".join(
            f"""
            select '{kind}' as tipo, sha256({value}) as hash_sha256,
                min({day}) as listed_on, {number} as part
            from people where {day} < date '{period.ends_on}' and {value} is not null
            group by hash_sha256
            """
            for number, (kind, day, value) in enumerate(parts)
        )
        query = f"""
            select tipo, hash_sha256, strftime(listed_on, '%d/%m/%Y') as fecha_alta
            from ({listed}) order by part, hash_sha256
        """
        name = f"robinson_{period.stamp}.csv"
        self.desk.landing.write_csv(SYSTEM, "robinson", name, query, TextLayout(delimiter=";"))


def _listed(people: pd.DataFrame) -> pd.DataFrame:
    """Return the people in any part of the opt-out list."""
    days = ["robinson_email_on", "robinson_phone_on", "robinson_national_id_on"]
    is_listed = people[days].notna().any(axis=1)
    return people.loc[is_listed, ["email", "mobile", "national_id", *days]]


def _lower(values: pd.Series[str]) -> NDArray[np.object_]:
    """Return texts in small letters, absent ones as None."""
    lowered = np.empty(len(values), dtype=object)
    lowered[:] = [value.lower() if value else None for value in values.tolist()]
    return lowered
