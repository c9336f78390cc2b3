"""The ingestion contract: what is read from it, and how a broken one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.lib.contract import load_contract_file, load_contracts, select_systems
from orchestration.lib.errors import ConfigurationError, ContractError
from orchestration.resources import STAGING_DIR

GOOD = """\
version: 2
sources:
  - name: shop
    schema: raw
    description: A shop.
    config:
      meta:
        cadencia: {title: Shop, currency: EUR, timezone: UTC, is_live: false, reject_limit_share: 0.1}
    tables:
      - name: sales
        identifier: shop__sales
        description: One row per sale.
        config:
          meta:
            cadencia: {location: "landing://sales.parquet", format: parquet, primary_key: [sale_id]}
        columns:
          - name: sale_id
            data_type: varchar
            description: Sale.
            config: {meta: {cadencia: {is_required: true, data_class: none}}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sources.yml"
    path.write_text(text)
    return path


def test_a_good_file_becomes_objects(tmp_path: Path) -> None:
    (system,) = load_contract_file(write(tmp_path, GOOD))
    (table,) = system.tables
    assert (system.name, system.currency, system.reject_limit_share) == ("shop", "EUR", 0.1)
    assert table.primary_key == ("sale_id",)
    assert table.columns[0].source_column == "sale_id"
    assert table.columns[0].is_required


def test_a_table_may_have_a_clock_of_its_own(tmp_path: Path) -> None:
    text = GOOD.replace("format: parquet", "timezone: Europe/Madrid, format: parquet")
    (system,) = load_contract_file(write(tmp_path, text))
    assert (system.timezone, system.tables[0].timezone) == ("UTC", "Europe/Madrid")
    (system,) = load_contract_file(write(tmp_path, GOOD))
    assert system.tables[0].timezone == "UTC"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("format: parquet", "format: papyrus", 15, "'papyrus' is not one of"),
        ("data_type: varchar", "data_type: text", 18, "'text' does not match"),
        ("currency: EUR", "currency: euro", 8, "'euro' does not match"),
        ("identifier: shop__sales", "identifier: shop__sale", 11, "must be 'shop__sales'"),
        ("primary_key: [sale_id]", "primary_key: [id]", 15, "not a declared column"),
        ("timezone: UTC", "timezone: Madrid", 8, "no time zone of the IANA list"),
        ("format: parquet", "timezone: Madrid, format: parquet", 15, "no time zone of the IANA"),
        ("data_class: none", "data_klass: none", 20, "data_klass"),
        ("data_class: none", "data_class: customer_key", 20, "wants an identifier_kind beside"),
        (
            "data_class: none",
            "data_class: direct_identifier, identifier_kind: fax",
            20,
            "'fax' is not one of",
        ),
        (
            "data_class: none",
            "data_class: none, identifier_kind: email",
            20,
            "not for none",
        ),
    ],
)
def test_a_broken_file_names_line_and_fault(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ContractError) as caught:
        load_contract_file(path)
    assert f"{path}:{line}:" in str(caught.value)
    assert words in str(caught.value)


def test_yaml_that_does_not_parse_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "  - name: [unclosed\n")
    with pytest.raises(ContractError, match=r"sources\.yml:\d+: not valid YAML"):
        load_contract_file(path)


def test_the_projects_own_contracts_are_valid() -> None:
    contracts = load_contracts(STAGING_DIR)
    assert {"complete_journey", "cdnow"} <= set(contracts)
    assert [table.name for table in contracts["cdnow"].tables] == ["purchases"]


def test_unknown_system_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"complete_jurney.*Known ones are: cdnow"):
        select_systems(load_contracts(STAGING_DIR), ["complete_jurney"])


def test_currencies_are_never_added_up(tmp_path: Path) -> None:
    (euro,) = load_contract_file(write(tmp_path, GOOD))
    (dollar,) = load_contract_file(
        write(tmp_path, GOOD.replace("EUR", "USD").replace("shop", "store"))
    )
    with pytest.raises(ConfigurationError, match="different currencies"):
        select_systems({"shop": euro, "store": dollar}, ["shop", "store"])


def test_fingerprint_follows_what_changes_a_load(tmp_path: Path) -> None:
    (system,) = load_contract_file(write(tmp_path, GOOD))
    (other,) = load_contract_file(write(tmp_path, GOOD.replace("varchar", "bigint")))
    assert system.tables[0].fingerprint() != other.tables[0].fingerprint()


def test_fingerprint_does_not_follow_what_is_said_about_privacy(tmp_path: Path) -> None:
    (system,) = load_contract_file(write(tmp_path, GOOD))
    said = "data_class: direct_identifier, identifier_kind: loyalty_card"
    (other,) = load_contract_file(write(tmp_path, GOOD.replace("data_class: none", said)))
    assert other.tables[0].columns[0].identifier_kind == "loyalty_card"
    assert system.tables[0].fingerprint() == other.tables[0].fingerprint()
