"""The durable privacy state as tables of the run."""

import dagster as dg

from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.privacy.audit_log import read_entries
from orchestration.lib.privacy.audit_log_table import load_audit_log
from orchestration.resources import WarehouseResource
from orchestration.settings import DBT_PROJECT_DIR


@dg.asset(
    key=["privacy", "audit_log"],
    group_name="privacy",
    owners=["team:privacy"],
    kinds={"python", "duckdb"},
    description=(
        "The audit log as the run found it, so that each version vouches for its head. One row per "
        "action on personal data or on what is published."
    ),
)
def audit_log(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Load the log into ``privacy.audit_log``."""
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "privacy", "audit_log")
    with warehouse.connect() as connection:
        rows = load_audit_log(connection, read_entries(warehouse.settings.home), columns)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
