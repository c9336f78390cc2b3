"""Who is one person, between the staging models and all that needs to know a customer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from ml.identity.normalise import NORMALISER_VERSION
from orchestration.lib.customer_records import refresh_customer_records
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.identity_checks import CHECKS, run_checks
from orchestration.lib.identity_resolution import resolve_records, write_golden
from orchestration.lib.run_records import record_checks
from orchestration.resources import WarehouseResource
from orchestration.settings import DBT_PROJECT_DIR

OWNERS = ["team:data-science"]
UPSTREAM = [
    dg.AssetKey(["intermediate", "int_customer_records__unioned"]),
    *(dg.AssetKey(["reference", name]) for name in ("provinces", "municipalities", "postal_codes")),
]
RECORDS = dg.AssetKey(["identity", "customer_records"])
RESOLVED = (
    "usable_records",
    "records_to_link",
    "steward_decisions",
    "pair_decisions",
    "unmerged_pairs",
    "united_records",
    "linking_models",
    "linking_runs",
    "record_clusters",
    "doubtful_links",
    "suspicious_clusters",
    "quality_report",
)
GOLDEN = (
    "customer_ids",
    "id_assignments",
    "known_records",
    "id_run_dates",
    "id_tries",
    "customer_id_history",
    "household_id_history",
    "golden_customers",
    "review_queue",
)


def _specs(tables: Sequence[str], deps: Sequence[dg.AssetKey]) -> list[dg.AssetSpec]:
    """Return a spec for each table, described as its yml describes it."""
    described = {
        source["name"]: source["description"]
        for source in read_manifest(DBT_PROJECT_DIR)["sources"].values()
        if source["schema"] == "identity"
    }
    return [
        dg.AssetSpec(
            ["identity", name],
            deps=deps,
            group_name="identity",
            owners=OWNERS,
            kinds={"python", "duckdb"},
            description=described[name],
        )
        for name in tables
    ]


@dg.asset(
    key=RECORDS,
    deps=UPSTREAM,
    group_name="identity",
    owners=OWNERS,
    kinds={"python", "duckdb"},
    code_version=NORMALISER_VERSION,
    description=(
        "Names, e-mails, telephones, ids, addresses and dates of every customer record: as delivered, "
        "normalised, and whether they are valid. One row per source system and customer."
    ),
)
def customer_records(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Normalise the records that are new or changed."""
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "identity", "customer_records")
    with warehouse.connect() as connection:
        counts = refresh_customer_records(connection, columns, warehouse.full_refresh)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts.records,
            "records_normalised": counts.normalised,
            "records_removed": counts.removed,
        }
    )


@dg.definitions
def identity() -> dg.Definitions:
    """Return the identity assets."""

    @dg.multi_asset(
        name="resolve_identity",
        specs=_specs(RESOLVED, [RECORDS, dg.AssetKey(["staging", "stg_steward__pair_decisions"])]),
    )
    def resolve_identity(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        as_of, systems = warehouse.as_of_date(), [each.name for each in warehouse.systems()]
        with warehouse.connect() as connection:
            counts = resolve_records(connection, as_of, systems, warehouse.full_refresh)
        numbers = {
            "records": counts.records,
            "persons": counts.persons,
            "decisions": counts.decisions.rows,
            "pairs_always_matched": counts.decisions.always_pairs,
            "pairs_never_matched": counts.decisions.never_pairs,
            "pairs_scored": counts.scored_pairs,
            "is_trained": counts.is_trained,
        }
        for name in RESOLVED:
            yield dg.MaterializeResult(
                asset_key=["identity", name],
                metadata=numbers if name == "record_clusters" else {},
            )

    @dg.multi_asset(
        name="golden_customers",
        specs=_specs(GOLDEN, [dg.AssetKey(["identity", name]) for name in RESOLVED]),
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=["identity", "customer_ids"],
                blocking=check.is_blocking,
                description=check.description,
            )
            for check in CHECKS
        ],
    )
    def golden_customers(
        warehouse: WarehouseResource,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        as_of = warehouse.as_of_date()
        with warehouse.connect() as connection:
            counts = write_golden(connection, as_of, [each.name for each in warehouse.systems()])
            outcomes = run_checks(connection)
            for check, outcome in outcomes:
                record_checks(
                    connection,
                    warehouse.run_id,
                    datetime.now(UTC).replace(tzinfo=None),
                    [("identity.customer_ids", check.name, outcome.is_passed, outcome.numbers)],
                    severity="error" if check.is_blocking else "warn",
                )
        numbers = {
            "dagster/row_count": counts.records,
            "customers": counts.customers,
            "households": counts.households,
            "records_reassigned": counts.records_changed,
            "ledger_rows": counts.ledger_rows,
        }
        for name in GOLDEN:
            yield dg.MaterializeResult(
                asset_key=["identity", name], metadata=numbers if name == "customer_ids" else {}
            )
        for check, outcome in outcomes:
            yield dg.AssetCheckResult(
                asset_key=["identity", "customer_ids"],
                check_name=check.name,
                passed=outcome.is_passed,
                severity=dg.AssetCheckSeverity.ERROR
                if check.is_blocking
                else dg.AssetCheckSeverity.WARN,
                metadata={"numbers": outcome.numbers},
            )

    return dg.Definitions(assets=[customer_records, resolve_identity, golden_customers])
