"""What a search found, and what it could not look into; never a value.

Belongs here: results. Does not: searching.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FILES_IN_A_MESSAGE = 5


@dataclass(frozen=True)
class Hit:
    """An identifier in a file.

    ``position`` is its place in the sequence that was compiled. ``where`` is the way to it: members
    of archives, tables and columns, ``bytes``, or ``name`` for the file's own name. A hit that is not
    ``is_whole`` stands in the middle of other letters or digits of a binary file: a value stored next
    to another without a gap, or a part of a longer value of somebody else.
    """

    path: Path
    where: str
    kind: str
    position: int
    is_whole: bool = True
    count: int = 1


@dataclass(frozen=True)
class NotSearched:
    """A file, or a part of one, that could not be looked into, and why."""

    path: Path
    where: str
    reason: str


@dataclass
class SearchReport:
    """The outcome of a search over files."""

    files: int = 0
    bytes_read: int = 0
    not_searched: list[NotSearched] = field(default_factory=list)
    _found: dict[tuple[Path, str, str, int, bool], int] = field(default_factory=dict)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Whole identifiers: what is there and should not be."""
        return tuple(self._hits(is_whole=True))

    @property
    def inside(self) -> tuple[Hit, ...]:
        """Identifiers in the middle of other text of a binary file."""
        return tuple(self._hits(is_whole=False))

    @property
    def is_complete(self) -> bool:
        """Whether everything could be looked into."""
        return not self.not_searched

    def _hits(self, *, is_whole: bool) -> Iterable[Hit]:
        for (path, where, kind, position, whole), count in sorted(self._found.items()):
            if whole == is_whole:
                yield Hit(path, where, kind, position, whole, count)

    def add(
        self, path: Path, where: str, kind: str, position: int, *, is_whole: bool, count: int = 1
    ) -> None:
        """Count an identifier found at a place."""
        key = (path, where, kind, position, is_whole)
        self._found[key] = self._found.get(key, 0) + count

    def skip(self, path: Path, where: str, reason: str) -> None:
        """Note a file or a part of it that could not be looked into."""
        self.not_searched.append(NotSearched(path, where, reason))

    def merge(self, other: SearchReport) -> None:
        """Take over what another search found."""
        self.files += other.files
        self.bytes_read += other.bytes_read
        self.not_searched.extend(other.not_searched)
        for key, count in other._found.items():
            self._found[key] = self._found.get(key, 0) + count

    def sentence(self) -> str:
        """Return one sentence for people: how much was searched, what was found, what was not."""
        hits = self.hits
        files = sorted({str(hit.path) for hit in hits})
        found = (
            f"{sum(hit.count for hit in hits):,} hits in {len(files):,} of them "
            f"({', '.join(files[:FILES_IN_A_MESSAGE])}{', …' if len(files) > FILES_IN_A_MESSAGE else ''})"
            if hits
            else "0 hits"
        )
        missed = f"; {len(self.not_searched):,} could not be searched" if self.not_searched else ""
        return f"{self.files:,} files, {self.bytes_read / 1e6:,.0f} MB searched: {found}{missed}."
