"""The real SQL of the dbt models and the real contact plan, on a world.

Belongs here: compiling the models, loading a world, building and planning. Does not: worlds (`consent_world`)
or what must hold (`test_consent_properties`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from dbt.cli.main import dbtRunner

from ml.contact_plan import LEGAL_BASES, PlanPolicy, PlayDefinition, build_contact_plan
from orchestration.lib.contact_rights import plan_customers_query
from orchestration.settings import DBT_PROJECT_DIR
from tests.property.consent_world import AS_OF, CHANNELS, SET_AT, SYSTEMS, World
from tests.unit.ml.contact_plan_examples import (
    KEY,
    make_candidates,
    make_channels,
    make_history,
    make_play,
)

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


def sha256(text: str) -> str:
    """Return the hash as lists deliver it."""
    return hashlib.sha256(text.encode()).hexdigest()


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
