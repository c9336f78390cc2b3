"""Raw assets, one a declared source table, the ledger, and the settings of the run.

Everything here follows from the `sources.yml` files; a new system needs no Python.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from orchestration.lib.as_of import parse_as_of
from orchestration.lib.contract import SystemContract, TableContract, load_contracts
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.discovery import unclaimed_files
from orchestration.lib.ingest.files import load_table
from orchestration.lib.ingest.freshness import freshness_of
from orchestration.lib.ingest.ledger import DUPLICATE, FileResult, LoadResult, export_rejects
from orchestration.lib.privacy.audit_log import append
from orchestration.lib.privacy.redelivery import scrub_redelivered
from orchestration.lib.remote.remote_load import load_remote_table
from orchestration.lib.run_records import ensure_run_tables, record_checks
from orchestration.lib.translator import belongs_to
from orchestration.resources import STAGING_DIR, WarehouseResource, disabled_systems

GROUP = "ingest"
KNOWN_KINDS = ("parquet", "excel", "json", "database", "rest")
OWNERS = ["team:analytics-engineering"]


def utc_now() -> datetime:
    """Return the time in UTC without zone, as every timestamp of the warehouse."""
    return datetime.now(UTC).replace(tzinfo=None)


def _load_metadata(result: LoadResult) -> dict[str, dg.MetadataValue | int | str | bool]:
    duplicates = sum(file.status == DUPLICATE for file in result.files)
    return {
        "dagster/row_count": result.rows_held,
        "rows_delivered": result.rows_delivered,
        "rows_loaded": result.rows_loaded,
        "rows_rejected": result.rows_rejected,
        "rows_refused": result.rows_refused,
        "rows_unchanged": result.rows_unchanged,
        "is_unchanged": result.is_unchanged,
        "files_new": 0 if result.is_unchanged else len(result.files) - duplicates,
        "files_duplicate": 0 if result.is_unchanged else duplicates,
        "files_total": result.files_held,
        "files_skipped": "; ".join(result.skipped) or "none",
        "emptied_by": ", ".join(result.emptied_by) or "none",
        "members_not_read": result.members_not_read,
        "source_file": result.source_file,
        "undeclared_columns": ", ".join(result.undeclared_columns) or "none",
    }


def _load(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    system: SystemContract,
    table: TableContract,
) -> LoadResult:
    """Bring one raw table up to date."""
    with warehouse.connect() as connection:
        if table.scheme in ("database", "rest"):
            selected = context.run.asset_selection
            return load_remote_table(
                connection,
                system,
                table,
                warehouse.extracts,
                wanted=[
                    each
                    for each in system.tables
                    if selected is None or dg.AssetKey(["raw", system.name, each.name]) in selected
                ],
                loaded_at=utc_now(),
                run_id=warehouse.run_id,
                full_refresh=warehouse.full_refresh,
                recogniser=warehouse.erased_people(),
            )
        return load_table(
            connection,
            table,
            landing_dir=warehouse.settings.landing_dir,
            loaded_at=utc_now(),
            run_id=warehouse.run_id,
            full_refresh=warehouse.full_refresh,
            working_dir=warehouse.folder,
            recogniser=warehouse.erased_people(),
        )


def _rejected(file: FileResult) -> int:
    return file.rows_rejected


def _keep_rejects(warehouse: WarehouseResource, result: LoadResult) -> str:
    """Export the rejects of a load that stops the run: its working copy goes."""
    with warehouse.connect() as connection:
        folder = warehouse.settings.quarantine_dir / warehouse.run_id
        return str(export_rejects(connection, result.batch_ids, folder))


def build_raw_asset(system: SystemContract, table: TableContract) -> dg.AssetsDefinition:
    """Return the asset that loads one table, with its two checks."""
    key = dg.AssetKey(["raw", system.name, table.name])
    limit = system.reject_limit_of(table)

    @dg.asset(
        key=key,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", table.format if table.format in KNOWN_KINDS else "file"},
        description=f"{table.description}\n\nDelivered by {system.title}: `{table.location}`.",
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        column.name,
                        column.data_type,
                        tags={"data_class": column.data_class},
                        constraints=dg.TableColumnConstraints(nullable=not column.is_required),
                    )
                    for column in table.columns
                ]
            )
        },
        code_version=table.fingerprint()[:12],
        check_specs=[
            dg.AssetCheckSpec(
                "every_row_is_accounted_for",
                asset=key,
                blocking=True,
                description="In each file, rows delivered = rows loaded + rejected + unchanged.",
            ),
            dg.AssetCheckSpec(
                "rejects_within_limit",
                asset=key,
                blocking=True,
                description=(
                    f"At most {limit:.2%} of the rows may be rejected: beyond it "
                    "the export is broken, and figures from the rest would mislead."
                ),
            ),
        ],
    )
    def raw_table(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        result = _load(context, warehouse, system, table)
        over_limit = result.over_limit(limit)
        checks = {
            "every_row_is_accounted_for": result.is_balanced,
            "rejects_within_limit": not over_limit,
        }
        numbers = f"{result.rows_rejected} of {result.rows_delivered} rows rejected"
        if over_limit:
            numbers += f", the most in {max(over_limit, key=_rejected).source_file}"
        if result.rows_refused:
            numbers += f" ({result.rows_refused} of people who were erased)"
        if result.rows_anew:
            told = {"table": f"raw.{table.identifier}", "rows": result.rows_anew}
            append(warehouse.settings.home, "came_anew", told, now=datetime.now(UTC))
        stops = result.rows_rejected and not all(checks.values())
        look_at = _keep_rejects(warehouse, result) if stops else "raw._rejects"
        with warehouse.connect() as connection:
            record_checks(
                connection,
                warehouse.run_id,
                utc_now(),
                [(f"raw.{table.identifier}", name, ok, numbers) for name, ok in checks.items()],
            )
        context.log.info(f"{table.identifier}: {numbers}")
        for sentence in result.skipped:
            context.log.warning(f"{table.identifier}: skipped, {sentence}")
        for name in result.emptied_by:
            context.log.warning(f"{table.identifier}: {name} has no rows, so the table has none")
        return dg.MaterializeResult(
            metadata=_load_metadata(result),
            check_results=[
                dg.AssetCheckResult(
                    check_name=name,
                    passed=passed,
                    metadata={"numbers": numbers, "look_at": look_at},
                )
                for name, passed in checks.items()
            ],
        )

    return raw_table


def record_freshness(
    warehouse: WarehouseResource, systems: Sequence[SystemContract], as_of: date
) -> list[str]:
    """Record for each table with ``freshness_days`` whether it is fresh; return who is not."""
    tables = [table for each in systems for table in each.tables if table.freshness_days]
    with warehouse.connect() as connection:
        found = [(table, freshness_of(connection, table, as_of)) for table in tables]
        checks = [
            (f"raw.{table.identifier}", "is_fresh", freshness.is_fresh, freshness.sentence)
            for table, freshness in found
        ]
        record_checks(connection, warehouse.run_id, utc_now(), checks, severity="warn")
    return [freshness.sentence for _, freshness in found if not freshness.is_fresh]


def default_as_of(warehouse: WarehouseResource, today: date) -> date:
    """Return the day after the last event of static systems; today when one of them is live.

    Raises
    ------
    InputError
        When no event is loaded that could date the data.
    """
    systems = warehouse.systems()
    if any(system.is_live for system in systems):
        return today
    dated = [
        f"select max(cast({table.event_time} as date)) as last_day from {table.relation}"
        for system in systems
        for table in system.tables
        if table.has_settled_event_time
    ]
    with warehouse.connect() as connection:
        query = f"select max(last_day) from ({' union all '.join(dated)})"
        last_day = connection.execute(query).fetchall()[0][0] if dated else None
    if last_day is None:
        raise InputError(
            "No event is loaded that could date the data; give the date with --as-of YYYY-MM-DD."
        )
    as_of: date = last_day + timedelta(days=1)
    return as_of


def _scrub_redelivered(warehouse: WarehouseResource) -> list[str]:
    """Rewrite this run's files that brought erased people back; return their names."""
    recogniser = warehouse.erased_people()
    if recogniser is None:
        return []
    with warehouse.connect() as connection:
        return scrub_redelivered(
            connection,
            load_contracts(STAGING_DIR),
            warehouse.settings.home,
            warehouse.settings.landing_dir,
            warehouse.run_id,
            recogniser,
            warehouse.folder,
        )


@dg.definitions
def ingest() -> dg.Definitions:
    """Return the raw assets of every system, the ledger and the run settings."""
    systems = load_contracts(STAGING_DIR).values()
    raw_assets = [build_raw_asset(system, table) for system in systems for table in system.tables]
    disabled = disabled_systems()
    raw_keys = [
        asset.key
        for asset in raw_assets
        if not any(belongs_to(asset.key, name) for name in disabled)
    ]

    @dg.multi_asset(
        name="run_settings",
        group_name=GROUP,
        specs=[
            dg.AssetSpec(
                ["ops", "settings"],
                # Rows that are too old are gone before anything is computed.
                deps=[*raw_keys, dg.AssetKey(["privacy", "retention"])],
                owners=OWNERS,
                kinds={"duckdb"},
                description="One row per warehouse: the settings of the run, first the as-of date.",
            ),
            dg.AssetSpec(
                ["raw", "batches"],
                deps=raw_keys,
                owners=OWNERS,
                kinds={"duckdb"},
                description="One row per delivered file (`raw._batches`).",
            ),
            dg.AssetSpec(
                ["raw", "rejects"],
                deps=raw_keys,
                owners=OWNERS,
                kinds={"duckdb"},
                description="One row per rejected value (`raw._rejects`), with its reason.",
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "sources_are_fresh",
                asset=["ops", "settings"],
                description=(
                    "The newest event or delivery of each table is at most its freshness_days old at "
                    "the as-of date: older ones hint at an export that stopped. Warns only."
                ),
            )
        ],
    )
    def run_settings(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        today = utc_now().date()
        systems = warehouse.systems()
        as_of = parse_as_of(warehouse.as_of, today) or default_as_of(warehouse, today)
        names = ",".join(system.name for system in systems)
        unread = [
            f"{system.name}/{name}"
            for system in systems
            for name in unclaimed_files(system, warehouse.settings.landing_dir)
        ]
        for name in _scrub_redelivered(warehouse):
            context.log.warning(f"landing/{name} brought erased people back and was rewritten")
        for name in unread:
            context.log.warning(f"landing/{name} fits no table of its system's contract: not read")
        with warehouse.connect() as connection:
            ensure_run_tables(connection)
            connection.execute("delete from ops.settings")
            connection.execute(
                "insert into ops.settings by name select ? as as_of_date, ? as reporting_currency, "
                "? as source_systems, ? as run_id, ? as set_at",
                [as_of, systems[0].currency, names, warehouse.run_id, utc_now()],
            )
            counts = {
                name: connection.execute(f"select count(*) from raw.{name}").fetchall()[0][0]
                for name in ("_batches", "_rejects")
            }
        stale = record_freshness(warehouse, systems, as_of)
        for sentence in stale:
            context.log.warning(sentence)
        yield dg.AssetCheckResult(
            asset_key=["ops", "settings"],
            check_name="sources_are_fresh",
            passed=not stale,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"stale": "; ".join(stale) or "none"},
        )
        yield dg.MaterializeResult(
            asset_key=["ops", "settings"],
            metadata={"as_of_date": str(as_of), "source_systems": names, "dagster/row_count": 1},
        )
        for name, rows in counts.items():
            metadata: dict[str, int | str] = {"dagster/row_count": rows}
            if name == "_batches":
                metadata["files_not_read"] = ", ".join(unread) or "none"
            yield dg.MaterializeResult(asset_key=["raw", name.removeprefix("_")], metadata=metadata)

    return dg.Definitions(assets=[*raw_assets, run_settings])
