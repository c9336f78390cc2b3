"""The files in the drop folders with the tables that read them, and the ledger after they were rewritten.

Belongs here: which contract reads which file, embedded databases included. Does not: rewriting
(`scrubbing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import CadenciaError
from orchestration.lib.ingest.discovery import glob_expression
from orchestration.lib.ingest.files import content_hash
from orchestration.lib.privacy.scrubbing.sqlite import is_sqlite


@dataclass(frozen=True)
class LandingFile:
    """A file under ``landing/``; ``name`` is relative to its system's folder, as the ledger has it."""

    system: str
    name: str
    path: Path
    tables: tuple[TableContract, ...]

    @property
    def shown(self) -> str:
        """Path below the drop folder."""
        return f"{self.system}/{self.name}" if self.system else self.name


def is_undeclared_theirs(file: LandingFile) -> bool:
    """Whether columns that a table doesn't declare are emptied with the person's others.

    Nobody knows what they hold. Where several tables read one file, one's undeclared column is another's
    amount, so there they stay.
    """
    return len(file.tables) == 1 or all(table.scheme == "database" for table in file.tables)


def _pattern_of(table: TableContract) -> str:
    rest = table.location.partition("://")[2]
    return rest if table.scheme == "landing" else Path(rest).name


def landing_files(contracts: Mapping[str, SystemContract], landing_dir: Path) -> list[LandingFile]:
    """Return every file under the drop folders, also those that no contract reads; links are left."""
    files = []
    base = landing_dir.resolve()
    for path in sorted(base.rglob("*")) if base.is_dir() else []:
        if path.is_symlink() or not path.is_file():
            continue
        system, _, name = path.relative_to(base).as_posix().partition("/")
        if not name:
            system, name = "", system
        files.append(LandingFile(system, name, path, _readers(contracts.get(system), name, path)))
    return files


def _readers(system: SystemContract | None, name: str, path: Path) -> tuple[TableContract, ...]:
    if system is None:
        return ()
    if is_sqlite(path):
        return tuple(table for table in system.tables if table.scheme == "database")
    return tuple(
        table
        for table in system.tables
        if table.scheme in ("landing", "package")
        and glob_expression(_pattern_of(table)).fullmatch(name)
    )


def outside_systems(contracts: Iterable[SystemContract], landing_dir: Path) -> list[str]:
    """Return the systems whose data lies in a database or service that is not ours to rewrite."""
    from orchestration.lib.remote.address import raw_url_of

    found = []
    for system in contracts:
        if any(table.scheme in ("database", "rest") for table in system.tables):
            try:
                url = raw_url_of(system, landing_dir)
            except CadenciaError:
                continue  # nothing says where it is, so no run has read it here
            if not url.startswith("sqlite:") or str(landing_dir) not in url:
                found.append(system.name)
    return sorted(found)


def hashes_of(files: Iterable[LandingFile]) -> dict[str, str]:
    """Return the content hash of each file by its path below the drop folder."""
    return {each.shown: content_hash(each.path) for each in files}


def follow_rewritten(
    connection: duckdb.DuckDBPyConnection, rewritten: Mapping[str, tuple[str, int]]
) -> None:
    """Let the ledger know rewritten files by their new content, so that nothing is loaded twice.

    ``rewritten`` is new hash and size by the hash before; a member of an archive goes by both names.
    """
    if not rewritten:
        return
    frame = pa.table(  # noqa: F841 - DuckDB finds it by name
        {
            "before": pa.array(list(rewritten), pa.string()),
            "after": pa.array([each[0] for each in rewritten.values()], pa.string()),
            "size": pa.array([each[1] for each in rewritten.values()], pa.int64()),
        }
    )
    connection.execute("create or replace temp table _rewritten as from frame")
    connection.execute(
        """update raw._batches set content_sha256 = rewritten.after, file_bytes = rewritten.size
        from _rewritten as rewritten where content_sha256 = rewritten.before"""
    )
    connection.execute(
        """update raw._batches as batches set content_sha256 = members.after
        from (
            select batch_id, sha256(after || '/' || member) as after
            from (
                select batch_id, content_sha256, rewritten.*,
                    substring(source_file, length(archive) + 2) as member
                from raw._batches cross join _rewritten as rewritten
                where coalesce(archive, '') <> ''
            )
            where content_sha256 = sha256(before || '/' || member)
        ) as members
        where batches.batch_id = members.batch_id"""
    )
