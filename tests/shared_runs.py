"""Deployments that several test files start from: each is made once a session, whatever worker asks first.

Belongs here: making them, and copies to change. Does not: what is asked of them.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

# A market small enough for a test, with files of every system and more than one month of each.
TINY_MARKET = ("--people", "1000", "--days", "120", "--seed", "4")


def shared_home(root: Path, name: str, build: Callable[[Path], None]) -> Path:
    """Return the deployment of that name; the first to ask builds it, the others wait.

    ``root`` is a folder that all workers of the session share. Nobody may change what is returned:
    see `copy_home`.
    """
    home, done = root / name / "home", root / name / "done"
    (root / name).mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(home, ignore_errors=True)
            build(home)
            done.touch()
    return home


def copy_home(home: Path, target: Path) -> Path:
    """Copy a deployment, history of runs included, to one that a test may change."""
    shutil.copytree(home, target, symlinks=True)
    # It names the folder of the events: without it the copy would write into the original.
    (target / "dagster" / "dagster.yaml").unlink()
    return target
