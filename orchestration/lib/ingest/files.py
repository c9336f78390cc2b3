"""Load a table from its delivered files: find, hash, plan, read what is new, merge.

Belongs here: the flow for files. Does not: the single steps, which stand in the other modules.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.archives import is_gzip, is_zip, list_members, unpack
from orchestration.lib.ingest.deliveries import Delivery, file_delivery
from orchestration.lib.ingest.discovery import FoundFile, find_files
from orchestration.lib.ingest.ledger import (
    DUPLICATE,
    SKIPPED,
    FileResult,
    LoadResult,
    ensure_ledger,
    has_expired,
    held_batches,
    raw_table_exists,
    result_of,
    write_batch,
)
from orchestration.lib.ingest.plan import LoadPlan, plan_load
from orchestration.lib.ingest.readers.delimited import stage_delimited
from orchestration.lib.ingest.readers.excel import stage_excel
from orchestration.lib.ingest.readers.json_documents import stage_json
from orchestration.lib.ingest.readers.parquet import stage_parquet
from orchestration.lib.ingest.readers.text_lines import stage_fixed_width, stage_whitespace
from orchestration.lib.ingest.staging import Reader, Source, Staged
from orchestration.lib.ingest.table_load import TableLoad
from orchestration.lib.privacy.tombstones import Recogniser

READERS: Mapping[str, Reader] = {
    "csv": stage_delimited,
    "tsv": stage_delimited,
    "fixed_width": stage_fixed_width,
    "whitespace": stage_whitespace,
    "json": stage_json,
    "ndjson": stage_json,
    "parquet": stage_parquet,
    "excel": stage_excel,
}
FORMAT_OF_ENDING = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
TEXT_FORMATS = ("csv", "tsv", "fixed_width", "whitespace", "json", "ndjson")
HASHING_THREADS = 2


@dataclass(frozen=True)
class DeliveredFile:
    """A delivery and where it lies: in a file, or as a member of that file."""

    delivery: Delivery
    file: FoundFile
    member: str | None = None

    @property
    def shown(self) -> str:
        """Name for messages."""
        return f"{self.file.path}" + (f" (member {self.member})" if self.member else "")


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def format_of(table: TableContract, name: str) -> str:
    """Return the format of a file: as declared, or by its name.

    Raises
    ------
    InputError
        When the format is to follow from a name that doesn't tell it.
    """
    if table.format != "auto":
        return table.format
    path = PurePosixPath(name.lower())
    while path.suffix in (".gz", ".zip"):
        path = path.with_suffix("")
    found = FORMAT_OF_ENDING.get(path.suffix)
    if found is None:
        raise InputError(
            f"{table.system}.{table.name}: the name of the file {name} doesn't tell its format. "
            "Declare format in the contract."
        )
    return found


def _is_workbook(table: TableContract, name: str) -> bool:
    return table.format == "excel" or (
        PurePosixPath(name.lower()).suffix in FORMAT_OF_ENDING
        and FORMAT_OF_ENDING[PurePosixPath(name.lower()).suffix] in ("excel", "parquet")
    )


def _deliveries_of(
    table: TableContract, file: FoundFile, content: str
) -> tuple[list[DeliveredFile], int]:
    """Return the file as one delivery, or its members when it is an archive."""
    is_archive = is_zip(file.path) and (
        file.name.lower().endswith(".zip") or not _is_workbook(table, file.name)
    )
    if not is_archive:
        return [DeliveredFile(file_delivery(file.name, content, file.size_bytes), file)], 0
    members, not_read = list_members(table, file.path)
    delivered = []
    for member in members:
        own = sha256(f"{content}/{member.name}".encode()).hexdigest()
        delivery = file_delivery(
            f"{file.name}/{member.name}", own, member.size_bytes, archive=file.name
        )
        delivered.append(DeliveredFile(delivery, file, member.name))
    return delivered, not_read


@contextmanager
def _working_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder for copies that only its owner may read; it is removed in any case."""
    folder = Path(tempfile.mkdtemp(prefix="ingest_", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stage(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    delivered: DeliveredFile,
    folder: Path,
) -> Staged:
    """Read one delivery into ``_delivered``, unpacked first where it is compressed."""
    path = delivered.file.path
    name = delivered.delivery.source_file
    kind = format_of(table, name)
    source = Source(connection, table, path, delivered.shown, folder, kind)
    if delivered.member is not None or (kind in TEXT_FORMATS and is_gzip(path)):
        target = source.copy_path(PurePosixPath(name.lower().removesuffix(".gz")).suffix or ".bin")
        unpack(table, path, delivered.member, target)
        source = Source(connection, table, target, delivered.shown, folder, kind)
        if delivered.member is not None and is_gzip(target):
            raise InputError(
                f"{table.system}.{table.name}: {delivered.shown} is packed twice. Pack the plain "
                "file and deliver it again."
            )
    return READERS[kind](source)


def _read_new(
    load: TableLoad,
    plan: LoadPlan,
    by_delivery: Mapping[Delivery, DeliveredFile],
    parent: Path | None,
) -> None:
    """Read what the plan asks for; each file must be afterwards as it was found."""
    held = {batch.delivery.content_sha256 for batch in held_batches(load.connection, load.table)}
    for delivery in (*plan.to_load, *plan.superseded):
        delivered = by_delivery[delivery]
        with _working_folder(parent) as folder:
            staged = _stage(load.connection, load.table, delivered, folder)
            if delivery in plan.superseded:
                load.count_only(delivery, staged, shown=delivered.shown)
            else:
                is_repeat = delivery.content_sha256 in held
                load.take(delivery, staged, shown=delivered.shown, is_repeat=is_repeat)
        delivered.file.require_unchanged(load.table)
    for delivery in plan.duplicates:
        load.note(delivery, DUPLICATE, None, "the content of a file that was delivered already")


def _write_skipped(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    skipped: Sequence[tuple[str, str]],
    loaded_at: datetime,
    run_id: str,
) -> None:
    """Keep the files that are skipped now in the ledger, without rows."""
    connection.execute(
        "delete from raw._batches where source_system = ? and table_name = ? and status = ?",
        [table.system, table.name, SKIPPED],
    )
    for name, reason in skipped:
        key = sha256(f"{table.system}.{table.name}.{name}.{SKIPPED}".encode()).hexdigest()[:16]
        write_batch(
            connection,
            table,
            FileResult(key, name, SKIPPED, 0, 0, 0, 0),
            Delivery(name, ""),
            contract_sha256="",
            loaded_at=loaded_at,
            run_id=run_id,
            note=f"{name} {reason}",
        )


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    *,
    landing_dir: Path,
    loaded_at: datetime,
    run_id: str,
    full_refresh: bool = False,
    working_dir: Path | None = None,
    recogniser: Recogniser | None = None,
) -> LoadResult:
    """Bring the raw table up to date with the files in the drop folder.

    What was loaded already under the same contract changes nothing. ``loaded_at`` is UTC without
    zone; copies of compressed or transcoded files go to ``working_dir``. Rows of people whom the
    ``recogniser`` knows as erased are refused, or taken without them.

    Raises
    ------
    InputError
        When a file as a whole can't be loaded: missing, unreadable, damaged, a column missing; or
        when building the table again would lose rows. Nothing is changed then.
    """
    ensure_ledger(connection)
    if has_expired(connection, table):
        table = replace(table, is_optional=True)  # the last of its files may have been too old
    found = find_files(table, landing_dir)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = list(pool.map(lambda file: content_hash(file.path), found.files))
    by_delivery: dict[Delivery, DeliveredFile] = {}
    members_not_read = 0
    for file, content in zip(found.files, hashes, strict=True):
        delivered, not_read = _deliveries_of(table, file, content)
        by_delivery |= {each.delivery: each for each in delivered}
        members_not_read += not_read
    held = held_batches(connection, table)
    has_table = raw_table_exists(connection, table)
    plan = plan_load(
        table,
        tuple(by_delivery),
        held,
        contract_sha256=table.fingerprint(),
        is_forced=full_refresh or not has_table or not (held or table.is_optional),
    )
    skipped = tuple((each.name, each.reason) for each in found.skipped)
    if plan.is_idle:
        result = result_of(connection, table, held, held, is_unchanged=True)
    else:
        load = TableLoad(
            connection,
            table,
            loaded_at,
            run_id,
            is_rebuild=plan.is_rebuild,
            recogniser=recogniser,
        )
        _read_new(load, plan, by_delivery, working_dir)
        result = load.finish()
    _write_skipped(connection, table, skipped, loaded_at, run_id)
    return replace(
        result,
        skipped=tuple(f"{name} {reason}" for name, reason in skipped),
        members_not_read=members_not_read,
    )
