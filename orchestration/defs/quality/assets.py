"""What was delivered: a profile of every new batch, judged against the deliveries before."""

from datetime import UTC, datetime

import dagster as dg
import pandas as pd

from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.preview import markdown_table
from orchestration.lib.quality.source_profiles import (
    append_profiles,
    ensure_profiles,
    newest_warnings,
    profile_new_batches,
)
from orchestration.lib.run_records import record_checks
from orchestration.resources import WarehouseResource, enabled_raw_keys
from orchestration.settings import DBT_PROJECT_DIR

KEY = dg.AssetKey(["quality", "source_profiles"])
CHECK = "deliveries_look_like_before"
SHOWN = 20


def _by_table(profiles: pd.DataFrame) -> str:
    """Return a Markdown table of what was profiled."""
    if profiles.empty:
        return "Nothing new was delivered."
    counts = (
        profiles.groupby(["source_system", "table_name"])
        .agg(
            batches=("batch_id", "nunique"),
            columns=("column_name", "nunique"),
            warnings=("drift_severity", lambda severity: int((severity == "warning").sum())),
        )
        .reset_index()
    )
    return markdown_table(list(counts.columns), list(counts.itertuples(index=False, name=None)))


@dg.definitions
def quality() -> dg.Definitions:
    """Return the profiles' asset; it follows the raw tables of the enabled systems."""

    @dg.asset(
        key=KEY,
        deps=enabled_raw_keys(),
        group_name="quality",
        owners=["team:analytics-engineering"],
        kinds={"python", "duckdb"},
        description=(
            "Profiles of what was delivered and how it differs from the deliveries before. One row "
            "per delivered batch and column; only new batches are profiled, history is kept."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=KEY,
                description=(
                    "The newest delivery of each table has the row count, empty values, formats and "
                    "distributions of the ones before. A warning: the data may be right and the "
                    "world have changed, so a person decides."
                ),
            )
        ],
    )
    def source_profiles(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "quality", "source_profiles")
        now = datetime.now(UTC).replace(tzinfo=None)
        with warehouse.connect() as connection:
            ensure_profiles(connection, columns)
            profiles = profile_new_batches(
                connection, warehouse.systems(), run_id=warehouse.run_id, profiled_at=now
            )
            append_profiles(connection, profiles, columns)
            warnings = newest_warnings(profiles)
            sentences = [
                (f"raw.{row.source_system}__{row.table_name}", row.column_name, row.drift_reason)
                for row in warnings.itertuples()
            ]
            record_checks(
                connection,
                warehouse.run_id,
                now,
                [
                    (relation, CHECK, False, f"{column}: {reason}")
                    for relation, column, reason in sentences
                ]
                or [("quality.source_profiles", CHECK, True, "")],
                severity="warn",
            )
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(profiles),
                "profiled": dg.MetadataValue.md(_by_table(profiles)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=CHECK,
                    passed=not sentences,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={
                        "warnings": len(sentences),
                        "reasons": dg.MetadataValue.md(
                            markdown_table(["table", "column", "what changed"], sentences[:SHOWN])
                        ),
                    },
                )
            ],
        )

    return dg.Definitions(assets=[source_profiles])
