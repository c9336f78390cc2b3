"""What the contact plan takes and refuses: empty frames, DuckDB's types, broken input.

Belongs here: the frames' form. Does not: what is decided about their rows.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pandas as pd
import pytest

from ml.contact_plan import DefinitionError, PlanInputError
from tests.unit.ml.contact_plan_examples import (
    TUESDAY,
    make_candidates,
    make_channels,
    make_customers,
    make_history,
    make_play,
    outcomes,
    plan,
)

C1 = {"customer_id": "C1"}
WELCOME = ("C1", "play_welcome")


def test_no_candidates_make_empty_tables_of_the_same_types() -> None:
    full = plan(make_candidates(C1), make_customers(C1))
    for plays in ([make_play()], []):
        for customers in (make_customers(C1), make_customers()):
            empty = plan(make_candidates(), customers, plays)
            for name in ("candidates", "decisions", "contact_plan", "arbitration_run"):
                dtypes = getattr(empty, name).dtypes
                pd.testing.assert_series_equal(dtypes, getattr(full, name).dtypes)
            assert len(empty.candidates) == len(empty.decisions) == len(empty.contact_plan) == 0
            run = empty.arbitration_run.drop(columns=["plan_date", "method"])
            assert run.to_numpy().tolist() == [[0.0] * 9]


def test_duckdb_sees_the_types_of_empty_columns() -> None:
    decisions = plan(make_candidates(), make_customers()).decisions  # noqa: F841
    rows = duckdb.sql("select column_name, column_type from (describe decisions)").fetchall()
    types = dict(rows)
    assert types["reason_codes"] == "VARCHAR"
    assert types["channel"] == "VARCHAR"
    assert types["plan_date"] == "TIMESTAMP"
    assert types["net_value"] == "DOUBLE"


def test_frames_read_from_duckdb_are_taken_as_they_are() -> None:
    """DuckDB gives dates as timestamps, nullable booleans and zoned timestamps of its own kinds."""
    connection = duckdb.connect()
    candidates = connection.sql(
        """select 'play_welcome' as play, 'C1' as customer_id, date '2017-05-01' as due_at,
        date '9999-12-31' as valid_until, 'why' as reason, 50.25::decimal(9, 2) as
        expected_order_value, null::varchar as offer, null::varchar as recommended_category,
        null::varchar as recommended_product_ids"""
    ).df()
    customers = connection.sql(
        """select customer_id, 0 as email_facts, 1 as sms_facts, 1::hugeint as whatsapp_facts,
        null::integer as push_facts, 1 as phone_facts, 1 as post_facts, null::varchar as best_channel,
        '333' as rfm_cell, 'loyal' as rfm_group, null::integer as preferred_hour
        from (values ('C2'), ('C1')) as ids (customer_id)"""
    ).df()
    history = connection.sql(
        """select 'C1' as customer_id, null::varchar as play, 'email' as channel,
        timestamptz '2017-05-15 23:30:00-02' as sent_at"""
    ).df()
    result = plan(candidates, customers, history=history, max_contacts_per_7d=1)
    # 23:30 two hours west of Greenwich is 01:30 UTC on the plan date: not before it.
    assert outcomes(result)[WELCOME] == "selected: selected"


def test_inputs_are_left_as_they_were() -> None:
    candidates, customers = make_candidates(C1), make_customers(C1)
    history = make_history(("C1", None, "email", "2017-05-01"))
    copies = [frame.copy(deep=True) for frame in (candidates, customers, history)]
    plan(candidates, customers, history=history)
    for frame, copy in zip((candidates, customers, history), copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


BROKEN_INPUT = {
    "repeated key": (
        {"candidates": make_candidates(C1, C1)},
        r"play 'play_welcome' has 1 that repeat a \(play, customer_id\)",
    ),
    "unknown play": (
        {"candidates": make_candidates({**C1, "play": "play_lost"})},
        "play 'play_lost' has 1 of plays that are not defined",
    ),
    "unknown customer": (
        {"candidates": make_candidates({"customer_id": "C9"})},
        "play 'play_welcome' has 1 whose customer_id is not among the customers",
    ),
    "missing due date": (
        {"candidates": make_candidates({**C1, "due_at": None})},
        "play 'play_welcome' has 1 without due_at",
    ),
    "missing columns": (
        {"candidates": make_candidates(C1).drop(columns=["offer", "reason"])},
        "The candidates: missing columns reason, offer",
    ),
    "text for a value": (
        {"candidates": make_candidates({**C1, "expected_order_value": "much"})},
        "candidates' column 'expected_order_value' holds values that are not numbers",
    ),
    "text for a date": (
        {"candidates": make_candidates({**C1, "valid_until": "soon"})},
        "candidates' column 'valid_until' holds values that are not dates",
    ),
    "repeated customer": (
        {"customers": make_customers(C1, C1)},
        r"1 rows that repeat a customer_id \(first: C1\)",
    ),
    "customer without id": (
        {"customers": make_customers(C1, {"customer_id": None})},
        "customers' column 'customer_id' holds values that are not texts",
    ),
    "facts that are no number": (
        {"customers": make_customers({**C1, "email_facts": "maybe"})},
        "customers' column 'email_facts' holds values that are not whole numbers",
    ),
    "facts that nobody knows": (
        {"customers": make_customers({**C1, "sms_facts": 1 << 20})},
        "customers' column 'sms_facts' holds facts that ml.contact_plan.legal does not know",
    ),
    "customers without a column": (
        {"customers": make_customers(C1).drop(columns="rfm_cell")},
        "The customers: missing columns rfm_cell",
    ),
    "history without a time": (
        {"history": make_history(("C1", None, "email", "NaT"))},
        "history has 1 rows without sent_at",
    ),
    "history without a column": (
        {"history": make_history().drop(columns="play")},
        "The contact history: missing columns play",
    ),
}


@pytest.mark.parametrize("name", BROKEN_INPUT)
def test_broken_input_is_told_in_a_sentence(name: str) -> None:
    frames, sentence = BROKEN_INPUT[name]
    arguments: dict[str, Any] = {
        "candidates": make_candidates(C1),
        "customers": make_customers(C1),
        **frames,
    }
    with pytest.raises(PlanInputError, match=sentence):
        plan(**arguments)


def test_broken_definitions_are_told_in_a_sentence() -> None:
    candidates, customers = make_candidates(C1), make_customers(C1)
    with pytest.raises(DefinitionError, match="play 'play_welcome' is defined twice"):
        plan(candidates, customers, [make_play(), make_play()])
    with pytest.raises(DefinitionError, match="field 'channels' names sms, post, for which no"):
        plan(candidates, customers, channels=make_channels()[:1])


def test_yesterdays_plan_is_the_history_of_today() -> None:
    """A stored plan serves as history once send_at is called sent_at; untyped empty ones do too."""
    none_yet = pd.DataFrame(columns=["customer_id", "play", "channel", "sent_at"])
    first = plan(make_candidates(C1), make_customers(C1), history=none_yet)
    history = first.contact_plan.rename(columns={"send_at": "sent_at"})
    arguments: dict[str, Any] = {"history": history, "max_contacts_per_7d": 1}
    again = plan(make_candidates(C1), make_customers(C1), **arguments)
    assert outcomes(again)[WELCOME] == "selected: selected", "a plan doesn't count itself"
    tomorrow = TUESDAY + dt.timedelta(days=1)
    later = plan(make_candidates(C1), make_customers(C1), plan_date=tomorrow, **arguments)
    assert outcomes(later)[WELCOME] == "deferred: frequency_cap_7d"
