"""The Dagster UI as a user starts it: it shows the runs of the command line, and it ends when told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import start_cadencia
from tests.shared_runs import copy_home

QUERY = """
{
  runsOrError { ... on Runs { results { jobName status tags { key value } } } }
  assetNodes { assetKey { path } groupName }
}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": QUERY}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer["data"]


def wait_for(port: int, process: subprocess.Popen[str]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the UI ended by itself"
        try:
            data = ask(port)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
            continue
        if data["assetNodes"]:
            return data
        time.sleep(1)
    pytest.fail("the UI did not answer in two minutes")


def test_runs_of_the_command_line_show_up_and_sigterm_ends_everything(
    journey_home: Path, home: Path
) -> None:
    copy_home(journey_home, home)
    port = free_port()
    process = start_cadencia("ui", "--port", str(port), home=home)
    try:
        data = wait_for(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    # What the web server and the daemon write is for its owner only, too.
    folders = [home / name for name in ("dagster", "keys", "privacy", "warehouse")]
    written = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    assert [p for p in written if not p.is_symlink() and p.stat().st_mode & 0o077] == []
    (run,) = data["runsOrError"]["results"]
    assert (run["jobName"], run["status"]) == ("daily", "SUCCESS")
    assert {"key": "cadencia/started_by", "value": "cli"} in run["tags"]
    paths = {"/".join(node["assetKey"]["path"]) for node in data["assetNodes"]}
    assert {"raw/complete_journey/transactions", "marts/customer_360", "publish/warehouse"} <= paths
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    session = subprocess.run(
        ["ps", "-o", "args=", "-s", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout
    left = [
        line for line in session.splitlines() if "dagster-webserver" in line or "daemon" in line
    ]
    assert left == []
