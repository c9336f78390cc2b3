"""Whether the audit log is as it was written: the first entry that was changed, removed, put in or moved.

Belongs here: comparing the log with its own chain, its anchor, and heads noted elsewhere (published
versions, a printed one). Does not: writing (`audit_log`), printing (`audit_log_console`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.privacy.audit_log import (
    ANCHOR_LOST,
    GENESIS,
    PRUNED,
    Entry,
    anchor_file,
    is_authentic,
    load_audit_key,
    locked,
    log_file,
    parse_line,
    read_anchor,
)


@dataclass(frozen=True)
class Head:
    """An entry that was noted somewhere: the log must have it."""

    sequence: int
    hash: str
    noted_in: str


@dataclass(frozen=True)
class Verification:
    """What was found; ``fault`` is a sentence on the first entry that is wrong, empty when none is."""

    count: int
    head: str
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the log is as it was written."""
        return not self.fault


def verify(home: Path, heads: Collection[Head] = ()) -> Verification:
    """Read the whole log and compare.

    Parameters
    ----------
    home
        ``CADENCIA_HOME``.
    heads
        Entries noted elsewhere, which the log must still have.
    """
    if not log_file(home).exists() and not anchor_file(home).exists() and not heads:
        return Verification(0, GENESIS)
    # Under the lock, which also finishes a killed append: a log that is being written isn't faulty.
    with locked(home):
        content = log_file(home).read_bytes() if log_file(home).exists() else b""
        key = load_audit_key(home)
        anchor = read_anchor(home, key)
    lines = content.split(b"\n")
    torn = lines.pop()
    entries, fault = _walk(lines, key)
    count, head = (entries[-1].sequence, entries[-1].hash) if entries else (0, GENESIS)
    if not fault and torn:
        fault = f"After entry {count} stands something that is no entry: it was put in."
    if not fault and anchor is None and (entries or anchor_file(home).exists()):
        fault = (
            f"The anchor {anchor_file(home)} is missing or was not written with this key: entries after "
            f"{count} may have been cut off. The next action notes in the log that it was lost."
        )
    if not fault and anchor is not None:
        fault = _compare(Head(anchor.entry.sequence, anchor.entry.hash, "the anchor"), entries)
        if not fault and count > anchor.entry.sequence:
            fault = (
                f"Entry {anchor.entry.sequence + 1} is newer than the anchor: that was put back."
            )
    for known in sorted(heads, key=lambda noted: noted.sequence):
        fault = fault or _compare(known, entries)
    return Verification(count, head, fault, tuple(_notes(entries)))


def _walk(lines: Sequence[bytes], key: bytes) -> tuple[list[Entry], str]:
    """Follow the chain; return the entries up to the first fault, and the fault."""
    parsed = [parse_line(line) for line in lines]
    ours = [entry if entry is not None and is_authentic(entry, key) else None for entry in parsed]
    known = {entry.sequence for entry in ours if entry is not None}
    good: list[Entry] = []
    sequence, previous = _start(ours)
    for position, entry in enumerate(ours, 1):
        if entry is None:
            return good, (
                f"Entry {sequence} (line {position}) was altered, or a line was put in there: it isn't "
                "what the key `audit` sealed."
            )
        if entry.sequence > sequence:
            what = "was moved" if sequence in known else "was deleted"
            return good, f"Entry {sequence} {what}: line {position} has entry {entry.sequence}."
        if entry.sequence < sequence:
            return good, (
                f"Entry {entry.sequence} was inserted again in line {position}, where entry {sequence} "
                "belongs."
            )
        if entry.previous != previous:
            return good, (
                f"Entry {sequence} (line {position}) does not follow the one before it, which was "
                "replaced."
            )
        good.append(entry)
        sequence, previous = entry.sequence + 1, entry.hash
    return good, ""


def _start(ours: Sequence[Entry | None]) -> tuple[int, str]:
    """Return the sequence and the hash that the first line must follow.

    That is the beginning, unless a later entry says that retention removed entries up to a number.
    """
    first = ours[0] if ours else None
    for entry in ours:
        if entry is not None and first is not None and entry.action == PRUNED:
            through, pruned_hash = entry.details.get("through"), entry.details.get("hash")
            if first.sequence - 1 == through:
                return first.sequence, str(pruned_hash)
    return 1, GENESIS


def _compare(known: Head, entries: Sequence[Entry]) -> str:
    last = entries[-1].sequence if entries else 0
    if known.sequence > last:
        return (
            f"Entry {last + 1} and those after it were cut off: {known.noted_in} knows {known.sequence} "
            f"entries, the log ends with {last}."
        )
    first = entries[0].sequence if entries else 1
    if known.sequence < first:
        return ""  # removed by retention, which the chain itself accounts for
    if entries[known.sequence - first].hash != known.hash:
        return (
            f"Entry {known.sequence} is another one than {known.noted_in} knows: it was replaced."
        )
    return ""


def _notes(entries: Sequence[Entry]) -> list[str]:
    return [
        f"At entry {entry.sequence} the anchor had been lost: whether entries were cut off just before "
        "can only be told from a noted head."
        for entry in entries
        if entry.action == ANCHOR_LOST
    ]
