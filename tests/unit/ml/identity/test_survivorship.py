"""Which value survives: every rule by itself, units as a whole, and what a broken rule set says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ml.identity.golden as golden

COLUMNS = {
    "source_system", "email", "is_email_valid", "gender", "street", "floor", "city", "is_street_valid",
    "is_city_known", "has_email",
}  # fmt: skip
RULES = """
version: 1
source_priority: [dms, erp]
units:
  address:
    columns: [street, floor, city]
    filled_when: [street, city]
    valid_when: [is_street_valid, is_city_known]
    rules: [{address}]
fields:
  email: {{{email}rules: [{rules}]}}
  gender: {{rules: [most_recent]}}
flags: [has_email]
"""


def rules(rules: str = "most_recent", address: str = "valid_first, most_recent") -> str:
    valid = "valid_when: [is_email_valid], " if "valid_first" in rules else ""
    return RULES.format(rules=rules, address=address, email=valid)


@pytest.fixture
def survive(connection):
    """Return a function that gives the golden rows of records (system, day of change, values)."""
    connection.execute(
        "create table records (record_id varchar, source_system varchar, source_customer_id varchar,"
        " record_updated_at timestamp, first_seen_at timestamp, email varchar, is_email_valid boolean,"
        " gender varchar, street varchar, floor varchar, city varchar, is_street_valid boolean,"
        " is_city_known boolean, has_email boolean)"
    )
    connection.execute("create table ids (record_id varchar, customer_id varchar)")

    def run(text: str, *records: dict[str, object]) -> list[dict[str, object]]:
        for number, record in enumerate(records):
            values = {
                "source_system": "web",
                "source_customer_id": str(number),
                "record_id": f"r{number}",
                "record_updated_at": f"2020-01-{record.pop('day', 1):02}",
                "first_seen_at": f"2019-01-{number + 1:02}",
                **record,
            }
            customer = values.pop("customer", "C1")
            names = ", ".join(values)
            marks = ", ".join("?" for _ in values)
            connection.execute(
                f"insert into records ({names}) values ({marks})", list(values.values())
            )
            connection.execute("insert into ids values (?, ?)", [values["record_id"], customer])
        rule_set = golden.parse_rule_set(text, "rules.yml", COLUMNS)
        found = connection.execute(golden.survivorship_sql(rule_set, "records", "ids"))
        names = [column[0] for column in found.description]
        assert names == golden.golden_columns(rule_set)
        return sorted(
            (dict(zip(names, row, strict=True)) for row in found.fetchall()),
            key=lambda row: row["customer_id"],
        )

    return run


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("most_recent", "new@a.es"),
        ("valid_first, most_recent", "valid@a.es"),
        ("most_complete, most_recent", "the-longest@a.es"),
        ("most_frequent, most_recent", "often@a.es"),
        ("source_priority, most_recent", "dms@a.es"),
        ("valid_first", "valid@a.es"),
    ],
)
def test_each_rule_chooses_its_record(survive, rule, expected) -> None:
    (row,) = survive(
        rules(rule),
        {"email": "valid@a.es", "is_email_valid": True, "day": 2},
        {"email": "the-longest@a.es", "day": 3},
        {"email": "often@a.es", "day": 1},
        {"email": "often@a.es", "day": 4},
        {"email": "erp@a.es", "source_system": "erp", "day": 5},
        {"email": "dms@a.es", "source_system": "dms", "day": 5},
        {"email": "new@a.es", "day": 8},
        {"email": None, "is_email_valid": True, "source_system": "dms", "day": 9},
    )
    assert row["email"] == expected


def test_rules_are_asked_in_order(survive) -> None:
    (row,) = survive(
        rules("valid_first, source_priority, most_recent"),
        {"email": "a@a.es", "is_email_valid": True, "source_system": "erp", "day": 1},
        {"email": "b@a.es", "is_email_valid": True, "source_system": "erp", "day": 2},
        {"email": "c@a.es", "is_email_valid": False, "source_system": "dms", "day": 3},
        {"email": "d@a.es", "is_email_valid": True, "source_system": "web", "day": 4},
    )
    assert row["email"] == "b@a.es"


def test_equal_records_leave_the_same_survivor_in_any_order(survive) -> None:
    (row,) = survive(rules(), {"email": "a@a.es", "source_system": "web"},
                     {"email": "b@a.es", "source_system": "erp"})  # fmt: skip
    assert row["email"] == "b@a.es"


def test_a_unit_comes_from_one_record_with_its_gaps(survive) -> None:
    (row,) = survive(
        rules(),
        {"street": "Calle A", "floor": "3", "city": "Jaca", "is_city_known": True, "day": 3},
        {"street": "Calle B", "is_street_valid": True, "day": 1},
        {"floor": "9", "is_street_valid": True, "is_city_known": True, "day": 9},
    )
    assert (row["street"], row["floor"], row["city"]) == ("Calle B", None, None)


def test_the_winner_and_its_time_are_kept_for_every_field(survive) -> None:
    one, two, three = survive(
        rules(),
        {"email": "a@a.es", "source_system": "erp", "day": 2, "has_email": True},
        {"gender": "f", "source_system": "dms", "day": 3, "has_email": False},
        {"email": "b@a.es", "customer": "C2", "source_system": "dms", "day": 4},
        {"email": "c@a.es", "customer": "C3", "source_system": "dms", "day": 5},
        {"gender": "m", "customer": "C3", "source_system": "dms", "day": 6},
    )
    assert json.loads(one["winning_sources"]) == {"email": "erp", "gender": "dms"}
    assert json.loads(one["winning_times"]) == {
        "email": "2020-01-02T00:00:00", "gender": "2020-01-03T00:00:00",
    }  # fmt: skip
    assert (one["has_email"], one["source_records"], one["source_systems"]) == (True, 2, "dms,erp")
    assert str(one["first_seen_at"]) == "2019-01-01 00:00:00"
    assert json.loads(two["winning_sources"]) == {"*": "dms"}
    assert json.loads(two["winning_times"]) == {"*": "2020-01-04T00:00:00"}
    assert two["has_email"] is False
    assert json.loads(three["winning_sources"]) == {"*": "dms"}
    assert json.loads(three["winning_times"])["email"] == "2020-01-05T00:00:00"


BROKEN = [
    (rules().replace("version: 1", "version: 2"), 2, "version must be 1"),
    (rules().replace("street, floor, city]", "street, flor]"), 6, "'flor' is no column of the records"),
    (rules("most_recnet"), 11, "'most_recnet' is no rule"),
    (rules("most_recent, most_frequent"), 11, "most_recent decides always, so it must stand last"),
    (rules().replace("gender:", "sex:"), 12, "'sex' is no column of the records"),
    (rules().replace("    rules: [valid_first, most_recent]\n", ""), 5, "lacks 'rules'"),
    (rules("valid_first").replace("valid_when: [is_email_valid], ", ""), 11, "valid_first and valid_when"),
    (rules("source_priority").replace("source_priority: [dms, erp]", ""), 11, "lists no system"),
    (rules().replace("flags: [has_email]", "flags: has_email"), 13, "is no list of names"),
    (rules() + "fields: {}\n", 14, "'fields' stands twice"),
    (rules() + "colours: {}\n", 14, "'colours' is unknown"),
    (rules().replace("units:", "units"), 5, "not valid YAML"),
    ("", 1, "the file is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), BROKEN)
def test_a_broken_rule_set_names_its_line(text, line, words) -> None:
    with pytest.raises(golden.RuleSetError) as error:
        golden.parse_rule_set(text, "rules.yml", COLUMNS)
    assert words in str(error.value)
    assert f"rules.yml:{line}: " in str(error.value)


def test_every_fault_is_told_at_once() -> None:
    text = rules("most_recnet").replace("version: 1", "version: 2")
    with pytest.raises(golden.RuleSetError, match="2 place"):
        golden.parse_rule_set(text, "rules.yml", COLUMNS)


def test_the_rule_set_of_the_project_is_whole() -> None:
    path = Path(golden.__file__).with_name("survivorship.yml")
    columns = {
        name
        for line in path.read_text().splitlines()
        for name in line.replace("[", " ")
        .replace("]", " ")
        .replace(",", " ")
        .replace(":", " ")
        .split()
    }
    rule_set = golden.parse_rule_set(path.read_text(), "survivorship.yml", columns)
    by_name = {survivor.name: survivor for survivor in rule_set.survivors}
    assert by_name["address"].is_unit
    assert by_name["name"].is_unit
    assert not by_name["email"].is_unit
