"""No sequence of merges, consents and suppressions yields a contact that any source forbids.

The real SQL of the dbt models and the real contact plan on generated worlds, against an oracle in plain
Python that shares nothing with them. Belongs here: laws of consent. Does not: single branches, which have
dbt unit tests, and the legal bases one by one (`tests/unit/ml/test_contact_plan_legal`).
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.consent_drawing import entries, withdrawals, worlds
from tests.property.consent_oracle import is_forbidden, is_lawful
from tests.property.consent_warehouse import PLAYS, Warehouse, compile_models
from tests.property.consent_world import CHANNELS, World, together

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("consent")
    with pytest.MonkeyPatch.context() as patch:
        sql = compile_models(folder, patch.setenv)
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute("attach ':memory:' as crm")
        yield Warehouse(connection, sql)


many_worlds = st.lists(worlds(), min_size=1, max_size=6)


@settings(SLOW, max_examples=15)
@given(many=many_worlds)
def test_the_plan_holds_exactly_what_the_sources_allow(
    many: list[World], warehouse: Warehouse
) -> None:
    """Not only nobody against their will: also nobody left out for no reason."""
    world = together(many)
    planned = warehouse.plan(world)
    lawful = {
        (customer, play.name)
        for customer in world.customers
        for play in PLAYS
        if is_lawful(world, customer, play.name)
    }
    assert planned == lawful


@settings(SLOW, max_examples=7)
@given(many=many_worlds, data=st.data())
def test_a_withdrawal_or_an_entry_of_a_list_never_adds_a_contact(
    many: list[World], data: st.DataObject, warehouse: Warehouse
) -> None:
    after = []
    for world in many:
        record = data.draw(st.integers(0, len(world.records) - 1))
        place = data.draw(st.integers(0, len(world.events)))
        withdrawal = dataclasses.replace(data.draw(withdrawals), record=record)
        events = (*world.events[:place], withdrawal, *world.events[place:])
        listed = tuple(data.draw(st.lists(entries, max_size=1)))
        after.append(dataclasses.replace(world, events=events, entries=(*world.entries, *listed)))
    assert warehouse.plan(together(after)) <= warehouse.plan(together(many))


@settings(SLOW, max_examples=15)
@given(many=many_worlds, data=st.data())
def test_a_merge_never_adds_a_channel_that_either_forbade(
    many: list[World], data: st.DataObject, warehouse: Warehouse
) -> None:
    """A merge may bring a consent with it, but it can't take a no away, of advertising or of profiling."""
    world = together(many)
    kept = data.draw(st.sampled_from(world.customers))
    gone = data.draw(st.sampled_from(world.customers))
    merged = warehouse.rights(world.merged(kept, gone))
    after = merged[merged["customer_id"] == f"C{kept}"].set_index("channel")
    before = warehouse.rights(world)
    for customer in (kept, gone):
        rights = before[before["customer_id"] == f"C{customer}"].set_index("channel")
        for channel in CHANNELS:
            was_forbidden = is_forbidden(world, customer, channel)
            assert not (was_forbidden and after.loc[channel, "is_commercial_contact_allowed"])
        # An address that bounced may be another than that of the merged customer.
        for fact in (
            "is_child", "is_minor", "is_on_own_list", "is_on_opt_out_list", "has_complained",
            "is_withdrawn", "has_objected_to_profiling",
        ):  # fmt: skip
            assert (after[fact] | ~rights[fact]).all()


@settings(SLOW, max_examples=7)
@given(many=many_worlds, seed=st.integers(0, 2**16))
def test_the_order_of_events_does_not_matter(
    many: list[World], seed: int, warehouse: Warehouse
) -> None:
    world, order = together(many), random.Random(seed)
    shuffled = dataclasses.replace(
        world,
        events=tuple(order.sample(world.events, len(world.events))),
        entries=tuple(order.sample(world.entries, len(world.entries))),
        opt_outs=world.opt_outs[::-1],
    )
    pd.testing.assert_frame_equal(warehouse.rights(world), warehouse.rights(shuffled))
