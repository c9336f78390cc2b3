"""Our own suppression list: who asked us not to be contacted or profiled, by hash, and who took it back.

``CADENCIA_HOME/privacy/suppressions.csv``: appended to, never changed; lifting is a row like any other. It
lies outside the warehouse, so rollbacks, full refreshes and merges leave it alone, and delivery sees a new
row at once. Belongs here: the file and what of it is in force. Does not: matching with customers (SQL in
`int_suppressions__unioned`) or finding a customer's identifiers (`suppression_subjects`).
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from ml.contact_plan import CONTACT_CHANNELS
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.private_files import replace_file
from orchestration.lib.sql_text import quoted_name

ALL: Final = "all"
CONTACT: Final = "contact"
PROFILING: Final = "profiling"
SUPPRESS: Final = "suppress"
LIFT: Final = "lift"
KINDS: Final = ("email", "phone", "national_id", "record")
REASONS: Final = ("request", "objection", "complaint", "deceased", "legal", "other")
COLUMNS: Final = (
    "entry_id",
    "recorded_at",
    "action",
    "purpose",
    "identifier_kind",
    "identifier_sha256",
    "channel",
    "reason",
    "valid_until",
)
# A telephone that must not be called must not be written to either, as with the lists of others.
COVERS: Final[Mapping[str, tuple[str, ...]]] = {
    ALL: CONTACT_CHANNELS,
    "phone": ("phone", "sms", "whatsapp"),
    "sms": ("sms", "whatsapp"),
}


@dataclass(frozen=True)
class Identifier:
    """What a row names: its kind and the SHA-256 of its normalised value."""

    kind: str
    sha256: str


@dataclass(frozen=True)
class Event:
    """A row of the list: somebody asked for it, or took it back.

    Parameters
    ----------
    entry_id
        Number of the row, from 1.
    recorded_at
        When, UTC.
    action
        ``suppress`` or ``lift``.
    purpose
        ``contact``, or ``profiling`` for an objection to being profiled (art. 21 GDPR).
    identifier
        Of whom.
    channel
        A channel, or ``all``.
    reason
        One of `REASONS`.
    valid_until
        Last day on which it holds; None for good.
    """

    entry_id: int
    recorded_at: datetime
    action: str
    purpose: str
    identifier: Identifier
    channel: str
    reason: str
    valid_until: date | None

    def channels(self) -> frozenset[str]:
        """Return the channels that the row speaks of."""
        return frozenset(COVERS.get(self.channel, (self.channel,)))


@dataclass(frozen=True)
class InForce:
    """What a suppression still forbids: the event and the channels that no later row lifted."""

    event: Event
    channels: frozenset[str]


def hash_value(kind: str, normalised: str) -> Identifier:
    """Return the identifier of a normalised value: lower-case e-mail, E.164 number, NIF, ``system:key``."""
    return Identifier(kind, hashlib.sha256(normalised.encode()).hexdigest())


def list_file(home: Path) -> Path:
    """Return the path of the list."""
    return home / "privacy" / "suppressions.csv"


def read_events(home: Path) -> list[Event]:
    """Return all rows in their order; a last line that was never finished was never promised.

    Raises
    ------
    ConfigurationError
        When a line can't be read: passing over it could contact somebody who asked not to be.
    """
    path = list_file(home)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    events = []
    for number, row in enumerate(csv.DictReader(io.StringIO(whole)), start=2):
        try:
            events.append(_event(row))
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"Line {number} of {path} is no row of a suppression list. Restore the line from your "
                "backup; nothing is planned while the list can't be read."
            ) from None
    return events


def _event(row: Mapping[str, str]) -> Event:
    if None in row or None in row.values():
        raise ValueError
    purpose, action, channel = row["purpose"], row["action"], row["channel"]
    is_known = (
        action in (SUPPRESS, LIFT)
        and purpose in (CONTACT, PROFILING)
        and row["identifier_kind"] in KINDS
        and len(row["identifier_sha256"]) == 64
        and channel in (ALL, *CONTACT_CHANNELS)
    )
    if not is_known:
        raise ValueError
    until = row["valid_until"]
    return Event(
        entry_id=int(row["entry_id"]),
        recorded_at=datetime.fromisoformat(row["recorded_at"]),
        action=action,
        purpose=purpose,
        identifier=Identifier(row["identifier_kind"], row["identifier_sha256"]),
        channel=channel,
        reason=row["reason"],
        valid_until=date.fromisoformat(until) if until else None,
    )


@contextmanager
def _locked(home: Path) -> Iterator[Path]:
    path = list_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_name(".suppressions.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(descriptor)


def append_events(
    home: Path,
    identifiers: Iterable[Identifier],
    *,
    now: datetime,
    action: str = SUPPRESS,
    purpose: str = CONTACT,
    channel: str = ALL,
    reason: str = "request",
    valid_until: date | None = None,
) -> list[Event]:
    """Append a row for each identifier, durably, all or none; return them.

    Parameters
    ----------
    home
        ``CADENCIA_HOME``.
    identifiers
        Of whom.
    now
        The time, with its zone.
    action, purpose, channel, reason, valid_until
        As in `Event`.
    """
    with _locked(home) as path:
        before = read_events(home)
        events = [
            Event(
                entry_id=len(before) + number,
                recorded_at=now.astimezone(UTC),
                action=action,
                purpose=purpose,
                identifier=identifier,
                channel=channel,
                reason=reason,
                valid_until=valid_until,
            )
            for number, identifier in enumerate(dict.fromkeys(identifiers), start=1)
        ]
        text = path.read_text(encoding="utf-8") if path.exists() else ",".join(COLUMNS) + "\n"
        # Written anew and renamed: who is killed here leaves the list as it was, never half a row.
        whole = text[: text.rfind("\n") + 1] + "".join(_line(event) for event in events)
        replace_file(path, whole.encode())
    return events


def _line(event: Event) -> str:
    until = event.valid_until.isoformat() if event.valid_until else ""
    values = (
        str(event.entry_id),
        event.recorded_at.isoformat(timespec="seconds"),
        event.action,
        event.purpose,
        event.identifier.kind,
        event.identifier.sha256,
        event.channel,
        event.reason,
        until,
    )
    return ",".join(values) + "\n"


def in_force(events: Sequence[Event], on: date) -> list[InForce]:
    """Return what holds on a day: suppressions that neither ended nor were lifted by a later row."""
    later_lifts: dict[tuple[str, Identifier], set[str]] = defaultdict(set)
    found = []
    for event in reversed(events):
        lifted = later_lifts[event.purpose, event.identifier]
        if event.action == LIFT:
            lifted |= event.channels()
        elif event.valid_until is None or on <= event.valid_until:
            left = event.channels() - lifted
            if left:
                found.append(InForce(event, left))
    return found[::-1]


class SuppressionList:
    """The list as it is now, for whoever is about to send: a run may be hours old, this is not."""

    def __init__(self, home: Path, today: date) -> None:
        self._forbidden: dict[Identifier, set[str]] = defaultdict(set)
        for entry in in_force(read_events(home), today):
            if entry.event.purpose == CONTACT:
                self._forbidden[entry.event.identifier] |= entry.channels

    def forbids(self, channel: str, identifiers: Iterable[Identifier]) -> bool:
        """Return whether any of a recipient's identifiers is suppressed for the channel."""
        return any(channel in self._forbidden.get(each, ()) for each in identifiers)


def load_suppressions(
    connection: duckdb.DuckDBPyConnection,
    events: Sequence[Event],
    on: date,
    columns: Mapping[str, str],
) -> int:
    """Write ``privacy.suppressions``: what is in force on a day; return its rows."""
    rows = [
        {
            "entry_id": f"{entry.event.entry_id}-{channel}",
            "identifier_kind": entry.event.identifier.kind,
            "identifier_sha256": entry.event.identifier.sha256,
            "purpose": entry.event.purpose,
            "channel": channel,
            "reason": entry.event.reason,
            "suppressed_at": entry.event.recorded_at.replace(tzinfo=None),
            "valid_until": entry.event.valid_until,
        }
        for entry in in_force(events, on)
        for channel in _named(entry)
    ]
    frame = pd.DataFrame(rows, columns=list(columns))  # noqa: F841 - DuckDB finds it by name
    ddl = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
    connection.execute("create schema if not exists privacy")
    connection.execute(f"create or replace table privacy.suppressions ({ddl})")
    if rows:
        connection.execute("insert into privacy.suppressions by name from frame")
    return len(rows)


def _named(entry: InForce) -> list[str]:
    """Return ``all`` when nothing was lifted of it, else each channel that is left."""
    if entry.channels == frozenset(CONTACT_CHANNELS):
        return [ALL]
    return sorted(entry.channels)
