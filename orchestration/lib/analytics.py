"""Build ``analytics.duckdb`` from the warehouse: documented, pseudonymised, no direct identifier.

An allow-list: a column goes over only when its yml gives it a data class that may. Belongs here: the
copy and its rules. Does not: when it happens (`defs/publish`), or atomicity (`publishing`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.lib.errors import ContractError
from orchestration.lib.sql_text import quoted_name, quoted_text

EXPORTED_SCHEMAS = ("marts", "ml", "plan", "quality", "reference", "ops")
EXPORTED_CLASSES = ("none", "quasi_identifier", "sensitive")
KEY_CLASS = "customer_key"
ANY_COLUMN = "*"


def column_classes(manifest: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    """Return data classes as ``{(schema, table): {column: class}}`` from the dbt manifest."""
    classes: dict[tuple[str, str], dict[str, str]] = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] not in ("model", "seed", "source"):
            continue
        relation = (node["schema"], node.get("identifier") or node.get("alias") or node["name"])
        classes[relation] = {
            name: data_class
            for name, column in node["columns"].items()
            if (data_class := column_class(column)) is not None
        }
        if node["resource_type"] == "seed":
            # Seeds are reference data in Git, where no personal data may be.
            classes[relation][ANY_COLUMN] = "none"
    return classes


def column_class(column: Mapping[str, Any]) -> str | None:
    """Return the data class that a column's yml declares, None when it declares none."""
    meta = column.get("config", {}).get("meta") or column.get("meta") or {}
    data_class: str | None = meta.get("cadencia", {}).get("data_class")
    return data_class


def pseudonyms(values: list[str], key: bytes) -> list[str]:
    """Return keyed pseudonyms: the first 128 bits of HMAC-SHA256, hexadecimal, prefix ``P``.

    Without the key a pseudonym can't be recomputed from a customer id (a plain hash could).
    """
    return ["P" + hmac.new(key, value.encode(), sha256).hexdigest()[:32] for value in values]


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None]]:
    placeholders = ", ".join("?" for _ in EXPORTED_SCHEMAS)
    tables: list[tuple[str, str, str | None]] = connection.execute(
        f"""select schema_name, table_name, comment from duckdb_tables()
        where database_name = 'crm' and schema_name in ({placeholders})
        order by schema_name, table_name""",
        list(EXPORTED_SCHEMAS),
    ).fetchall()
    return tables


def _register_pseudonyms(
    connection: duckdb.DuckDBPyConnection, keyed: list[tuple[str, str, str]], key: bytes
) -> None:
    """Make the temporary table ``pseudonyms(value, pseudonym)`` for every keyed column."""
    union = " union ".join(
        f"select cast({quoted_name(column)} as varchar) as value "
        f"from crm.{quoted_name(schema)}.{quoted_name(table)}"
        for schema, table, column in keyed
    )
    values = [
        row[0]
        for row in connection.execute(
            f"select value from ({union or 'select null as value'}) where value is not null"
        ).fetchall()
    ]
    frame = pa.table(  # noqa: F841 - DuckDB finds it by name
        {
            "value": pa.array(values, pa.string()),
            "pseudonym": pa.array(pseudonyms(values, key), pa.string()),
        }
    )
    connection.execute("create temp table pseudonyms as from frame")


def build_analytics(
    crm_file: Path, analytics_file: Path, manifest: Mapping[str, Any], key: bytes
) -> dict[str, int]:
    """Write the analysts' database; return its row counts by ``schema.table``.

    Raises
    ------
    ContractError
        When a column of an exported table has no data class: undeclared means not exported, and
        an analyst must not find columns missing without anybody having decided so.
    """
    classes = column_classes(manifest)
    analytics_file.unlink(missing_ok=True)
    with duckdb.connect(str(analytics_file)) as connection:
        connection.execute(f"attach {quoted_text(str(crm_file))} as crm (read_only)")
        tables = _tables(connection)
        plan: list[tuple[str, str, str | None, list[tuple[str, str, str | None]]]] = []
        unclassified: list[str] = []
        for schema, table, comment in tables:
            columns = connection.execute(
                """select column_name, comment from duckdb_columns()
                where database_name = 'crm' and schema_name = ? and table_name = ?
                order by column_index""",
                [schema, table],
            ).fetchall()
            declared = classes.get((schema, table), {})
            default = declared.get(ANY_COLUMN, "")
            kept = [(c, declared.get(c, default), note) for c, note in columns]
            unclassified += [f"{schema}.{table}.{c}" for c, data_class, _ in kept if not data_class]
            plan.append(
                (
                    schema,
                    table,
                    comment,
                    [c for c in kept if c[1] in EXPORTED_CLASSES or c[1] == KEY_CLASS],
                )
            )
        if unclassified:
            raise ContractError(
                "These columns have no data class in their yml (config.meta.cadencia.data_class), so "
                f"nobody has decided whether analysts may see them: {', '.join(unclassified)}."
            )
        keyed = [
            (s, t, c) for s, t, _, cs in plan for c, data_class, _ in cs if data_class == KEY_CLASS
        ]
        _register_pseudonyms(connection, keyed, key)
        counts = {
            f"{s}.{t}": _copy_table(connection, s, t, note, cs) for s, t, note, cs in plan if cs
        }
        connection.execute("detach crm")
        connection.execute("checkpoint")
    return counts


def _copy_table(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    comment: str | None,
    columns: list[tuple[str, str, str | None]],
) -> int:
    """Copy one table with its pseudonyms and comments; return its rows."""
    target = f"{quoted_name(schema)}.{quoted_name(table)}"
    selected, joins = [], []
    for position, (column, data_class, _) in enumerate(columns):
        if data_class == KEY_CLASS:
            alias = f"keyed_{position}"
            selected.append(f"{alias}.pseudonym as {quoted_name(column)}")
            joins.append(
                f"left join pseudonyms as {alias} "
                f"on {alias}.value = cast(original.{quoted_name(column)} as varchar)"
            )
        else:
            selected.append(f"original.{quoted_name(column)}")
    connection.execute(f"create schema if not exists {quoted_name(schema)}")
    connection.execute(
        f"create table {target} as select {', '.join(selected)} "
        f"from crm.{target} as original {' '.join(joins)}"
    )
    if comment:
        connection.execute(f"comment on table {target} is {quoted_text(comment)}")
    for column, _, note in columns:
        if note:
            connection.execute(
                f"comment on column {target}.{quoted_name(column)} is {quoted_text(note)}"
            )
    (rows,) = connection.execute(f"select count(*) from {target}").fetchall()[0]
    return int(rows)
