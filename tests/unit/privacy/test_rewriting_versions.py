"""Databases written anew: without rows, with empty cells, and otherwise equal to the last comment."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.errors import InputError
from orchestration.lib.privacy.erasure.rewriting import RewriteError, RowChange, rewrite_database

NOBODY = pa.array([], pa.int64())


def make(path: Path, rows: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """create schema marts; create schema raw;
            create table raw.people (
                id integer not null, name varchar,
                _row_hash varchar generated always as (md5(name)) virtual,
                extra decimal(18, 4) default 7);
            create view marts.people as select id, name from "crm"."raw"."people";
            create view marts.names as select name from "crm"."marts"."people";
            comment on table raw.people is 'Who there is';
            comment on column raw.people.name is 'It''s a name';
            comment on view marts.names is 'Names';"""
        )
        connection.execute(
            "insert into raw.people (id, name) select i, 'name ' || i from range(?) as t(i)", [rows]
        )
    return path


def shape_of(connection: duckdb.DuckDBPyConnection) -> list[object]:
    queries = (
        "select schema_name, table_name, sql, comment from duckdb_tables() where not internal",
        "select schema_name, view_name, sql, comment from duckdb_views() where not internal",
        "select table_name, column_name, data_type, is_nullable, column_default, comment "
        "from duckdb_columns() where not internal order by all",
        "select table_name, constraint_text from duckdb_constraints() order by all",
    )
    return [connection.execute(query).fetchall() for query in queries]


def test_all_but_the_rows_stays(tmp_path: Path) -> None:
    source, target = make(tmp_path / "old" / "crm.duckdb"), tmp_path / "new" / "crm.duckdb"
    change = RowChange(pa.array([1, 4], pa.int64()))
    rewrite_database(source, target, {("raw", "people"): change})
    with duckdb.connect(str(source)) as old, duckdb.connect(str(target)) as new:
        assert shape_of(new) == shape_of(old)
        assert new.execute("from marts.names").fetchall() == [(f"name {i}",) for i in (0, 2, 3, 5)]
        assert new.execute("select count(distinct _row_hash) from raw.people").fetchall() == [(4,)]
    content = target.read_bytes()
    assert b"name 2" in content
    assert b"name 4" not in content
    assert target.stat().st_mode & 0o777 == 0o600


def test_unlinked_rows_stay_with_empty_cells(tmp_path: Path) -> None:
    source, target = make(tmp_path / "old" / "crm.duckdb"), tmp_path / "new" / "crm.duckdb"
    change = RowChange(pa.array([0], pa.int64()), blank=("name",))
    rewrite_database(source, target, {("raw", "people"): change})
    with duckdb.connect(str(target)) as new:
        rows = new.execute("select id, name, extra from raw.people order by id").fetchall()
    assert [row[:2] for row in rows[:2]] == [(0, None), (1, "name 1")]
    assert b"name 0" not in target.read_bytes()


def test_values_of_rows_that_stay_get_another_name(tmp_path: Path) -> None:
    source, target = make(tmp_path / "old" / "crm.duckdb"), tmp_path / "new" / "crm.duckdb"
    change = RowChange(NOBODY, renamed={"name": {"name 3": "name 0"}})
    rewrite_database(source, target, {("raw", "people"): change})
    with duckdb.connect(str(target)) as new:
        names = new.execute("select name from raw.people order by id").fetchall()
    assert [row[0] for row in names[:4]] == ["name 0", "name 1", "name 2", "name 0"]
    assert b"name 3" not in target.read_bytes()


@settings(deadline=None, max_examples=20)
@given(rows=st.sets(st.integers(0, 5)))
def test_rows_keep_their_order(rows: set[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rewriting")
    source, target = make(folder / "old" / "crm.duckdb"), folder / "new" / "crm.duckdb"
    rewrite_database(
        source, target, {("raw", "people"): RowChange(pa.array(sorted(rows), pa.int64()))}
    )
    with duckdb.connect(str(target)) as new:
        left = [row[0] for row in new.execute("select id from raw.people").fetchall()]
    assert left == [number for number in range(6) if number not in rows]


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "old" / "crm.duckdb")
    with duckdb.connect(str(source)) as connection:
        connection.execute("create sequence raw.numbers")
    with pytest.raises(RewriteError, match="1 sequences, which a rewriting would lose"):
        rewrite_database(source, tmp_path / "new" / "crm.duckdb", {})


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    source = tmp_path / "old" / "crm.duckdb"
    source.parent.mkdir()
    source.write_bytes(b"DUCK" * 5000)
    with pytest.raises(InputError, match="can't be written anew"):
        rewrite_database(source, tmp_path / "new" / "crm.duckdb", {})
    assert not (tmp_path / "new" / "crm.duckdb").exists()
