"""Errors of golden records that a person must act on; sentences without personal data."""

from __future__ import annotations


class GoldenError(ValueError):
    """Base of the errors of this package; the message is written for the person who runs it."""


class ContradictoryDecisionsError(GoldenError):
    """Steward decisions can't be read or can't all hold."""


class RuleSetError(GoldenError):
    """The survivorship rules in YAML break their own rules."""
