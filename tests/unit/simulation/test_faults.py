"""What each fault does to a value, when it strikes, and how bytes are written."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import fields, replace

import duckdb
import ftfy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.es import dni, nie

from simulation import faults
from simulation.config import SimulationConfig
from simulation.delivery import (
    with_broken_quotes,
    with_extra_delimiter,
    with_letter_in_number,
)
from simulation.draws import hashed, uniform
from simulation.engine import Simulation
from simulation.faults import PERSON_RATES, PersonFaultRates
from simulation.files import STRAY_DELIMITER, STRAY_QUOTE, Landing, TextLayout
from simulation.frames import Market
from simulation.person_faults import PersonColumn, PersonLayout, PersonRecords

BITS = st.integers(min_value=0, max_value=2**64 - 1)
NAMES = st.sampled_from(["García", "Núñez", "Begoña", "de la Torre", "Iñaki", "Ruiz", "Sí"])
PHONES = st.from_regex(r"\A[6789]\d{8}\Z")
NATIONAL_IDS = st.integers(min_value=0, max_value=99_999_999).map(
    lambda number: f"{number:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
)
EMAILS = st.from_regex(r"\A[a-z]{3,12}\.?[a-z]{1,8}@(gmail|hotmail)\.com\Z")
NO_FAULTS = PersonFaultRates(**{field.name: 0.0 for field in fields(PersonFaultRates)})


@pytest.fixture(scope="module")
def market() -> Market:
    return Simulation(SimulationConfig(people=1200, days=365, seed=4)).market


# --- values


@given(NAMES, BITS)
def test_a_typo_is_one_edit_behind_the_first_letter(name: str, bits: int) -> None:
    typed = faults.with_typo(name, bits)
    assert typed[0] == name[0] and abs(len(typed) - len(name)) <= 1
    if len(typed) == len(name) and typed != name:
        differing = [at for at, (a, b) in enumerate(zip(name, typed, strict=True)) if a != b]
        assert len(differing) <= 2 and differing[-1] - differing[0] <= 1


@given(NAMES, BITS)
def test_mojibake_can_be_mended(name: str, bits: int) -> None:
    broken = faults.with_mojibake(name, bits)
    if broken != name:
        assert ftfy.fix_encoding(broken) == name or broken.encode("cp1252").decode() == name


def test_accents_go_with_the_letter_staying() -> None:
    assert faults.without_accents("Iñaki Núñez Peña, 3º") == "Inaki Nunez Pena, 3o"


@given(PHONES, BITS)
def test_phone_formats_keep_the_number_and_invalid_ones_do_not(phone: str, bits: int) -> None:
    digits = "".join(char for char in faults.with_phone_format(phone, bits) if char.isdigit())
    assert digits.endswith(phone) and digits[: -len(phone)] in ("", "34", "0034")
    invalid = faults.invalid_phone(phone, bits)
    assert len(invalid) != 9 or invalid[0] not in "6789"


@given(NATIONAL_IDS, BITS)
def test_national_ids_stay_or_lose_validity(national_id: str, bits: int) -> None:
    formatted = faults.with_national_id_format(national_id, bits)
    assert formatted != national_id
    assert dni.compact(formatted).replace(".", "").upper() == national_id
    wrong = faults.with_wrong_letter(national_id, bits)
    assert wrong[:-1] == national_id[:-1] and not dni.is_valid(wrong)
    assert faults.without_leading_zeros(national_id, bits).zfill(9) == national_id


def test_a_nie_is_formatted_too() -> None:
    national_id = f"X0004472{nie.calc_check_digit('X0004472')}"
    for bits in range(5):
        formatted = faults.with_national_id_format(national_id, bits)
        assert nie.is_valid(formatted.replace(".", "")) and formatted != national_id


@given(EMAILS, BITS)
def test_email_faults(email: str, bits: int) -> None:
    assert faults.with_email_case(email, bits).lower() == email
    assert faults.with_email_case(email, bits) != email
    dotted = faults.with_gmail_dots(email, bits)
    local, _, domain = dotted.partition("@")
    canonical = local.partition("+")[0].replace(".", "")
    assert f"{canonical}@{domain}" == email.partition("@")[0].replace(".", "") + f"@{domain}"
    assert (dotted == email) or domain == "gmail.com"
    broken = faults.invalid_email(email, bits)
    local, at, domain = broken.partition("@")
    assert (
        not at or "@" in domain or "." not in domain or domain[0] == "." or local.strip() != local
    )


@given(st.dates(), BITS)
def test_date_faults(day, bits: int) -> None:
    text = f"{day.day:02d}/{day.month:02d}/{day.year:04d}"
    swapped = faults.with_day_and_month_swapped(text, bits)
    assert (swapped == text) == (day.day > 12 or day.day == day.month)
    assert pd.isna(
        pd.to_datetime(faults.impossible_date(text, bits), format="%d/%m/%Y", errors="coerce")
    )


@given(st.sampled_from(["Calle Mayor, 3", "Avenida de la Paz, 12 bis", "Polígono Sur, s/n"]), BITS)
def test_abbreviations_keep_name_and_number(street: str, bits: int) -> None:
    short = faults.with_abbreviations(street, bits)
    kind, _, rest = street.partition(" ")
    assert not short.startswith(kind)
    assert short.replace(",", "").endswith(rest.replace(",", ""))


@given(BITS)
def test_damage_is_seen(bits: int) -> None:
    damaged = with_letter_in_number("2024-01-31T10:00:00Z", bits)
    assert sum(a != b for a, b in zip(damaged, "2024-01-31T10:00:00Z", strict=True)) == 1
    assert STRAY_DELIMITER in with_extra_delimiter("Calle Mayor, 3", bits)
    assert with_broken_quotes("Calle Mayor", bits).count(STRAY_QUOTE) == 2


# --- draws


def test_draws_are_uniform_and_independent_of_each_other() -> None:
    ids = np.arange(50_000)
    one, other = uniform(ids, 1, "erp", "typo"), uniform(ids, 1, "dms", "typo")
    assert one.min() >= 0 and one.max() < 1
    counts = np.histogram(one, bins=20, range=(0, 1))[0]
    assert (abs(counts - 2500) < 5 * np.sqrt(2500)).all()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert (uniform(ids[::-1], 1, "erp", "typo")[::-1] == one).all()
    assert (uniform(ids, 2, "erp", "typo") != one).any()
    assert len(np.unique(hashed(ids, 1, "x"))) == len(ids)


# --- records


def layout(**changes) -> PersonLayout:
    columns = (
        PersonColumn("name", ("given_name",)),
        PersonColumn("surnames", ("surname_1", "surname_2")),
        PersonColumn("tax_id", ("national_id",)),
        PersonColumn("address", ("street", "dwelling"), glue=", "),
        PersonColumn("zip", ("postal_code",)),
        PersonColumn("phone", ("mobile",)),
        PersonColumn("email", ("email",)),
        PersonColumn("born", ("birth_date",)),
    )
    return PersonLayout("erp", columns, **changes)


def test_without_faults_records_are_the_people(market: Market) -> None:
    ids = np.arange(len(market.people))
    records = PersonRecords(market.people, layout(), NO_FAULTS, 1)
    delivered = records.deliver(ids, np.datetime64("2000-01-01", "us"))
    people = market.people
    assert (delivered.columns["tax_id"] == people["national_id"].astype(object)).all()
    assert (delivered.columns["zip"] == people["postal_code"].astype(object)).all()
    surnames = people["surname_1"].astype(object) + (
        " " + people["surname_2"].astype(object)
    ).fillna("")
    assert (delivered.columns["surnames"] == surnames).all()
    # What is shared within a household is a fault that the market comes with.
    assert set(delivered.hits["fault_kind"]) <= {"shared_email", "shared_phone"}
    shared = people["is_email_shared"].sum()
    assert (delivered.hits["fault_kind"] == "shared_email").sum() == shared > 0


def test_a_record_has_the_same_faults_whenever_and_in_whatever_company(market: Market) -> None:
    records = PersonRecords(market.people, layout(), PERSON_RATES["erp"], 1)
    ids = np.arange(len(market.people))
    moment = np.datetime64("2024-01-01", "us")
    together = records.deliver(ids, moment).columns
    chosen = np.array([700, 3, 42, 1000])
    alone = records.deliver(chosen, moment).columns
    pd.testing.assert_frame_equal(alone, together.iloc[chosen].reset_index(drop=True))
    other = PersonRecords(market.people, layout(), PERSON_RATES["erp"], 2).deliver(ids, moment)
    assert not other.columns.equals(together)


def test_rates_are_met_and_hits_are_true(market: Market) -> None:
    rates = replace(NO_FAULTS, upper_case=0.3, phone_format=0.5, national_id_wrong_letter=0.2)
    records = PersonRecords(market.people, layout(), rates, 1)
    ids = np.arange(len(market.people))
    delivered = records.deliver(ids, np.datetime64("2024-01-01", "us"))
    hits = delivered.hits
    for field, kind, rate, filled in (
        ("name", "upper_case", 0.3, "name"),
        ("phone", "phone_format", 0.5, "phone"),
        ("tax_id", "national_id_wrong_letter", 0.2, "tax_id"),
    ):
        of_kind = hits[(hits["fault_kind"] == kind) & (hits["field"] == field)]
        share = len(of_kind) / delivered.columns[filled].notna().sum()
        assert share == pytest.approx(rate, abs=0.06)
    for hit in hits.itertuples():
        assert delivered.columns[hit.field].iloc[hit.row] == hit.delivered_value != hit.true_value


def test_who_does_not_tell_a_move_keeps_the_old_address(market: Market) -> None:
    people = market.people
    moved = np.flatnonzero(people["moved_on"].notna().to_numpy())
    since = np.full(len(moved), np.datetime64("2000-01-01", "us"))
    until = np.datetime64("2100-01-01", "us")
    records = PersonRecords(people, layout(), replace(NO_FAULTS, moved_address=0.5), 1)
    delivered = records.deliver(moved, until, known_since=since)
    missed = delivered.hits[delivered.hits["fault_kind"] == "moved_address"]
    stale = set(missed[missed["field"] == "address"]["row"])
    assert 0.2 < len(stale) / len(moved) < 0.8
    for row in range(len(moved)):
        prefix = "" if row in stale else "next_"
        street_name = people[f"{prefix}street_name"].iloc[moved[row]]
        assert street_name in delivered.columns["address"].iloc[row]
    # Whoever was taken down after the move gave the new address.
    late = records.deliver(moved, until, known_since=np.full(len(moved), until))
    assert not (late.hits["fault_kind"] == "moved_address").any()


def test_shared_contacts_are_those_of_the_household(market: Market) -> None:
    people = market.people
    rates = replace(NO_FAULTS, shared_phone=1.0)
    ids = np.arange(len(people))
    delivered = PersonRecords(people, layout(), rates, 1).deliver(
        ids, np.datetime64("2000-01-01", "us")
    )
    lent = delivered.hits[delivered.hits["fault_kind"] == "shared_phone"]
    assert len(lent) > 50
    mobiles = people.groupby("household_id")["mobile"].agg(set)
    for hit in lent.itertuples():
        assert hit.delivered_value in mobiles[people["household_id"].iloc[hit.row]]


def test_parts_are_filled_as_often_as_the_system_asks(market: Market) -> None:
    ids = np.arange(len(market.people))
    records = PersonRecords(
        market.people, layout(coverage={"national_id": 0.6, "street": 0.5}), NO_FAULTS, 1
    )
    columns = records.deliver(ids, np.datetime64("2000-01-01", "us")).columns
    assert columns["tax_id"].notna().mean() == pytest.approx(0.6, abs=0.06)
    assert columns["address"].notna().mean() == pytest.approx(0.5, abs=0.06)


# --- bytes


@pytest.fixture
def landing(tmp_path):
    with duckdb.connect() as connection:
        yield Landing(tmp_path, connection)


def test_text_layouts(landing: Landing) -> None:
    query = "select 'ñ€' as a, 'x;y' as b, null as c union all select '日', 'z', 'w'"
    spanish = TextLayout(delimiter=";", encoding="cp1252", line_ending="\r\n")
    landing.write_csv("erp", "t", "a.csv", query, spanish)
    written = (landing.root / "erp" / "a.csv").read_bytes()
    assert written == 'a;b;c\r\nñ€;"x;y";\r\n?;z;w\r\n'.encode("cp1252")
    landing.write_csv("erp", "t", "b.csv.gz", query, TextLayout(has_bom=True))
    assert gzip.decompress((landing.root / "erp" / "b.csv.gz").read_bytes()).decode(
        "utf-8-sig"
    ) == ("a,b,c\nñ€,x;y,\n日,z,w\n")
    assert [delivery.rows for delivery in landing.deliveries] == [2, 2]


def test_stray_characters_become_bare_bytes(landing: Landing) -> None:
    query = f"select 'a{STRAY_DELIMITER}b{STRAY_QUOTE}' as x, 1 as y"
    landing.write_csv("erp", "t", "a.csv", query, TextLayout(delimiter=";"))
    assert (landing.root / "erp" / "a.csv").read_text() == 'x;y\na;b";1\n'


def test_big_files_are_transcoded_in_whole_lines(landing: Landing) -> None:
    query = "select repeat('áé', 40) || range as x from range(150000)"
    landing.write_csv("erp", "t", "a.csv", query, TextLayout(encoding="latin-1"))
    landing.write_csv("erp", "t", "a.csv.gz", query, TextLayout())
    plain = (landing.root / "erp" / "a.csv").read_bytes().decode("latin-1")
    assert len(plain) > 10 << 20
    packed = (landing.root / "erp" / "a.csv.gz").read_bytes()
    with gzip.open(io.BytesIO(packed), "rt", encoding="utf-8") as file:
        assert hashlib.md5(file.read().encode()).digest() == hashlib.md5(plain.encode()).digest()


def test_a_failed_write_leaves_nothing(landing: Landing) -> None:
    with pytest.raises(duckdb.Error):
        landing.write_csv("erp", "t", "a.csv", "select missing", TextLayout())
    assert list((landing.root / "erp").iterdir()) == []
