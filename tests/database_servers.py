"""Private database servers for tests: PostgreSQL and MariaDB on 127.0.0.1, gone after the session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.system_parts import find_program, free_port, skip_or_fail

PASSWORD = "s3cret/p@ss word"


@dataclass(frozen=True)
class DatabaseServer:
    """A running server with one database per test."""

    drivername: str
    port: int
    user: str
    admin_database: str

    def url(self, database: str, *, password: str = PASSWORD, port: int | None = None) -> sa.URL:
        """Return the URL of a database on this server."""
        return sa.URL.create(
            self.drivername,
            self.user,
            password,
            "127.0.0.1",
            self.port if port is None else port,
            database,
        )

    def text(self, database: str, **changes: Any) -> str:
        """Return the URL as an environment variable holds it, with the password."""
        return self.url(database, **changes).render_as_string(hide_password=False)

    def admin(self) -> sa.Engine:
        """Return an engine that commits every statement."""
        return sa.create_engine(
            self.url(self.admin_database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )

    def make_database(self, name: str) -> None:
        """Make an empty database."""
        with self.admin().connect() as connection:
            connection.exec_driver_sql(f"create database {name}")

    def drop_database(self, name: str) -> None:
        """Drop a database, also when a connection was left open."""
        force = " with (force)" if self.drivername.startswith("postgresql") else ""
        with self.admin().connect() as connection:
            connection.exec_driver_sql(f"drop database if exists {name}{force}")


def _as_service(user: str) -> dict[str, Any]:
    """Return how to start a server that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def _service_folder(user: str) -> Iterator[Path]:
    # pytest's own temporary folder lets no other user in.
    folder = Path(tempfile.mkdtemp(prefix=f"cadencia-{user}-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_postgresql() -> Iterator[DatabaseServer]:
    """Run a private PostgreSQL cluster that asks for a password."""
    initdb = find_program("initdb", "lib/postgresql/*/bin/initdb")
    if initdb is None:
        skip_or_fail("PostgreSQL")
    pg_ctl, port = initdb.with_name("pg_ctl"), free_port()
    options = _as_service("postgres")
    with _service_folder("postgres") as folder:
        data, password_file = folder / "data", folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        quiet: dict[str, Any] = {
            "check": True,
            "stdout": subprocess.DEVNULL,
            "cwd": folder,
            **options,
        }
        subprocess.run(
            [initdb, "--pgdata", data, "--username", "reader", "--encoding", "UTF8",
             "--auth", "scram-sha-256", "--pwfile", password_file, "--locale", "C.UTF-8",
             "--no-sync"],
            **quiet,
        )  # fmt: skip
        settings = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} "
            "-c fsync=off -c shared_buffers=32MB -c max_connections=30"
        )
        subprocess.run(
            [pg_ctl, "start", "-w", "-D", data, "-l", folder / "log", "-o", settings], **quiet
        )
        try:
            yield DatabaseServer("postgresql", port, "reader", "postgres")
        finally:
            subprocess.run([pg_ctl, "stop", "-w", "-m", "immediate", "-D", data], **quiet)


@contextmanager
def run_mariadb() -> Iterator[DatabaseServer]:
    """Run a private MariaDB server that asks for a password."""
    server = find_program("mariadbd", "sbin/mariadbd")
    install = find_program("mariadb-install-db", "bin/mariadb-install-db")
    if server is None or install is None:
        skip_or_fail("MariaDB")
    port, options = free_port(), _as_service("mysql")
    with _service_folder("mysql") as folder:
        data, setup = folder / "data", folder / "setup.sql"
        subprocess.run(
            [install, "--no-defaults", f"--datadir={data}", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **options,
        )  # fmt: skip
        setup.write_text(
            f"create user 'reader'@'127.0.0.1' identified by '{PASSWORD}';\n"
            "grant all on *.* to 'reader'@'127.0.0.1';\n"
        )
        setup.chmod(0o644)
        process = subprocess.Popen(
            [server, "--no-defaults", f"--datadir={data}", f"--port={port}",
             "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", "--skip-name-resolve",
             f"--init-file={setup}", f"--pid-file={folder / 'pid'}",
             "--innodb-flush-log-at-trx-commit=0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **options,
        )  # fmt: skip
        running = DatabaseServer("mysql+pymysql", port, "reader", "mysql")
        try:
            _wait_for(running, process)
            yield running
        finally:
            process.kill()
            process.wait()


def _wait_for(server: DatabaseServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with server.admin().connect():
                return
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("MariaDB does not start")
            time.sleep(0.2)
