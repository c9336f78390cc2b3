"""What the contract says of a REST table: how its pages are asked for and who may ask.

Belongs here: the frozen form of the key ``rest``. Does not: asking (`remote.rest_extract`), secrets
(they come from the environment).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Pairs = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class RestContract:
    """How one table is asked for; pairs stand for mappings, so that the whole can be hashed."""

    params: Pairs = ()
    headers: Pairs = ()
    paginator: Pairs = (("type", "single_page"),)
    auth: Pairs = ()
    cursor_param: str | None = None
    maximum_pages: int = 10_000
    timeout_seconds: float = 60.0

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any] | None) -> RestContract | None:
        """Return the frozen form of the key, or None where it is absent."""
        if meta is None:
            return None
        frozen: dict[str, Any] = {
            key: tuple(sorted(value.items())) if isinstance(value, Mapping) else value
            for key, value in meta.items()
        }
        return cls(**frozen)
