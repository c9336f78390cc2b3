"""A REST service for tests on 127.0.0.1: it pages in every way, and fails in every way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORD_COUNT = 25
RECORDS = [
    {
        "id": number,
        "full_name": f"Núñez {number}",
        "updated_at": f"2024-01-{number + 1:02d}T10:00:00+01:00",
        "address": {"zip": f"0{number:04d}"},
    }
    for number in range(RECORD_COUNT)
]
PAGE_SIZE = 10


@dataclass
class Answer:
    """What the service sends: a document or raw bytes."""

    document: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    missing_bytes: int = 0


@dataclass
class Asked:
    """One request as it came."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: str


Behaviour = Callable[[Asked, int], Answer]


@dataclass
class RestService:
    """A running service; ``behave`` answers the n-th request (from 1) and may be replaced."""

    url: str
    behave: Behaviour
    requests: list[Asked] = field(default_factory=list)


def slice_from(start: int, size: int = PAGE_SIZE) -> list[dict[str, Any]]:
    """Return the records of a page."""
    return RECORDS[start : start + size]


@contextmanager
def run_rest_service(behave: Behaviour) -> Iterator[RestService]:
    """Run a service that answers as told."""
    service = RestService("", behave)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(
                parts.path,
                {name: values[-1] for name, values in parse_qs(parts.query).items()},
                dict(self.headers.items()),
                self.rfile.read(length).decode(),
            )
            service.requests.append(asked)
            answer = service.behave(asked, len(service.requests))
            body = json.dumps(answer.document).encode() if answer.body is None else answer.body
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + answer.missing_bytes))
            self.end_headers()
            self.wfile.write(body)
            if answer.missing_bytes:
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Keep quiet about clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
