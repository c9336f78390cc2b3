"""The engine: schemas, references, determinism, continuation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation import Simulation, SimulationConfig
from simulation.frames import MARKET_FRAMES, SLICE_FRAMES, TICKETS, concatenate
from tests.unit.simulation.engine.conftest import CONFIG, History

SMALL = SimulationConfig(people=1_500, days=62, seed=3)
SCHEMAS = {schema.name: schema for schema in SLICE_FRAMES}
KEYS = {
    "tickets": ["ticket_id"],
    "ticket_lines": ["ticket_id", "line"],
    "shop_orders": ["order_id"],
    "shop_order_lines": ["order_id", "line"],
    "refunds": ["order_id"],
    "web_sessions": ["session_id"],
    "workshop_visits": ["visit_id"],
    "warranties": ["warranty_id"],
    "campaigns": ["campaign_id"],
    "messages": ["message_id"],
    "cases": ["case_id"],
    "submissions": ["submission_id"],
    "new_members": ["person_id", "system"],
    "leads": ["lead_id", "status"],
    "vehicle_orders": ["vehicle_order_id", "status"],
    "finance_contracts": ["contract_id", "status"],
}
REFERENCES = [
    ("ticket_lines", "ticket_id", "tickets", "ticket_id"),
    ("shop_order_lines", "order_id", "shop_orders", "order_id"),
    ("refunds", "order_id", "shop_orders", "order_id"),
    ("web_events", "session_id", "web_sessions", "session_id"),
    ("messages", "campaign_id", "campaigns", "campaign_id"),
    ("message_events", "message_id", "messages", "message_id"),
    ("vehicle_orders", "lead_id", "leads", "lead_id"),
    ("workshop_visits", "vehicle_id", "vehicles", "vehicle_id"),
    ("finance_contracts", "vehicle_id", "vehicles", "vehicle_id"),
    ("warranties", "vehicle_id", "vehicles", "vehicle_id"),
    ("cases", "order_id", "shop_orders", "order_id"),
    ("shop_orders", "campaign_id", "campaigns", "campaign_id"),
]
EVENT_TIMES = {
    "tickets": "opened_at",
    "item_changes": "changed_at",
    "shop_orders": "created_at",
    "refunds": "refunded_at",
    "web_sessions": "started_at",
    "web_events": "event_at",
    "leads": "updated_at",
    "vehicle_orders": "updated_at",
    "workshop_visits": "opened_at",
    "campaigns": "sent_at",
    "message_events": "occurred_at",
    "cases": "opened_at",
    "submissions": "submitted_at",
    "consent_events": "occurred_at",
    "changed_people": "changed_at",
}


def test_frames_have_their_schemas(history: History) -> None:
    for schema in MARKET_FRAMES:
        frame = getattr(history.market, schema.name)
        assert {n: str(t) for n, t in frame.dtypes.items()} == _types(schema.columns)
    for schema in SLICE_FRAMES:
        assert len(history[schema.name]), f"{schema.name} is empty"
        assert {n: str(t) for n, t in history[schema.name].dtypes.items()} == _types(schema.columns)


def _types(columns: dict[str, str]) -> dict[str, str]:
    return {
        name: "string" if dtype.startswith("string") else dtype for name, dtype in columns.items()
    }


def test_a_schema_names_the_columns_that_are_wrong() -> None:
    with pytest.raises(ValueError, match=r"missing \['ticket_id'.*unknown \['nonsense'\]"):
        TICKETS.build({"nonsense": []})


@pytest.mark.parametrize("name", sorted(KEYS))
def test_keys_are_unique(history: History, name: str) -> None:
    assert not history[name].duplicated(KEYS[name]).any()


def test_codes_of_the_offer_are_unique(history: History) -> None:
    market = history.market
    for codes in (market.items["sku"], market.items["ean"], market.products["sku"]):
        assert codes.is_unique
    assert market.products["sku"].str.fullmatch(r"NB-[A-Z]{3,5}-\d{3}").all()


@pytest.mark.parametrize(("name", "column", "parent", "key"), REFERENCES)
def test_references_hold(history: History, name: str, column: str, parent: str, key: str) -> None:
    values = history[name][column]
    assert values[values >= 0].isin(history[parent][key]).all()


@pytest.mark.parametrize("name", [s.name for s in SLICE_FRAMES if "person_id" in s.columns])
def test_people_are_people_of_the_market(history: History, name: str) -> None:
    person = history[name]["person_id"]
    assert person.between(-1 if name == "web_sessions" else 0, CONFIG.people - 1).all()


def test_members_of_a_system_joined_before_they_acted(history: History) -> None:
    joined = history["new_members"].set_index(["person_id", "system"])["joined_at"]
    for name, system, time in (
        ("shop_orders", "ecommerce", "created_at"),
        ("vehicle_orders", "dms", "updated_at"),
        ("workshop_visits", "dms", "opened_at"),
    ):
        frame = history[name]
        since = joined.xs(system, level="system").reindex(frame["person_id"]).to_numpy()
        assert (since <= frame[time].to_numpy()).all()
    carded = history["tickets"].query("card_number >= 0")
    since = joined.xs("erp", level="system").reindex(carded["person_id"]).to_numpy()
    assert (since <= carded["opened_at"].to_numpy()).all()
    cards = history.market.people["card_number"].to_numpy()
    assert (cards[carded["person_id"]] == carded["card_number"]).all()


def test_delivered_vehicles_are_known(history: History) -> None:
    # A car on order has its number, but stands in the register once it is delivered.
    orders = history["vehicle_orders"]
    delivered = orders.loc[orders["status"] == "delivered", "vehicle_id"]
    assert delivered.isin(history["vehicles"]["vehicle_id"]).all()


def test_times_of_a_device_are_distinct(history: History) -> None:
    events = history["web_events"].merge(history["web_sessions"][["session_id", "device_id"]])
    assert not events.duplicated(["device_id", "event_at", "event_name"]).any()


def test_nothing_happens_in_the_hour_summer_time_skips_or_repeats(history: History) -> None:
    for name, column in EVENT_TIMES.items():
        times = history[name][column]
        sundays = times[
            (times.dt.weekday == 6) & (times.dt.day > 24) & times.dt.month.isin([3, 10])
        ]
        assert not (sundays.dt.hour == 2).any(), name


def test_the_same_configuration_gives_the_same_frames() -> None:
    one, other = (list(Simulation(SMALL).history()) for _ in range(2))
    assert len(one) == 3
    for first, second in zip(one, other, strict=True):
        for name in first:
            pd.testing.assert_frame_equal(first[name], second[name])


def test_another_seed_gives_another_market() -> None:
    other = Simulation(SimulationConfig(people=1_500, days=62, seed=4)).market.people
    assert (
        Simulation(SMALL).market.people["surname_1"].astype(str) != other["surname_1"].astype(str)
    ).mean() > 0.9


def test_a_saved_market_continues_as_one_that_never_stopped(tmp_path: Path) -> None:
    running = Simulation(SMALL)
    history = list(running.history())
    running.save(tmp_path)
    resumed = Simulation.load(tmp_path)
    assert resumed.simulated_until == running.simulated_until
    days = list(running.continue_for(4))
    for one, other in zip(days, resumed.continue_for(4), strict=True):
        for name in one:
            pd.testing.assert_frame_equal(one[name], other[name])
    pd.testing.assert_frame_equal(running.latent(), resumed.latent())
    for name, key in KEYS.items():
        parts = [part[name] for part in (*history, *days)]
        whole = concatenate(SCHEMAS[name], parts)[key]
        assert not whole.duplicated().any(), name


def test_slices_hold_their_own_time_only() -> None:
    simulation = Simulation(SMALL)
    slices = [*simulation.history(), *simulation.continue_for(3)]
    assert [s.ends_at for s in slices[:-1]] == [s.starts_at for s in slices[1:]]
    for part in slices:
        for name, column in EVENT_TIMES.items():
            times = part[name][column].to_numpy()
            if name not in ("leads", "vehicle_orders"):
                assert (times >= part.starts_at).all(), name
            assert (times < part.ends_at).all(), name


def test_a_folder_without_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="simulate a history first"):
        Simulation.load(tmp_path)


@pytest.mark.parametrize("wrong", [{"people": 10}, {"days": 0}, {"seed": -1}])
def test_impossible_configurations_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        SimulationConfig(**wrong)


def test_volume_is_what_benchmarks_count_on(history: History) -> None:
    lines_per_person = len(history["ticket_lines"]) / CONFIG.people
    assert lines_per_person == pytest.approx(24, rel=0.1)
    assert np.isfinite(history["ticket_lines"]["amount"]).all()
