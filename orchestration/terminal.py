"""The terminal that commands print to: one console for output, one for errors.

Belongs here: where text goes. Does not: what is said.
"""

from __future__ import annotations

import os

from rich.console import Console


def _terminal(descriptor: int) -> Console:
    """Return a console on a copy of the terminal's descriptor.

    During a run Dagster points descriptors 1 and 2 at its log files, and libraries replace
    sys.stdout; the progress display must reach the terminal all the same.
    """
    return Console(file=os.fdopen(os.dup(descriptor), "w", encoding="utf-8"))


console = _terminal(1)
errors = _terminal(2)
