"""Errors of the contact plan: sentences that say what happened, where, and what to do.

Belongs here: exception classes. Does not: the checks that raise them (beside the data they check).
"""

from __future__ import annotations


class ContactPlanError(ValueError):
    """A contact plan can't be built from what was given."""


class DefinitionError(ContactPlanError):
    """A play, a channel or the policy is defined in a way that can't be used."""


class PlanInputError(ContactPlanError):
    """A frame (candidates, customers or history) can't be used."""
