"""Erase people from one published version: both files written anew, then put in place.

Belongs here: the order of that, and opening a version. Does not: which rows (`changes`), writing a
database (`rewriting`).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ml.identity.relations import has_table
from orchestration.lib.errors import InputError
from orchestration.lib.linking_models import RECORDS_HASH
from orchestration.lib.privacy.erasure.changes import (
    analytics_changes,
    changes_of,
    dropped_tables,
    other_keys,
)
from orchestration.lib.privacy.erasure.rewriting import Update, rewrite_database
from orchestration.lib.privacy.erasure.rules import Rules
from orchestration.lib.privacy.targets import Targets
from orchestration.lib.private_files import put_in_place
from orchestration.lib.publishing import DATABASES
from orchestration.lib.sql_text import quoted_text


@dataclass
class Erased:
    """How many rows went or were unlinked, by 'schema.table'."""

    deleted: Counter[str] = field(default_factory=Counter)
    unlinked: Counter[str] = field(default_factory=Counter)


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
        put_in_place(partial, ready)
    stored = json.loads(ready.read_text())
    for name in DATABASES:
        if (working_dir / name).exists():
            put_in_place(working_dir / name, folder / name)
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
    if not has_table(connection, "identity.linking_runs"):
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
