"""Rotate the key of the analysts' pseudonyms: a new key, and every kept version under it.

Belongs here: the new key file and the rebuilt analysts' databases. Does not: how they are built
(`analytics`), or the other keys, which can't be rotated without losing what they are for.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.analytics import Protection, build_analytics
from orchestration.lib.errors import CheckFailedError, ConfigurationError
from orchestration.lib.keys import load_key, replace_key
from orchestration.lib.privacy.audit_log import append
from orchestration.lib.privacy.leaks import (
    Place,
    leak_message,
    leaks_in_analytics,
    public_columns,
)
from orchestration.lib.privacy.registry import REGISTRY, PersonalColumn, personal_columns
from orchestration.lib.privacy.small_groups import aggregates_of
from orchestration.lib.private_files import put_in_place
from orchestration.lib.publishing import (
    current_run_dir,
    make_working_copy,
    publish,
    published_runs,
)
from orchestration.lib.run_lock import hold_run_lock
from orchestration.settings import Settings

ROTATED = "pseudonym"
KEPT_KEYS = {
    "holdout": "it would draw other control groups, and no play could be measured any more",
    "erasure": "nobody who was erased would be recognised in a file that comes again",
    "audit": "the audit log could not be verified any more",
}


@dataclass(frozen=True)
class Rotation:
    """What was done: the version that is published now, and how many kept ones were rebuilt."""

    run_id: str
    rebuilt: int
    is_key_from_environment: bool


def registry_of(crm_file: Path, manifest: Mapping[str, Any]) -> list[PersonalColumn]:
    """Return the registry that a version was published with; made anew for one from before there was.

    Raises
    ------
    ContractError
        When such an old version has columns that nobody has classed.
    """
    with duckdb.connect(str(crm_file), read_only=True) as connection:
        schema, _, table = REGISTRY.partition(".")
        is_stored = connection.execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchall()
        if not is_stored:
            return personal_columns(manifest, connection)
        rows = connection.execute(
            "select schema_name, table_name, column_name, data_class, identifier_kind "
            f"from {REGISTRY}"
        ).fetchall()
    return [PersonalColumn(*row) for row in rows]


def rotate_pseudonyms(settings: Settings, manifest: Mapping[str, Any]) -> Rotation:
    """Make a new key, publish the current version under it, and rebuild the other kept versions.

    The old key is gone with the replacement of its file: a copy of it must not undo the new
    pseudonyms, nor may an old version that still has the old ones. Killed halfway, it is run again.

    Raises
    ------
    ConfigurationError
        When nothing is published yet.
    CheckFailedError
        When the rebuilt database would hold an identifier.
    """
    with hold_run_lock(settings.warehouse_dir, "rotate-key"):
        current = current_run_dir(settings.warehouse_dir)
        if current is None:
            raise ConfigurationError(
                "Nothing is published yet, so no analyst has a pseudonym; `cadencia run` makes the key."
            )
        others = [
            settings.warehouse_dir / "runs" / run.run_id
            for run in published_runs(settings.warehouse_dir)
        ]
        # All of them first: none may turn out to be unreadable when the old key is gone.
        registries = {folder: registry_of(folder / "crm.duckdb", manifest) for folder in others}
        append(settings.home, "rotate_key", {"key": ROTATED}, now=datetime.now(UTC))
        from_environment = settings.pseudonym_key.get_secret_value()
        if not from_environment:
            replace_key(ROTATED, settings.keys_dir)
        key = load_key(ROTATED, from_environment, settings.keys_dir)
        protection = Protection(settings.minimum_group_size, aggregates_of(manifest))
        folder = _publish_again(
            settings, registries[current], key, protection, public_columns(manifest)
        )
        rebuilt = [each for each in others if each.exists()]
        for each in rebuilt:
            _rebuild(each, registries[each], key, protection)
    return Rotation(folder.name, len(rebuilt), bool(from_environment))


def _publish_again(
    settings: Settings,
    columns: Sequence[PersonalColumn],
    key: bytes,
    protection: Protection,
    public: frozenset[Place],
) -> Path:
    """Publish the current version as a new one: who has the old file open keeps what it opened."""
    (current,) = (run for run in published_runs(settings.warehouse_dir) if run.is_current)
    working_dir = make_working_copy(settings.warehouse_dir, str(uuid.uuid4()))
    try:
        crm_file, analytics_file = working_dir / "crm.duckdb", working_dir / "analytics.duckdb"
        build_analytics(crm_file, analytics_file, columns, key, protection)
        leaks = leaks_in_analytics(crm_file, analytics_file, columns, public)
        if leaks:
            raise CheckFailedError(leak_message(leaks))
        details = {name: value for name, value in current.details.items() if value is not None}
        return publish(settings.warehouse_dir, working_dir, details, settings.keep_published)
    finally:
        shutil.rmtree(working_dir, ignore_errors=True)


def _rebuild(
    folder: Path, columns: Sequence[PersonalColumn], key: bytes, protection: Protection
) -> None:
    """Build the analysts' database of a kept version anew, in one step for readers."""
    temporary = folder / ".analytics.rebuilt"
    build_analytics(folder / "crm.duckdb", temporary, columns, key, protection)
    put_in_place(temporary, folder / "analytics.duckdb")
