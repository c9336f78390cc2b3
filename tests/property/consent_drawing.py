"""Worlds to try, drawn by hypothesis: small, with few values, so that they contradict each other.

Belongs here: strategies. Does not: what a world is (`consent_world`).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.property.consent_world import (
    CHANNELS,
    EMAILS,
    MOBILES,
    NATIONAL_IDS,
    SPELLINGS,
    SYSTEMS,
    TIMES,
    Entry,
    Event,
    OptOut,
    Record,
    World,
)


def _records() -> st.SearchStrategy[tuple[Record, ...]]:
    def number(rows: list[dict[str, Any]]) -> tuple[Record, ...]:
        return tuple(Record(number=position, **row) for position, row in enumerate(rows))

    row = st.fixed_dictionaries(
        {
            "system": st.sampled_from(SYSTEMS),
            "customer": st.integers(0, 2),
            "email": st.sampled_from([None, *EMAILS]),
            "mobile": st.sampled_from([None, *MOBILES]),
            "national_id": st.sampled_from([None, *NATIONAL_IDS]),
            # of age, 16, 12, unknown
            "birth_date": st.sampled_from(
                [*[None] * 6, *[dt.date(1980, 1, 1)] * 6, dt.date(2008, 1, 1), dt.date(2012, 1, 1)]
            ),
        }
    )
    return st.lists(row, min_size=1, max_size=6).map(number)


def _events(records: int, channels: Sequence[str]) -> st.SearchStrategy[list[Event]]:
    """Draw an event about few channels, of few systems, at few times, and now and then one against it."""
    event = st.builds(
        Event,
        record=st.integers(0, records - 1),
        source=st.sampled_from(SYSTEMS[:2]),
        purpose=st.sampled_from([*["marketing"] * 7, "profiling", "third_parties", "sorteo", None]),
        channel=st.sampled_from([*channels * 4, "all", None, "paloma"]),
        status=st.sampled_from([*["granted"] * 4, *["withdrawn"] * 2, "pending", "declined"]),
        at=st.sampled_from(TIMES),
    )
    against = st.sampled_from([None, None, "granted", "withdrawn", "pending", "declined"])
    return st.builds(
        lambda said, status: [said, *([replace(said, status=status)] if status else [])],
        event,
        against,
    )


withdrawals = st.builds(
    Event,
    record=st.just(0),
    source=st.sampled_from(SYSTEMS),
    purpose=st.sampled_from(["marketing", "profiling", "third_parties", "sorteo"]),
    channel=st.sampled_from([*CHANNELS, "all", None, "paloma"]),
    status=st.just("withdrawn"),
    at=st.sampled_from(TIMES),
)


def _entry(parts: tuple[str, str, str, str, int, str, Any, Any]) -> Entry:
    reason, kind, spelling, channel, number, system, at, lifted_at = parts
    if reason not in ("opt_out_list", "own_list"):
        # The mailing service names addresses.
        return Entry(reason, "email", EMAILS[number % len(EMAILS)], "plain", "email", at)
    of = {
        "email": EMAILS[number % len(EMAILS)],
        "phone": MOBILES[number % len(MOBILES)],
        "national_id": NATIONAL_IDS[number % len(NATIONAL_IDS)],
        "record": f"{system}:k{number}",
    }[kind]
    if reason == "own_list":
        # Our own list has no history: what was lifted is not handed over.
        return Entry(reason, kind, of, "plain", channel)
    return Entry(
        reason, kind, of, spelling, "all" if channel == "profiling" else channel, at, lifted_at
    )


_KINDS = st.sampled_from(sorted(SPELLINGS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.sampled_from(sorted(SPELLINGS[kind])))
)
entries = st.builds(
    lambda reason, kind, *rest: _entry((reason, *kind, *rest)),
    st.sampled_from(
        [
            *["opt_out_list"] * 4,
            *["own_list"] * 2,
            "complaint",
            "unsubscribed",
            "hard_bounce",
            "quién sabe",
        ]
    ),
    _KINDS,
    st.sampled_from([*CHANNELS, "all", "profiling"]),
    st.integers(0, 5),
    st.sampled_from(SYSTEMS),
    st.sampled_from(TIMES),
    st.sampled_from([None, None, None, *TIMES[3:7]]),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw up to three customers of up to six records, with few values, so that they meet often."""
    records = draw(_records())
    customers = sorted({record.customer for record in records})
    channels = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2))
    some = st.sets(st.sampled_from(customers)).map(frozenset)
    opt_out = st.builds(
        OptOut,
        record=st.integers(0, len(records) - 1),
        channel=st.sampled_from(["email", "sms"]),
        at=st.sampled_from([time for time in TIMES[1:6] if time is not None]),
    )
    # In half of the worlds consents contradict each other; in the others all was granted once, so that
    # what lists forbid is not forbidden already.
    if draw(st.booleans()):
        events = draw(
            st.lists(_events(len(records), channels), max_size=10).map(
                itertools.chain.from_iterable
            )
        )
        listed = draw(st.lists(entries, max_size=2))
    else:
        events = [
            Event(number, "erp", purpose, "all", "granted", TIMES[1])
            for number in range(len(records))
            for purpose in ("marketing", "profiling", "third_parties")
        ]
        listed = draw(st.lists(entries, min_size=1, max_size=4))
    return World(
        records=records,
        events=tuple(events),
        opt_outs=tuple(draw(st.lists(opt_out, max_size=1))),
        entries=tuple(listed),
        buyers=draw(some),
        contract_holders=draw(some),
    )
