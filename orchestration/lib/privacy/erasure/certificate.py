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

from orchestration.lib.privacy.audit_log import subject_pseudonym
from orchestration.lib.privacy.byte_search.report import SearchReport
from orchestration.lib.privacy.erasure.journal import CERTIFICATE, Journal, Lookup, erasures_dir
from orchestration.lib.privacy.erasure.versions import Rules
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
