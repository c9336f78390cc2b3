"""What was delivered: a file, a member of an archive or an extract, and which one is newer.

Belongs here: names, dates in names, order. Does not: opening anything (`discovery`, `archives`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

DATE_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>-?)(?P<month>0[1-9]|1[0-2])"
    r"(?:(?P=dash)(?P<day>0[1-9]|[12]\d|3[01]))?(?:_(?P<time>[0-2]\d[0-5]\d[0-5]\d))?(?!\d)"
)
KNOWN_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".txt", ".dat", ".json", ".ndjson", ".jsonl", ".parquet", ".pq"),
    *(".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".gz", ".zip"),
)


def delivery_date(name: str) -> str:
    """Return the first date in a file's name as digits (``20240131``, ``202401_093000``), or ''."""
    found = DATE_IN_NAME.search(PurePosixPath(name).name)
    if found is None:
        return ""
    digits = found["year"] + found["month"] + (found["day"] or "")
    return f"{digits}_{found['time']}" if found["time"] else digits


def stem_of(name: str) -> str:
    """Return a file's name without folder and without the endings of formats and compression."""
    path = PurePosixPath(name)
    while path.suffix.lower() in KNOWN_ENDINGS:
        path = path.with_suffix("")
    return path.name


@dataclass(frozen=True)
class Delivery:
    """One thing that was delivered; for a member of an archive, ``archive`` names the archive."""

    source_file: str
    content_sha256: str
    size_bytes: int = 0
    archive: str = ""
    date: str = ""
    stem: str = ""
    cursor_value: str | None = None

    @property
    def label(self) -> str:
        """Text kept in ``_delivery``: date|stem."""
        return f"{self.date}|{self.stem}"

    @property
    def order(self) -> tuple[str, str]:
        """Sorts deliveries: the greater one is newer."""
        return self.date, self.stem

    @property
    def container(self) -> str:
        """Name of the file in the drop folder: the archive, or the file itself."""
        return self.archive or self.source_file


def file_delivery(
    source_file: str, content_sha256: str, size_bytes: int, archive: str = ""
) -> Delivery:
    """Return the delivery of a file; date and stem come from its name (the archive's first)."""
    member = source_file.removeprefix(f"{archive}/") if archive else source_file
    stem = f"{stem_of(archive)}/{stem_of(member)}" if archive else stem_of(member)
    date = (delivery_date(archive) if archive else "") or delivery_date(member)
    return Delivery(source_file, content_sha256, size_bytes, archive, date, stem)


def batch_id_of(system: str, table: str, delivery: Delivery, contract_sha256: str) -> str:
    """Return the ledger's key of a delivery read under a contract."""
    key = f"{system}.{table}.{delivery.source_file}.{delivery.content_sha256}.{contract_sha256}"
    return sha256(key.encode()).hexdigest()[:16]
