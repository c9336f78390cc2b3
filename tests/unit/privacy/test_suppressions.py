"""Our own suppression list: append, lift, expire, survive, and what delivery and the run read of it."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.contact_plan import CONTACT_CHANNELS
from orchestration.lib.contract import load_contracts
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.ingest.files import load_table
from orchestration.lib.privacy.audit_log import read_entries
from orchestration.lib.privacy.suppress_command import SuppressOptions, suppress_person
from orchestration.lib.privacy.suppression_subjects import (
    identifiers_of_customer,
    identifiers_of_value,
)
from orchestration.lib.privacy.suppressions import (
    COVERS,
    LIFT,
    PROFILING,
    SUPPRESS,
    Event,
    SuppressionList,
    append_events,
    hash_value,
    in_force,
    list_file,
    load_suppressions,
    read_events,
)
from orchestration.resources import STAGING_DIR
from orchestration.settings import Settings

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
TODAY = date(2024, 5, 1)
ANA = hash_value("email", "ana@correo.example")
COLUMNS = {
    "entry_id": "varchar",
    "identifier_kind": "varchar",
    "identifier_sha256": "varchar",
    "purpose": "varchar",
    "channel": "varchar",
    "reason": "varchar",
    "suppressed_at": "timestamp",
    "valid_until": "date",
}


def forbidden(home: Path, on: date = TODAY) -> set[str]:
    """Return the channels that are forbidden for Ana on a day."""
    suppressed = SuppressionList(home, on)
    return {channel for channel in CONTACT_CHANNELS if suppressed.forbids(channel, [ANA])}


def test_a_suppression_holds_at_once_and_is_kept_for_the_owner_only(home: Path) -> None:
    append_events(home, [ANA], now=NOW)
    assert forbidden(home) == set(CONTACT_CHANNELS)
    assert stat.S_IMODE(list_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(list_file(home).parent.stat().st_mode) == 0o700
    assert "ana" not in list_file(home).read_text()
    other = hash_value("email", "bea@correo.example")
    assert not SuppressionList(home, TODAY).forbids("email", [other])
    assert SuppressionList(home, TODAY).forbids("email", [other, ANA])


def test_a_lift_is_a_row_and_takes_back_what_came_before_it(home: Path) -> None:
    append_events(home, [ANA], now=NOW)
    append_events(home, [ANA], now=NOW, action=LIFT, channel="email")
    assert forbidden(home) == set(CONTACT_CHANNELS) - {"email"}
    append_events(home, [ANA], now=NOW, channel="email")
    assert forbidden(home) == set(CONTACT_CHANNELS)
    append_events(home, [ANA], now=NOW, action=LIFT)
    assert forbidden(home) == set()
    assert [event.action for event in read_events(home)] == [SUPPRESS, LIFT, SUPPRESS, LIFT]
    assert [event.entry_id for event in read_events(home)] == [1, 2, 3, 4]


def test_an_entry_ends_with_its_last_day(home: Path) -> None:
    append_events(home, [ANA], now=NOW, channel="phone", valid_until=TODAY)
    assert forbidden(home) == {"phone", "sms", "whatsapp"}
    assert forbidden(home, TODAY + timedelta(days=1)) == set()


def test_an_objection_to_profiling_forbids_no_contact(home: Path) -> None:
    append_events(home, [ANA], now=NOW, purpose=PROFILING)
    assert forbidden(home) == set()
    append_events(home, [ANA], now=NOW, action=LIFT)
    assert len(in_force(read_events(home), TODAY)) == 1


def test_the_run_gets_one_row_an_entry_and_channel_left(
    home: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    assert load_suppressions(connection, [], TODAY, COLUMNS) == 0
    append_events(home, [ANA], now=NOW)
    append_events(home, [hash_value("record", "erp:7")], now=NOW, channel="phone")
    append_events(home, [ANA], now=NOW, purpose=PROFILING)
    append_events(home, [hash_value("record", "erp:7")], now=NOW, action=LIFT, channel="sms")
    assert load_suppressions(connection, read_events(home), TODAY, COLUMNS) == 3
    rows = connection.execute(
        "select entry_id, identifier_kind, purpose, channel, suppressed_at from privacy.suppressions"
    ).fetchall()
    at = NOW.replace(tzinfo=None)
    assert rows == [
        ("1-all", "email", "contact", "all", at),
        ("2-phone", "record", "contact", "phone", at),
        ("3-all", "email", "profiling", "all", at),
    ]


def test_a_write_that_was_killed_is_no_row_and_a_broken_line_stops_everything(home: Path) -> None:
    append_events(home, [ANA], now=NOW)
    path = list_file(home)
    whole = path.read_text()
    path.write_text(whole + "2,2024-05-01T10:00:00+00:00,suppress,cont")
    assert len(read_events(home)) == 1
    append_events(home, [ANA], now=NOW, action=LIFT)
    assert [event.entry_id for event in read_events(home)] == [1, 2]
    path.write_text(
        whole + "2,2024-05-01T10:00:00+00:00,suppress,contact,email,short,all,request,\n"
    )
    with pytest.raises(ConfigurationError, match=r"Line 3 of .* is no row of a suppression list"):
        SuppressionList(home, TODAY)


events = st.builds(
    Event,
    entry_id=st.just(0),
    recorded_at=st.just(NOW),
    action=st.sampled_from([SUPPRESS, LIFT]),
    purpose=st.just("contact"),
    identifier=st.sampled_from([ANA, hash_value("phone", "+34600000001")]),
    channel=st.sampled_from(["all", *CONTACT_CHANNELS]),
    reason=st.just("request"),
    valid_until=st.sampled_from([None, TODAY, TODAY - timedelta(days=1)]),
)


@settings(deadline=None)
@given(rows=st.lists(events, max_size=8))
def test_the_last_row_that_speaks_of_a_channel_decides(rows: list[Event]) -> None:
    """Told again by walking forward; an entry that ended neither forbids nor is lifted."""
    expected: dict[tuple[object, str], bool] = {}
    held: dict[tuple[object, str], set[int]] = {}
    for number, row in enumerate(rows):
        for channel in COVERS.get(row.channel, (row.channel,)):
            key = (row.identifier, channel)
            if row.action == LIFT:
                held[key] = set()
            elif row.valid_until is None or row.valid_until >= TODAY:
                held.setdefault(key, set()).add(number)
    expected = {key: True for key, numbers in held.items() if numbers}
    found = {
        (entry.event.identifier, channel): True
        for entry in in_force(rows, TODAY)
        for channel in entry.channels
    }
    assert found == expected


@pytest.mark.parametrize(
    ("kind", "written", "normalised"),
    [
        ("email", " Ana@Correo.es ", ["ana@correo.es"]),
        ("email", "a.na+x@gmail.com", ["a.na+x@gmail.com", "ana@gmail.com"]),
        ("phone", "600 12 34 51", ["+34600123451"]),
        ("phone", "0034-600123451", ["+34600123451"]),
        ("national_id", "00000023-t", ["00000023T"]),
    ],
)
def test_a_value_is_hashed_as_the_systems_have_it(
    kind: str, written: str, normalised: list[str]
) -> None:
    assert identifiers_of_value(kind, written) == [hash_value(kind, each) for each in normalised]


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "ana at home"), ("phone", "12"), ("national_id", "12345678A")]
)
def test_a_value_that_is_none_is_refused_and_not_repeated(kind: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        identifiers_of_value(kind, value)
    assert value not in str(caught.value)


@pytest.fixture
def crm_file(tmp_path: Path) -> Path:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as warehouse:
        warehouse.execute(
            """create schema marts; create schema identity;
            create table marts.customer_identities as from (values
                ('C1', 'erp', '7', null), ('C1', 'pos', '8', timestamp '2024-01-01'),
                ('C2', 'pos', '9', null)
            ) as rows (customer_id, source_system, source_customer_id, valid_to);
            create table identity.usable_records as from (values
                ('erp', '7', 'a@b.es', 'a@b.es', '+34600000001', null, '00000023T'),
                ('pos', '8', null, null, null, '+34910000001', null),
                ('pos', '9', 'c@d.es', 'c@d.es', null, null, null)
            ) as rows (
                source_system, source_customer_id, email, email_key, mobile_phone, landline_phone,
                national_id
            )"""
        )
    return path


def test_a_customer_is_suppressed_by_records_and_addresses(crm_file: Path) -> None:
    """Records that were the customer's earlier too: a split must not set them free."""
    assert set(identifiers_of_customer(crm_file, "C1")) == {
        hash_value("record", "erp:7"),
        hash_value("record", "pos:8"),
        hash_value("email", "a@b.es"),
        hash_value("phone", "+34600000001"),
        hash_value("phone", "+34910000001"),
        hash_value("national_id", "00000023T"),
    }
    with pytest.raises(InputError, match="knows no customer"):
        identifiers_of_customer(crm_file, "C7")


def test_the_command_writes_list_and_audit_log_and_lifts_only_what_is_there(home: Path) -> None:
    deployment = Settings(home=home)
    values = {"email": "ana@correo.example.es", "phone": ""}
    with pytest.raises(InputError, match="nothing to lift"):
        suppress_person(deployment, SuppressOptions(values, is_lift=True))
    said = suppress_person(deployment, SuppressOptions(values, channel="sms", reason="complaint"))
    assert "Suppressed for contacts (sms): 1 identifier" in said
    assert "Lifted" in suppress_person(deployment, SuppressOptions(values, is_lift=True))
    logged = read_entries(home)
    assert [entry.action for entry in logged] == ["suppress", "lift_suppression"]
    assert logged[0].details["channel"] == "sms"
    assert "ana" not in (home / "privacy" / "audit_log.jsonl").read_text()
    assert len(read_events(home)) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (SuppressOptions({}), "Name the person by"),
        (SuppressOptions({"email": "a@b.es"}, channel="fax"), "The channel 'fax' is unknown"),
        (SuppressOptions({"email": "a@b.es"}, reason="why not"), "The reason 'why not' is unknown"),
        (SuppressOptions({"email": "a@b.es"}, until="soon"), "'soon' is no day"),
        (SuppressOptions({"email": "a@b.es"}, until="2020-01-01"), "is in the past"),
        (
            SuppressOptions({"email": "a@b.es"}, until="2099-01-01", is_lift=True),
            "A lift is for good",
        ),
        (
            SuppressOptions({"email": "a@b.es"}, channel="sms", is_profiling=True),
            "Profiling has no channel",
        ),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(
    home: Path, options: SuppressOptions, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        suppress_person(Settings(home=home), options)
    assert not list_file(home).exists()


def test_lists_of_others_are_read_with_spanish_and_english_headings(
    home: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    (table,) = load_contracts(STAGING_DIR)["suppression"].tables
    folder = home / "landing" / "suppression"
    folder.mkdir(parents=True)
    (folder / "robinson_20240501.csv").write_text(
        f"tipo;hash_sha256;fecha_alta\nemail;{ANA.sha256};01/05/2024\nnif;{ANA.sha256};\n"
    )
    (folder / "partner_20240502.csv").write_text(
        "kind,sha256,channel,list_name,action,listed_on\n"
        f"phone,{ANA.sha256},sms,partner,lift,2024-05-02\n"
    )
    load_table(
        connection,
        table,
        landing_dir=home / "landing",
        loaded_at=NOW.replace(tzinfo=None),
        run_id="r",
        working_dir=home,
    )
    rows = connection.execute(
        "select kind, channel, list_name, action, listed_on from raw.suppression__entries order by kind"
    ).fetchall()
    assert rows == [
        ("email", None, None, None, TODAY),
        ("nif", None, None, None, None),
        ("phone", "sms", "partner", "lift", TODAY + timedelta(days=1)),
    ]
