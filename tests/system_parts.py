"""Programs that tests need from the system: found, or a reason to skip, which CI takes for a failure."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import NoReturn

import pytest


def skip_or_fail(what: str) -> NoReturn:
    """Skip with the reason; where ``CI=true`` the part must be there, so fail."""
    message = f"{what} is not installed (tests/install_system_parts.sh installs it where it may)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def find_program(name: str, *patterns: str) -> Path | None:
    """Return a program from the PATH or the newest that matches a pattern under ``/usr``."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    for pattern in patterns:
        found = sorted(Path("/usr").glob(pattern))
        if found:
            return found[-1]
    return None


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
