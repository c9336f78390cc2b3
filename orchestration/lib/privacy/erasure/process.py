"""An erasure from request to certificate: the order of the stages, and going on after a crash.

Belongs here: what follows what. Does not: the stages themselves.

Tombstones come first, so that nothing of the people can be loaded from then on. Every later stage can be
repeated: it finds nothing where it was done. The run lock is held throughout.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import ensure_manifest, read_manifest
from orchestration.lib.errors import CheckFailedError
from orchestration.lib.keys import load_key
from orchestration.lib.privacy.audit_log import append, subject_pseudonym
from orchestration.lib.privacy.byte_search import PatternSet, compile_patterns, search_tree
from orchestration.lib.privacy.byte_search.report import SearchReport
from orchestration.lib.privacy.erasure.certificate import certificate_of
from orchestration.lib.privacy.erasure.changes import changes_of
from orchestration.lib.privacy.erasure.files import (
    erase_from_landing,
    erase_from_others,
    rewritten_files,
)
from orchestration.lib.privacy.erasure.journal import Journal, Lookup
from orchestration.lib.privacy.erasure.lookup import look_up, run_folders
from orchestration.lib.privacy.erasure.rules import Rules
from orchestration.lib.privacy.erasure.versions import erase_version, reading
from orchestration.lib.privacy.landing_files import follow_rewritten
from orchestration.lib.privacy.subjects import STAGING_DIR
from orchestration.lib.privacy.targets import THING, Targets
from orchestration.lib.privacy.tombstones import add_tombstones
from orchestration.settings import DBT_PROJECT_DIR, Settings

VERSION = "version"
Tell = Callable[[str, str], None]


def _silent(stage: str, item: str) -> None:
    """Tell nobody."""


@dataclass
class Erasure:
    """One request being carried out; hold the run lock around `run`."""

    settings: Settings
    journal: Journal
    tell: Tell = field(default=_silent)

    @cached_property
    def rules(self) -> Rules:
        """What any version goes by."""
        ensure_manifest(DBT_PROJECT_DIR)
        return Rules(load_contracts(STAGING_DIR), read_manifest(DBT_PROJECT_DIR), self.patterns)

    @cached_property
    def lookup(self) -> Lookup:
        """What was found; looked up once and kept in the journal."""
        kept = self.journal.read_lookup()
        if kept is not None:
            return kept
        self.tell("lookup", "")
        request = self.journal.read_request()
        self.working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        found, _ = look_up(self.settings, request, load_contracts(STAGING_DIR), self.working_dir)
        self.journal.write_lookup(found)
        return found

    @cached_property
    def patterns(self) -> PatternSet:
        """The unshared identifiers, to look for in bytes."""
        return compile_patterns(self.lookup.identifiers)

    @property
    def working_dir(self) -> Path:
        """Private folder on the warehouse's disk; files are put in place from it."""
        return self.settings.warehouse_dir / "work" / f"erasure-{self.journal.request_id}"

    def run(self) -> dict[str, Any]:
        """Carry out what is left to do; return the certificate.

        Raises
        ------
        CheckFailedError
            When something of the people is still found; the request stays pending.
        InputError
            When a file can't be read or rewritten; the request stays pending.
        """
        done = self.journal.read_certificate()
        if done is not None:  # killed while what identifies people was removed
            self.journal.finish(done)
            shutil.rmtree(self.working_dir, ignore_errors=True)
            return done
        settings, journal, lookup = self.settings, self.journal, self.lookup
        self.working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.tell("tombstones", "")
        self._log("erasure_begun", {"people": len(lookup.customer_ids)})
        add_tombstones(settings.home, lookup.tombstones, journal.asked_at, journal.request_id)
        contracts = self.rules.contracts
        for name in erase_from_landing(
            settings, contracts, lookup, self.patterns, journal, self.working_dir
        ):
            self.tell("landing", name)
        self._versions()
        for name in erase_from_others(settings, lookup, self.patterns, journal):
            self.tell("other files", name)
        self._clear_work()
        self.tell("verification", "")
        report, left = self._verify()
        certificate = certificate_of(journal, lookup, self.rules, settings, report, left)
        if report.hits or left:
            names = sorted({str(hit.path) for hit in report.hits} | set(left))
            raise CheckFailedError(
                f"The erasure {journal.request_id} is not complete: {report.sentence()} "
                f"Still found in: {', '.join(names[:5])}. Look at these, then run `cadencia erase "
                "--resume`."
            )
        self._log("erasure_finished", {"people": len(lookup.customer_ids)})
        for customer_id in lookup.customer_ids:
            subject = subject_pseudonym(settings.home, customer_id)
            self._log("erase", {"records": lookup.records}, subject)
        journal.finish(certificate)
        shutil.rmtree(self.working_dir, ignore_errors=True)
        return certificate

    def _log(self, action: str, details: dict[str, Any], subject: str | None = None) -> None:
        key = f"{action}:{subject or ''}"
        if self.journal.is_finished("audit_log", key):
            return
        details = {"request_id": self.journal.request_id, **details}
        append(self.settings.home, action, details, now=datetime.now(UTC), subject=subject)
        self.journal.note("audit_log", key, {})

    def _versions(self) -> None:
        settings, lookup = self.settings, self.lookup
        rewritten = rewritten_files(settings, self.rules.contracts, lookup)
        pseudonym_key = settings.pseudonym_key.get_secret_value()
        keys = [load_key("pseudonym", pseudonym_key, settings.keys_dir)]
        for folder in run_folders(settings.warehouse_dir):
            if self.journal.is_finished(VERSION, folder.name):
                continue
            self.tell("versions", folder.name[:8])
            own = lookup.versions.get(folder.name, Targets())
            erased = erase_version(
                folder,
                self.working_dir / folder.name,
                self.rules,
                lookup.targets.merged(own),
                keys,
                lambda connection: follow_rewritten(connection, rewritten),
                memory_limit=settings.memory_limit,
                threads=settings.threads,
            )
            counts = {f"deleted:{name}": count for name, count in erased.deleted.items()}
            counts |= {f"unlinked:{name}": count for name, count in erased.unlinked.items()}
            self.journal.note(VERSION, folder.name, counts)

    def _clear_work(self) -> None:
        """Remove working copies: nobody else works while the lock is held."""
        shutil.rmtree(self.settings.warehouse_dir / "work", ignore_errors=True)
        self.working_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _verify(self) -> tuple[SearchReport, list[str]]:
        """Search all bytes, and all tables of every version for rows; return what is left."""
        report = search_tree(
            self.settings.home,
            self.patterns,
            leave_out=(self.journal.folder, self.settings.keys_dir, self.working_dir),
            working_dir=self.working_dir,
            threads=self.settings.threads,
        )
        left = []
        for folder in run_folders(self.settings.warehouse_dir):
            own = self.lookup.versions.get(folder.name, Targets())
            targets = self.lookup.targets.merged(own)
            # what stays without its person is still known by its own key
            keys = [kind for kind in targets.values if kind.startswith(("group:", "row:", THING))]
            path = folder / "crm.duckdb"
            with reading(path, self.working_dir, self.settings.threads) as connection:
                found = changes_of(connection, self.rules, targets.without(*keys))
            left += [f"{folder.name[:8]} {schema}.{table}" for schema, table in found]
        return report, left
