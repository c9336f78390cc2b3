"""Look the people of a request up, in every kept version, before anything is changed.

Belongs here: from a request to all that later stages go by. Does not: changing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestration.lib.contract import SystemContract
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.privacy.erasure.changes import version_targets
from orchestration.lib.privacy.erasure.journal import Lookup, Request
from orchestration.lib.privacy.erasure.needles import searched_identifiers, without_what_stays
from orchestration.lib.privacy.erasure.simulated import truth_identifiers, truth_people
from orchestration.lib.privacy.erasure.versions import reading
from orchestration.lib.privacy.landing_files import hashes_of, landing_files, outside_systems
from orchestration.lib.privacy.subjects import Subject, find_subjects
from orchestration.lib.privacy.targets import (
    CUSTOMER,
    Targets,
    stage,
    targets_of,
    tombstone_targets,
    uncaught,
)
from orchestration.settings import Settings


def run_folders(warehouse_dir: Path) -> list[Path]:
    """Return the folders of the kept versions, the newest first."""
    folders = [path.parent for path in (warehouse_dir / "runs").glob("*/crm.duckdb")]
    return sorted(folders, key=lambda each: (each / "crm.duckdb").stat().st_mtime, reverse=True)


def look_up(
    settings: Settings,
    request: Request,
    contracts: Mapping[str, SystemContract],
    working_dir: Path,
) -> tuple[Lookup, list[Subject]]:
    """Return everything that the stages go by, and the people for a display.

    Raises
    ------
    ConfigurationError
        When nothing is published.
    InputError
        When somebody is not found, or is several people.
    """
    current = settings.warehouse_dir / "crm.duckdb"
    if not current.exists():
        raise ConfigurationError(
            f"There is no published warehouse at {current}, so there is nobody to look up. Run "
            "`cadencia run` first."
        )
    with reading(current, working_dir, settings.threads) as connection:
        subjects = find_subjects(
            connection,
            request.customer_ids,
            request.emails,
            request.phones,
            request.national_ids,
        )
        targets = targets_of(connection, contracts, subjects)
        stones = tombstone_targets(connection, contracts, targets)
    people = truth_people(settings.home, subjects)
    planted = truth_identifiers(settings.home, people)
    identifiers = tuple(sorted({*searched_identifiers(subjects), *planted}))
    versions: dict[str, Targets] = {}
    for folder in run_folders(settings.warehouse_dir):
        with reading(folder / "crm.duckdb", working_dir, settings.threads) as connection:
            own = version_targets(connection, targets)
            versions[folder.name] = own
            stage(connection, targets)
            identifiers = without_what_stays(connection, contracts, identifiers)
            rest = uncaught(connection, contracts, targets, targets)
            targets = targets.merged(rest)
            stones = stones.merged(
                uncaught(connection, contracts, targets.without(CUSTOMER), stones)
            )
    files = landing_files(contracts, settings.landing_dir)
    lookup = Lookup(
        customer_ids=tuple(sorted(each.customer_id for each in subjects)),
        twins=sum(each.is_twin for each in subjects),
        records=sum(len(each.records) for each in subjects),
        targets=targets.without(CUSTOMER),
        tombstones=stones,
        versions=versions,
        identifiers=identifiers,
        shared_identifiers=sum(each.is_shared for one in subjects for each in one.identifiers),
        hashes=hashes_of(files),
        truth_people=people,
        outside=tuple(outside_systems(contracts.values(), settings.landing_dir)),
    )
    return lookup, subjects
