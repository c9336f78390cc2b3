"""What a running step is at, for the display in the same process.

Not the event log: a line there for each of 300 dbt nodes cost two seconds a run and told nothing
that the assets and checks don't.
"""

from __future__ import annotations

_details: dict[str, str] = {}


def tell(step_key: str, detail: str) -> None:
    """Say what a step is at; the last word wins."""
    _details[step_key] = detail


def detail_of(step_key: str) -> str:
    """Return what the step said last, empty when it said nothing."""
    return _details.get(step_key, "")
