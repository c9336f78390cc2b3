"""Run the job `daily` (or `retention`) from the command line on the instance that the UI shows.

Belongs here: starting the job in this process and reading why it failed. Does not: printing.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass

import dagster as dg
from rich.console import Console

from orchestration.lib.dagster_home import PROCESS_TAG, hold_databases_open, open_instance
from orchestration.lib.errors import CadenciaError, CheckFailedError
from orchestration.lib.progress import RunView, run_with_progress
from orchestration.settings import Settings


@dataclass(frozen=True)
class RunOptions:
    """What a person may choose about a run."""

    as_of: str = ""
    full_refresh: bool = False
    job: str = "daily"
    retention_as_of: str = ""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended; ``errors`` are sentences."""

    run_id: str
    is_success: bool
    exit_code: int
    errors: tuple[str, ...]
    view: RunView


def _exit_code_of(class_name: str) -> int:
    known = {cls.__name__: cls.exit_code for cls in CadenciaError.__subclasses__()}
    # Checks, dbt nodes and anything unforeseen: the run failed and nothing was published.
    return known.get(class_name, CheckFailedError.exit_code)


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    sentences = []
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.passed or evaluation.severity == dg.AssetCheckSeverity.WARN:
            continue
        numbers = "; ".join(f"{name}: {value.value}" for name, value in evaluation.metadata.items())
        sentences.append(
            f"check {evaluation.check_name} failed on {evaluation.asset_key.to_user_string()}"
            f" ({numbers})"
        )
    return sentences


def run_daily(settings: Settings, options: RunOptions, console: Console) -> RunOutcome:
    """Execute the job in this process with a progress display.

    ``CADENCIA_SOURCES`` must be set before: the job's selection follows from it.
    """
    from orchestration.definitions import defs

    instance = open_instance(settings.dagster_home)
    job = defs().resolve_job_def(options.job)
    run_id = str(uuid.uuid4())
    warehouse = {
        "source_systems": list(settings.sources),
        "as_of": options.as_of,
        "full_refresh": options.full_refresh,
        "lock_wait_seconds": 0,
        "retention_as_of": options.retention_as_of,
    }

    def work() -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            tags={PROCESS_TAG: str(os.getpid()), "cadencia/started_by": "cli"},
            run_config={
                "resources": {"warehouse": {"config": warehouse}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )

    steps = [node.name for node in job.nodes_in_topological_order]
    with hold_databases_open(settings.dagster_home):
        result, view = run_with_progress(instance, run_id, steps, work, console)
    errors, code = _read_failures(result)
    return RunOutcome(run_id, result.success, 0 if result.success else code, tuple(errors), view)


def _read_failures(result: dg.ExecuteInProcessResult) -> tuple[list[str], int]:
    """Return the sentences and the exit code of a failed run."""
    errors, codes = [], []
    failures = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    # Without a failed step the run failed around the steps: in the lock or the working copy.
    failures = failures or [
        event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"
    ]
    for event in failures:
        error = getattr(event.event_specific_data, "error", None)
        if error is None:
            continue
        root = error
        while root.cause is not None:
            root = root.cause
        if root.cls_name == "DagsterAssetCheckFailedError":
            codes.append(CheckFailedError.exit_code)
            continue
        codes.append(_exit_code_of(root.cls_name or ""))
        where = f"{event.step_key}: " if event.step_key else ""
        errors.append(f"{where}{root.message.strip().removeprefix(f'{_qualified(root)}: ')}")
    errors = [*_failed_checks(result), *errors]
    return errors, max(codes, default=CheckFailedError.exit_code)


def _qualified(error: object) -> str:
    """Return the prefix that Dagster puts before a message: the class with its module."""
    text = str(getattr(error, "message", ""))
    head = text.split(": ", 1)[0]
    is_class_path = bool(head) and " " not in head
    return head if is_class_path else ""
