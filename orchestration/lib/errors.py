"""Errors that a person must act on: each message says what happened, where, and what to do.

Belongs here: the error types that map to exit codes. Does not: programming errors (let them crash).
"""

from __future__ import annotations


class CadenciaError(Exception):
    """Base of the errors whose message is written for the person who runs the product."""

    exit_code = 2


class ConfigurationError(CadenciaError):
    """A setting, a command option or the environment is wrong."""


class ContractError(CadenciaError):
    """A ``sources.yml`` breaks the ingestion contract."""


class InputError(CadenciaError):
    """A delivered file as a whole can't be loaded (missing, empty, columns renamed)."""


class RunLockedError(CadenciaError):
    """Another run is writing."""


class CheckFailedError(CadenciaError):
    """A check failed: the run stopped and nothing was published."""

    exit_code = 1
