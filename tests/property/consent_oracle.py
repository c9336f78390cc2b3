"""Whether a contact is lawful, said in plain Python from what the sources say: slow, obvious, and no SQL.

Belongs here: the rules as a person would check them, one customer and channel at a time. Does not: worlds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from tests.property.consent_world import AS_OF, CHANNELS, SET_AT, Entry, Event, Record, World

PURPOSES = ("marketing", "profiling", "third_parties")
MIDNIGHT = dt.datetime.combine(AS_OF, dt.time())
# What a list's channel means: a telephone that must not be called must not be written to.
MEANS = {"phone": {"phone", "sms", "whatsapp"}, "sms": {"sms", "whatsapp"}}


def _is_known(event: Event) -> bool:
    return (
        event.at is None
        or event.at < MIDNIGHT
        or (event.status == "withdrawn" and event.at > SET_AT)
    )


def _speaks_of(event: Event, purpose: str, channel: str) -> bool:
    is_withdrawal = event.status == "withdrawn"
    is_purpose = event.purpose == purpose if event.purpose in PURPOSES else is_withdrawal
    if purpose == "profiling":
        is_channel = event.channel in (None, "all", *CHANNELS) or is_withdrawal
    elif event.channel in CHANNELS:
        is_channel = event.channel == channel
    else:
        is_channel = event.channel in (None, "all") or is_withdrawal
    return is_purpose and is_channel


def _state_of_record(events: Iterable[Event]) -> str | None:
    """Return what holds of the events of one source about one record."""
    dated: list[tuple[dt.datetime, bool]] = []
    states = set()
    for event in events:
        at = None if event.at is not None and event.at > SET_AT else event.at
        if event.status == "withdrawn" and at is None:
            return "withdrawn"
        if event.status in ("granted", "withdrawn") and at is not None:
            dated.append((at, event.status == "withdrawn"))
        else:
            states.add("pending" if event.status == "granted" else event.status)
    if dated:
        return "withdrawn" if max(dated)[1] else "granted"
    return next((state for state in ("pending", "declined") if state in states), None)


def consent(world: World, customer: int, purpose: str, channel: str) -> str:
    """Return the customer's state for a purpose and channel, unknown when nobody ever asked."""
    states = set()
    for record in world.of(customer):
        events = [
            event for event in world.events if event.record == record.number and _is_known(event)
        ]
        if purpose == "marketing":
            events += [
                Event(each.record, record.system, "marketing", each.channel, "withdrawn", each.at)
                for each in world.opt_outs
                if each.record == record.number
            ]
        for source in {event.source for event in events}:
            states.add(
                _state_of_record(
                    event
                    for event in events
                    if event.source == source and _speaks_of(event, purpose, channel)
                )
            )
    strictest = ("withdrawn", "granted", "pending", "declined")
    return next((state for state in strictest if state in states), "unknown")


def _names(entry: Entry, record: Record) -> bool:
    of = {
        "record": f"{record.system}:{record.key}",
        "email": record.email,
        "phone": record.mobile,
        "national_id": record.national_id,
    }[entry.kind]
    return of == entry.of


def _is_in_force(entry: Entry) -> bool:
    is_known = entry.at is None or entry.at < MIDNIGHT
    return is_known and not (entry.lifted_at is not None and entry.lifted_at < MIDNIGHT)


def _forbidden_channels(entry: Entry) -> set[str]:
    # The service's hash says itself whether calls or text messages are meant.
    channel = {"service sms": "sms", "service calls": "phone"}.get(entry.spelling, entry.channel)
    if entry.reason == "own_list":
        return set(CHANNELS) if channel == "all" else {channel}
    return MEANS.get(channel, {channel}) if channel in CHANNELS else set(CHANNELS)


def _listings(world: World, customer: int) -> list[Entry]:
    return [
        entry
        for entry in world.entries
        if _is_in_force(entry) and any(_names(entry, record) for record in world.of(customer))
    ]


def _golden_email(world: World, customer: int) -> str | None:
    return min((each.email for each in world.of(customer) if each.email), default=None)


def _is_undeliverable(world: World, customer: int, channel: str) -> bool:
    address = _golden_email(world, customer)
    return channel == "email" and any(
        entry.reason == "hard_bounce" and entry.of == address
        for entry in _listings(world, customer)
    )


def _age(world: World, customer: int) -> float:
    births = [record.birth_date for record in world.of(customer) if record.birth_date]
    return (AS_OF - max(births)).days / 365.25 if births else 99.0


def objects_to_profiling(world: World, customer: int) -> bool:
    """Return whether the customer withdrew profiling anywhere, or told us so."""
    told_us = any(
        entry.reason == "own_list" and entry.channel == "profiling"
        for entry in _listings(world, customer)
    )
    return told_us or consent(world, customer, "profiling", "all") == "withdrawn"


def is_forbidden(world: World, customer: int, channel: str) -> bool:
    """Return whether anybody forbids advertising to the customer by the channel."""
    listed = any(
        channel in _forbidden_channels(entry)
        for entry in _listings(world, customer)
        if entry.reason != "hard_bounce"
        and not (entry.reason == "own_list" and entry.channel == "profiling")
    )
    is_withdrawn = consent(world, customer, "marketing", channel) == "withdrawn"
    return listed or is_withdrawn or _age(world, customer) < 18


def _says_leave_me_alone(world: World, customer: int, channel: str) -> bool:
    return any(
        channel in _forbidden_channels(entry)
        for entry in _listings(world, customer)
        if entry.reason not in ("hard_bounce", "opt_out_list", "unsubscribed")
        and not (entry.reason == "own_list" and entry.channel == "profiling")
    )


def is_lawful(world: World, customer: int, play: str) -> bool:
    """Return whether a play of the world may contact the customer."""
    basis, _, channel = play.removeprefix("play_").rpartition("_")
    records = world.of(customer)
    address = {
        "email": _golden_email(world, customer) is not None,
        "post": True,
        "push": True,
    }.get(channel, any(record.mobile for record in records))
    if not address or _is_undeliverable(world, customer, channel):
        return False
    if basis == "contract":
        is_alone = _says_leave_me_alone(world, customer, channel)
        return customer in world.contract_holders and not is_alone
    if is_forbidden(world, customer, channel):
        return False
    state = consent(world, customer, "marketing", channel)
    has_bought = customer in world.buyers
    if basis == "soft_opt_in" or (basis == "legitimate_interest" and channel == "phone"):
        return state == "granted" or (state == "unknown" and has_bought)
    if basis == "legitimate_interest":
        return state in ("granted", "unknown")
    if basis in ("profiled", "profiling") and objects_to_profiling(world, customer):
        return False
    if basis == "profiling" and consent(world, customer, "profiling", "all") != "granted":
        return False
    if basis == "third_parties" and consent(world, customer, "third_parties", channel) != "granted":
        return False
    return state == "granted"
