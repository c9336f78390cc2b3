"""Rewrite files without some people's rows and cells; every other row stays as it is.

Belongs here: formats, places of rows in them, replacing files at once. Does not: whose rows they are
(`subjects`), the order of an erasure (`erasure`).

``scrub_file`` is for delivered files, by the contracts that read them; ``scrub_by_patterns`` is for
everything else, by the identifiers in it.
"""

from orchestration.lib.privacy.scrubbing.atomic import remove_leftovers, replace_file
from orchestration.lib.privacy.scrubbing.by_patterns import scrub_by_patterns
from orchestration.lib.privacy.scrubbing.decisions import (
    Decide,
    DeliveredRows,
    RowDecisions,
    ScrubError,
    ScrubResult,
)
from orchestration.lib.privacy.scrubbing.files import scrub_file

__all__ = [
    "Decide",
    "DeliveredRows",
    "RowDecisions",
    "ScrubError",
    "ScrubResult",
    "remove_leftovers",
    "replace_file",
    "scrub_by_patterns",
    "scrub_file",
]
