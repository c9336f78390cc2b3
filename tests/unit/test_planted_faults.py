"""The comparison with the truth counts right: what was planted, is still held, and was found.

Belongs here: the counting, on made-up records. Does not: how well the warehouse does.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from benchmarks.planted_faults import (
    RECORD_COLUMNS,
    Measured,
    equal_to_twin,
    has_code,
    held_faults,
    seen_across,
    with_truth,
)
from benchmarks.planted_file_faults import measure_file_fault

RECORDS = pd.DataFrame(
    {
        "source_system": ["erp", "erp", "forms", "dms"],
        "source_customer_id": ["1", "2", "ana@x.es", "lead:L7"],
        "customer_id": ["C1", "C2", "C1", "C3"],
        "email_raw": ["ANA@x.es", "old@x.es", "ana@x.es ", "no@no"],
        "email_key": ["ana@x.es", "ana@x.es", "ana@x.es", None],
        "email_issue": [None, None, None, "invalid_email,role_email"],
        "mobile_phone": ["+34600111222"] * 2 + [None] * 2,
        "phone": [None] * 4,
        "surname_1": ["García", "Gil", "Vives", "Roca"],
        "surname_2": ["Vives", "Pons", "García", None],
        "street_name": ["Mayor", "Mayor", "Real", None],
        "street_number": ["1", "1", "2", None],
        "postal_code": ["28001", "28001", "28002", None],
    }
)


def planted(
    system: str, key: str, kind: str, true: str | None, delivered: str | None
) -> dict[str, object]:
    return {
        "source_system": system,
        "source_table": {"dms": "leads", "erp": "customers"}.get(system, "submissions"),
        "source_file": "f",
        "record_key": key,
        "field": "EMAIL",
        "fault_kind": kind,
        "true_value": true,
        "delivered_value": delivered,
    }


def test_a_fault_is_held_by_its_own_record_while_the_value_is_still_there() -> None:
    faults = pd.DataFrame(
        [
            planted("erp", "1", "email_case", "ana@x.es", "ANA@x.es"),
            planted("erp", "1", "email_case", "ana@x.es", "ANA@x.es"),  # a second delivery
            planted("erp", "2", "email_case", "ana@x.es", "ANA@x.es"),  # another's value
            planted("erp", "2", "invalid_email", "old@x.es", "old@x"),  # corrected since
            planted("dms", "L7", "invalid_email", "no@no.es", "no@no"),
            planted("forms", "f1", "shared_email", None, "ana@x.es"),  # known by its value only
        ]
    )
    held = held_faults(faults, RECORDS, "email").sort_values("record")
    assert list(zip(held["record"], held["fault_kind"], strict=True)) == [
        (0, "email_case"),
        (2, "shared_email"),
        (3, "invalid_email"),
    ]


def test_the_twin_has_the_true_value_and_nothing_else_changed() -> None:
    inputs = RECORDS[["source_customer_id", "email_raw"]].rename(columns={"email_raw": "email"})
    held = pd.DataFrame({"record": [3], "column": ["email"], "true_value": ["no@no.es"]})
    twins = with_truth(inputs, held)
    assert twins.to_dict("records") == [{"source_customer_id": "lead:L7", "email": "no@no.es"}]
    assert inputs.loc[3, "email"] == "no@no"


def test_mended_means_the_same_outcome_as_without_the_fault() -> None:
    ours = pd.DataFrame({"email_key": ["ana@x.es", None, "b@x.es"]})
    true = pd.DataFrame({"email_key": ["ANA@x.es", None, "c@x.es"]})
    assert equal_to_twin(ours, true, "email").tolist() == [True, True, False]


def test_accents_may_be_left_out_of_the_comparison() -> None:
    ours = pd.DataFrame(
        {"given_name_root": ["jose"], "surname_1": ["Garcia"], "surname_2": ["GIL"]}
    )
    true = pd.DataFrame(
        {"given_name_root": ["jose"], "surname_1": ["García"], "surname_2": ["Gil"]}
    )
    assert equal_to_twin(ours, true, "name").tolist() == [False]
    assert equal_to_twin(ours, true, "name", is_folded=True).tolist() == [True]


def test_no_recall_is_claimed_where_one_record_can_not_tell() -> None:
    row = Measured("date_day_month", 10, 8, 2, 0, "")
    assert (row.recall, row.precision) == (None, 1.0)
    row = Measured("names_in_one_field", 10, 8, 6, 2, "")
    assert (row.recall, row.precision) == (0.75, 0.75)
    assert Measured("upper_case", 10, 0, 0, None, "").precision is None


def test_a_second_surname_left_out_is_held_while_the_field_is_empty() -> None:
    records = RECORDS.assign(
        **dict.fromkeys(("full_name_raw", "given_name_raw", "surnames_raw")),
        surname_1_raw=["García", "Gil", None, "Roca"],
        surname_2_raw=[None, "Pons", None, None],
    )
    faults = pd.DataFrame(
        [
            planted("erp", key, "missing_surname_2", "Vives", None) | {"field": "surname_2"}
            for key in ("1", "2")
        ]
    )
    held = held_faults(faults, records, "name")
    assert list(zip(held["record"], held["column"], strict=True)) == [(0, "surname_2")]


def test_codes_are_whole_words_of_a_list() -> None:
    assert has_code(RECORDS, "invalid_email").tolist() == [False, False, False, True]
    assert not has_code(RECORDS, "email_case").any()


def test_what_only_several_records_show() -> None:
    assert seen_across(RECORDS, "shared_email").tolist() == [True, True, True, False]
    assert seen_across(RECORDS, "shared_phone").tolist() == [True, True, False, False]
    assert seen_across(RECORDS, "moved_address").tolist() == [True, False, True, False]
    dates = pd.to_datetime(["1980-02-01", "1980-02-01", "1980-01-02", "1980-03-03"])
    born = RECORDS.assign(birth_date=dates)
    assert seen_across(born, "date_day_month").tolist() == [True, False, True, False]
    assert seen_across(RECORDS, "swapped_surnames").tolist() == [True, False, True, False]


@pytest.fixture
def ledger(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute(
        """create schema raw;
        create table raw._batches as
        select * from (values
            ('pos', 'tickets', 'a.csv', '', 'loaded', 0, 10, null, '', 'A'),
            ('pos', 'tickets', 'b.csv', '', 'duplicate', 10, 0, null, '', 'A'),
            ('pos', 'tickets', 'c.csv', '', 'duplicate', 10, 0, null, '', 'C'),
            ('pos', 'catalogue', 'q1.csv', '', 'loaded', 0, 5, null, '', 'Q'),
            ('pos', 'catalogue', 'q2.csv', '', 'duplicate', 5, 0, null, '', 'Q'),
            ('pos', 'tickets', 'late.csv', '', 'loaded', 1, 3, 'columns under another name: X, Y', '', 'L')
        ) as batches (source_system, table_name, source_file, archive, status, rows_unchanged,
            rows_loaded, note, delivery_date, content_sha256);
        create table raw._rejects as
        select * from (values
            ('pos', 'a.csv', 3, 'repeats the key of an earlier row', ''),
            ('pos', 'a.csv', 4, 'amount can''t be read', ''), ('pos', 'a.csv', 9, 'is damaged', '')
        ) as rejects (source_system, source_file, row_number, reason, raw_line)"""
    )
    return connection


@pytest.mark.parametrize(
    ("kind", "faults", "expected"),
    [
        ("duplicated_file", [("", "a.csv", "b.csv"), ("", "x.csv", "y.csv")], (2, 1, 1, 1)),
        ("late_file", [("", "2024-01", "late.csv"), ("", "2024-01", "gone.csv")], (2, 1, 1, None)),
        ("renamed_columns", [("late.csv", "A", "X"), ("late.csv", "B", "Z")], (2, 2, 1, 1)),
        ("damaged_row", [("a.csv", "1", "l")], (1, 1, 1, 1)),
        ("duplicated_row", [("a.csv", "1", "1"), ("a.csv", "2", "2")], (2, 2, 1, None)),
    ],
)
def test_faults_of_files_are_counted_by_the_ledger(
    ledger: duckdb.DuckDBPyConnection,
    kind: str,
    faults: list[tuple[str, str, str]],
    expected: tuple[int, int, int, int | None],
) -> None:
    frame = pd.DataFrame(
        [
            {
                "source_system": "pos",
                "source_table": "tickets",
                "source_file": file,
                "record_key": true,
                "field": "",
                "fault_kind": kind,
                "true_value": true,
                "delivered_value": delivered,
            }
            for file, true, delivered in faults
        ]
    )
    assert measure_file_fault(ledger, frame, kind)[:4] == expected


def test_every_field_has_the_columns_that_may_hold_it() -> None:
    assert all(RECORD_COLUMNS.values())
    assert np.unique([name for names in RECORD_COLUMNS.values() for name in names]).size == 12
