"""A layer of dbt models as Dagster assets: select, run in process, report assets and checks.

Belongs here: the bridge from `dbt_project` results to Dagster events. Does not: which layers exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import dbt_assets

from orchestration.lib.dbt_project import NodeResult, build_nodes
from orchestration.lib.preview import preview_markdown
from orchestration.lib.run_records import ensure_run_tables
from orchestration.lib.step_details import tell
from orchestration.lib.table_plots import plot_of
from orchestration.lib.translator import CadenciaTranslator
from orchestration.resources import WarehouseResource
from orchestration.settings import DBT_PROJECT_DIR

UNIQUE_ID = "dagster_dbt/unique_id"
LayerEvent = dg.MaterializeResult | dg.AssetCheckResult
"""What a layer reports for each model and each test."""


def build_dbt_layer(
    name: str, tag: str, manifest: Mapping[str, Any], translator: CadenciaTranslator
) -> dg.AssetsDefinition:
    """Return the asset definition of all models that carry ``tag``."""

    @dbt_assets(
        manifest=manifest,
        select=f"tag:{tag}",
        name=name,
        dagster_dbt_translator=translator,
    )
    def layer(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[LayerEvent]:
        nodes = _nodes_by_key(manifest)
        selected = {key: nodes[key] for key in context.selected_asset_keys}
        results = build_nodes(
            DBT_PROJECT_DIR,
            warehouse.database,
            [node["name"] for node in selected.values()],
            {
                "source_systems": [system.name for system in warehouse.systems()],
                "minimum_contact_age": warehouse.settings.minimum_contact_age,
            },
            on_node=lambda node, status: tell(name, f"{node}: {status}"),
        )
        yield from _report(context, warehouse, manifest, selected, results)

    return layer


def _nodes_by_key(manifest: Mapping[str, Any]) -> dict[dg.AssetKey, Mapping[str, Any]]:
    translator = CadenciaTranslator()
    return {
        translator.get_asset_key(node): node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }


def _report(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    manifest: Mapping[str, Any],
    selected: Mapping[dg.AssetKey, Mapping[str, Any]],
    results: Sequence[NodeResult],
) -> Iterator[LayerEvent]:
    by_unique_id = {result.unique_id: result for result in results}
    with warehouse.connect() as connection:
        _record_tests(connection, warehouse.run_id, manifest, results)
        keys = {node["unique_id"]: key for key, node in selected.items()}
        # dbt's own order: Dagster wants a multi-asset's outputs upstream first.
        for result in results:
            key = keys.get(result.unique_id)
            if key is not None and result.has_succeeded:
                yield dg.MaterializeResult(
                    asset_key=key, metadata=_node_metadata(connection, selected[key], result)
                )
    unasked = []
    for spec in context.assets_def.check_specs:
        if spec.key not in context.selected_asset_check_keys:
            continue
        test = by_unique_id.get((spec.metadata or {}).get(UNIQUE_ID, ""))
        if test is not None and test.has_run:
            yield _check_result(spec, test)
        else:
            unasked.append(spec.name)
    # A model that could not be built, or a test that could not be asked or belongs to no one model:
    # nothing after this may run.
    broken = [
        result
        for result in results
        if result.status == "error" or (result.status == "fail" and not _has_check(context, result))
    ]
    if unasked and not broken and all(result.has_run for result in results):
        # Dagster would let the next step pass a check that never spoke.
        raise dg.Failure(
            description=f"dbt did not run {len(unasked)} test(s), so nothing is published: "
            f"{', '.join(unasked[:20])}. The project changed during the run; run again.",
            allow_retries=False,
        )
    if broken:
        sentences = "\n".join(f"- {result.name}: {result.message}" for result in broken)
        raise dg.Failure(
            description=f"dbt could not build {len(broken)} node(s); nothing is published.\n{sentences}",
            allow_retries=False,
        )


def _has_check(context: dg.AssetExecutionContext, result: NodeResult) -> bool:
    return any(
        (spec.metadata or {}).get(UNIQUE_ID) == result.unique_id
        for spec in context.assets_def.check_specs
    )


def _check_result(spec: dg.AssetCheckSpec, result: NodeResult) -> dg.AssetCheckResult:
    severity = (
        dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR
    )
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=result.has_succeeded,
        severity=severity,
        metadata={
            "status": result.status,
            "failures": result.failures or 0,
            **({} if result.has_succeeded else {"message": result.message}),
        },
    )


def _node_metadata(
    connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], result: NodeResult
) -> dict[str, Any]:
    relation = f'"{node["schema"]}"."{node["alias"]}"'
    described = connection.execute(f"describe {relation}").fetchall()
    metadata: dict[str, Any] = {
        "duration_seconds": round(result.duration_seconds, 3),
        "dagster/relation_identifier": f"crm.{node['schema']}.{node['alias']}",
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    row[0], row[1], description=node["columns"].get(row[0], {}).get("description")
                )
                for row in described
            ]
        ),
    }
    if node["config"]["materialized"] != "view":
        (rows,) = connection.execute(f"select count(*) from {relation}").fetchall()[0]
        metadata["dagster/row_count"] = rows
        preview = preview_markdown(connection, node)
        if preview:
            metadata["preview"] = dg.MetadataValue.md(preview)
        plot = plot_of(connection, f"{node['schema']}.{node['alias']}")
        if plot:
            metadata["plot"] = dg.MetadataValue.md(plot)
    return metadata


def _record_tests(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    manifest: Mapping[str, Any],
    results: Sequence[NodeResult],
) -> None:
    ensure_run_tables(connection)
    for result in results:
        if result.resource_type != "test" or not result.has_run:
            continue
        test = manifest["nodes"].get(result.unique_id, {})
        attached = manifest["nodes"].get(test.get("attached_node") or "", {})
        relation = f"{attached['schema']}.{attached['name']}" if attached else None
        connection.execute(
            "insert into quality.checks values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run_id,
                result.finished_at,
                relation,
                result.name,
                str(test.get("config", {}).get("severity", "error")).lower(),
                result.has_succeeded,
                result.failures or 0,
                None if result.has_succeeded else result.message,
            ],
        )
