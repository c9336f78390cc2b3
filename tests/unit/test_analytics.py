"""The analysts' database: what goes over, what never does."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.analytics import build_analytics, pseudonyms
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.keys import load_key
from orchestration.lib.preview import preview_markdown
from orchestration.lib.privacy.registry import PersonalColumn

KEY = b"0123456789abcdef0123456789abcdef"
CLASSES = {
    "customer_id": ("customer_key", "customer_key"),
    "email": ("direct_identifier", "email"),
    "postal_code": ("quasi_identifier", None),
    "orders": ("none", None),
}
COLUMNS = [
    PersonalColumn("raw", "secrets", "email", "direct_identifier", "email"),
    PersonalColumn("staging", "secrets", "email", "direct_identifier", "email"),
    *(PersonalColumn("marts", "dim_customers", name, *said) for name, said in CLASSES.items()),
]


def manifest() -> dict[str, Any]:
    node = {
        "resource_type": "model",
        "schema": "marts",
        "alias": "dim_customers",
        "name": "dim_customers",
        "columns": {
            name: {"config": {"meta": {"cadencia": {"data_class": data_class}}}}
            for name, (data_class, _) in CLASSES.items()
        },
    }
    return {"nodes": {"model.dim_customers": node}, "sources": {}}


@pytest.fixture
def crm_file(tmp_path: Path) -> Path:
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create schema raw")
        connection.execute("create schema staging")
        connection.execute("create table raw.secrets as select 'ana@example.org' as email")
        connection.execute("create view staging.secrets as from raw.secrets")
        connection.execute(
            """create table marts.dim_customers as
            select * from (values ('C1', 'ana@example.org', '28001', 3),
                ('C2', 'luis@example.org', '08001', 1), (null, 'x@example.org', '08002', 0))
            as customers(customer_id, email, postal_code, orders)"""
        )
        connection.execute("comment on table marts.dim_customers is 'One row per customer.'")
        connection.execute("comment on column marts.dim_customers.orders is 'It''s a count.'")
    return path


def test_identifiers_stay_and_keys_become_pseudonyms(crm_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "analytics.duckdb"
    counts = build_analytics(crm_file, target, COLUMNS, KEY)
    assert counts == {"marts.dim_customers": 3}
    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.execute("from marts.dim_customers order by orders desc").fetchall()
        columns = [row[0] for row in connection.description]
        comments = dict(
            connection.execute(
                "select column_name, comment from duckdb_columns() where table_name = 'dim_customers'"
            ).fetchall()
        )
        tables = connection.execute("select schema_name from duckdb_tables()").fetchall()
    assert columns == ["customer_id", "postal_code", "orders"]
    assert rows[0] == (pseudonyms(["C1"], KEY)[0], "28001", 3)
    assert rows[2] == (None, "08002", 0)
    assert comments["orders"] == "It's a count."
    assert tables == [("marts",)]


def test_no_byte_of_an_identifier_is_in_the_file(crm_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "analytics.duckdb"
    build_analytics(crm_file, target, COLUMNS, KEY)
    content = target.read_bytes()
    assert b"example.org" in crm_file.read_bytes()
    for secret in (b"example.org", KEY):
        assert secret not in content


def test_pseudonyms_made_in_sql_are_hmac_sha256(crm_file: Path, tmp_path: Path) -> None:
    """Of keys that are hashed once a value and of those hashed where they stand, with any key."""
    with duckdb.connect(str(crm_file)) as connection:
        connection.execute("alter table marts.dim_customers add column message_id varchar")
        connection.execute("update marts.dim_customers set message_id = 'ñ-' || customer_id")
    columns = [
        *COLUMNS,
        PersonalColumn("marts", "dim_customers", "message_id", "customer_key", "account"),
    ]
    for key in (KEY, b"0123456789abcdef", b"x" * 64, b"a key longer than a block of SHA-256 " * 3):
        target = tmp_path / "analytics.duckdb"
        build_analytics(crm_file, target, columns, key)
        with duckdb.connect(str(target), read_only=True) as connection:
            found = connection.execute(
                "select customer_id, message_id from marts.dim_customers order by orders desc"
            ).fetchall()
        expected = [
            *zip(pseudonyms(["C1", "C2"], key), pseudonyms(["ñ-C1", "ñ-C2"], key), strict=True)
        ]
        assert found == [*expected, (None, None)]


def test_pseudonyms_need_the_key() -> None:
    assert pseudonyms(["C1", "C2"], KEY) == pseudonyms(["C1", "C2"], KEY)
    assert pseudonyms(["C1"], KEY) != pseudonyms(["C1"], b"another key of enough bytes")
    assert len(set(pseudonyms([f"C{n}" for n in range(1000)], KEY))) == 1000


def test_previews_show_only_columns_without_personal_data(crm_file: Path) -> None:
    node = manifest()["nodes"]["model.dim_customers"]
    with duckdb.connect(str(crm_file), read_only=True) as connection:
        preview = preview_markdown(connection, node)
    assert "| orders |" in preview
    for word in ("example.org", "28001", "C1", "email"):
        assert word not in preview


def test_a_key_is_generated_once_for_its_owner_only(tmp_path: Path) -> None:
    first = load_key("pseudonym", "", tmp_path / "keys")
    path = tmp_path / "keys" / "pseudonym.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key("pseudonym", "", tmp_path / "keys") == first
    assert load_key("holdout", "", tmp_path / "keys") != first
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_key("pseudonym", "", tmp_path / "keys")


def test_a_key_from_the_environment_wins_but_must_be_long(tmp_path: Path) -> None:
    assert load_key("pseudonym", "a sufficiently long key", tmp_path) == b"a sufficiently long key"
    with pytest.raises(ConfigurationError, match="CADENCIA_PSEUDONYM_KEY is shorter"):
        load_key("pseudonym", "short", tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_emptied_key_file_is_never_silently_replaced(tmp_path: Path) -> None:
    load_key("pseudonym", "", tmp_path)
    (tmp_path / "pseudonym.key").write_text("")
    with pytest.raises(ConfigurationError, match="restore it from your backup"):
        load_key("pseudonym", "", tmp_path)
