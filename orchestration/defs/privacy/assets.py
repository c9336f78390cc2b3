"""The durable privacy state as tables of the run."""

import dagster as dg

from orchestration.lib.dbt_project import declared_columns, read_manifest
from orchestration.lib.privacy.audit_log import read_entries
from orchestration.lib.privacy.audit_log_table import load_audit_log
from orchestration.lib.privacy.erasure.certificate import load_erasures, read_certificates
from orchestration.lib.privacy.suppressions import load_suppressions, read_events
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


@dg.asset(
    key=["privacy", "suppressions"],
    deps=[["ops", "settings"]],
    group_name="privacy",
    owners=["team:privacy"],
    kinds={"python", "duckdb"},
    description=(
        "Who asked us not to be contacted or profiled, by hash, as `cadencia suppress` keeps it in "
        "CADENCIA_HOME/privacy. One row per entry and channel in force on the as-of date."
    ),
)
def suppressions(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Load what is in force of our own list into ``privacy.suppressions``."""
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "privacy", "suppressions")
    as_of, events = warehouse.as_of_date(), read_events(warehouse.settings.home)
    with warehouse.connect() as connection:
        rows = load_suppressions(connection, events, as_of, columns)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


@dg.asset(
    key=["privacy", "erasures"],
    group_name="privacy",
    owners=["team:privacy"],
    kinds={"python", "duckdb"},
    description="Finished erasures, from their certificates. One row per request.",
)
def erasures(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Load the certificates into ``privacy.erasures``."""
    columns = declared_columns(read_manifest(DBT_PROJECT_DIR), "privacy", "erasures")
    with warehouse.connect() as connection:
        rows = load_erasures(connection, read_certificates(warehouse.settings.home), columns)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
