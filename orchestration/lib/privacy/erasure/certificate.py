"""The certificate of an erasure: what was done, where, how many and when; never whose.

Belongs here: its content, and reading all of them for ``privacy.erasures``. Does not: the stages.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.privacy.audit_log import subject_pseudonym
from orchestration.lib.privacy.byte_search.report import SearchReport
from orchestration.lib.privacy.erasure.journal import CERTIFICATE, Journal, Lookup, erasures_dir
from orchestration.lib.privacy.erasure.rules import Rules
from orchestration.lib.sql_text import quoted_name
from orchestration.settings import Settings

WHAT_STAYS = (
    "Rows of tickets, orders, invoices, contracts and vehicles stay without their person "
    "(accounting law), aggregates stay as they were computed, and of the person keyed hashes that keep "
    "old files from bringing them back. Entries of opt-out lists that others keep stay as hashes."
)


def _summed(counts: Iterable[Mapping[str, int]], prefix: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        for name, count in each.items():
            if name.startswith(f"{prefix}:"):
                total[name.partition(":")[2]] += count
    return dict(sorted(total.items()))


def certificate_of(
    journal: Journal,
    lookup: Lookup,
    rules: Rules,
    settings: Settings,
    report: SearchReport,
    left: Sequence[str],
) -> dict[str, Any]:
    """Return the certificate; it has counts, names of files and tables, and keyed pseudonyms only."""
    stones = {kind: len(values) for kind, values in sorted(lookup.tombstones.values.items())}
    versions = {
        run_id: {
            "rows_deleted": _summed([counts], "deleted"),
            "rows_unlinked": _summed([counts], "unlinked"),
        }
        for run_id, counts in journal.counts("version").items()
    }
    return {
        "request_id": journal.request_id,
        "asked_at": journal.asked_at.isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "people": len(lookup.customer_ids),
        "found_beside_the_linking": lookup.twins,
        "source_records": lookup.records,
        "subjects": sorted(subject_pseudonym(settings.home, each) for each in lookup.customer_ids),
        "registry": rules.fingerprint,
        "tombstones": stones,
        "landing_files": journal.counts("landing"),
        "versions": versions,
        "other_files": journal.counts("other_files") | journal.counts("simulation"),
        "what_stays": WHAT_STAYS,
        "identifiers_shared_with_others": lookup.shared_identifiers,
        "to_be_erased_there_by_their_owner": list(lookup.outside),
        "verification": {
            "is_clean": not report.hits and not left,
            "identifiers": len(lookup.identifiers),
            "files": report.files,
            "bytes": report.bytes_read,
            "hits": sum(hit.count for hit in report.hits),
            "tables_with_rows_left": list(left),
            "not_searched": sorted({f"{each.path}: {each.reason}" for each in report.not_searched}),
        },
    }


def read_certificates(home: Path) -> list[dict[str, Any]]:
    """Return all certificates, the oldest first."""
    found = []
    base = erasures_dir(home)
    for path in sorted(base.glob(f"*/{CERTIFICATE}")) if base.is_dir() else ():
        certificate: dict[str, Any] = json.loads(path.read_text())
        found.append(certificate)
    return found


def load_erasures(
    connection: duckdb.DuckDBPyConnection,
    certificates: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
) -> int:
    """Write ``privacy.erasures`` anew with the declared columns; return its rows."""
    rows = []
    for each in certificates:
        versions, verified = each["versions"].values(), each["verification"]
        values = {
            **each,
            "people_erased": each["people"],
            "asked_at": _utc(each["asked_at"]),
            "finished_at": _utc(each["finished_at"]),
            "tombstones": sum(each["tombstones"].values()),
            "landing_files": len(each["landing_files"]),
            "versions": len(each["versions"]),
            "rows_deleted": sum(sum(one["rows_deleted"].values()) for one in versions),
            "rows_unlinked": sum(sum(one["rows_unlinked"].values()) for one in versions),
            "other_files": len(each["other_files"]),
            "identifiers_searched": verified["identifiers"],
            "hits": verified["hits"],
            "is_clean": verified["is_clean"],
            "outside_systems": ",".join(each["to_be_erased_there_by_their_owner"]),
        }
        rows.append([values[name] for name in columns])
    ddl = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
    connection.execute("create schema if not exists privacy")
    connection.execute(f"create or replace table privacy.erasures ({ddl})")
    if rows:
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"insert into privacy.erasures values ({marks})", rows)
    return len(rows)


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
