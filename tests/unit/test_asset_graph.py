"""The asset graph as a snapshot: an accidental change of keys, jobs or checks shows up in review.

After a wanted change: `CADENCIA_UPDATE_SNAPSHOTS=1 make test` writes the snapshot anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.lib.translator import belongs_to

SNAPSHOT = Path(__file__).with_name("asset_graph_snapshot.json")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("CADENCIA_") and name != "CADENCIA_UPDATE_SNAPSHOTS":
                patch.delenv(name)
        patch.setenv("CADENCIA_HOME", str(tmp_path_factory.mktemp("home")))
        return defs()


def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key)


def test_the_graph_is_the_one_that_was_reviewed(definitions: dg.Definitions) -> None:
    checks = sorted(
        f"{key.asset_key.to_user_string()}:{key.name}"
        for key in definitions.resolve_asset_graph().asset_check_keys
    )
    job = definitions.resolve_job_def("daily")
    found: dict[str, Any] = {
        "assets": {
            spec.key.to_user_string(): f"{spec.group_name} | {', '.join(sorted(spec.kinds))}"
            for spec in specs(definitions)
        },
        "checks": checks,
        "steps_of_daily": [node.name for node in job.nodes_in_topological_order],
        "schedules": {
            schedule.name: schedule.cron_schedule for schedule in definitions.schedules or []
        },
        "sensors": sorted(sensor.name for sensor in definitions.sensors or []),
    }
    text = json.dumps(found, indent=1, sort_keys=False) + "\n"
    if os.environ.get("CADENCIA_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text)
    assert json.loads(SNAPSHOT.read_text()) == found


def test_every_asset_is_described_grouped_and_owned(definitions: dg.Definitions) -> None:
    for spec in specs(definitions):
        if spec.key.path[0] == "reference" or spec.group_name is None:
            continue
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
    groups = {spec.group_name for spec in specs(definitions)}
    assert groups == {
        "ingest", "warehouse", "identity", "intelligence", "contact_plan", "publish", "quality",
        "privacy",
    }  # fmt: skip


def test_the_job_leaves_out_systems_that_are_not_enabled(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("daily")
    keys = job.asset_layer.executable_asset_keys
    assert dg.AssetKey(["raw", "erp", "customers"]) in keys
    assert not [key for key in keys if belongs_to(key, "cdnow")]
    # Nor does anything ask for them: the UI would warn before every run.
    for spec in specs(definitions):
        if not belongs_to(spec.key, "cdnow"):
            assert not [dep for dep in spec.deps if belongs_to(dep.asset_key, "cdnow")], spec.key


def test_publishing_waits_for_every_table(definitions: dg.Definitions) -> None:
    """A failed check on any asset must stop the publish, so it depends on each of them."""
    job = definitions.resolve_job_def("daily")
    graph = definitions.resolve_asset_graph()
    publish = dg.AssetKey(["publish", "warehouse"])
    others = set(job.asset_layer.executable_asset_keys) - {publish}
    assert others - graph.get_ancestor_asset_keys(publish) == set()


def test_schedules_are_off_until_somebody_turns_them_on(definitions: dg.Definitions) -> None:
    for schedule in definitions.schedules or []:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "Europe/Madrid"


def test_the_sensor_is_off_until_somebody_turns_it_on(definitions: dg.Definitions) -> None:
    (sensor,) = definitions.sensors or []
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.job_name == "daily"


def test_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert "daily" in {job.name for job in definitions.resolve_all_job_defs()}
