"""How dbt nodes appear in Dagster: keys, groups, owners, kinds. One translator for all layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

OWNERS_BY_GROUP = {
    "ingest": "team:analytics-engineering",
    "warehouse": "team:analytics-engineering",
    "intelligence": "team:data-science",
    "contact_plan": "team:crm",
    "publish": "team:analytics-engineering",
}


def group_of(schema: str) -> str:
    """Return the Dagster group of a dbt schema."""
    return {"plays": "contact_plan"}.get(schema, "warehouse")


class CadenciaTranslator(DagsterDbtTranslator):
    """Keys are ``schema/table``; sources are keyed as the Python assets that write them."""

    def __init__(self) -> None:
        super().__init__(
            settings=DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_duplicate_source_asset_keys=False
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return ``raw/<system>/<table>`` for a delivered source, else ``schema/name``."""
        schema = dbt_resource_props["schema"]
        if dbt_resource_props["resource_type"] == "source":
            source, table = dbt_resource_props["source_name"], dbt_resource_props["name"]
            is_delivered = schema == "raw" and source != "ledger"
            return dg.AssetKey(["raw", source, table] if is_delivered else [schema, table])
        return dg.AssetKey([schema, dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the capability that the node belongs to."""
        return group_of(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Return the team that answers for the node."""
        return [OWNERS_BY_GROUP[self.get_group_name(dbt_resource_props)]]
