"""Small worlds of records, consent events and suppression lists, judged by the real SQL and the real plan.

Belongs here: drawing worlds, running the compiled dbt models and the contact plan on them. Does not: what
must hold (`test_consent_properties`) and what is right (`consent_oracle`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from dbt.cli.main import dbtRunner
from hypothesis import strategies as st

from ml.contact_plan import LEGAL_BASES, PlanPolicy, PlayDefinition, build_contact_plan
from orchestration.lib.contact_rights import plan_customers_query
from orchestration.settings import DBT_PROJECT_DIR
from tests.unit.ml.contact_plan_examples import (
    KEY,
    make_candidates,
    make_channels,
    make_history,
    make_play,
)

AS_OF = dt.date(2024, 6, 3)  # a Monday: on a Sunday the plan is sent a day later
SET_AT = dt.datetime(2024, 7, 1, 12)
SYSTEMS = ("erp", "forms", "mailing")
CHANNELS = ("email", "sms", "whatsapp", "push", "phone", "post")
# In the order in which they read each other.
MODELS = (
    "int_customers__unioned",
    "int_customers__identified",
    "int_consents__unioned",
    "int_consents__by_record",
    "int_consents__current",
    "int_suppressions__unioned",
    "int_customers__legal_standing",
    "int_customers__contact_rights",
)
# Noon: which day it is does not depend on the clock of a source.
TIMES = (
    None,
    *(dt.datetime(2024, month, 1, 12) for month in (1, 1, 2, 2, 3)),
    dt.datetime(2024, 6, 3, 12),  # from the as-of date on: not known yet
    dt.datetime(2030, 1, 1, 12),  # after the run itself: a wrong date
)


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


def sha256(text: str) -> str:
    """Return the hash as lists deliver it."""
    return hashlib.sha256(text.encode()).hexdigest()


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


def _plays() -> list[PlayDefinition]:
    """Return a play for each basis and channel, so that the plan shows every single decision."""
    plays = []
    for basis, channels in LEGAL_BASES.items():
        purpose = "service" if basis == "contract" else "marketing"
        for channel in channels:
            plays.append(_play(f"{basis}_{channel}", basis, channel, purpose, uses_profiling=False))
    for channel in CHANNELS:
        plays.append(
            _play(f"profiled_{channel}", "consent", channel, "marketing", uses_profiling=True)
        )
        for purpose in ("third_parties", "profiling"):
            plays.append(
                _play(f"{purpose}_{channel}", "consent", channel, purpose, uses_profiling=False)
            )
    return plays


def _play(
    name: str, basis: str, channel: str, purpose: str, *, uses_profiling: bool
) -> PlayDefinition:
    return make_play(
        f"play_{name}",
        channels=[channel],
        legal_basis=basis,
        consent_purpose=purpose,
        uses_profiling=uses_profiling,
    )


PLAYS = _plays()


@dataclass
class Warehouse:
    """The models' SQL, compiled once, and a database to run it in."""

    connection: duckdb.DuckDBPyConnection
    sql: Mapping[str, str]
    made: list[str] = field(default_factory=list)

    def build(self, world: World) -> None:
        """Load a world and build the models on it."""
        for schema in ("identity", "intermediate", "staging", "privacy", "ops"):
            self.connection.execute(f"drop schema if exists crm.{schema} cascade")
            self.connection.execute(f"create schema crm.{schema}")
        for name, (ddl, rows) in _tables(world).items():
            self.connection.execute(f"create table crm.{name} ({ddl})")
            if rows:
                marks = ", ".join("?" for _ in rows[0])
                self.connection.executemany(f"insert into crm.{name} values ({marks})", rows)
        for name in MODELS:
            self.connection.execute(f"create table crm.intermediate.{name} as {self.sql[name]}")

    def rights(self, world: World) -> pd.DataFrame:
        """Return the contact rights of a world's customers."""
        self.build(world)
        query = "from crm.intermediate.int_customers__contact_rights order by customer_id, channel"
        return self.connection.execute(query).df()

    def plan(self, world: World) -> set[tuple[int, str]]:
        """Return the contacts of a plan that nothing but the law limits, as (customer, play)."""
        self.build(world)
        self.connection.execute("use crm")
        customers = self.connection.execute(plan_customers_query()).df()
        candidates = make_candidates(
            *(
                {
                    "customer_id": f"C{customer}",
                    "play": play.name,
                    "due_at": AS_OF,
                    "valid_until": AS_OF,
                    "expected_order_value": 1e6,
                }
                for customer in world.customers
                for play in PLAYS
            )
        )
        many = len(PLAYS)
        result = build_contact_plan(
            candidates,
            PLAYS,
            make_channels(),
            customers,
            make_history(),
            AS_OF,
            PlanPolicy(many, many, many, universal_holdout_share=0, play_holdout_share=0),
            KEY,
        )
        assert result.arbitration_run.loc[0, "violations"] == 0
        rows = result.contact_plan[["customer_id", "play"]].itertuples(index=False)
        return {(int(str(customer)[1:]), str(play)) for customer, play in rows}


def compile_models(folder: Path, monkeypatch_env: Any) -> dict[str, str]:
    """Compile the models' SQL with dbt for the world's systems."""
    database = folder / "crm.duckdb"
    duckdb.connect(str(database)).close()
    monkeypatch_env("CADENCIA_DBT_DATABASE", str(database))
    outcome = dbtRunner().invoke(
        [
            "compile", "--quiet", "--no-introspect",
            "--select", *MODELS,
            "--vars", f"{{source_systems: [{', '.join(SYSTEMS)}]}}",
            "--project-dir", str(DBT_PROJECT_DIR),
            "--profiles-dir", str(DBT_PROJECT_DIR),
            "--target-path", str(folder),
            "--log-path", str(folder),
        ]
    )  # fmt: skip
    assert outcome.success, outcome.exception
    found = {path.stem: path.read_text() for path in (folder / "compiled").rglob("*.sql")}
    return {name: found[name] for name in MODELS}


Table = tuple[str, Sequence[Sequence[Any]]]


def _tables(world: World) -> dict[str, Table]:
    tables = {
        "ops.settings": (
            "as_of_date date, set_at timestamp, reporting_currency varchar",
            [(AS_OF, SET_AT, "EUR")],
        ),
        **_identity_tables(world),
        **_consent_tables(world),
        **_suppression_tables(world),
        "intermediate.int_orders__unioned": (
            "order_id varchar, customer_id varchar, is_purchase boolean",
            [(f"o{customer}", f"C{customer}", True) for customer in sorted(world.buyers)],
        ),
        "intermediate.int_contracts__unioned": (
            "contract_id varchar, customer_id varchar, status varchar, ends_on date",
            [(f"c{each}", f"C{each}", "active", None) for each in sorted(world.contract_holders)],
        ),
    }
    return tables


def _first(values: Iterable[str | None]) -> str | None:
    return min((value for value in values if value is not None), default=None)


def _identity_tables(world: World) -> dict[str, Table]:
    customers = []
    for customer in world.customers:
        records = world.of(customer)
        email, mobile = (
            _first(each.email for each in records),
            _first(each.mobile for each in records),
        )
        customers.append(
            (f"C{customer}", email, mobile, None, email is not None, mobile is not None, True, True)
        )
    return {
        "identity.usable_records": (
            "source_system varchar, source_customer_id varchar, email varchar, email_key varchar, "
            "mobile_phone varchar, landline_phone varchar, national_id varchar, birth_date date",
            [
                (
                    each.system,
                    each.key,
                    each.email,
                    each.email,
                    each.mobile,
                    None,
                    each.national_id,
                    each.birth_date,
                )
                for each in world.records
            ],
        ),
        "identity.customer_ids": (
            "source_system varchar, source_customer_id varchar, customer_id varchar, household_id varchar, "
            "match_probability double, match_reason varchar, valid_from timestamp, first_seen_at timestamp",
            [
                (each.system, each.key, f"C{each.customer}", "H", 1.0, "", None, None)
                for each in world.records
            ],
        ),
        "intermediate.int_customers__merged": (
            "customer_id varchar, email varchar, mobile_phone varchar, landline_phone varchar, "
            "has_email boolean, has_phone boolean, has_postal_address boolean, has_push boolean",
            customers,
        ),
        "intermediate.int_plays__plan_customers": (
            "customer_id varchar, best_channel varchar, rfm_cell varchar, rfm_group varchar, "
            "preferred_hour integer",
            [(f"C{customer}", None, None, None, None) for customer in world.customers],
        ),
    }


def _consent_tables(world: World) -> dict[str, Table]:
    ddl = (
        "source_consent_id varchar, source_customer_id varchar, customer_source_system varchar, "
        "purpose varchar, channel varchar, status varchar, proof varchar, policy_version varchar, "
        "recorded_at timestamp"
    )
    tables: dict[str, Table] = {}
    for system in SYSTEMS:
        rows = []
        for number, event in enumerate(world.events):
            record = world.records[event.record]
            if event.source == system:
                rows.append(
                    (
                        f"e{number}",
                        record.key,
                        record.system,
                        event.purpose,
                        event.channel,
                        event.status,
                        "",
                        "",
                        event.at,
                    )
                )
        tables[f"staging.stg_{system}__consents"] = (ddl, rows)
    tables["intermediate.int_messages__unioned"] = (
        "message_id varchar, customer_id varchar, source_system varchar, source_customer_id varchar, "
        "channel varchar, unsubscribed_at timestamp, complained_at timestamp, bounce_type varchar, "
        "bounced_at timestamp, delivered_at timestamp",
        [
            (
                f"m{number}",
                f"C{record.customer}",
                record.system,
                record.key,
                each.channel,
                each.at,
                *(None,) * 4,
            )
            for number, each in enumerate(world.opt_outs)
            for record in [world.records[each.record]]
        ],
    )
    return tables


def _suppression_tables(world: World) -> dict[str, Table]:
    ddl = (
        "source_suppression_id varchar, source_customer_id varchar, customer_source_system varchar, "
        "channel varchar, reason varchar, identifier_kind varchar, identifier_sha256 varchar, "
        "suppressed_at timestamp, lifted_at timestamp"
    )
    rows: dict[str, list[Sequence[Any]]] = {"mailing": [], "suppression": [], "own": []}
    for number, each in enumerate(world.entries):
        if each.reason == "own_list":
            purpose = "profiling" if each.channel == "profiling" else "contact"
            channel = "all" if purpose == "profiling" else each.channel
            rows["own"].append(
                (
                    f"{number}",
                    each.kind,
                    sha256(each.value),
                    purpose,
                    channel,
                    "request",
                    None,
                    None,
                )
            )
            continue
        system = "suppression" if each.reason == "opt_out_list" else "mailing"
        channel = "all" if each.channel == "profiling" else each.channel
        rows[system].append(
            (
                f"s{number}",
                None,
                None,
                channel,
                each.reason,
                each.kind,
                sha256(each.value),
                each.at,
                each.lifted_at,
            )
        )
    return {
        "staging.stg_mailing__suppressions": (ddl, rows["mailing"]),
        "staging.stg_suppression__suppressions": (ddl, rows["suppression"]),
        "privacy.suppressions": (
            "entry_id varchar, identifier_kind varchar, identifier_sha256 varchar, purpose varchar, "
            "channel varchar, reason varchar, suppressed_at timestamp, valid_until date",
            rows["own"],
        ),
    }
