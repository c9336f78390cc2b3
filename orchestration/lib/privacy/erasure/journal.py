"""The folder of one request: what was asked, what was found, how far it came, and the certificate.

Belongs here: files under ``privacy/erasures/<request id>/``. Does not: the stages (`process`).

What identifies people stands in ``request.json`` and ``lookup.json`` only, which go at the end; a request
is pending as long as ``request.json`` is there.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.privacy.targets import Targets
from orchestration.lib.private_files import replace_file

REQUEST, LOOKUP, PROGRESS, CERTIFICATE = (
    "request.json",
    "lookup.json",
    "progress.jsonl",
    "certificate.json",
)


@dataclass(frozen=True)
class Request:
    """Whom a person asked to erase, as given."""

    customer_ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    national_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nobody is named."""
        return not (self.customer_ids or self.emails or self.phones or self.national_ids)


@dataclass(frozen=True)
class Lookup:
    """What was found of the people before anything was changed."""

    customer_ids: tuple[str, ...]
    twins: int
    records: int
    targets: Targets
    tombstones: Targets
    versions: Mapping[str, Targets]
    identifiers: tuple[tuple[str, str], ...]
    shared_identifiers: int
    hashes: Mapping[str, str]
    truth_people: tuple[int, ...] = ()
    outside: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            **asdict(self),
            "targets": self.targets.as_json(),
            "tombstones": self.tombstones.as_json(),
            "versions": {run_id: each.as_json() for run_id, each in self.versions.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Lookup:
        """Return the stored lookup."""
        return cls(
            **{
                **stored,
                "customer_ids": tuple(stored["customer_ids"]),
                "targets": Targets.from_json(stored["targets"]),
                "tombstones": Targets.from_json(stored["tombstones"]),
                "versions": {
                    run_id: Targets.from_json(each) for run_id, each in stored["versions"].items()
                },
                "identifiers": tuple((kind, value) for kind, value in stored["identifiers"]),
                "truth_people": tuple(stored["truth_people"]),
                "outside": tuple(stored["outside"]),
            }
        )


@dataclass
class Journal:
    """One request's folder."""

    folder: Path
    _done: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    _finished: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        path = self.folder / PROGRESS
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line that a killed process was writing
            self._take(entry)

    @property
    def request_id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def is_pending(self) -> bool:
        """Whether the request still has to be finished."""
        return (self.folder / REQUEST).exists()

    @property
    def asked_at(self) -> datetime:
        """When the request was made, UTC."""
        stored = json.loads((self.folder / REQUEST).read_text())
        return datetime.fromisoformat(stored["asked_at"])

    def read_request(self) -> Request:
        """Return what was asked."""
        stored = json.loads((self.folder / REQUEST).read_text())
        return Request(**{name: tuple(values) for name, values in stored["asked"].items()})

    def read_lookup(self) -> Lookup | None:
        """Return what was found, None when nothing was looked up yet."""
        path = self.folder / LOOKUP
        return Lookup.from_json(json.loads(path.read_text())) if path.exists() else None

    def write_lookup(self, lookup: Lookup) -> None:
        """Keep what was found, durably: from here on the request can be finished without the data."""
        replace_file(self.folder / LOOKUP, json.dumps(lookup.as_json()).encode())

    def _take(self, entry: Mapping[str, Any]) -> None:
        key = (entry["stage"], entry["item"])
        counts = self._done.setdefault(key, {})
        # a step that was killed and repeated finds less the second time
        for name, count in entry["counts"].items():
            counts[name] = max(counts.get(name, 0), count)
        if entry["is_finished"]:
            self._finished.add(key)

    def note(
        self, stage: str, item: str, counts: Mapping[str, int], *, is_finished: bool = True
    ) -> None:
        """Write down that a step is done, or what it is about to do; no personal data."""
        entry = {"stage": stage, "item": item, "counts": dict(counts), "is_finished": is_finished}
        self._take(entry)
        descriptor = os.open(self.folder / PROGRESS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, json.dumps(entry).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def is_finished(self, stage: str, item: str) -> bool:
        """Whether a step is done."""
        return (stage, item) in self._finished

    def counts(self, stage: str) -> dict[str, dict[str, int]]:
        """Return the counts of a stage by item, those with something only."""
        return {
            item: {name: count for name, count in counts.items() if count}
            for (of, item), counts in sorted(self._done.items())
            if of == stage and any(counts.values())
        }

    def total(self, stage: str, name: str) -> int:
        """Return the sum of a count over a stage."""
        totals: Counter[str] = Counter()
        for counts in self.counts(stage).values():
            totals.update(counts)
        return totals[name]

    def read_certificate(self) -> dict[str, Any] | None:
        """Return the certificate, None while there is none."""
        path = self.folder / CERTIFICATE
        if not path.exists():
            return None
        certificate: dict[str, Any] = json.loads(path.read_text())
        return certificate

    def finish(self, certificate: Mapping[str, Any]) -> None:
        """Write the certificate, then remove what identifies people; the request itself goes last."""
        replace_file(self.folder / CERTIFICATE, json.dumps(certificate, indent=2).encode() + b"\n")
        for name in (LOOKUP, PROGRESS, REQUEST):
            (self.folder / name).unlink(missing_ok=True)


def erasures_dir(home: Path) -> Path:
    """Return the folder of all requests."""
    return home / "privacy" / "erasures"


def begin(home: Path, request: Request, asked_at: datetime) -> Journal:
    """Make the folder of a new request, readable by its owner only."""
    base = erasures_dir(home)
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = asked_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    number = 1
    while (folder := base / f"{stamp}-{number}").exists():
        number += 1
    folder.mkdir(mode=0o700)
    content = {"asked_at": asked_at.astimezone(UTC).isoformat(), "asked": asdict(request)}
    replace_file(folder / REQUEST, json.dumps(content).encode())
    return Journal(folder)


def journals(home: Path) -> Iterator[Journal]:
    """Yield all requests, the oldest first."""
    base = erasures_dir(home)
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        if folder.is_dir():
            yield Journal(folder)


def pending(home: Path) -> list[Journal]:
    """Return the requests that were begun and not finished."""
    return [each for each in journals(home) if each.is_pending]


def require_none_pending(home: Path, found: Sequence[Journal] | None = None) -> None:
    """Refuse to go on while an erasure is half done.

    Raises
    ------
    ConfigurationError
        With the sentence that says how to finish it.
    """
    waiting = pending(home) if found is None else found
    if waiting:
        raise ConfigurationError(
            f"The erasure {waiting[0].request_id} was begun and not finished. Run `cadencia erase "
            "--resume` first: until then a run could bring back what is being erased."
        )
