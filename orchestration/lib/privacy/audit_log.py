"""The audit log: who did what to personal data and when, in a chain that can't be changed unseen.

One JSON line an entry in ``privacy/audit_log.jsonl``. Each line carries an HMAC (key ``audit``) over
itself and the HMAC of the line before. The newest line stands in an anchor beside the keys as well,
written before the log: a write that was killed is finished from it, and an end that was cut off is
noticed. Belongs here: writing and reading. Does not: looking for faults (`audit_log_verification`).
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.keys import load_key
from orchestration.lib.private_files import replace_file

GENESIS = "0" * 64
ANCHOR_LOST = "anchor_lost"
PRUNED = "audit_log_pruned"
ACTION = re.compile(r"[a-z][a-z0-9_]{2,60}")
# Details are ours to write and hold no personal data; should a caller err, this keeps the plain cases
# out: e-mail addresses, Spanish telephones, NIF/NIE. Ids of runs must pass, hence the borders.
PERSONAL = re.compile(
    r"[^\s@,;]+@[^\s@,;]+"
    r"|(?<![\w-])(?:\+|00)?(?:34[ .]?)?[6-9]\d{2}[ .]?\d{3}[ .]?\d{3}(?![\w-])"
    r"|(?<![\w-])(?:\d{8}|[XYZxyz]\d{7})-?[A-Za-z](?![\w-])"
)
WITHHELD = "[withheld]"
TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class Entry:
    """One action.

    Parameters
    ----------
    sequence
        1, 2, 3, …
    at
        UTC, ISO 8601.
    actor
        User of the operating system.
    action
        What was done, e.g. ``erase``.
    subject
        Keyed pseudonym of the person it was done to (`subject_pseudonym`), None when nobody in particular.
    details
        Counts, table names, ids of runs; never personal data.
    previous
        ``hash`` of the entry before.
    hash
        HMAC-SHA256 over all of the above.
    """

    sequence: int
    at: str
    actor: str
    action: str
    subject: str | None
    details: Mapping[str, Any]
    previous: str
    hash: str = ""

    def line(self) -> bytes:
        """Return the entry as it stands in the file, without the end of line."""
        return _canonical(vars(self))


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parse_line(line: bytes) -> Entry | None:
    """Return the entry of a line; None when it is not exactly what `Entry.line` writes."""
    try:
        entry = Entry(**json.loads(line))
        is_typed = type(entry.sequence) is int and isinstance(entry.hash, str)
        return entry if is_typed and entry.line() == line else None
    except (ValueError, TypeError, RecursionError):
        return None


def load_audit_key(home: Path) -> bytes:
    """Return the key ``audit``: ``CADENCIA_AUDIT_KEY``, else generated once into ``keys/audit.key``."""
    return load_key("audit", os.environ.get("CADENCIA_AUDIT_KEY", ""), home / "keys")


def seal(entry: Entry, key: bytes) -> Entry:
    """Return the entry with its HMAC."""
    content = {name: value for name, value in vars(entry).items() if name != "hash"}
    return replace(entry, hash=hmac.new(key, _canonical(content), sha256).hexdigest())


def is_authentic(entry: Entry, key: bytes) -> bool:
    """Return whether the entry was sealed with the key and not changed since."""
    return hmac.compare_digest(entry.hash.encode(), seal(entry, key).hash.encode())


def keyed_digest(home: Path, kind: str, value: str) -> str:
    """Return a keyed digest (128 bits): equal values can be found again, none can be guessed from it."""
    key = load_audit_key(home)
    return hmac.new(key, f"{kind}\0{value}".encode(), sha256).hexdigest()[:32]


def subject_pseudonym(home: Path, customer_id: str) -> str:
    """Return what stands for a person in the log. Not the pseudonym of the analysts' database."""
    return "S" + keyed_digest(home, "subject", customer_id)


def log_file(home: Path) -> Path:
    """Return the path of the log."""
    return home / "privacy" / "audit_log.jsonl"


def anchor_file(home: Path) -> Path:
    """Return the path of the anchor: not in the log's folder, so that putting that back is noticed."""
    return home / "keys" / "audit_log.anchor"


@dataclass(frozen=True)
class Anchor:
    """The newest entry as the log has it, or (not committed) is about to have it."""

    entry: Entry
    is_committed: bool


def read_anchor(home: Path, key: bytes) -> Anchor | None:
    """Return the anchor; None when there is none or somebody without the key wrote it."""
    try:
        content = json.loads(anchor_file(home).read_bytes())
        line, is_committed = content["line"].encode(), content["is_committed"]
        is_ours = hmac.compare_digest(content["seal"], _anchor_seal(line, is_committed, key))
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    entry = parse_line(line)
    return Anchor(entry, is_committed) if is_ours and entry is not None else None


def _anchor_seal(line: bytes, is_committed: bool, key: bytes) -> str:
    state = b"committed\0" if is_committed else b"pending\0"
    return hmac.new(key, b"anchor\0" + state + line, sha256).hexdigest()


def write_anchor(home: Path, key: bytes, anchor: Anchor) -> None:
    """Replace the anchor, durably and in one step."""
    line = anchor.entry.line()
    content = {
        "line": line.decode(),
        "is_committed": anchor.is_committed,
        "seal": _anchor_seal(line, anchor.is_committed, key),
    }
    replace_file(anchor_file(home), json.dumps(content).encode() + b"\n")


@contextmanager
def locked(home: Path) -> Iterator[bytes]:
    """Hold the log's lock (waiting for it), finish what a killed process began, and hand out the key.

    Raises
    ------
    ConfigurationError
        When the folder can't be written: what can't be recorded must not be done.
    """
    folder = log_file(home).parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = load_audit_key(home)
        descriptor = os.open(folder / ".audit_log.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The audit log in {folder} can't be written ({error.strerror}), and nothing is done to "
            "personal data without a record. Run as a user who may write there."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _finish_interrupted(home, key)
        yield key
    finally:
        os.close(descriptor)


def _write(home: Path, content: bytes) -> None:
    path = log_file(home)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tail(home: Path) -> tuple[bytes, bytes]:
    """Return the last whole line of the log and what stands after it, both empty when there is none."""
    path = log_file(home)
    if not path.exists():
        return b"", b""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = TAIL_BYTES
        while True:
            file.seek(max(0, size - length))
            lines = file.read().split(b"\n")
            # The first piece may be the end of a longer line, unless the whole file was read.
            if len(lines) > 2 or length >= size:
                return (lines[-2] if len(lines) > 1 else b""), lines[-1]
            length *= 2


def _finish_interrupted(home: Path, key: bytes) -> None:
    """Complete the append that a killed process began: its whole line stands in the anchor."""
    anchor = read_anchor(home, key)
    if anchor is None or anchor.is_committed:
        return
    last, torn = _tail(home)
    line = anchor.entry.line()
    if last != line:
        if line.startswith(torn):
            _write(home, line[len(torn) :] + b"\n")
        else:  # not what we were writing: it stays, as a line of its own, for the verification
            _write(home, b"\n" + line + b"\n")
    write_anchor(home, key, Anchor(anchor.entry, is_committed=True))


def append(
    home: Path,
    action: str,
    details: Mapping[str, Any],
    *,
    now: datetime,
    subject: str | None = None,
    actor: str | None = None,
) -> Entry:
    """Append an entry, durably, and return it. Call it before the action: none without a record.

    Parameters
    ----------
    home
        ``CADENCIA_HOME``.
    action
        Snake case, e.g. ``erase``, ``export``, ``publish``.
    details
        What JSON can hold, without personal data.
    now
        Time of the action, with its zone.
    subject
        `subject_pseudonym` of the person concerned.
    actor
        Who; the user of the process when None.
    """
    with locked(home) as key:
        return append_locked(home, key, action, details, now=now, subject=subject, actor=actor)


def append_locked(
    home: Path,
    key: bytes,
    action: str,
    details: Mapping[str, Any],
    *,
    now: datetime,
    subject: str | None = None,
    actor: str | None = None,
) -> Entry:
    """Append while `locked` is held; see `append`."""
    if now.tzinfo is None or not ACTION.fullmatch(action):
        raise ValueError("An entry needs a time with a zone and an action in snake case.")
    before = _entry_before(home, key, now)
    entry = seal(
        Entry(
            sequence=before.sequence + 1 if before else 1,
            at=now.astimezone(UTC).isoformat(timespec="microseconds"),
            actor=_withheld(actor or _user()),
            action=action,
            subject=subject,
            details={str(name): _withheld(value) for name, value in details.items()},
            previous=before.hash if before else GENESIS,
        ),
        key,
    )
    _chain(home, key, entry)
    return entry


def _chain(home: Path, key: bytes, entry: Entry) -> None:
    _, torn = _tail(home)
    write_anchor(home, key, Anchor(entry, is_committed=False))
    # What somebody left without an end of line must not run into ours.
    _write(home, (b"\n" if torn else b"") + entry.line() + b"\n")
    write_anchor(home, key, Anchor(entry, is_committed=True))


def _entry_before(home: Path, key: bytes, now: datetime) -> Entry | None:
    """Return the entry to chain to: the anchor's, so that an end that was cut off stays a gap."""
    anchor = read_anchor(home, key)
    if anchor is not None:
        return anchor.entry
    last = next((entry for entry in reversed(read_entries(home)) if is_authentic(entry, key)), None)
    if last is None and not anchor_file(home).exists():
        return None
    lost = seal(
        Entry(
            sequence=last.sequence + 1 if last else 1,
            at=now.astimezone(UTC).isoformat(timespec="microseconds"),
            actor=_user(),
            action=ANCHOR_LOST,
            subject=None,
            details={},
            previous=last.hash if last else GENESIS,
        ),
        key,
    )
    _chain(home, key, lost)
    return lost


def read_entries(home: Path) -> list[Entry]:
    """Return the entries of the log in its order; lines that are none are left out."""
    path = log_file(home)
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    return [entry for line in lines if (entry := parse_line(line)) is not None]


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _withheld(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return a detail without what looks like an e-mail, a telephone or a national id."""
    if isinstance(value, str):
        return PERSONAL.sub(WITHHELD, value)
    if isinstance(value, Mapping):
        return {_withheld(str(name)): _withheld(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_withheld(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _withheld(str(value))
