"""Tell somebody that a run failed: one log line, and a POST when a webhook is configured.

What goes out names run, step and kind of error, never the error's text: it might quote a value.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 10


def notify_failure(
    *, webhook: str, run_id: str, step: str, error_type: str, log: logging.Logger
) -> None:
    """Log the failure and post it as JSON; a webhook that can't be reached is logged, not raised."""
    text = (
        f"Cadencia run {run_id[:8]} failed in step {step} ({error_type}). Nothing was published; "
        "readers keep the version before."
    )
    log.error(text)
    if not webhook:
        return
    body = {"text": text, "run_id": run_id, "step": step, "error_type": error_type}
    request = urllib.request.Request(
        webhook,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            log.info("The failure was posted to the webhook.")
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        log.warning(f"The failure webhook could not be reached ({type(error).__name__}).")
