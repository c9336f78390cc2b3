"""One language of the audit: its texts, and numbers, amounts and dates as it writes them.

Belongs here: words and formats. Does not: what is said (`sections`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import yaml

TEXTS_DIR: Final = Path(__file__).with_name("texts")
LANGUAGES: Final = ("en", "es")
SMALLEST_GROUP: Final = 5
"""Groups of fewer persons are not told apart: their number is shown as `< 5`."""
_SYMBOLS: Final = {"EUR": "€", "USD": "USD", "GBP": "GBP"}
_NO_BREAK: Final = "\u00a0"


@cache
def load_texts(language: str, folder: Path = TEXTS_DIR) -> dict[str, str]:
    """Return the texts of a language by dotted key."""
    document = yaml.safe_load((folder / f"{language}.yml").read_text(encoding="utf-8"))
    return dict(_flat("", document))


def _flat(prefix: str, block: Mapping[object, object]) -> Iterator[tuple[str, str]]:
    for key, value in block.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(f"{name}.", value)
        else:
            yield name, str(value)


@dataclass(frozen=True)
class Words:
    """The words of one language and its way to write numbers."""

    language: str
    currency: str
    folder: Path = TEXTS_DIR

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its values filled in."""
        return load_texts(self.language, self.folder)[key].format(**values)

    def maybe(self, key: str, otherwise: str) -> str:
        """Return a text when there is one: for codes that sources or models bring along."""
        return load_texts(self.language, self.folder).get(key, otherwise)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a number with separators; a dash for none."""
        if value is None:
            return "–"  # noqa: RUF001
        text = f"{value:,.{digits}f}"
        if self.language == "es":
            text = text.translate(str.maketrans(",.", ".,"))
        return text

    def percent(self, share: float | None, digits: int = 1) -> str:
        """Return a share as a percentage."""
        if share is None:
            return "–"  # noqa: RUF001
        return f"{self.number(share * 100, digits)}{_NO_BREAK}%"

    def amount(self, value: float | None, digits: int = 0) -> str:
        """Return an amount in the reporting currency."""
        symbol = _SYMBOLS.get(self.currency, self.currency)
        return f"{self.number(value, digits)}{_NO_BREAK}{symbol}"

    def people(self, count: float | None) -> str:
        """Return a number of persons, hidden when so few that they could be recognised."""
        if count is not None and 0 < count < SMALLEST_GROUP:
            return f"<{_NO_BREAK}{SMALLEST_GROUP}"
        return self.number(count)

    def day(self, value: date | None) -> str:
        """Return a day as people write it."""
        if value is None:
            return "–"  # noqa: RUF001
        if self.language == "es":
            return f"{value.day:02d}/{value.month:02d}/{value.year}"
        return f"{value.day} {self(f'months.{value.month}')} {value.year}"

    def listed(self, items: list[str]) -> str:
        """Return items with commas and an `and` before the last."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self('and')} {items[-1]}"
