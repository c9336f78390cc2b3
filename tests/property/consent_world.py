"""Small worlds of what sources say: records of customers, consent events, opt-outs, entries of lists.

Belongs here: worlds as plain values. Does not: drawing them (`consent_drawing`), building the models on them
(`consent_warehouse`), or what is right (`consent_oracle`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

AS_OF = dt.date(2024, 6, 3)  # a Monday: on a Sunday the plan is sent a day later
SET_AT = dt.datetime(2024, 7, 1, 12)
SYSTEMS = ("erp", "forms", "mailing")
CHANNELS = ("email", "sms", "whatsapp", "push", "phone", "post")
# Noon: which day it is does not depend on the clock of a source.
TIMES = (
    None,
    *(dt.datetime(2024, month, 1, 12) for month in (1, 1, 2, 2, 3)),
    dt.datetime(2024, 6, 3, 12),  # from the as-of date on: not known yet
    dt.datetime(2030, 1, 1, 12),  # after the run itself: a wrong date
)
# How our own list, others' and the Spanish service write a value before they hash it.
SPELLINGS: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "email": {"plain": str, "service": lambda value: f"02{value}"},
    "phone": {
        "plain": str,
        "national": lambda value: value[3:],
        "zeros": lambda value: f"00{value[1:]}",
        "service sms": lambda value: f"0300{value[1:]}",
        "service calls": lambda value: f"0400{value[1:]}",
    },
    "national_id": {"plain": str, "service": lambda value: f"00{value.lower()}"},
    "record": {"plain": str},
}
EMAILS = tuple(f"p{number}@correo.example" for number in range(2))
MOBILES = tuple(f"+3460000000{number}" for number in range(2))
NATIONAL_IDS = tuple(f"1234567{number}Z" for number in range(2))


@dataclass(frozen=True)
class Record:
    """A source record: who it belongs to and what can be hashed of it."""

    number: int
    system: str
    customer: int
    email: str | None
    mobile: str | None
    national_id: str | None
    birth_date: dt.date | None

    @property
    def key(self) -> str:
        """Key in its system."""
        return f"k{self.number}"


@dataclass(frozen=True)
class Event:
    """A consent event that a system recorded of a record."""

    record: int
    source: str
    purpose: str | None
    channel: str | None
    status: str
    at: dt.datetime | None


@dataclass(frozen=True)
class OptOut:
    """A message that was answered by unsubscribing."""

    record: int
    channel: str
    at: dt.datetime


@dataclass(frozen=True)
class Entry:
    """An entry of a list: our own (``cadencia``), an opt-out list's or a reason of the mailing service."""

    reason: str
    kind: str
    of: str
    spelling: str
    channel: str
    at: dt.datetime | None = None
    lifted_at: dt.datetime | None = None

    @property
    def value(self) -> str:
        """What the list hashed."""
        return SPELLINGS[self.kind][self.spelling](self.of)


@dataclass(frozen=True)
class World:
    """Everything that the sources say."""

    records: tuple[Record, ...]
    events: tuple[Event, ...] = ()
    opt_outs: tuple[OptOut, ...] = ()
    entries: tuple[Entry, ...] = ()
    buyers: frozenset[int] = frozenset()
    contract_holders: frozenset[int] = frozenset()

    @property
    def customers(self) -> list[int]:
        """Numbers of the golden customers."""
        return sorted({record.customer for record in self.records})

    def of(self, customer: int) -> list[Record]:
        """Return the records of a customer."""
        return [record for record in self.records if record.customer == customer]

    def merged(self, kept: int, gone: int) -> World:
        """Return the world in which two customers are found to be one."""

        def now(customer: int) -> int:
            return kept if customer == gone else customer

        return replace(
            self,
            records=tuple(replace(each, customer=now(each.customer)) for each in self.records),
            buyers=frozenset(map(now, self.buyers)),
            contract_holders=frozenset(map(now, self.contract_holders)),
        )


def together(many: Sequence[World]) -> World:
    """Return worlds that have nothing in common as one, so that one database judges them all."""
    whole = World(records=())
    for number, world in enumerate(many):
        start, people = len(whole.records), 10 * number

        def other(
            value: str | None, kind: str, number: int = number, start: int = start
        ) -> str | None:
            if value is None or kind == "record":
                system, _, key = (value or "").partition(":k")
                return f"{system}:k{int(key) + start}" if value else None
            return {"email": f"w{number}{value}", "phone": f"{value[:5]}{number}{value[6:]}"}.get(
                kind, f"{number}{value[1:]}"
            )

        whole = replace(
            whole,
            records=whole.records
            + tuple(
                replace(
                    each,
                    number=each.number + start,
                    customer=each.customer + people,
                    email=other(each.email, "email"),
                    mobile=other(each.mobile, "phone"),
                    national_id=other(each.national_id, "national_id"),
                )
                for each in world.records
            ),
            events=whole.events
            + tuple(replace(each, record=each.record + start) for each in world.events),
            opt_outs=whole.opt_outs
            + tuple(replace(each, record=each.record + start) for each in world.opt_outs),
            entries=whole.entries
            + tuple(
                replace(each, of=str(other(each.of, each.kind)))
                for each in world.entries
                # A record of another world must not be named by accident.
                if each.kind != "record" or int(each.of.partition(":k")[2]) < len(world.records)
            ),
            buyers=whole.buyers | {each + people for each in world.buyers},
            contract_holders=whole.contract_holders
            | {each + people for each in world.contract_holders},
        )
    return whole
