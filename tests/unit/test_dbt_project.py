"""The dbt project against the house rules: layers, contracts, documentation, portable SQL."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

from orchestration.defs.contact_plan.assets import find_plays
from orchestration.defs.warehouse.assets import LAYERS
from orchestration.lib.contract import load_contracts
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.privacy.registry import declared_class
from orchestration.resources import STAGING_DIR
from orchestration.settings import DBT_PROJECT_DIR

Node = dict[str, Any]
# A layer reads what stands before it; int_plays__* support the plays and stand with them.
ORDER = ("staging", "intermediate", "marts", "plays", "serving")
NOT_PORTABLE = {
    "qualify": r"\bqualify\b",
    "list()": r"\blist\(",
    "quantile_cont": r"\bquantile_cont\b",
    "asof join": r"\basof\b",
    "pivot": r"\bpivot\b",
    "double-colon cast": r"::",
    "arrow lambda": r"->",
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return read_manifest(DBT_PROJECT_DIR)


def models(manifest: dict[str, Any]) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def marts(manifest: dict[str, Any]) -> list[Node]:
    return [node for node in models(manifest) if node["path"].startswith("marts")]


def layer(node: Node) -> str:
    first, *rest = Path(node["path"]).parts
    return "serving" if first == "marts" and rest[0] == "serving" else first


def test_layers_go_one_way(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        for parent in node["depends_on"]["nodes"]:
            upstream = manifest["nodes"].get(parent)
            if upstream is not None and upstream["resource_type"] == "model":
                assert ORDER.index(layer(upstream)) <= ORDER.index(layer(node)), (
                    f"{node['name']} ({layer(node)}) reads {upstream['name']} ({layer(upstream)})"
                )


def test_every_node_that_a_run_builds_stands_in_one_layer(manifest: dict[str, Any]) -> None:
    layers = {f"layer_{name}" for name in LAYERS}
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed"):
            assert len(layers & set(node["tags"])) == 1, (
                f"{node['name']}: give its folder one layer tag in dbt_project.yml"
            )


def test_delivered_tables_are_read_by_base_and_staging_models_only(
    manifest: dict[str, Any],
) -> None:
    delivered = {
        unique_id
        for unique_id, source in manifest["sources"].items()
        if source["schema"] == "raw" and source["source_name"] != "ledger"
    }
    for node in models(manifest):
        if delivered & set(node["depends_on"]["nodes"]):
            assert layer(node) == "staging", node["name"]


def test_a_staging_model_reads_its_own_system_only(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        if layer(node) == "staging":
            system = Path(node["path"]).parts[1]
            for parent in node["depends_on"]["nodes"]:
                assert system in parent or parent.startswith("seed."), (node["name"], parent)


def test_every_mart_is_a_documented_owned_contract(manifest: dict[str, Any]) -> None:
    assert len(marts(manifest)) >= 15
    for node in marts(manifest):
        assert node["config"]["contract"]["enforced"], node["name"]
        assert "One row per" in node["description"], node["name"]
        assert node["config"]["meta"].get("owner"), node["name"]
        for column in node["columns"].values():
            assert column["description"], (node["name"], column["name"])
            assert column["data_type"], (node["name"], column["name"])


def test_every_column_that_may_be_published_has_a_data_class(manifest: dict[str, Any]) -> None:
    published = [*marts(manifest), *find_plays(manifest).values()]
    published += [
        source
        for source in manifest["sources"].values()
        if source["schema"] in ("ml", "plan", "ops")
    ]
    for node in published:
        assert node["columns"], node["name"]
        for column in node["columns"].values():
            assert declared_class(column), (node["name"], column["name"])


def test_identifiers_are_classed_as_such(manifest: dict[str, Any]) -> None:
    (customers,) = [node for node in marts(manifest) if node["name"] == "dim_customers"]
    for name in ("given_name", "surname_1", "email", "phone", "national_id", "birth_date"):
        found = declared_class(customers["columns"][name])
        assert found and found.data_class == "direct_identifier", name
    for node in [*marts(manifest), *find_plays(manifest).values()]:
        for name in ("customer_id", "household_id"):
            if name in node["columns"]:
                found = declared_class(node["columns"][name])
                assert found and found.data_class == "customer_key", (node["name"], name)


def test_every_mart_has_a_tested_key(manifest: dict[str, Any]) -> None:
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
    }
    for node in marts(manifest):
        assert node["unique_id"] in tested, node["name"]


def test_every_model_has_its_yml_beside_it(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        assert node["patch_path"], f"{node['name']} has no yml"


def test_the_plays_of_the_issue_are_there(manifest: dict[str, Any]) -> None:
    plays = find_plays(manifest)
    wanted = {
        "play_welcome",
        "play_second_purchase",
        "play_due_by_own_cycle",
        "play_at_risk_high_value",
        "play_reactivation_value_added",
        "play_exclusive_best_customers",
        "play_category_cross_sell",
        "play_coupon_reminder",
    }
    assert wanted <= set(plays)
    exclusive = plays["play_exclusive_best_customers"]["config"]["meta"]["cadencia"]["play"]
    assert exclusive["offer_is_discount"] is False


@pytest.mark.parametrize("construct", sorted(NOT_PORTABLE))
def test_sql_runs_on_both_engines(construct: str) -> None:
    for path in (DBT_PROJECT_DIR / "models").rglob("*.sql"):
        code = re.sub(r"--[^\n]*|\{#.*?#\}|'[^']*'", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(NOT_PORTABLE[construct], code, re.IGNORECASE), f"{path}: {construct}"


def test_every_system_stands_in_one_folder_with_its_contract() -> None:
    folders = {path.name for path in STAGING_DIR.iterdir() if path.is_dir()}
    assert folders == set(load_contracts(STAGING_DIR))


def test_yml_names_a_model_that_exists() -> None:
    for path in (DBT_PROJECT_DIR / "models").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            found = list((DBT_PROJECT_DIR / "models").rglob(f"{model['name']}.sql"))
            assert len(found) == 1, f"{path}: {model['name']}"


def test_dbt_parses_without_deprecations(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    said: list[str] = []
    outcome = dbtRunner(callbacks=[lambda event: said.append(event.info.name)]).invoke(
        [
            "parse", "--no-partial-parse", "--show-all-deprecations", "--quiet",
            "--project-dir", str(project), "--profiles-dir", str(project),
        ]
    )  # fmt: skip
    assert outcome.success
    assert [name for name in said if "Deprecat" in name] == []
