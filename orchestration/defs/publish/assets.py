"""The last step: build the analysts' database, then publish both files in one move."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.lib.analytics import Protection, build_analytics
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.errors import CheckFailedError
from orchestration.lib.housekeeping import (
    describe_tables,
    drop_undeclared_raw,
    drop_unknown_relations,
)
from orchestration.lib.keys import load_key
from orchestration.lib.preview import markdown_table
from orchestration.lib.privacy.audit_log import append
from orchestration.lib.privacy.leaks import leak_message, leaks_in_analytics, public_columns
from orchestration.lib.privacy.registry import CLASSES, PersonalColumn, write_registry
from orchestration.lib.privacy.rewriting import rewrite_in_place
from orchestration.lib.privacy.small_groups import aggregates_of
from orchestration.lib.publishing import publish
from orchestration.lib.run_records import record_checks, record_run
from orchestration.lib.translator import belongs_to
from orchestration.resources import WarehouseResource, disabled_systems
from orchestration.settings import DBT_PROJECT_DIR

PUBLISHED = dg.AssetKey(["publish", "warehouse"])
REGISTRY = dg.AssetKey(["privacy", "personal_columns"])
NO_LEAK = "no_identifier_reaches_analysts"


def _registry_metadata(columns: Sequence[PersonalColumn]) -> dict[str, Any]:
    """Return how many columns there are of each class, by schema."""
    counts = Counter((column.schema, column.data_class) for column in columns)
    schemas = sorted({column.schema for column in columns})
    rows = [(schema, *(counts[schema, each] for each in CLASSES)) for schema in schemas]
    return {
        "dagster/row_count": len(columns),
        "columns": dg.MetadataValue.md(markdown_table(["schema", *CLASSES], rows)),
    }


@dg.definitions
def publishing() -> dg.Definitions:
    """Return the publishing asset; it follows every table, so that any failed check stops it."""
    manifest = read_manifest(DBT_PROJECT_DIR)
    disabled = disabled_systems()
    written_by_python = [
        dg.AssetKey([source["schema"], source["name"]])
        for source in manifest["sources"].values()
        if source["schema"] in ("identity", "ml", "plan", "privacy")
        and (source["schema"], source["name"]) != ("privacy", "personal_columns")
    ]
    built_by_dbt = [
        dg.AssetKey([node["schema"], node["name"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    ]
    upstream = [
        key
        for key in [*built_by_dbt, *written_by_python]
        if not any(belongs_to(key, system) for system in disabled)
    ]

    tables = [
        *upstream,
        dg.AssetKey(["raw", "rejects"]),
        dg.AssetKey(["quality", "source_profiles"]),
    ]

    @dg.multi_asset(
        name="publish__warehouse",
        specs=[
            dg.AssetSpec(
                REGISTRY,
                deps=tables,
                group_name="privacy",
                owners=["team:privacy"],
                kinds={"python", "duckdb"},
                description=(
                    "The registry of personal columns: what each column of the warehouse says of a "
                    "person. A column that nobody has classed stops the run. One row per column."
                ),
            ),
            dg.AssetSpec(
                PUBLISHED,
                deps=[*tables, REGISTRY],
                group_name="publish",
                owners=["team:analytics-engineering"],
                kinds={"duckdb"},
                description=(
                    "The published warehouse: `crm.duckdb` and the pseudonymised `analytics.duckdb`. "
                    "A run that does not include this asset changes nothing that readers see."
                ),
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                NO_LEAK,
                asset=PUBLISHED,
                blocking=True,
                description=(
                    "No e-mail, telephone, id, card, account, device, vehicle, name with surname or "
                    "address that the warehouse knows stands in a text of `analytics.duckdb`. Asked "
                    "before readers see it."
                ),
            )
        ],
    )
    def published_warehouse(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        settings = warehouse.settings
        now = datetime.now(UTC).replace(tzinfo=None)
        started = context.instance.get_run_stats(context.run_id).start_time
        with warehouse.connect() as connection:
            # What readers see has passed this check, or they would not see it.
            record_checks(
                connection, warehouse.run_id, now, [("publish.warehouse", NO_LEAK, True, "")]
            )
            record_run(
                connection,
                warehouse.run_id,
                datetime.fromtimestamp(started, UTC).replace(tzinfo=None) if started else now,
                now,
                warehouse.full_refresh,
            )
            dropped = drop_unknown_relations(connection, manifest)
            if warehouse.full_refresh:
                dropped += drop_undeclared_raw(connection, manifest)
            columns = write_registry(manifest, connection)
            describe_tables(connection, manifest)
            connection.execute("checkpoint")
        yield dg.MaterializeResult(asset_key=REGISTRY, metadata=_registry_metadata(columns))
        if dropped:
            context.log.info(f"Dropped what the project no longer builds: {', '.join(dropped)}")
        if warehouse.retention_date() is not None:
            rewrite_in_place(
                warehouse.database,
                threads=settings.threads,
                memory_limit=settings.memory_limit,
            )
        key = load_key("pseudonym", settings.pseudonym_key.get_secret_value(), settings.keys_dir)
        counts = build_analytics(
            warehouse.database,
            warehouse.folder / "analytics.duckdb",
            columns,
            key,
            Protection(settings.minimum_group_size, aggregates_of(manifest)),
        )
        leaks = leaks_in_analytics(
            warehouse.database,
            warehouse.folder / "analytics.duckdb",
            columns,
            public_columns(manifest),
        )
        yield dg.AssetCheckResult(
            asset_key=PUBLISHED,
            check_name=NO_LEAK,
            passed=not leaks,
            metadata={
                "columns": len(leaks),
                "found": dg.MetadataValue.md("\n".join(f"- {leak.sentence()}" for leak in leaks)),
            },
        )
        if leaks:
            raise CheckFailedError(leak_message(leaks))
        as_of = str(warehouse.as_of_date())
        systems = ",".join(system.name for system in warehouse.systems())
        append(
            settings.home,
            "publish",
            {"run_id": warehouse.run_id, "as_of_date": as_of, "source_systems": systems},
            now=datetime.now(UTC),
        )
        folder = publish(
            settings.warehouse_dir,
            warehouse.folder,
            {"as_of_date": as_of, "source_systems": systems},
            settings.keep_published,
        )
        yield dg.MaterializeResult(
            asset_key=PUBLISHED,
            metadata={
                "as_of_date": as_of,
                "path": dg.MetadataValue.path(str(folder)),
                "tables": len(counts),
                "dagster/row_count": sum(counts.values()),
            },
        )

    return dg.Definitions(assets=[published_warehouse])
