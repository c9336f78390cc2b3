"""Show a Dagster run as it goes: what is running, for how long, what comes next.

Reads the run's event log while the run works in another thread. Presentation only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import dagster as dg
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestration.lib.step_details import detail_of

Result = TypeVar("Result")
POLL_SECONDS = 0.25
MAXIMUM_UPCOMING = 6


@dataclass
class Step:
    """One step of the run as seen so far."""

    name: str
    started: float | None = None
    seconds: float | None = None
    has_failed: bool = False
    detail: str = ""


@dataclass
class RunView:
    """State of the display, fed with events."""

    steps: dict[str, Step] = field(default_factory=dict)
    cursor: str | None = None

    def expect(self, names: list[str]) -> None:
        """Name the steps in their order before they start."""
        for name in names:
            self.steps.setdefault(name, Step(name))

    def hear(self, event: dg.EventLogEntry) -> Step | None:
        """Take in one event; return the step when it has just ended."""
        if event.step_key is None:
            return None
        step = self.steps.setdefault(event.step_key, Step(event.step_key))
        kind = event.dagster_event.event_type_value if event.dagster_event else None
        if kind == "STEP_START":
            step.started = event.timestamp
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
            step.seconds = event.timestamp - (step.started or event.timestamp)
            step.has_failed = kind == "STEP_FAILURE"
            return step
        elif kind is None:
            step.detail = event.user_message.splitlines()[0][:70] if event.user_message else ""
        return None

    def render(self) -> RenderableType:
        """Return what is running now and what comes."""
        running = [step for step in self.steps.values() if step.started and step.seconds is None]
        coming = [step.name for step in self.steps.values() if step.started is None]
        table = Table.grid(padding=(0, 1))
        for step in running:
            table.add_row(
                Text("▶", style="yellow"),
                Text(step.name, style="bold"),
                f"{time.time() - (step.started or 0):.0f} s",
                Text(detail_of(step.name) or step.detail, style="dim"),
            )
        done = sum(step.seconds is not None for step in self.steps.values())
        upcoming = ", ".join(coming[:MAXIMUM_UPCOMING]) + (
            " …" if len(coming) > MAXIMUM_UPCOMING else ""
        )
        footer = Text(f"{done} of {len(self.steps)} steps", style="cyan")
        footer.append(f"   next: {upcoming}" if upcoming else "", style="dim")
        return Group(table, footer)


def finished_line(step: Step) -> Text:
    """Return the line that stays on the screen when a step has ended."""
    mark = Text("✗ ", style="red") if step.has_failed else Text("✓ ", style="green")
    return mark + Text(f"{step.name:<46}") + Text(f"{step.seconds or 0:6.1f} s", style="dim")


def run_with_progress(
    instance: dg.DagsterInstance,
    run_id: str,
    step_names: list[str],
    work: Callable[[], Result],
    console: Console,
) -> tuple[Result, RunView]:
    """Run ``work`` in a thread and show the run's events meanwhile; return its result and the view."""
    view = RunView()
    view.expect(step_names)
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=target, name="cadencia-run", daemon=True)
    thread.start()
    with Live(view.render(), console=console, refresh_per_second=4, transient=True) as live:
        while True:
            is_over = not thread.is_alive()
            for line in _drain(instance, run_id, view):
                live.console.print(line)
            live.update(view.render())
            if is_over:
                break
            time.sleep(POLL_SECONDS)
    if failure:
        raise failure[0]
    return outcome[0], view


def _drain(instance: dg.DagsterInstance, run_id: str, view: RunView) -> list[Text]:
    lines: list[Text] = []
    connection = instance.get_records_for_run(run_id, cursor=view.cursor)
    while connection.records:
        view.cursor = connection.cursor
        for record in connection.records:
            step = view.hear(record.event_log_entry)
            if step is not None:
                lines.append(finished_line(step))
        connection = instance.get_records_for_run(run_id, cursor=view.cursor)
    return lines
