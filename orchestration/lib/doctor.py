"""Checks of the environment and the configuration: what would keep a run from working, and the remedy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from orchestration.lib.connection import open_published
from orchestration.lib.contract import SystemContract, load_contracts, select_systems
from orchestration.lib.dbt_project import ensure_manifest
from orchestration.lib.errors import CadenciaError
from orchestration.lib.ingest.discovery import find_files
from orchestration.lib.privacy.audit_log_console import heads_of_versions
from orchestration.lib.privacy.audit_log_verification import verify
from orchestration.lib.privacy.exposure import (
    misplaced_keys,
    secrets_in_files,
    sentence,
    weak_modes,
)
from orchestration.lib.privacy.retention_policy import load_policy
from orchestration.lib.private_files import private_folder
from orchestration.lib.remote.reachability import look_at_database, look_at_service
from orchestration.lib.simulated_market import wants_demo
from orchestration.settings import DBT_PROJECT_DIR, DEMO_SYSTEMS, Settings

FREE_GIB_WANTED = 2
PINNED = (
    "dagster",
    "dagster-dbt",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "pandas",
    "lifetimes",
    "splink",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; what is not good only warns when a run would work all the same."""

    name: str
    is_good: bool
    detail: str
    is_warning: bool = False


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(
        "Python", (3, 11) <= sys.version_info < (3, 14), f"{version} (3.11 to 3.13 wanted)"
    )


def _packages() -> Iterator[Finding]:
    requirements = importlib.metadata.requires("cadencia") or []
    pins = dict(
        r.split(";")[0].strip().split("==") for r in requirements if "==" in r and "extra" not in r
    )
    for name in PINNED:
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, False, "not installed; run `make install`")
            continue
        wanted = pins.get(name, installed)
        detail = (
            installed
            if installed == wanted
            else f"{installed}, but {wanted} is pinned; `make install`"
        )
        yield Finding(name, installed == wanted, detail)


def _home(settings: Settings) -> Iterator[Finding]:
    private_folder(settings.home)
    is_writable = os.access(settings.home, os.W_OK)
    yield Finding(
        "CADENCIA_HOME", is_writable, f"{settings.home}{'' if is_writable else ' is read-only'}"
    )
    free = shutil.disk_usage(settings.home).free / 2**30
    yield Finding(
        "free disk", free >= FREE_GIB_WANTED, f"{free:.1f} GiB ({FREE_GIB_WANTED} wanted)"
    )


def _sources(settings: Settings) -> Iterator[Finding]:
    contracts = load_contracts(DBT_PROJECT_DIR / "models" / "staging")
    yield Finding(
        "ingestion contract", True, f"{len(contracts)} systems: {', '.join(sorted(contracts))}"
    )
    demo: frozenset[str] = frozenset(DEMO_SYSTEMS) if wants_demo(settings) else frozenset()
    if demo:
        yield Finding("demo", True, "no files yet: `cadencia run` simulates its market first")
    for system in select_systems(contracts, settings.sources):
        if system.name in demo:
            continue
        yield from _guarded(f"source {system.name}", partial(_source, settings, system))


def _source(settings: Settings, system: SystemContract) -> Finding:
    """Look for the files of a system, and ask its database or service whether it is there."""
    by_scheme = {table.scheme for table in system.tables}
    files = sum(
        len(find_files(table, settings.landing_dir).files)
        for table in system.tables
        if table.scheme in ("landing", "package")
    )
    details = [f"{len(system.tables)} tables"]
    if by_scheme & {"landing", "package"}:
        details.append(f"{files} files found")
    if "database" in by_scheme:
        details.append(look_at_database(system, settings.landing_dir))
    if "rest" in by_scheme:
        details.append(look_at_service(system, settings.landing_dir))
    return Finding(f"source {system.name}", True, ", ".join(details))


def _dbt() -> Finding:
    return Finding("dbt project", True, f"parsed: {ensure_manifest(DBT_PROJECT_DIR)}")


def _exposure(settings: Settings) -> Iterator[Finding]:
    """Look for what others could read: modes, keys beside the data, secrets in settings files."""
    modes = weak_modes(settings.home)
    yield Finding(
        "file modes",
        not modes,
        f"others can read: {sentence(modes)}" if modes else "only the owner can read the data",
        # A key that others can read is refused by the run; folders that people made are not.
        is_warning=not any(each.path.suffix == ".key" for each in modes),
    )
    keys = misplaced_keys(settings.home, settings.keys_dir)
    yield Finding(
        "keys",
        not keys,
        f"not beside the data, please: {sentence(keys)}" if keys else "apart from the data",
        is_warning=True,
    )
    # Not under landing: what sources deliver is no setting.
    places = [DBT_PROJECT_DIR, settings.dagster_home, settings.home / "privacy"]
    secrets = secrets_in_files(places)
    yield Finding(
        "secrets in files",
        not secrets,
        f"a secret in plain words: {sentence(secrets)}" if secrets else "none found",
        is_warning=True,
    )


def _warehouse(settings: Settings) -> Finding:
    crm_file = settings.warehouse_dir / "crm.duckdb"
    if not crm_file.exists():
        return Finding("published warehouse", True, "none yet; `cadencia run` makes it")
    with open_published(crm_file) as connection:
        ((as_of,),) = connection.execute("select as_of_date from ops.settings").fetchall()
    return Finding("published warehouse", True, f"opens, as of {as_of}")


def _audit_log(settings: Settings) -> Finding:
    """Verify the audit log, and that the retention periods can be read."""
    load_policy(settings.home)
    result = verify(settings.home, heads_of_versions(settings))
    told = f"{result.count} entries, whole" if result.is_good else result.fault
    return Finding("audit log", result.is_good, told)


def _guarded(name: str, look: Callable[[], Finding | Iterator[Finding]]) -> Iterator[Finding]:
    """Run one look; an error that a person can act on becomes a finding."""
    try:
        found = look()
        if isinstance(found, Finding):
            yield found
        else:
            yield from found
    except CadenciaError as error:
        yield Finding(name, False, str(error))


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; never raises for a fault that it can name."""
    looks: list[tuple[str, Callable[[], Finding | Iterator[Finding]]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("CADENCIA_HOME", lambda: _home(settings)),
        ("sources", lambda: _sources(settings)),
        ("dbt project", _dbt),
        ("file modes", lambda: _exposure(settings)),
        ("published warehouse", lambda: _warehouse(settings)),
        ("audit log", lambda: _audit_log(settings)),
    ]
    return [finding for name, look in looks for finding in _guarded(name, look)]
