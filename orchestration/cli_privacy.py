"""The commands about personal data: audit-log.

Belongs here: options, output and exit codes. Does not: the work, which is in `lib/privacy`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.settings import get_settings
from orchestration.terminal import console

app = typer.Typer()


@app.command("audit-log")
def audit_log(
    is_verified: Annotated[
        bool, typer.Option("--verify", help="Tell whether any entry was changed or removed.")
    ] = False,
    expected: Annotated[
        str, typer.Option("--expect", help="With --verify: a head as it was printed before.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Newest entries shown as a table.")] = 20,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Show who did what to personal data, or verify that the record is whole."""
    from orchestration.lib.privacy.audit_log_console import print_entries, print_verification

    if is_verified or expected:
        print_verification(get_settings(), expected, console)
    else:
        print_entries(get_settings(), output, limit, console)
