"""Reading the as-of date that a person typed."""

from __future__ import annotations

from datetime import date

from orchestration.lib.errors import ConfigurationError


def parse_as_of(text: str, today: date) -> date | None:
    """Return the as-of date that a person typed, None when empty.

    Raises
    ------
    ConfigurationError
        When it is no ISO date or lies in the future.
    """
    if not text:
        return None
    try:
        as_of = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"The as-of date '{text}' is not a date; write it as YYYY-MM-DD, e.g. 2017-07-01."
        ) from None
    if as_of > today:
        raise ConfigurationError(
            f"The as-of date {as_of} lies in the future (today is {today}): nothing can be known "
            "as of then. Choose an earlier date."
        )
    return as_of
