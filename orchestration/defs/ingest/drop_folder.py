"""The sensor `drop_folder`: a run when delivered files are complete. What it sees: `lib.drop_folder`."""

import time

import dagster as dg

from orchestration.lib.drop_folder import Watch, is_new, look, next_watch
from orchestration.settings import ALWAYS_READ, get_settings


def seconds_now() -> float:
    """Return the time in seconds; a test replaces it."""
    return time.time()


@dg.sensor(
    name="drop_folder",
    job_name="daily",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description=(
        "Runs `daily` once when files in landing/<system>/ of the enabled systems are new or changed "
        "and have been still for CADENCIA_SENSOR_SETTLE_SECONDS. Off until somebody turns it on."
    ),
)
def drop_folder(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for one run per state of the drop folders."""
    settings = get_settings()
    before = Watch.from_cursor(context.cursor)
    state = look(settings.landing_dir, (*settings.sources, *ALWAYS_READ))
    after = next_watch(before, state, seconds_now(), settings.sensor_settle_seconds)
    context.update_cursor(after.to_cursor())
    if after.handled != before.handled:
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=after.fingerprint)])
    if not is_new(after, state):
        return dg.SkipReason(f"No file in {settings.landing_dir} is new or changed.")
    return dg.SkipReason(
        f"Files are new; waiting until all have been still for {settings.sensor_settle_seconds} s."
    )
