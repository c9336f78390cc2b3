"""Where a database or service is: its URL from the environment or the contract, and how it is named.

Belongs here: reading secrets and keeping them out of sentences. Does not: opening anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from orchestration.lib.contract import SystemContract
from orchestration.lib.errors import ConfigurationError

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pymssql",
    "sqlite": "sqlite",
}
EXAMPLE_URL = "postgresql://reader:PASSWORD@db.example.com:5432/dms"


def variable_of(system: str, ending: str = "URL") -> str:
    """Return the name of the environment variable that holds a system's address or secret."""
    return f"CADENCIA_SOURCE_{system.upper()}_{ending}"


def raw_url_of(system: SystemContract, landing_dir: Path) -> str:
    """Return the system's URL: the environment wins over the contract's ``default_url``.

    Raises
    ------
    ConfigurationError
        When there is neither.
    """
    name = variable_of(system.name)
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if system.default_url:
        return system.default_url.replace("{landing}", str(landing_dir / system.name))
    raise ConfigurationError(
        f"{system.name}: nothing says where this source is. Set {name} "
        f"(e.g. {EXAMPLE_URL}, or https://api.example.com for a REST service)."
    )


def database_url_of(system: SystemContract, landing_dir: Path) -> URL:
    """Return the system's database URL with the driver that is installed.

    Raises
    ------
    ConfigurationError
        When the URL can't be read or names a database that isn't supported.
    """
    name = variable_of(system.name)
    try:
        url = make_url(raw_url_of(system, landing_dir))
    except (ArgumentError, ValueError):
        # Neither the text nor the parser's message is repeated: they may hold the password.
        raise ConfigurationError(
            f"{system.name}: the value of {name} can't be read as a database URL. Write it like "
            f"{EXAMPLE_URL}; special characters of the password must be percent-encoded."
        ) from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise ConfigurationError(
            f"{system.name}: {name} names the database '{backend}', which can't be read. "
            f"Known ones: {', '.join(sorted(DRIVERS))}."
        )
    return url.set(drivername=DRIVERS[backend])


def service_url_of(system: SystemContract, landing_dir: Path) -> str:
    """Return the base URL of the system's REST service.

    Raises
    ------
    ConfigurationError
        When it is no http or https URL, or holds a password.
    """
    name = variable_of(system.name)
    url = raw_url_of(system, landing_dir)
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigurationError(
            f"{system.name}: the value of {name} is no http(s) URL. Write it like "
            "https://api.example.com/v1."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{system.name}: {name} must be the bare address: put a password, token or parameter "
            "into the variables and keys that docs/connect-a-database-or-api.md names."
        )
    return url.rstrip("/")


def place_of(url: URL) -> str:
    """Name a database without user, password or options: what may stand in a log."""
    if url.get_backend_name() == "sqlite":
        return f"the SQLite file {url.database}"
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()} database '{url.database}' on {url.host or 'localhost'}{port}"


def fingerprint_of(url: URL | str) -> str:
    """Hash of the place, so that another database is not asked from this one's cursor on."""
    text = place_of(url) if isinstance(url, URL) else url
    return sha256(text.encode()).hexdigest()[:16]


def secrets_of(url: URL) -> tuple[str, ...]:
    """Return every part of the URL that must not be shown: the password and all options."""
    options = [
        part
        for value in url.query.values()
        for part in ([value] if isinstance(value, str) else value)
    ]
    return tuple(filter(None, [str(url.password or ""), *options]))


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return the first line of a driver's message with the secrets struck out."""
    first_line = text.strip().splitlines()[0] if text.strip() else ""
    for secret in secrets:
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            first_line = first_line.replace(form, "***")
    return first_line
