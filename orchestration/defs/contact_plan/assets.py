"""The contact plan: gather the plays' candidates, decide, write plan and ledger."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from ml.contact_plan import (
    CANDIDATE_COLUMNS,
    HISTORY_COLUMNS,
    ChannelDefinition,
    DefinitionError,
    PlanPolicy,
    PlayDefinition,
    build_contact_plan,
)
from orchestration.lib.contact_rights import plan_customers_query
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.errors import ContractError
from orchestration.lib.keys import load_key
from orchestration.lib.preview import markdown_table
from orchestration.resources import WarehouseResource
from orchestration.settings import DBT_PROJECT_DIR

DESCRIPTIONS = {
    "candidates": "What the plays propose. One row per plan date, play and customer.",
    "decisions": (
        "The ledger: every candidate with its outcome (selected, deferred, suppressed, control) and "
        "its reason codes. One row per plan date, play and customer."
    ),
    "contact_plan": "Contacts to make: who, what, by which channel, when and why. One row per contact.",
    "arbitration_runs": "Objective, bound and gap of each day's arbitration. One row per plan date.",
}


def find_plays(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the dbt nodes of the plays by name: any model of schema ``plays`` with a play's meta."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and "play" in node["config"].get("meta", {}).get("cadencia", {})
    }


def _define(name: str, node: Mapping[str, Any]) -> PlayDefinition:
    try:
        return PlayDefinition.from_meta(name, node["config"]["meta"]["cadencia"]["play"])
    except DefinitionError as error:
        raise ContractError(f"{node['original_file_path']}: {error}") from None


def _read_candidates(warehouse: WarehouseResource, plays: list[str]) -> pd.DataFrame:
    columns = ", ".join(name for name in CANDIDATE_COLUMNS if name != "play")
    return warehouse.read(
        " union all ".join(
            f"select '{name}' as play, {columns} from plays.{name}" for name in sorted(plays)
        )
    )


def _read_history(warehouse: WarehouseResource) -> pd.DataFrame:
    """Return contacts planned before this plan date (none on the first run)."""
    exists = warehouse.read(
        "select 1 from information_schema.tables "
        "where table_schema = 'plan' and table_name = 'contact_plan'"
    )
    if exists.empty:
        return pd.DataFrame(columns=list(HISTORY_COLUMNS))
    return warehouse.read(
        "select customer_id, play, channel, send_at as sent_at, plan_date from plan.contact_plan "
        "where plan_date < (select as_of_date from ops.settings)"
    )


def _read_channels(warehouse: WarehouseResource) -> list[ChannelDefinition]:
    rows = warehouse.read("from reference.channels").itertuples()
    return [
        ChannelDefinition(
            name=str(row.channel),
            unit_cost=float(row.unit_cost),  # type: ignore[arg-type]
            daily_capacity=None if pd.isna(row.daily_capacity) else int(row.daily_capacity),  # type: ignore[arg-type]
        )
        for row in rows
    ]


@dg.definitions
def contact_plan() -> dg.Definitions:
    """Return the plan's assets; their upstreams are the plays found in the dbt project."""
    plays = find_plays(read_manifest(DBT_PROJECT_DIR))
    definitions = [_define(name, node) for name, node in sorted(plays.items())]
    upstream = [
        *(dg.AssetKey(["plays", name]) for name in plays),
        dg.AssetKey(["reference", "channels"]),
        dg.AssetKey(["intermediate", "int_plays__plan_customers"]),
        dg.AssetKey(["intermediate", "int_customers__contact_rights"]),
    ]

    @dg.multi_asset(
        name="contact_plan",
        specs=[
            dg.AssetSpec(
                ["plan", name],
                deps=upstream,
                group_name="contact_plan",
                owners=["team:crm"],
                kinds={"python"},
                description=description,
            )
            for name, description in DESCRIPTIONS.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "every_candidate_is_decided",
                asset=["plan", "decisions"],
                blocking=True,
                description="Candidates = selected + deferred + suppressed + control.",
            ),
            dg.AssetCheckSpec(
                "no_rule_is_broken",
                asset=["plan", "contact_plan"],
                blocking=True,
                description=(
                    "Legal bases, caps, capacities and control groups are checked again on the result."
                ),
            ),
        ],
    )
    def plan(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        settings = warehouse.settings
        result = build_contact_plan(
            candidates=_read_candidates(warehouse, list(plays)),
            plays=definitions,
            channels=_read_channels(warehouse),
            customers=warehouse.read(plan_customers_query()),
            history=_read_history(warehouse),
            plan_date=warehouse.as_of_date(),
            policy=PlanPolicy(
                max_contacts_per_7d=settings.max_contacts_per_7d,
                max_contacts_per_30d=settings.max_contacts_per_30d,
                universal_holdout_share=settings.universal_holdout_share,
                play_holdout_share=settings.play_holdout_share,
            ),
            holdout_key=load_key(
                "holdout", settings.holdout_key.get_secret_value(), settings.keys_dir
            ),
        )
        frames = {
            "candidates": result.candidates,
            "decisions": result.decisions,
            "contact_plan": result.contact_plan,
            "arbitration_runs": result.arbitration_run,
        }
        for name, frame in frames.items():
            warehouse.write_as_of("plan", name, frame, key="plan_date")
            yield dg.MaterializeResult(
                asset_key=["plan", name],
                metadata={"dagster/row_count": len(frame), **_metadata(name, frame)},
            )
        decided = result.decisions["outcome"].isin(
            ["selected", "deferred", "suppressed", "control"]
        )
        yield dg.AssetCheckResult(
            asset_key=["plan", "decisions"],
            check_name="every_candidate_is_decided",
            passed=bool(len(result.decisions) == len(result.candidates) and decided.all()),
            metadata={"candidates": len(result.candidates), "decisions": len(result.decisions)},
        )
        violations = int(result.arbitration_run["violations"].iloc[0])
        yield dg.AssetCheckResult(
            asset_key=["plan", "contact_plan"],
            check_name="no_rule_is_broken",
            passed=violations == 0,
            metadata={"violations": violations},
        )

    return dg.Definitions(assets=[plan])


def _metadata(name: str, frame: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """Return the counts that tell the plan at a glance."""
    groups = {"decisions": ["outcome", "reason_codes"], "contact_plan": ["play", "channel"]}.get(
        name
    )
    if groups is None or frame.empty:
        return {}
    counts = frame.groupby(groups, observed=True).size().reset_index(name="rows")
    rows = list(counts.sort_values("rows", ascending=False).itertuples(index=False, name=None))
    return {"counts": dg.MetadataValue.md(markdown_table([*groups, "rows"], rows))}
