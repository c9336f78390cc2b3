"""Shared fixtures: deployments in temporary folders, samples of the packaged data, the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from benchmarks.journey_sample import write_sample
from tests.database_servers import DatabaseServer, run_mariadb, run_postgresql
from tests.shared_runs import TINY_MARKET, shared_home

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SAMPLE_HOUSEHOLDS = 150


def drop_journey_sample(home: Path, *, before: str | None = None) -> Path:
    """Drop a sample of households into the landing folder; ``before`` cuts events at a date."""
    return write_sample(home, SAMPLE_HOUSEHOLDS, before)


def environment_of(home: Path, **extra: str) -> dict[str, str]:
    """Return the environment of a deployment, without the caller's own settings."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CADENCIA_", "DAGSTER_"))
    }
    return {**clean, "CADENCIA_HOME": str(home), "COLUMNS": "200", **extra}


def cadencia(*arguments: str, home: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment_of(home, **extra),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def start_cadencia(*arguments: str, home: Path) -> subprocess.Popen[str]:
    """Start the command line in a session of its own, to be killed or signalled by the test."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment_of(home),
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


class Webhook(BaseHTTPRequestHandler):
    """A webhook that answers one call and remembers what it was sent."""

    bodies: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        Webhook.bodies.append(json.loads(self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def webhook() -> Iterator[str]:
    """Return the address of a webhook; what it was sent is in ``Webhook.bodies``."""
    Webhook.bodies.clear()
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.handle_request, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty deployment."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def session_root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all workers of the session share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def journey_home(session_root: Path) -> Path:
    """Return a deployment after one run on the sample; the output is beside it. Not to be changed."""

    def build(home: Path) -> None:
        drop_journey_sample(home)
        outcome = cadencia("run", "--sources", "complete_journey", home=home)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        (home / "first_run_output.txt").write_text(outcome.stdout)

    return shared_home(session_root, "journey", build)


@pytest.fixture(scope="session")
def market_home(session_root: Path) -> Path:
    """Return a deployment after one run on a tiny market. Not to be changed."""

    def build(home: Path) -> None:
        outcome = cadencia("simulate", *TINY_MARKET, "--out", str(home / "landing"), home=home)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        outcome = cadencia("run", "--sources", "demo", home=home)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    return shared_home(session_root, "market", build)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return an in-memory database."""
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[DatabaseServer]:
    """Return a private PostgreSQL server."""
    with run_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[DatabaseServer]:
    """Return a private MariaDB server."""
    with run_mariadb() as server:
        yield server
