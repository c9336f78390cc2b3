"""Whether a source can be asked, for `cadencia doctor`: addresses, logins, tables; no rows are read.

Belongs here: looking. Does not: extracting.
"""

from __future__ import annotations

from pathlib import Path

import requests
import sqlalchemy as sa

from orchestration.lib.contract import SystemContract
from orchestration.lib.contract_rest import RestContract
from orchestration.lib.errors import InputError
from orchestration.lib.remote.address import (
    database_url_of,
    place_of,
    service_url_of,
    variable_of,
)
from orchestration.lib.remote.database import open_snapshot
from orchestration.lib.remote.database_extract import find_table

TIMEOUT_SECONDS = 10


def look_at_database(system: SystemContract, landing_dir: Path) -> str:
    """Return what was found: the place and how many of the declared tables.

    Raises
    ------
    InputError
        When it can't be reached, or a declared table or column is missing.
    ConfigurationError
        When its address can't be used.
    """
    url = database_url_of(system, landing_dir)
    tables = [table for table in system.tables if table.scheme == "database"]
    with open_snapshot(system.name, url, waits_seconds=()) as connection:
        inspector = sa.inspect(connection)
        for table in tables:
            find_table(inspector, table)
    return f"{place_of(url)}: all {len(tables)} tables found"


def look_at_service(system: SystemContract, landing_dir: Path) -> str:
    """Return how the service answered; any answer will do, since only its tables want the login.

    Raises
    ------
    InputError
        When nobody answers.
    ConfigurationError
        When its address or login isn't set.
    """
    from orchestration.lib.remote.rest_client import auth_of

    url = service_url_of(system, landing_dir)
    for table in system.tables:
        if table.scheme == "rest":
            auth_of(table, table.rest or RestContract())
    try:
        answer = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True)
    except requests.RequestException as error:
        raise InputError(
            f"{system.name}: nobody answers at {url} ({type(error).__name__}). Check "
            f"{variable_of(system.name)} and the network."
        ) from None
    answer.close()
    return f"{url} answers (status {answer.status_code})"
