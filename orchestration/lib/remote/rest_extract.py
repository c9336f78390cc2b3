"""Extract the records of a REST service into an NDJSON file, page by page.

Belongs here: guarding and writing pages, errors as sentences. Does not: the client (`rest_client`),
typing and merging rows (shared with files).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from requests import HTTPError, RequestException, Response
from requests.exceptions import ConnectionError as RequestConnectionError
from requests.exceptions import InvalidJSONError

from orchestration.lib.contract import TableContract
from orchestration.lib.contract_rest import RestContract
from orchestration.lib.errors import InputError
from orchestration.lib.remote.address import variable_of
from orchestration.lib.remote.extract import (
    Extract,
    RowSetHash,
    label_of,
    latest_cursor,
    not_written,
)

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import PageData

    from orchestration.lib.remote.rest_client import Patience

SAME_PAGES_ALLOWED = 2
"""So many pages in a row may hold the very same records before it counts as going in circles."""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _value_at(record: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401
    value: Any = record
    for step in [path] if path in record else path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _order_of(value: str) -> tuple[int, Any]:
    """Return what makes cursors comparable: numbers, moments in UTC, else the text."""
    try:
        return 0, float(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return 2, value
    return 1, moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class _Pages:
    """Writes pages to a file and refuses those that can't be what the contract means."""

    def __init__(
        self,
        base_url: str,
        table: TableContract,
        rest: RestContract,
        cursor: str | None,
        latest: str,
    ) -> None:
        self._base_url = base_url
        self._table = table
        self._rest = rest
        self._latest = _order_of(latest)
        self._asked: set[str] = set()
        self._last_page = ""
        self._same_pages = 0
        self.page_count = 0
        self.cursor_value = cursor
        self.rows = RowSetHash()

    def _refusal(self, what: str) -> InputError:
        return InputError(f"{label_of(self._table)}: {_place(self._base_url, self._table)} {what}")

    def write(self, page: PageData[Any], file: TextIO) -> None:
        """Add one page."""
        self.page_count += 1
        if not page:
            self._check_records_exist(page.response)
        on_page = RowSetHash()
        for record in page:
            if not isinstance(record, Mapping):
                raise self._refusal(
                    f"gives records that are no JSON objects on page {self.page_count}. Declare "
                    "the path of the list of objects as `records`."
                )
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            file.write(line + "\n")
            self.rows.add(line)
            on_page.add(line)
            self._follow_cursor(record)
        self._guard(page, on_page)

    def _check_records_exist(self, response: Response) -> None:
        """Refuse a page without the declared list, where an empty list is fine."""
        document = response.json()
        if isinstance(document, list) or not self._table.records:
            return
        found: Any = document
        for step in self._table.records.removeprefix("$.").split("."):
            if not isinstance(found, Mapping) or step not in found:
                keys = ", ".join(document) if isinstance(document, Mapping) else "no keys"
                raise self._refusal(
                    f"has no list at `{self._table.records}` on page {self.page_count}; the "
                    f"document has {keys}. Correct `records` in "
                    f"staging/{self._table.system}/sources.yml."
                )
            found = found[step]

    def _follow_cursor(self, record: Mapping[str, Any]) -> None:
        if self._table.cursor is None:
            return
        for path in self._table.column(self._table.cursor).accepted_names:
            value = _value_at(record, path)
            if value is not None and not isinstance(value, (Mapping, list)):
                self._take_cursor(str(value))
                return

    def _take_cursor(self, text: str) -> None:
        """Follow the cursor, but not to a time ahead: it would hide everything until then."""
        order = _order_of(text)
        if order[0] == self._latest[0] and order > self._latest:
            return
        if self.cursor_value is None or order > _order_of(self.cursor_value):
            self.cursor_value = text

    def _guard(self, page: PageData[Any], on_page: RowSetHash) -> None:
        if not page.paginator.has_next_page:
            return
        if self.page_count >= self._rest.maximum_pages:
            raise self._refusal(
                f"has more than {self._rest.maximum_pages:,} pages. Narrow it by `params`, or raise "
                "`rest.maximum_pages`."
            )
        following = str(page.request.url)
        if _origin(following) != _origin(self._base_url):
            raise self._refusal(
                f"points to {urlsplit(following).hostname} for page {self.page_count + 1}. The "
                f"login is not carried to another host; correct {variable_of(self._table.system)} "
                "or the paginator."
            )
        request = json.dumps([following, page.request.params], sort_keys=True, default=str)
        digest = on_page.hexdigest()
        is_same = bool(page) and digest == self._last_page
        self._same_pages = self._same_pages + 1 if is_same else 0
        if request in self._asked or self._same_pages > SAME_PAGES_ALLOWED:
            raise self._refusal(
                f"goes in circles: page {self.page_count} was given before. Correct the paginator "
                f"in staging/{self._table.system}/sources.yml."
            )
        self._asked.add(request)
        self._last_page = digest


def _place(base_url: str, table: TableContract) -> str:
    return f"{base_url}/{table.location.partition('://')[2].lstrip('/')}"


def _failure(error: Exception, table: TableContract, patience: Patience, asked: set[str]) -> str:
    """Return what went wrong and the remedy; never the body of an answer, which may hold people."""
    variables = ", ".join(sorted(asked)) or variable_of(table.system)
    if isinstance(error, HTTPError) and error.response is not None:
        status = error.response.status_code
        if status in (401, 403):
            return f"lets nobody in (status {status}). Check {variables} and the login's rights."
        if status == 404:
            return (
                "does not exist (status 404). Correct the location in "
                f"staging/{table.system}/sources.yml or {variable_of(table.system)}."
            )
        if status == 429:
            return (
                f"is still too busy after {patience.attempts} attempts (status 429). Run later, or "
                "ask for a higher limit."
            )
        if status >= 500:
            return (
                f"failed {patience.attempts} times (status {status}). Run again when the service is "
                "well."
            )
        if 300 <= status < 400:
            return f"moved (status {status}). Set {variable_of(table.system)} to the new address."
        return f"refused the request (status {status}). Check `params` and `headers`."
    if isinstance(error, (InvalidJSONError, json.JSONDecodeError)):
        return "answers something that is no JSON. Check the address, `headers` and `params`."
    if isinstance(error, (RequestConnectionError, RequestException)):
        return (
            f"can't be reached or breaks off ({type(error).__name__}, {patience.attempts} attempts). "
            f"Check {variable_of(table.system)} and the network, then run again."
        )
    return (
        f"has pages that `records` or `rest.paginator` don't fit ({type(error).__name__}). Correct "
        f"them in staging/{table.system}/sources.yml."
    )


AUTH_ENDINGS = {
    "bearer": ("TOKEN",),
    "api_key": ("API_KEY",),
    "http_basic": ("USERNAME", "PASSWORD"),
    "oauth2_client_credentials": ("CLIENT_ID", "CLIENT_SECRET"),
}


def _refusal_of(
    error: Exception, base_url: str, table: TableContract, patience: Patience, page_count: int
) -> InputError:
    rest = table.rest or RestContract()
    endings = AUTH_ENDINGS.get(dict(rest.auth).get("type", ""), ())
    asked = {variable_of(table.system, ending) for ending in endings}
    got = f" Pages read before: {page_count}." if page_count else ""
    return InputError(
        f"{label_of(table)}: {_place(base_url, table)} {_failure(error, table, patience, asked)}{got} "
        "Nothing of this run is published."
    )


def extract_records(
    base_url: str,
    table: TableContract,
    folder: Path,
    *,
    address: str,
    at: datetime,
    cursor_from: str | None = None,
    patience: Patience | None = None,
) -> Extract:
    """Extract one table's records into ``folder``, one JSON object a line.

    ``at`` is the time of the extract, UTC without zone: the cursor never comes later than a day after.

    Raises
    ------
    InputError
        When the service refuses, fails for good, or its pages aren't what the contract says.
    ConfigurationError
        When a secret of the login is not set.
    """
    from orchestration.lib.remote import rest_client

    patience = patience or rest_client.Patience()
    rest = table.rest or RestContract()
    params = dict(rest.params)
    if cursor_from is not None and rest.cursor_param:
        params[rest.cursor_param] = cursor_from
    pages = _Pages(base_url, table, rest, cursor_from, latest_cursor(at))
    path = folder / f"{table.identifier}.ndjson"
    try:
        with path.open("w", encoding="utf-8", errors="replace") as file:
            for page in rest_client.iterate_pages(base_url, table, rest, params, patience):
                pages.write(page, file)
    except (RequestException, ValueError) as error:
        raise _refusal_of(error, base_url, table, patience, pages.page_count) from None
    except OSError as error:
        raise not_written(table, folder, error) from None
    return Extract(
        path=path,
        name=f"rest:{table.system}.{table.location.partition('://')[2]}",
        content_sha256=pages.rows.hexdigest(),
        row_count=pages.rows.row_count,
        is_incremental=cursor_from is not None and rest.cursor_param is not None,
        address=address,
        cursor_value=pages.cursor_value,
    )
