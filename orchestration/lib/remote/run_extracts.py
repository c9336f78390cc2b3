"""The extracts of one run: a database is asked once, for all its tables, in one snapshot.

Belongs here: when to ask, how far back, and what a failure means for the other tables. Does not: asking
(`database_extract`, `rest_extract`), loading (`remote_load`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import CadenciaError, InputError
from orchestration.lib.private_files import private_folder
from orchestration.lib.remote.extract import Extract, label_of

CursorOf = Callable[[TableContract, str], "str | None"]
"""From a table and the fingerprint of its place: the cursor from which to extract, if any."""


@dataclass
class RunExtracts:
    """Extracts of a run in a private folder that goes with the run; they hold personal data."""

    folder: Path
    landing_dir: Path
    sleep: Callable[[float], None] = time.sleep
    _done: dict[tuple[str, str], Extract] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def extract_of(
        self,
        system: SystemContract,
        table: TableContract,
        wanted: Sequence[TableContract],
        cursor_of: CursorOf,
        at: datetime,
    ) -> Extract:
        """Return a table's extract; the first table of a database brings the other wanted ones along.

        Raises
        ------
        InputError
            When the source can't be reached or read as the contract says.
        ConfigurationError
            When its address or login isn't set.
        """
        private_folder(self.folder)
        if table.scheme == "rest":
            return self._ask_service(system, table, cursor_of, at)
        if system.name in self._failed:
            raise InputError(
                f"{label_of(table)}: not extracted, because the extract of {system.name} broke off "
                "at another table. Mend that and run again."
            )
        if (system.name, table.name) not in self._done:
            tables = [each for each in wanted if each.scheme == "database"]
            self._ask_database(system, tables if table in tables else [table], cursor_of, at)
        return self._done[system.name, table.name]

    def close(self) -> None:
        """Delete what is left of the extracts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask_database(
        self,
        system: SystemContract,
        tables: Sequence[TableContract],
        cursor_of: CursorOf,
        at: datetime,
    ) -> None:
        # Drivers take a moment to import; most runs read files only.
        from orchestration.lib.remote.address import database_url_of, fingerprint_of, place_of
        from orchestration.lib.remote.database import open_snapshot
        from orchestration.lib.remote.database_extract import extract_table

        try:
            url = database_url_of(system, self.landing_dir)
            address = fingerprint_of(url)
            with open_snapshot(system.name, url, self.sleep) as connection:
                for table in tables:
                    self._done[system.name, table.name] = extract_table(
                        connection,
                        table,
                        self.folder,
                        place=place_of(url),
                        address=address,
                        at=at,
                        cursor_from=cursor_of(table, address),
                    )
        except CadenciaError:
            self._failed.add(system.name)
            raise

    def _ask_service(
        self, system: SystemContract, table: TableContract, cursor_of: CursorOf, at: datetime
    ) -> Extract:
        from orchestration.lib.remote.address import fingerprint_of, service_url_of
        from orchestration.lib.remote.rest_extract import extract_records

        base_url = service_url_of(system, self.landing_dir)
        address = fingerprint_of(base_url)
        return extract_records(
            base_url,
            table,
            self.folder,
            address=address,
            at=at,
            cursor_from=cursor_of(table, address),
        )
