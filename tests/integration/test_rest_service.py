"""REST tables against a local service that pages, limits and fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.contract_rest import RestContract
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.remote.extract import Extract
from orchestration.lib.remote.rest_client import Patience
from orchestration.lib.remote.rest_extract import extract_records
from tests.conftest import PROJECT_ROOT
from tests.rest_service import (
    RECORD_COUNT,
    RECORDS,
    Answer,
    Asked,
    RestService,
    run_rest_service,
    slice_from,
)

AT = datetime(2025, 6, 1)

QUICK = Patience(attempts=4, backoff_seconds=0.01, longest_wait_seconds=2)


def everything(asked: Asked, number: int) -> Answer:
    return Answer(RECORDS)


@pytest.fixture
def service() -> Iterator[RestService]:
    with run_rest_service(everything) as running:
        yield running


def table_of(meta: dict[str, Any] | None = None, **keys: Any) -> TableContract:
    return TableContract(
        system="crm",
        name="people",
        identifier="crm__people",
        description="Test.",
        location="rest://v1/people",
        format="rest",
        columns=(
            ColumnContract("person_id", "bigint", "customer_key", "id"),
            ColumnContract("updated_at", "timestamp", "none", ("changed.at", "updated_at")),
        ),
        rest=RestContract.from_meta(meta),
        **keys,
    )


def extract(
    service: RestService, folder: Path, meta: dict[str, Any] | None = None, **keys: Any
) -> Extract:
    cursor_from = keys.pop("cursor_from", None)
    return extract_records(
        service.url,
        table_of(meta, **keys),
        folder,
        address="test",
        at=AT,
        cursor_from=cursor_from,
        patience=QUICK,
    )


def records_of(found: Extract) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.path.read_text().splitlines()]


def by_next_link(asked: Asked, number: int) -> Answer:
    start = int(asked.params.get("from", 0))
    following = start + 10
    link = f"/v1/people?from={following}" if following < RECORD_COUNT else None
    return Answer({"links": {"next": link}, "data": {"items": slice_from(start)}})


def by_link_header(asked: Asked, number: int) -> Answer:
    start = int(asked.params.get("from", 0))
    host = asked.headers["Host"]
    link = f'<http://{host}/v1/people?from={start + 10}>; rel="next"'
    headers = {"Link": link} if start + 10 < RECORD_COUNT else {}
    return Answer({"data": {"items": slice_from(start)}}, headers=headers)


def by_offset(asked: Asked, number: int) -> Answer:
    start, size = int(asked.params["offset"]), int(asked.params["limit"])
    return Answer({"data": {"items": slice_from(start, size)}})


def by_page(asked: Asked, number: int) -> Answer:
    return Answer({"data": {"items": slice_from((int(asked.params["page"]) - 1) * 10)}, "pages": 3})


def by_cursor(asked: Asked, number: int) -> Answer:
    start = int(asked.params.get("after", "at-0").removeprefix("at-"))
    following = f"at-{start + 10}" if start + 10 < RECORD_COUNT else None
    return Answer({"data": {"items": slice_from(start)}, "meta": {"after": following}})


@pytest.mark.parametrize(
    ("behave", "paginator", "requests"),
    [
        (by_next_link, {"type": "json_link", "next_url_path": "links.next"}, 3),
        (by_link_header, {"type": "header_link"}, 3),
        (by_offset, {"type": "offset", "limit": 10}, 4),
        (by_page, {"type": "page_number", "base_page": 1, "total_path": "pages"}, 3),
        (by_page, {"type": "page_number", "base_page": 1}, 4),
        (by_cursor, {"type": "cursor", "cursor_path": "meta.after", "cursor_param": "after"}, 3),
    ],
)
def test_every_way_of_paging_gives_every_record_once(
    service: RestService, tmp_path: Path, behave: Any, paginator: dict[str, Any], requests: int
) -> None:
    service.behave = behave
    found = extract(service, tmp_path, {"paginator": paginator}, records="data.items")
    assert records_of(found) == RECORDS
    assert found.row_count == RECORD_COUNT
    assert len(service.requests) == requests
    assert found.name == "rest:crm.v1/people"


def test_the_hash_is_of_the_records_however_they_are_paged(
    service: RestService, tmp_path: Path
) -> None:
    whole = extract(service, tmp_path)
    service.behave = lambda asked, number: Answer(RECORDS[::-1])
    assert extract(service, tmp_path).content_sha256 == whole.content_sha256
    service.behave = lambda asked, number: Answer(RECORDS[1:])
    assert extract(service, tmp_path).content_sha256 != whole.content_sha256


def test_a_busy_service_is_given_the_time_it_asks_for(
    service: RestService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)

    def busy_once(asked: Asked, number: int) -> Answer:
        if number == 1:
            return Answer({}, status=429, headers={"Retry-After": "2"})
        return Answer(RECORDS)

    service.behave = busy_once
    assert extract(service, tmp_path).row_count == RECORD_COUNT
    assert waits == [2]


def test_a_service_that_stumbles_is_asked_again(service: RestService, tmp_path: Path) -> None:
    def stumble(asked: Asked, number: int) -> Answer:
        if number == 1:
            return Answer({}, status=500)
        if number == 2:
            return Answer(RECORDS, missing_bytes=100)
        return Answer(RECORDS)

    service.behave = stumble
    assert extract(service, tmp_path).row_count == RECORD_COUNT
    assert len(service.requests) == 3


NAMES = b'{"full_name": "Mar\xc3\xada Secret"}'


@pytest.mark.parametrize(
    ("answer", "sentence", "requests"),
    [
        (Answer({}, status=500), r"failed 4 times \(status 500\)", 4),
        (Answer({}, status=429), r"too busy after 4 attempts \(status 429\)", 4),
        (Answer({}, status=401), r"lets nobody in \(status 401\)", 1),
        (Answer({}, status=404), r"does not exist \(status 404\)", 1),
        (Answer({}, status=400, body=NAMES), r"refused the request \(status 400\)", 1),
        (Answer({}, status=302, headers={"Location": "http://elsewhere/"}), "moved", 1),
        (Answer(RECORDS, missing_bytes=10), "breaks off", 4),
        (Answer(body=b"<html>Mar\xc3\xada Secret</html>"), "no JSON", 1),
        (Answer(body=b'[{"full_name": "Secret"'), "no JSON", 1),
        (Answer(body=b""), "no JSON", 1),
        (Answer(["Secret", "two"]), "no JSON objects on page 1", 1),
        (Answer(body=b'[{"id": NaN}]'), "no JSON", 1),
    ],
)
def test_what_fails_for_good_ends_in_a_sentence(
    service: RestService, tmp_path: Path, answer: Answer, sentence: str, requests: int
) -> None:
    service.behave = lambda asked, number: answer
    with pytest.raises(InputError, match=sentence) as caught:
        extract(service, tmp_path)
    assert str(caught.value).startswith(f"crm.people: {service.url}/v1/people ")
    assert "Secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(service.requests) == requests


def test_a_full_disk_ends_in_a_sentence(service: RestService, tmp_path: Path) -> None:
    (tmp_path / "crm__people.ndjson").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"can't be written .*No space left"):
        extract(service, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    gone = RestService("http://127.0.0.1:1", everything)
    with pytest.raises(InputError, match=r"can't be reached.*CADENCIA_SOURCE_CRM_URL"):
        extract(gone, tmp_path)


def test_a_service_that_never_answers_is_given_up(service: RestService, tmp_path: Path) -> None:
    over = threading.Event()

    def sleep(asked: Asked, number: int) -> Answer:
        over.wait(10)
        return Answer(RECORDS)

    service.behave = sleep
    with pytest.raises(InputError, match="can't be reached or breaks off"):
        extract(service, tmp_path, {"timeout_seconds": 0.1})
    over.set()


def endless(asked: Asked, number: int) -> Answer:
    return Answer({"data": {"items": [{"id": number}]}, "next": f"/v1/people?from={number}"})


def round_and_round(asked: Asked, number: int) -> Answer:
    return Answer({"data": {"items": [{"id": number}]}, "next": f"/v1/people?from={number % 2}"})


def deaf(asked: Asked, number: int) -> Answer:
    return Answer({"data": {"items": slice_from(0)}})


@pytest.mark.parametrize(
    ("behave", "paginator", "sentence"),
    [
        (endless, {"type": "json_link"}, "more than 7 pages"),
        (round_and_round, {"type": "json_link"}, "goes in circles"),
        (deaf, {"type": "offset", "limit": 10}, "goes in circles"),
    ],
)
def test_pages_without_end_are_refused(
    service: RestService, tmp_path: Path, behave: Any, paginator: dict[str, Any], sentence: str
) -> None:
    service.behave = behave
    with pytest.raises(InputError, match=sentence):
        extract(
            service,
            tmp_path,
            {"paginator": paginator, "maximum_pages": 7},
            records="data.items",
        )
    assert len(service.requests) <= 7


def test_a_page_without_the_declared_list_is_refused(service: RestService, tmp_path: Path) -> None:
    service.behave = lambda asked, number: Answer({"data": {"people": RECORDS}, "total": 25})
    with pytest.raises(InputError, match=r"no list at `data\.items` on page 1.* has data, total"):
        extract(service, tmp_path, records="data.items")
    service.behave = lambda asked, number: Answer({"data": {"items": []}})
    assert extract(service, tmp_path, records="data.items").row_count == 0


def test_a_total_that_is_no_number_quotes_no_record(service: RestService, tmp_path: Path) -> None:
    service.behave = lambda asked, number: Answer({"data": RECORDS, "total": "Secret"})
    paginator = {"type": "offset", "limit": 10, "total_path": "total"}
    with pytest.raises(InputError, match="don't fit") as caught:
        extract(service, tmp_path, {"paginator": paginator}, records="data")
    assert "Secret" not in str(caught.value) and "Núñez" not in str(caught.value)


@pytest.mark.parametrize(
    ("auth", "secrets", "header"),
    [
        ({"type": "bearer"}, {"TOKEN": "hush"}, ("Authorization", "Bearer hush")),
        ({"type": "api_key", "name": "X-Key"}, {"API_KEY": "hush"}, ("X-Key", "hush")),
        (
            {"type": "http_basic"},
            {"USERNAME": "me", "PASSWORD": "hush"},
            ("Authorization", "Basic bWU6aHVzaA=="),
        ),
    ],
)
def test_logins_come_from_the_environment(
    service: RestService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: dict[str, str],
    secrets: dict[str, str],
    header: tuple[str, str],
) -> None:
    with pytest.raises(ConfigurationError, match="CADENCIA_SOURCE_CRM_"):
        extract(service, tmp_path, {"auth": auth})
    for ending, value in secrets.items():
        monkeypatch.setenv(f"CADENCIA_SOURCE_CRM_{ending}", value)
    extract(service, tmp_path, {"auth": auth})
    assert service.requests[0].headers[header[0]] == header[1]
    service.behave = lambda asked, number: Answer({}, status=403)
    with pytest.raises(InputError, match="Check CADENCIA_SOURCE_CRM_") as caught:
        extract(service, tmp_path, {"auth": auth})
    assert "hush" not in str(caught.value)


def test_a_token_is_asked_for_with_client_credentials(
    service: RestService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(asked: Asked, number: int) -> Answer:
        if asked.path == "/token":
            return Answer({"access_token": "fresh", "expires_in": 3600})
        return Answer(RECORDS)

    service.behave = answer
    monkeypatch.setenv("CADENCIA_SOURCE_CRM_CLIENT_ID", "me")
    monkeypatch.setenv("CADENCIA_SOURCE_CRM_CLIENT_SECRET", "hush")
    auth = {"type": "oauth2_client_credentials", "access_token_url": f"{service.url}/token"}
    extract(service, tmp_path, {"auth": auth})
    assert [asked.path for asked in service.requests] == ["/token", "/v1/people"]
    assert service.requests[1].headers["Authorization"] == "Bearer fresh"


def test_the_login_is_not_carried_to_another_host(service: RestService, tmp_path: Path) -> None:
    service.behave = lambda asked, number: Answer(
        {"data": RECORDS, "next": "http://localhost:9/steal"}
    )
    with pytest.raises(InputError, match="points to localhost for page 2"):
        extract(service, tmp_path, {"paginator": {"type": "json_link"}}, records="data")


def test_the_cursor_is_sent_and_followed(service: RestService, tmp_path: Path) -> None:
    meta = {"params": {"per_page": 50}, "cursor_param": "since"}
    first = extract(service, tmp_path, meta, cursor="updated_at")
    assert (first.cursor_value, first.is_incremental) == ("2024-01-25T10:00:00+01:00", False)
    assert service.requests[0].params == {"per_page": "50"}
    # Half past nine in Madrid is earlier than nine in UTC, though its text is greater.
    service.behave = lambda asked, number: Answer(
        [{"id": 1, "changed": {"at": "2024-02-01T09:00:00Z"}}, {"id": 2, "updated_at": None},
         {"id": 3, "updated_at": "2024-02-01T09:30:00+01:00"},
         {"id": 4, "updated_at": "2999-01-01T00:00:00Z"}]
    )  # fmt: skip
    second = extract(service, tmp_path, meta, cursor="updated_at", cursor_from=first.cursor_value)
    assert service.requests[1].params == {"per_page": "50", "since": "2024-01-25T10:00:00+01:00"}
    assert (second.cursor_value, second.is_incremental) == ("2024-02-01T09:00:00Z", True)
    service.behave = lambda asked, number: Answer([])
    third = extract(
        service, tmp_path, meta, cursor="updated_at", cursor_from="2024-02-01T09:00:00Z"
    )
    assert (third.cursor_value, third.row_count) == ("2024-02-01T09:00:00Z", 0)


def test_nothing_is_reported_and_nothing_is_written_to_the_home(
    service: RestService, tmp_path: Path
) -> None:
    script = f"""
import socket, sys
from pathlib import Path
connect = socket.socket.connect
def only_local(self, address):
    assert address[0] == "127.0.0.1", f"a connection to {{address}}"
    return connect(self, address)
socket.socket.connect = only_local
from tests.integration.test_rest_service import extract
from tests.rest_service import RestService
print(extract(RestService({service.url!r}, None), Path({str(tmp_path)!r})).row_count)
"""
    home = tmp_path / "home"
    home.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**clean, "HOME": str(home)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(RECORD_COUNT), done.stderr
    assert list(home.rglob("*")) == []
