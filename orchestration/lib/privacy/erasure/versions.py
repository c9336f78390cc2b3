"""Erase people from one published version: which rows of its two files, and writing them anew.

Belongs here: finding the rows of every table, replacing the files. Does not: writing a database
(`rewriting`), what happens to a table (`policies`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.lib.analytics import EXPORTED_SCHEMAS, pseudonyms
from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import ContractError, InputError
from orchestration.lib.linking_models import RECORDS_HASH
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.erasure.policies import (
    DROPPED_PREFIX,
    Policy,
    TablePolicy,
    declared_policies,
    mentions,
    raw_policy,
)
from orchestration.lib.privacy.erasure.rewriting import RowChange, Update, rewrite_database
from orchestration.lib.privacy.raw_rows import THINGS, UNLINKED_CLASSES, policy_of
from orchestration.lib.privacy.registry import ColumnClass, ColumnClasses, classes_of
from orchestration.lib.privacy.targets import (
    CUSTOMER,
    CUSTOMER_COLUMN,
    RECORD,
    Targets,
    stage,
    table_condition,
)
from orchestration.lib.publishing import DATABASES
from orchestration.lib.sql_text import quoted_name, quoted_text

HOUSEHOLD = "household"
# Whatever its yml says of it.
DEVICE = {"device_id": "device_id"}


@dataclass
class Erased:
    """How many rows went or were unlinked, by 'schema.table'."""

    deleted: Counter[str] = field(default_factory=Counter)
    unlinked: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Rules:
    """What the erasure of any version goes by."""

    contracts: Mapping[str, SystemContract]
    manifest: Mapping[str, Any]
    patterns: PatternSet | None = None

    @cached_property
    def classes(self) -> ColumnClasses:
        """What the registry says of columns."""
        return classes_of(self.manifest)

    def class_of(self, schema: str, table: str, column: str) -> ColumnClass | None:
        """Return the class of a column, None when an old version has one that nobody classes now."""
        try:
            return self.classes.of(schema, table, column)
        except ContractError:
            return None

    def kinds(self, schema: str, table: str, columns: Sequence[str]) -> dict[str, str]:
        """Return the identifier kind of each column that has one."""
        found = {each: self.class_of(schema, table, each) for each in columns}
        return {
            name: each.identifier_kind
            for name, each in found.items()
            if each is not None and each.identifier_kind
        }

    @cached_property
    def _raw(self) -> dict[str, TableContract]:
        return {
            table.identifier: table for each in self.contracts.values() for table in each.tables
        }

    @cached_property
    def _declared(self) -> dict[tuple[str, str], Policy]:
        return declared_policies(self.manifest)

    def policy(self, schema: str, table: str, columns: Sequence[str]) -> TablePolicy:
        """Return the policy of a table that has these columns."""
        if schema == "raw":
            contract = self._raw.get(table)
            return raw_policy(contract) if contract else TablePolicy("keep")
        action = self._declared.get((schema, table), "delete")
        if action != "unlink":
            return TablePolicy(action)
        classes = {each: self.class_of(schema, table, each) for each in columns}
        blank = [
            name
            for name, found in classes.items()
            if found is not None and found.data_class in UNLINKED_CLASSES and name not in THINGS
        ]
        return TablePolicy("unlink", tuple(blank))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what the registry and the policies say."""
        declared = sorted(
            (*table, name, *map(str, found))
            for table, columns in self.classes.declared.items()
            for name, found in columns.items()
        )
        policies = sorted((*table, policy) for table, policy in self._declared.items())
        raw = sorted((name, policy_of(each), *each.record_keys) for name, each in self._raw.items())
        return sha256(json.dumps([declared, policies, raw]).encode()).hexdigest()[:16]


def version_targets(connection: duckdb.DuckDBPyConnection, targets: Targets) -> Targets:
    """Return the golden ids and households that the people have in a version.

    An id is theirs when one of their records has it, or when it became theirs and nobody else has it.
    A household is theirs when nobody of it stays.
    """
    stage(connection, targets)
    has_ledger = _has_table(connection, "identity", "id_assignments")
    assignments = (
        "union all select customer_id, household_id, record_id from identity.id_assignments"
        if has_ledger
        else ""
    )
    households = _has_table(connection, "identity", "customer_ids")
    current = (
        "select customer_id, household_id, record_id from identity.customer_ids"
        if households
        else "select customer_id, null as household_id, "
        "source_system || ':' || source_customer_id as record_id from marts.customer_identities"
    )
    connection.execute(
        f"""create or replace temp table _version_records as
        select customer_id, household_id, record_id, {mentions("record_id", RECORD)} as is_theirs
        from ({current} {assignments})"""
    )
    connection.execute(
        """create or replace temp table _version_customers as
        select distinct customer_id from _version_records where is_theirs
        union
        select from_customer_id from marts.customer_id_history
        where to_customer_id in (select customer_id from _version_records where is_theirs)
            and from_customer_id not in (
                select customer_id from _version_records where not is_theirs)"""
    )
    customers = connection.execute("select customer_id from _version_customers").fetchall()
    houses = connection.execute(
        """select household_id from _version_records where household_id is not null
        group by household_id
        having bool_and(customer_id in (select customer_id from _version_customers))"""
    ).fetchall()
    return Targets(
        {
            CUSTOMER: frozenset(row[0] for row in customers if row[0]),
            HOUSEHOLD: frozenset(row[0] for row in houses),
        }
    )


def _has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    return bool(
        connection.execute(
            """select 1 from duckdb_tables() where schema_name = ? and table_name = ?
            and database_name = current_database()""",
            [schema, table],
        ).fetchall()
    )


def _stored_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = connection.execute(
        """select schema_name, table_name from duckdb_tables()
        where database_name = current_database() and not temporary order by all"""
    ).fetchall()
    return rows


def dropped_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return what is left out as a whole: the linking makes it anew."""
    return [
        f"{schema}.{table}"
        for schema, table in _stored_tables(connection)
        if schema == "identity" and table.startswith(DROPPED_PREFIX)
    ]


def _household_condition(columns: list[str]) -> str | None:
    """Return the condition of a table about households and nobody in particular."""
    named = [each for each in columns if each == "household_id" or each.endswith("_household_id")]
    if not named or any(CUSTOMER_COLUMN.search(each) for each in columns):
        return None
    return " or ".join(mentions(each, HOUSEHOLD) for each in named)


def changes_of(
    connection: duckdb.DuckDBPyConnection, rules: Rules, targets: Targets
) -> dict[tuple[str, str], RowChange]:
    """Return what becomes of the people's rows in every table of a ``crm.duckdb``."""
    stage(connection, targets)
    present: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        """select schema_name, table_name, column_name from duckdb_columns()
        where database_name = current_database()"""
    ).fetchall():
        present.setdefault((schema, table), []).append(column)
    dropped = set(dropped_tables(connection))
    changes: dict[tuple[str, str], RowChange] = {}
    for schema, table in _stored_tables(connection):
        if f"{schema}.{table}" in dropped:
            continue
        if (schema, table) == ("raw", "_rejects"):
            rows = _rejects_of(connection, rules)
        else:
            columns = present[schema, table]
            kinds = DEVICE | rules.kinds(schema, table, columns)
            condition = table_condition(
                connection, rules.contracts, schema, table, kinds
            ) or _household_condition(columns)
            if condition is None or rules.policy(schema, table, columns).action == "keep":
                continue
            rows = _row_ids(connection, schema, table, condition)
        if len(rows):
            policy = rules.policy(schema, table, present[schema, table])
            changes[schema, table] = RowChange(rows, policy.blank)
    clusters = ("identity", "record_clusters")
    if clusters in present and (renamed := _renamed_households(connection)):
        rows = changes[clusters].rows if clusters in changes else pa.array([], pa.int64())
        changes[clusters] = RowChange(rows, renamed={"household_cluster": renamed})
    return changes


def _renamed_households(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return other names for the clusters of households that are called after one of the records."""
    return dict(
        connection.execute(
            f"""select household_cluster, min(record_id) from identity.record_clusters
            where {mentions("household_cluster", RECORD)} and not {mentions("record_id", RECORD)}
            group by household_cluster"""
        ).fetchall()
    )


def _row_ids(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, condition: str
) -> pa.Array:
    name = f"{quoted_name(schema)}.{quoted_name(table)}"
    query = f"select rowid as row_id from {name} where {condition}"
    return connection.execute(query).to_arrow_table()["row_id"].combine_chunks()


def _rejects_of(connection: duckdb.DuckDBPyConnection, rules: Rules) -> pa.Array:
    """Return the rejected rows whose raw line tells one of the people."""
    found = []
    if rules.patterns is not None:
        for row_id, line in connection.execute(
            "select rowid, raw_line from raw._rejects where raw_line is not null"
        ).fetchall():
            if rules.patterns.positions_in(line):
                found.append(row_id)
    return pa.array(found, pa.int64())


def other_keys(
    connection: duckdb.DuckDBPyConnection, changes: Mapping[tuple[str, str], RowChange]
) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """Return, of rows found by a device or the like and of no golden customer, column and key.

    The analysts' file has no such identifiers: it knows these rows by their key, the first column.
    """
    found = {}
    for (schema, table), change in changes.items():
        names = [row[0] for row in _columns_of(connection, schema, table)]
        customers = [each for each in names if CUSTOMER_COLUMN.search(each)]
        if schema not in EXPORTED_SCHEMAS or not customers or names[0] in customers:
            continue
        connection.register("changed_rows", pa.table({"row_id": change.rows}))
        nobody = " and ".join(f"{quoted_name(each)} is null" for each in customers)
        keys = connection.execute(
            f"""select distinct cast({quoted_name(names[0])} as varchar)
            from {quoted_name(schema)}.{quoted_name(table)}
            where rowid in (select row_id from changed_rows) and {nobody}"""
        ).fetchall()
        connection.unregister("changed_rows")
        if keys:
            found[schema, table] = (names[0], frozenset(row[0] for row in keys))
    return found


def _columns_of(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> list[tuple[str, ...]]:
    return connection.execute(
        """select column_name from duckdb_columns() where schema_name = ? and table_name = ?
        and database_name = current_database() order by column_index""",
        [schema, table],
    ).fetchall()


def analytics_changes(
    connection: duckdb.DuckDBPyConnection,
    rules: Rules,
    targets: Targets,
    keys: Sequence[bytes],
    others: Mapping[tuple[str, str], tuple[str, frozenset[str]]],
) -> dict[tuple[str, str], RowChange]:
    """Return what becomes of the people's rows in an ``analytics.duckdb``, by their pseudonyms."""
    values: dict[str, frozenset[str]] = {
        kind: frozenset(
            each
            for key in keys
            for each in pseudonyms(sorted(targets.values.get(kind, frozenset())), key)
        )
        for kind in (CUSTOMER, HOUSEHOLD)
    }
    stage(
        connection,
        Targets(
            values
            | {
                f"row:{schema}.{table}": found
                | {each for key in keys for each in pseudonyms(sorted(found), key)}
                for (schema, table), (_, found) in others.items()
            }
        ),
    )
    changes: dict[tuple[str, str], RowChange] = {}
    for schema, table in _stored_tables(connection):
        names = [row[0] for row in _columns_of(connection, schema, table)]
        parts = [mentions(each, CUSTOMER) for each in names if CUSTOMER_COLUMN.search(each)]
        if not parts and (of_households := _household_condition(names)):
            parts = [of_households]
        column = others.get((schema, table), ("", frozenset()))[0]
        if column in names:
            parts.append(mentions(column, f"row:{schema}.{table}"))
        policy = rules.policy(schema, table, names)
        if not parts or policy.action == "keep":
            continue
        rows = _row_ids(connection, schema, table, " or ".join(parts))
        if len(rows):
            changes[schema, table] = RowChange(rows, policy.blank)
    return changes


def erase_version(
    folder: Path,
    working_dir: Path,
    rules: Rules,
    targets: Targets,
    keys: Sequence[bytes],
    update: Update,
    *,
    memory_limit: str,
    threads: int,
) -> Erased:
    """Write both files of a version anew, then put them in place, one after the other.

    Readers hold the old file or open the new one. ``targets`` has the version's own golden ids. Killed
    before both are written it begins again; killed later it goes on, for then ``ready.json`` is there.
    """
    ready = working_dir / "ready.json"
    if not ready.exists():
        shutil.rmtree(working_dir, ignore_errors=True)
        erased = _write_files(
            folder, working_dir, rules, targets, keys, update, memory_limit, threads
        )
        partial = working_dir / "ready.partial"
        partial.write_text(json.dumps({"deleted": erased.deleted, "unlinked": erased.unlinked}))
        replace_durably(partial, ready)
    stored = json.loads(ready.read_text())
    for name in DATABASES:
        if (working_dir / name).exists():
            replace_durably(working_dir / name, folder / name)
    shutil.rmtree(working_dir)
    return Erased(Counter(stored["deleted"]), Counter(stored["unlinked"]))


def _write_files(
    folder: Path,
    working_dir: Path,
    rules: Rules,
    targets: Targets,
    keys: Sequence[bytes],
    update: Update,
    memory_limit: str,
    threads: int,
) -> Erased:
    crm, analytics = (folder / name for name in DATABASES)
    working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with reading(crm, working_dir, threads) as connection:
        linked = linked_records_hash(connection)
        changes = changes_of(connection, rules, targets)
        dropped = dropped_tables(connection)
        others = other_keys(connection, changes)

    def follow(new: duckdb.DuckDBPyConnection) -> None:
        follow_linking(new, linked)
        update(new)

    rewrite_database(
        crm,
        working_dir / crm.name,
        changes,
        dropped=dropped,
        update=follow,
        memory_limit=memory_limit,
        threads=threads,
    )
    if analytics.exists():
        with reading(analytics, working_dir, threads) as connection:
            theirs = analytics_changes(connection, rules, targets, keys, others)
        rewrite_database(
            analytics,
            working_dir / analytics.name,
            theirs,
            memory_limit=memory_limit,
            threads=threads,
        )
    erased = Erased()
    for (schema, table), change in changes.items():
        counter = erased.unlinked if change.blank else erased.deleted
        counter[f"{schema}.{table}"] += change.count
    return erased


def linked_records_hash(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the hash by which a run knows that the records to link are those of the run before."""
    if not _has_table(connection, "identity", "linking_runs"):
        return None
    ((found,),) = connection.execute(
        f"select {RECORDS_HASH} from identity.records_to_link as given"
    ).fetchall()
    return str(found)


def follow_linking(connection: duckdb.DuckDBPyConnection, before: str | None) -> None:
    """Let the next run link the records that are left with the model that linked all of them."""
    if before is not None:
        after = linked_records_hash(connection)
        connection.execute(
            "update identity.linking_runs set records_hash = ? where records_hash = ?",
            [after, before],
        )


@contextmanager
def reading(path: Path, working_dir: Path, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file read-only; what doesn't fit into memory goes into the working folder.

    Raises
    ------
    InputError
        When it can't be opened.
    """
    try:
        connection = duckdb.connect(str(path.resolve()), read_only=True)
    except duckdb.Error as error:
        raise InputError(
            f"The published file {path} can't be opened ({type(error).__name__}), so nobody can be "
            "erased from it. Put it back from a backup or delete its version, and resume the erasure."
        ) from None
    try:
        connection.execute(f"set threads = {threads}")
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set temp_directory = {quoted_text(str(working_dir / 'spilled'))}")
        yield connection
    finally:
        connection.close()


def replace_durably(new: Path, old: Path) -> None:
    """Put a finished file in the place of another; a crash leaves one of the two."""
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.chmod(0o600)
    new.replace(old)
    folder = os.open(old.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
