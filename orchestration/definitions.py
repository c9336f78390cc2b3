"""Entry point of Dagster: loads everything under `defs`; nothing else belongs here."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Load all assets, checks, jobs and schedules."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
