"""Start the Dagster web server and daemon as one: both end when either does or on Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.errors import ConfigurationError
from orchestration.settings import Settings


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(settings: Settings, port: int, console: Console) -> None:
    """Serve until interrupted.

    Raises
    ------
    ConfigurationError
        When one of the two processes ends by itself (a used port, most often).
    """
    prepare_dagster_home(settings.dagster_home)
    environment = {**os.environ, "CADENCIA_HOME": str(settings.home)}
    module = ["-m", "orchestration.definitions"]
    programs = Path(sys.executable).parent
    commands = {
        "dagster-webserver": ["--host", "127.0.0.1", "--port", str(port), *module],
        "dagster-daemon": ["run", *module],
    }
    processes = {
        name: subprocess.Popen([programs / name, *arguments], env=environment)
        for name, arguments in commands.items()
    }
    # systemd and containers end a service with SIGTERM: it must end both processes too. Not by
    # raising SIGINT, which a shell's background job ignores.
    signal.signal(signal.SIGTERM, _stop)
    is_told = False
    try:
        while True:
            for name, process in processes.items():
                if process.poll() is not None:
                    raise ConfigurationError(
                        f"{name} ended with exit code {process.returncode}; is port {port} in use? "
                        "Try another one with --port."
                    )
            if not is_told and _answers(port):
                console.print(f"Dagster on http://127.0.0.1:{port} (Ctrl-C ends it)")
                is_told = True
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("Ending.")
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(timeout=20)
