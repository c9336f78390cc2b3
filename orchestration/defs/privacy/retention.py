"""Retention: cuts that every run enforces, and the job `retention`, which moves them and cleans up."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.automation.jobs import daily_selection, tell_about_failure
from orchestration.lib.as_of import parse_as_of
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.preview import markdown_table
from orchestration.lib.privacy.retention import STATE_NAME, TableResult, write_cuts
from orchestration.lib.privacy.retention_cleaning import clean_up
from orchestration.lib.privacy.retention_run import RetentionRun, apply_retention
from orchestration.resources import RETENTION_JOB, WarehouseResource, enabled_raw_keys
from orchestration.settings import DBT_PROJECT_DIR

KEY = dg.AssetKey(["privacy", "retention"])
CLEAN_UP = dg.AssetKey(["privacy", "retention_clean_up"])
OWNERS = ["team:privacy"]


def _table_of(results: Sequence[TableResult]) -> str:
    return markdown_table(
        ["table", "class", "kept from", "rows deleted", "oldest kept"],
        [
            (each.table, each.retention_class, each.cut, each.rows_deleted, each.oldest_kept)
            for each in results
        ],
    )


@dg.definitions
def retention() -> dg.Definitions:
    """Return the two assets, the job and its schedule."""

    @dg.asset(
        key=KEY,
        deps=enabled_raw_keys(),
        group_name="privacy",
        owners=OWNERS,
        kinds={"python", "duckdb"},
        description=(
            "Rows older than their retention period are deleted, whatever was loaded again. One row "
            "per table and run that moved its cut; other runs enforce the cuts and add none."
        ),
    )
    def enforced_cuts(warehouse: WarehouseResource) -> dg.MaterializeResult:
        now = datetime.now(UTC)
        run = RetentionRun(
            warehouse.run_id,
            warehouse.settings.home,
            warehouse.settings.landing_dir,
            warehouse.systems(),
            moves_to=warehouse.retention_date(),
            typed_as_of=parse_as_of(warehouse.as_of, now.date()),
        )
        columns = declared_columns(read_manifest(DBT_PROJECT_DIR), *KEY.path)
        with warehouse.connect() as connection:
            done = apply_retention(connection, run, columns, now)
        write_cuts(warehouse.folder / STATE_NAME, done.cuts)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": done.rows,
                "rows_deleted": sum(each.rows_deleted for each in done.results),
                "files_expired": sum(file.is_whole for file in done.files),
                "files_with_old_rows": sum(not file.is_whole for file in done.files),
                "by_table": dg.MetadataValue.md(_table_of(done.results)),
            }
        )

    @dg.asset(
        key=CLEAN_UP,
        deps=[dg.AssetKey(["publish", "warehouse"])],
        group_name="privacy",
        owners=OWNERS,
        kinds={"python"},
        description=(
            "After the publish of the job `retention`: deletes delivered files that are too old as a "
            "whole, takes old rows out of others, deletes old quarantine, earlier versions, runs with "
            "their logs, and old entries of the audit log."
        ),
    )
    def retention_clean_up(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        as_of = warehouse.retention_date()
        counts = clean_up(
            warehouse.settings,
            context.instance,
            as_of or warehouse.as_of_date(),
            run_id=warehouse.run_id,
            now=datetime.now(UTC),
        )
        return dg.MaterializeResult(metadata={**counts})

    job = dg.define_asset_job(
        RETENTION_JOB,
        selection=daily_selection() | dg.AssetSelection.assets(CLEAN_UP),
        hooks={tell_about_failure},
        description=(
            "Delete what is older than its retention period, build everything anew from what is left, "
            "publish all or nothing, then delete old files, versions and logs."
        ),
    )
    schedule = dg.ScheduleDefinition(
        name="retention_schedule",
        job=job,
        cron_schedule="0 3 1 * *",
        execution_timezone="Europe/Madrid",
        description="The first of each month at night. Off until somebody turns it on.",
    )
    return dg.Definitions(
        assets=[enforced_cuts, retention_clean_up], jobs=[job], schedules=[schedule]
    )
