"""A client of one REST table, made of dlt's parts: paginator, who asks, patience.

Belongs here: everything that touches dlt, none of whose pipelines, state or telemetry is used. Does not:
what is done with the rows. Import it late: dlt takes most of a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# dlt reads its settings when it is imported; it must not report to its makers.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

from dlt.sources.helpers.requests.retry import Client
from dlt.sources.helpers.rest_client import paginators as dlt_paginators
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from requests import HTTPError, Response

from orchestration.lib.contract import TableContract
from orchestration.lib.contract_rest import RestContract
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.remote.address import variable_of

PAGINATORS: dict[str, type[dlt_paginators.BasePaginator]] = {
    "single_page": dlt_paginators.SinglePagePaginator,
    "json_link": dlt_paginators.JSONLinkPaginator,
    "header_link": dlt_paginators.HeaderLinkPaginator,
    "header_cursor": dlt_paginators.HeaderCursorPaginator,
    "cursor": dlt_paginators.JSONResponseCursorPaginator,
    "offset": dlt_paginators.OffsetPaginator,
    "page_number": dlt_paginators.PageNumberPaginator,
}
COUNTING = ("offset", "page_number")
CONNECT_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Patience:
    """How often and how long a service is waited for when it is busy or stumbles."""

    attempts: int = 5
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 300.0


def _secret(system: str, ending: str) -> str:
    name = variable_of(system, ending)
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"{system}: the service wants a login, but {name} is not set. Set it in the environment."
        )
    return value


def auth_of(table: TableContract, rest: RestContract) -> AuthConfigBase | None:
    """Return who asks, with the secrets of the environment.

    Raises
    ------
    ConfigurationError
        When a secret isn't set.
    """
    settings = dict(rest.auth)
    kind = settings.get("type")
    if kind == "bearer":
        return BearerTokenAuth(token=_secret(table.system, "TOKEN"))
    if kind == "api_key":
        return APIKeyAuth(
            name=settings.get("name", "Authorization"),
            api_key=_secret(table.system, "API_KEY"),
            location=settings.get("location", "header"),
        )
    if kind == "http_basic":
        return HttpBasicAuth(
            username=_secret(table.system, "USERNAME"), password=_secret(table.system, "PASSWORD")
        )
    if kind == "oauth2_client_credentials":
        return OAuth2ClientCredentials(
            access_token_url=settings.get("access_token_url", ""),
            client_id=_secret(table.system, "CLIENT_ID"),
            client_secret=_secret(table.system, "CLIENT_SECRET"),
        )
    return None


def _paginator_of(rest: RestContract) -> dlt_paginators.BasePaginator:
    settings = dict(rest.paginator)
    kind = settings.pop("type")
    if kind in COUNTING:
        # dlt would insist on a total that few services give; an empty page ends it too.
        settings.setdefault("total_path", None)
    return PAGINATORS[kind](**settings)


def _refuse_bad_status(response: Response, *_: object, **__: object) -> None:
    """Raise for every status but success; a redirection could carry the key to a stranger."""
    if not 200 <= response.status_code < 300:
        raise HTTPError(f"status {response.status_code}", response=response)


def iterate_pages(
    base_url: str,
    table: TableContract,
    rest: RestContract,
    params: dict[str, Any],
    patience: Patience,
) -> Iterator[PageData[Any]]:
    """Yield page after page; the caller looks at each before the next is asked for."""
    client = Client(
        request_timeout=(CONNECT_TIMEOUT_SECONDS, rest.timeout_seconds),
        raise_for_status=False,
        request_max_attempts=patience.attempts,
        request_backoff_factor=patience.backoff_seconds,
        request_max_retry_delay=patience.longest_wait_seconds,
    )
    asked = RESTClient(
        base_url=base_url,
        headers={"Accept": "application/json", "User-Agent": "cadencia", **dict(rest.headers)},
        auth=auth_of(table, rest),
        paginator=_paginator_of(rest),
        data_selector=table.records or "$",
        session=client.session,
    )
    yield from asked.paginate(
        table.location.partition("://")[2],
        params=params,
        hooks={"response": [_refuse_bad_status]},
        allow_redirects=False,
    )
