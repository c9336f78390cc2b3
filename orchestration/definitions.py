"""Entry point of Dagster: loads everything under `defs`; nothing else belongs here."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Load all assets, checks, jobs and schedules."""
    # Whoever starts Dagster: what it writes from here on is for its owner only.
    os.umask(0o077)
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
