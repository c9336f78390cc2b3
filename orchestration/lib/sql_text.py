"""Quoting of names and texts in SQL that Python writes. Nothing else."""

from __future__ import annotations


def quoted_name(identifier: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return a text literal in single quotes."""
    return "'" + text.replace("'", "''") + "'"
