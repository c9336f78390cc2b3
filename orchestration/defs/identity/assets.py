"""Customer records, normalised: between the staging models and all that needs to know a customer."""

import dagster as dg

from ml.identity.normalise import NORMALISER_VERSION
from orchestration.lib.customer_records import refresh_customer_records
from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.resources import WarehouseResource
from orchestration.settings import DBT_PROJECT_DIR

UPSTREAM = [
    dg.AssetKey(["intermediate", "int_customer_records__unioned"]),
    *(dg.AssetKey(["reference", name]) for name in ("provinces", "municipalities", "postal_codes")),
]


@dg.asset(
    key=["identity", "customer_records"],
    deps=UPSTREAM,
    group_name="identity",
    owners=["team:data-science"],
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
    return dg.Definitions(assets=[customer_records])
