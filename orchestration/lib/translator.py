"""How dbt nodes appear in Dagster: keys, groups, owners, kinds. One translator for all layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

OWNERS_BY_GROUP = {
    "ingest": "team:analytics-engineering",
    "warehouse": "team:analytics-engineering",
    "identity": "team:data-science",
    "intelligence": "team:data-science",
    "contact_plan": "team:crm",
    "publish": "team:analytics-engineering",
    "quality": "team:analytics-engineering",
    "privacy": "team:privacy",
}


def group_of(schema: str) -> str:
    """Return the Dagster group of a dbt schema."""
    return {"plays": "contact_plan", "quality": "quality"}.get(schema, "warehouse")


def belongs_to(key: dg.AssetKey, system: str) -> bool:
    """Return whether an asset is the system's own: its raw tables and its staging models."""
    first, *_, last = key.path
    if first == "raw":
        return key.path[1] == system
    return first == "staging" and last.split("_", 1)[-1].startswith(f"{system}__")


class CadenciaTranslator(DagsterDbtTranslator):
    """Keys are ``schema/table``; sources are keyed as the Python assets that write them."""

    def __init__(self, disabled_systems: frozenset[str] = frozenset()) -> None:
        self._disabled_systems = disabled_systems
        super().__init__(
            settings=DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_duplicate_source_asset_keys=False
            )
        )

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Return the node's spec without edges from systems that this deployment lacks.

        The unions name every system, so that the SQL is one; but an edge from a system that never
        runs would make Dagster ask for it before each run.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        before = list(spec.deps)
        deps = [dep for dep in before if self._system_of(dep.asset_key) is None]
        return spec if len(deps) == len(before) else spec.replace_attributes(deps=deps)

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Return the check of a dbt test; none for the tests of seeds, which don't run daily."""
        if manifest["nodes"][unique_id]["original_file_path"].startswith("seeds"):
            return None
        return super().get_asset_check_spec(asset_spec, manifest, unique_id, project)

    def _system_of(self, key: dg.AssetKey) -> str | None:
        """Return the disabled system whose raw or staging asset this is, if it is one."""
        return next((name for name in self._disabled_systems if belongs_to(key, name)), None)

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
