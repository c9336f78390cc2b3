"""The parts a page of the audit is made of.

Belongs here: their shapes and how a table is filled. Does not: what they say (`*_sections`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestration.lib.audit.charts import Chart
from orchestration.lib.audit.facts import Row
from orchestration.lib.audit.words import Words


@dataclass(frozen=True)
class Table:
    """A table: headings, rows of texts, and how many columns at the left are words, not numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@dataclass(frozen=True)
class Section:
    """A section: sentences, charts and tables; without data one sentence says so."""

    name: str
    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class SectionBuilder:
    """Collects the parts of a section; what has no data is left out."""

    name: str
    words: Words
    sentences: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def say(self, key: str, /, **values: object) -> None:
        """Add a sentence."""
        self.sentences.append(self.words(f"{self.name}.{key}", **values))

    def note(self, key: str, /, **values: object) -> None:
        """Add a remark on how to read the section."""
        self.notes.append(self.words(f"{self.name}.{key}", **values))

    def title_of(self, key: str, /, **values: object) -> str:
        """Return the title of a chart or table of the section."""
        return self.words(f"{self.name}.{key}", **values)

    def table(
        self, key: str, headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1
    ) -> None:
        """Add a table unless it is empty; headings are keys of ``heading.*``."""
        if rows:
            named = tuple(self.words(f"heading.{heading}") for heading in headings)
            cells = tuple(tuple(row) for row in rows)
            self.tables.append(Table(self.title_of(key), named, cells, words))

    def build(self) -> Section:
        """Return the section; without anything to show, with the sentence that says so."""
        if not (self.sentences or self.charts or self.tables):
            self.say("none")
        return Section(
            self.name,
            self.words(f"{self.name}.title"),
            tuple(self.sentences),
            tuple(self.charts),
            tuple(self.tables),
            tuple(self.notes),
        )


def first(rows: Sequence[Row]) -> Row | None:
    """Return the only row of a fact, None when it was not read."""
    return rows[0] if rows else None


def share(part: float | None, whole: float | None) -> float | None:
    """Return a share, None where there is no whole."""
    return float(part or 0) / float(whole) if whole else None
