"""Building blocks of the person's page: sections, tables, and cells as a person reads them.

Belongs here: form. Does not: what is said (`narrative`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.lib.audit.words import Words
from orchestration.lib.privacy.person_export.collect import Holding

SHOWN_ROWS = 25
# A wide table of few rows is read from top to bottom.
WIDE_COLUMNS, FEW_ROWS = 9, 3
# What only keeps tables apart says nothing to a person; it stands in the files.
TECHNICAL_PREFIX = "_"


@dataclass(frozen=True)
class PageTable:
    """A table of the page; a folded one is opened by a click and says how many rows it tells of."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    is_folded: bool = False
    count: int | None = None


@dataclass(frozen=True)
class PageSection:
    """A section of the page."""

    name: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[PageTable, ...] = ()


def heading_of(words: Words, column: str) -> str:
    """Return the heading of a column: the language's word, else the column's name with blanks."""
    return words.maybe(f"field.{column}", column.replace("_", " "))


def cell(words: Words, column: str, value: Any) -> str:  # noqa: ANN401 - whatever a table holds
    """Return a value as the language writes it."""
    if value is None:
        return words("none")
    if isinstance(value, bool):
        return words("affirmed") if value else words("denied")
    if isinstance(value, datetime):
        day = words.day(value.date())
        return day if value.time() == datetime.min.time() else f"{day} {value:%H:%M}"
    if isinstance(value, date):
        return words.day(value)
    if column.endswith(("_share", "probability")) and isinstance(value, float | Decimal):
        return words.percent(float(value))
    if isinstance(value, float | Decimal):
        return words.number(float(value), 2)
    if column == "match_reason":
        phrases = re.split(r"(, |; but )", str(value))
        return "".join(words.maybe(f"match.{phrase}", phrase) for phrase in phrases)
    if isinstance(value, str):
        return words.maybe(f"value.{column}.{value}", value)
    return str(value)


def holding_table(
    words: Words,
    holding: Holding,
    columns: Sequence[str] = (),
    *,
    newest_by: str = "",
    is_folded: bool = False,
    title: str = "",
    systems: Mapping[str, str] | None = None,
) -> PageTable:
    """Return the person's rows of a table: the named columns that it has, or all that say something.

    ``systems`` are the names of the source systems for people, by their code.
    """
    rows = holding.records()
    if newest_by in holding.columns:
        rows.sort(key=lambda row: (row[newest_by] is not None, str(row[newest_by])), reverse=True)
    chosen = [name for name in columns if name in holding.columns] or [
        name
        for name in holding.columns
        if not name.startswith(TECHNICAL_PREFIX)
        # always the person
        and name != "customer_id"
        and any(row[name] is not None for row in rows)
    ]
    shown = rows[:SHOWN_ROWS]
    note = ""
    if len(rows) > len(shown):
        note = words(
            "page.more",
            shown=words.number(len(shown)),
            all=words.number(len(rows)),
            file=f"csv/{holding.name}.csv",
        )
    cells = [
        tuple(
            (systems or {}).get(str(row[name])) or cell(words, name, row[name])
            if name == "source_system"
            else cell(words, name, row[name])
            for name in chosen
        )
        for row in shown
    ]
    headings = tuple(heading_of(words, name) for name in chosen)
    if len(chosen) > WIDE_COLUMNS and len(cells) <= FEW_ROWS:
        values = (
            (words("heading.value"),) if len(cells) == 1 else map(str, range(1, len(cells) + 1))
        )
        cells = list(zip(headings, *cells, strict=True))
        headings = (words("heading.field"), *values)
    name = title or words.maybe(f"table.{holding.name}", holding.name)
    return PageTable(name, headings, tuple(cells), note, is_folded, len(rows))
