"""Files that hold what is too old: delivered ones, quarantine, earlier versions of the warehouse.

A delivered file is deleted when every row of every table that reads it lies before its cut. Which are,
is decided before the publish and noted in the ledger (`expired`); deleted they are after it, so that a
run that fails deletes nothing. Belongs here: whole files. Does not: rows (`retention`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import CadenciaError
from orchestration.lib.ingest.discovery import FoundFile, find_files
from orchestration.lib.ingest.files import content_hash, load_table
from orchestration.lib.ingest.ledger import EXPIRED, HELD_STATUSES, ensure_ledger
from orchestration.lib.privacy.retention import rows_before
from orchestration.lib.privacy.retention_policy import RetentionPolicy, RetentionRule
from orchestration.lib.publishing import published_runs


@dataclass(frozen=True)
class OldFile:
    """A delivered file with rows before the cut; ``is_whole`` when it has no others."""

    system: str
    name: str
    is_whole: bool


@dataclass(frozen=True)
class _Claim:
    """A table that reads a file, and its rule, if there is one."""

    table: TableContract
    rule: RetentionRule | None


def old_files(
    connection: duckdb.DuckDBPyConnection,
    systems: Iterable[SystemContract],
    policy: RetentionPolicy,
    cuts: Mapping[str, date],
    landing_dir: Path,
) -> list[OldFile]:
    """Return the delivered files that hold rows before the cut. Call it before the rows are deleted.

    Parameters
    ----------
    connection
        The warehouse with the raw tables.
    systems
        Contracts of the source systems whose files are looked at.
    policy, cuts
        Rules, and the first day that each table keeps.
    landing_dir
        Folder of the delivered files.
    """
    rules = {rule.name: rule for rule in policy.rules if rule.name in cuts}
    found: list[OldFile] = []
    for system in systems:
        claims: dict[str, tuple[FoundFile, list[_Claim]]] = {}
        rows: dict[str, dict[str, tuple[int, int]]] = {}
        for table in system.tables:
            if table.scheme != "landing":
                continue
            rule = rules.get(f"raw.{table.identifier}")
            if rule is not None:
                rows[table.name] = _rows_by_file(connection, table, rule, cuts[rule.name])
            for file in _files_of(table, landing_dir):
                claims.setdefault(file.name, (file, []))[1].append(_Claim(table, rule))
        for name, (file, readers) in sorted(claims.items()):
            counts = [rows.get(claim.table.name, {}).get(name, (0, 0)) for claim in readers]
            has_old = any(old for old, _ in counts)
            is_candidate = all(claim.rule for claim in readers) and not any(
                new for _, new in counts
            )
            if is_candidate and _holds_only_old_rows(readers, file, cuts, landing_dir):
                found.append(OldFile(system.name, name, is_whole=True))
            elif has_old:
                found.append(OldFile(system.name, name, is_whole=False))
    return found


def _files_of(table: TableContract, landing_dir: Path) -> Sequence[FoundFile]:
    try:
        return find_files(table, landing_dir).files
    except CadenciaError:
        return ()  # none is there, or it is for the next run to complain about


def _rows_by_file(
    connection: duckdb.DuckDBPyConnection, table: TableContract, rule: RetentionRule, cut: date
) -> dict[str, tuple[int, int]]:
    """Return the rows before and after the cut of each file (of an archive, not its members)."""
    try:
        rows = connection.execute(
            f"""with going as ({rows_before(rule, cut)})
            select _source_file,
                count(*) filter (where raw.rowid in (select row_id from going)),
                count(*) filter (where raw.rowid not in (select row_id from going))
            from {table.relation} as raw group by _source_file"""
        ).fetchall()
        archives = dict(
            connection.execute(
                """select source_file, archive from raw._batches
                where source_system = ? and table_name = ? and archive <> ''""",
                [table.system, table.name],
            ).fetchall()
        )
    except duckdb.CatalogException:
        return {}  # the system was never loaded here
    found: dict[str, tuple[int, int]] = {}
    for source_file, old, new in rows:
        name = archives.get(source_file, source_file)
        before = found.get(name, (0, 0))
        found[name] = (before[0] + old, before[1] + new)
    return found


def _holds_only_old_rows(
    claims: Sequence[_Claim], file: FoundFile, cuts: Mapping[str, date], landing_dir: Path
) -> bool:
    """Read the file by itself: the warehouse lacks rows of it that a newer file repeats."""
    has_rows = False
    for claim in claims:
        if claim.rule is None:
            return False
        found = rows_of_file(
            claim.table, claim.rule, cuts[claim.rule.name], file.path, file.name, landing_dir
        )
        if found is None or len(found.old) < found.all:
            return False
        has_rows = has_rows or found.all > 0
    return has_rows


@dataclass(frozen=True)
class FileRows:
    """How many rows a table reads of a file, and the delivery and number of those before the cut."""

    all: int
    old: frozenset[tuple[str, int]]


def rows_of_file(
    table: TableContract,
    rule: RetentionRule,
    cut: date,
    path: Path,
    name: str,
    landing_dir: Path,
) -> FileRows | None:
    """Read one delivered file by itself, every row of it; None when it can't be read.

    Parameters
    ----------
    table, rule, cut
        The table that reads the file, how its rows are dated, and the first day that is kept.
    path, name
        The file, and its name below the system's drop folder.
    landing_dir
        The drop folder of the home.
    """
    # Every row counts here, also one that another row of the file replaces.
    every = replace(table, delivery="append", primary_key=(), version_by=())
    # Where the next run removes what a killed one left.
    work_dir = landing_dir.parent / "warehouse" / "work"
    work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="retention_", dir=work_dir) as folder:
        alone = Path(folder)
        target = alone / table.system / name
        target.parent.mkdir(parents=True)
        try:
            os.link(path, target)
        except OSError:  # the drop folder lies on another file system
            shutil.copyfile(path, target)
        try:
            with duckdb.connect() as connection:
                load_table(
                    connection,
                    every,
                    landing_dir=alone,
                    loaded_at=datetime.now(UTC).replace(tzinfo=None),
                    run_id="retention",
                    working_dir=alone,
                )
                ((rows,),) = connection.execute(f"select count(*) from {table.relation}").fetchall()
                old = connection.execute(
                    f"""select _source_file, _row_number from {table.relation}
                    where rowid in ({rows_before(rule, cut)})"""
                ).fetchall()
        except CadenciaError:
            return None  # what can't be read can't be judged
    return FileRows(rows, frozenset(old))


def mark_expired(connection: duckdb.DuckDBPyConnection, files: Iterable[OldFile]) -> None:
    """Note in the ledger that a file's rows are gone for good, so that a rebuild does not miss it."""
    ensure_ledger(connection)
    marks = ", ".join("?" for _ in HELD_STATUSES)
    for file in files:
        if file.is_whole:
            connection.execute(
                f"""update raw._batches set status = ?, note = 'older than its retention period'
                where source_system = ? and (source_file = ? or archive = ?)
                    and status in ({marks})""",
                [EXPIRED, file.system, file.name, file.name, *HELD_STATUSES],
            )


def delete_expired(connection: duckdb.DuckDBPyConnection, landing_dir: Path) -> int:
    """Delete the files that the published ledger calls expired; return how many.

    A file that came anew under the name has another content and stays.
    """
    deleted = 0
    expired: dict[Path, list[tuple[str, str, str]]] = {}
    for system, source_file, archive, content in connection.execute(
        """select source_system, source_file, coalesce(archive, ''), content_sha256
        from raw._batches where status = ?""",
        [EXPIRED],
    ).fetchall():
        path = landing_dir / system / (archive or source_file)
        expired.setdefault(path, []).append((source_file, archive, content))
    for path, batches in expired.items():
        if not path.is_file():
            continue
        content = content_hash(path)
        if any(known == _content_of(content, name, archive) for name, archive, known in batches):
            path.unlink()
            deleted += 1
    return deleted


def _content_of(content: str, source_file: str, archive: str) -> str:
    if not archive:
        return content
    member = source_file.removeprefix(f"{archive}/")
    return sha256(f"{content}/{member}".encode()).hexdigest()


def old_folders(folder: Path, cut: date) -> list[Path]:
    """Return the entries of a folder (quarantine) that were last changed before the cut."""
    limit = datetime(cut.year, cut.month, cut.day, tzinfo=UTC).timestamp()
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry for entry in entries if entry.stat().st_mtime < limit]


def old_versions(warehouse_dir: Path, cut: date) -> list[str]:
    """Return the runs whose versions were published before the cut; never the current one."""
    return [
        run.run_id
        for run in published_runs(warehouse_dir)
        if not run.is_current and run.published_at[:10] < str(cut)
    ]


def delete_paths(paths: Iterable[Path]) -> int:
    """Delete files and folders; return how many."""
    count = 0
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        count += 1
    return count
