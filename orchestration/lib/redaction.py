"""Messages of errors without the values of the data that they quote, which may be personal.

Belongs here: what DuckDB quotes. Does not: our own messages, which never hold a value.
"""

from __future__ import annotations

import re

ERRORS_ABOUT_VALUES = (
    "Conversion Error",
    "Constraint Error",
    "Invalid Input Error",
    "Out of Range Error",
    "Invalid date",
    "invalid date",
)
# What DuckDB quotes in a conversion error is a value of the data, which may be personal.
QUOTED_VALUE = re.compile(
    r"(?<=[ (\"])'[^'\n]*'|(?<=string )\"[^\"\n]*\"|(?:(?<=key )|(?<=: ))\"[^\"\n]*\""
)
# strptime repeats the value on a line of its own above a caret; a line of SQL begins with LINE.
REPEATED_VALUE = re.compile(r"\n(?!LINE \d)[^\n]*(?=\n *\^)")


def redact(message: str) -> str:
    """Return the message without the data values that DuckDB quotes in it.

    Only errors about values quote values; dbt's own errors quote names, which people need.
    """
    if not any(kind in message for kind in ERRORS_ABOUT_VALUES):
        return message
    return QUOTED_VALUE.sub("'…'", REPEATED_VALUE.sub("\n…", message))
