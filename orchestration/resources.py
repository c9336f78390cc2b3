"""The run's warehouse: lock, working copy, connections and the shared run settings.

Belongs here: what every asset needs of a run. Does not: what an asset computes.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
from pydantic import Field, PrivateAttr

from orchestration.lib.as_of import parse_as_of
from orchestration.lib.connection import open_for_writing, open_published
from orchestration.lib.contract import SystemContract, load_contracts, select_systems
from orchestration.lib.dagster_home import close_orphans
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.errors import ConfigurationError, ContractError, RunLockedError
from orchestration.lib.privacy.erasure.journal import require_none_pending
from orchestration.lib.privacy.tombstones import Recogniser
from orchestration.lib.publishing import current_run_dir, make_working_copy
from orchestration.lib.remote.run_extracts import RunExtracts
from orchestration.lib.run_lock import hold_run_lock
from orchestration.settings import ALWAYS_READ, DBT_PROJECT_DIR, Settings, get_settings

STAGING_DIR = DBT_PROJECT_DIR / "models" / "staging"
RETENTION_JOB = "retention"


def disabled_systems() -> frozenset[str]:
    """Return the source systems that exist but that this deployment does not use."""
    contracts = load_contracts(STAGING_DIR)
    enabled = {system.name for system in select_systems(contracts, get_settings().sources)}
    return frozenset(contracts) - enabled - frozenset(ALWAYS_READ)


def enabled_raw_keys() -> list[dg.AssetKey]:
    """Return the keys of the raw tables of the source systems that this deployment uses."""
    disabled = disabled_systems()
    return [
        dg.AssetKey(["raw", system.name, table.name])
        for system in load_contracts(STAGING_DIR).values()
        if system.name not in disabled
        for table in system.tables
    ]


@contextmanager
def _lock_or_wait(
    context: dg.InitResourceContext, warehouse_dir: Path, run_id: str, wait_seconds: int
) -> Iterator[None]:
    """Hold the run lock; runs of the UI and the schedule wait their turn, the CLI answers at once."""
    deadline = time.monotonic() + wait_seconds
    while True:
        lock = hold_run_lock(warehouse_dir, run_id)
        try:
            lock.__enter__()
        except RunLockedError as error:
            if time.monotonic() >= deadline:
                raise
            if context.log:
                context.log.info(f"Waiting: {error}")
            time.sleep(min(10, wait_seconds))
            continue
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
        return


class WarehouseResource(dg.ConfigurableResource):
    """One run's working copy of the warehouse; nothing is visible to readers before the publish."""

    source_systems: list[str] = Field(default_factory=list)
    as_of: str = ""
    full_refresh: bool = False
    lock_wait_seconds: int = 3600
    retention_as_of: str = ""

    _settings: Settings = PrivateAttr()
    _folder: Path = PrivateAttr()
    _run_id: str = PrivateAttr()
    _job_name: str = PrivateAttr(default="")
    _extracts: RunExtracts = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseResource]:
        """Lock, copy, hand out; afterwards remove the copy unless it was published."""
        settings = get_settings()
        self._settings = settings
        self._run_id = context.run_id or "ad-hoc"
        self._job_name = context.dagster_run.job_name if context.dagster_run else ""
        os.umask(0o077)
        with _lock_or_wait(context, settings.warehouse_dir, self._run_id, self.lock_wait_seconds):
            require_none_pending(settings.home)
            close_orphans(context.instance, self._run_id)
            self._folder = make_working_copy(settings.warehouse_dir, self._run_id)
            # Beside the working copy, not in it: that folder is what gets published.
            self._extracts = RunExtracts(
                self._folder.with_name(f"{self._run_id}.extracts"), settings.landing_dir
            )
            try:
                yield self
            finally:
                self._extracts.close()
                shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def settings(self) -> Settings:
        """Settings of the deployment."""
        return self._settings

    @property
    def folder(self) -> Path:
        """The working copy's folder."""
        return self._folder

    @property
    def database(self) -> Path:
        """The working copy's ``crm.duckdb``."""
        return self._folder / "crm.duckdb"

    @property
    def extracts(self) -> RunExtracts:
        """What the run asks of databases and services."""
        return self._extracts

    @property
    def run_id(self) -> str:
        """Dagster run id."""
        return self._run_id

    def erased_people(self) -> Recogniser | None:
        """Return what recognises people who were erased; None when nobody was.

        Raises
        ------
        ConfigurationError
            When the tombstones or their key can't be read: then nothing may be loaded.
        """
        return Recogniser.of(self._settings.home)

    def systems(self) -> tuple[SystemContract, ...]:
        """Return the contracts of the run's source systems."""
        names = self.source_systems or list(self._settings.sources)
        return select_systems(load_contracts(STAGING_DIR), names)

    def retention_date(self) -> date | None:
        """Return the date from which periods count back, when this run moves the retention cuts.

        The job `retention` does: to ``retention_as_of``, else to the as-of date of the version before.

        Raises
        ------
        ConfigurationError
            When there is no version before and no date was handed in.
        """
        if not (self.retention_as_of or self._job_name == RETENTION_JOB):
            return None
        handed_in = parse_as_of(self.retention_as_of, datetime.now(UTC).date())
        if handed_in is not None:
            return handed_in
        published = current_run_dir(self._settings.warehouse_dir)
        if published is None:
            raise ConfigurationError(
                "Nothing is published yet, so there is nothing to delete. Run `cadencia run` first."
            )
        with open_published(published / "crm.duckdb") as connection:
            as_of: date = connection.execute("select as_of_date from ops.settings").fetchall()[0][0]
        return as_of

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the working copy for reading and writing."""
        with open_for_writing(
            self.database,
            threads=self._settings.threads,
            memory_limit=self._settings.memory_limit,
        ) as connection:
            yield connection

    def read(self, query: str) -> pd.DataFrame:
        """Run a query on the working copy and return its frame."""
        with self.connect() as connection:
            return connection.execute(query).df()

    def as_of_date(self) -> date:
        """Return the run's as-of date from ``ops.settings``."""
        with self.connect() as connection:
            row = connection.execute("select as_of_date from ops.settings").fetchall()
        if not row:
            raise ConfigurationError(
                "ops.settings is empty: materialize the asset ops/settings before this one."
            )
        as_of: date = row[0][0]
        return as_of

    def write_as_of(self, schema: str, table: str, frame: pd.DataFrame, key: str) -> int:
        """Replace the rows of the run's date in a table that keeps its history.

        The table has the columns and types that `staging/sources.yml` declares; ``key`` is its date
        column (``as_of_date`` or ``plan_date``). Returns the rows written.

        Raises
        ------
        ContractError
            When the frame has not exactly the declared columns.
        """
        columns = declared_columns(read_manifest(DBT_PROJECT_DIR), schema, table)
        if set(columns) != set(frame.columns):
            raise ContractError(
                f"{schema}.{table}: the frame and staging/sources.yml differ in the column(s) "
                f"{', '.join(sorted(set(columns) ^ set(frame.columns)))}. Make them agree."
            )
        target = f'"{schema}"."{table}"'
        ddl = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        with self.connect() as connection:
            connection.register("incoming", frame)
            connection.execute("begin")
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f"create table if not exists {target} ({ddl})")
            # A version of before a column was declared: its earlier rows know nothing of it.
            for name, kind in columns.items():
                connection.execute(f'alter table {target} add column if not exists "{name}" {kind}')
            connection.execute(
                f'delete from {target} where "{key}" = (select as_of_date from ops.settings)'
            )
            connection.execute(f"insert into {target} by name from incoming")
            connection.execute("commit")
        return len(frame)
