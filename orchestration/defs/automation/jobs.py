"""The job `daily`, its schedule, its failure hook, and the resource that all assets share."""

import dagster as dg

from orchestration.lib.notifications import notify_failure
from orchestration.resources import WarehouseResource, disabled_systems
from orchestration.settings import get_settings


@dg.failure_hook(name="tell_about_failure")
def tell_about_failure(context: dg.HookContext) -> None:
    """Log what failed in one sentence and, when a webhook is set, post it there."""
    error = context.op_exception
    notify_failure(
        webhook=get_settings().failure_webhook.get_secret_value(),
        run_id=context.run_id,
        step=context.op.name,
        error_type=type(error).__name__ if error else "unknown",
        log=context.log,
    )


def daily_selection() -> dg.AssetSelection:
    """Return everything but the assets of systems that this deployment lacks, and retention's clean-up."""
    selection: dg.AssetSelection = dg.AssetSelection.all() - dg.AssetSelection.assets(
        dg.AssetKey(["privacy", "retention_clean_up"])
    )
    for name in sorted(disabled_systems()):
        selection = (
            selection
            - dg.AssetSelection.key_prefixes(["raw", name])
            - dg.AssetSelection.key_substring(f"stg_{name}__")
            - dg.AssetSelection.key_substring(f"base_{name}__")
        )
    return selection


@dg.definitions
def automation() -> dg.Definitions:
    """Return the job, the schedule and the resources."""
    settings = get_settings()
    daily = dg.define_asset_job(
        "daily",
        selection=daily_selection(),
        hooks={tell_about_failure},
        description=(
            "From the delivered files to the published warehouse and today's contact plan, for the "
            f"source systems {', '.join(settings.sources)} (CADENCIA_SOURCES)."
        ),
    )
    schedule = dg.ScheduleDefinition(
        name="daily_schedule",
        job=daily,
        cron_schedule=settings.schedule,
        execution_timezone="Europe/Madrid",
        description="Every morning before the shops open. Off until somebody turns it on.",
    )
    return dg.Definitions(
        jobs=[daily],
        schedules=[schedule],
        resources={"warehouse": WarehouseResource(source_systems=list(settings.sources))},
        executor=dg.in_process_executor,
    )
