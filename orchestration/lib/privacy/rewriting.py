"""Write a DuckDB file anew, so that what was deleted is nowhere in its bytes.

DuckDB keeps freed blocks in the file. Belongs here: the rewrite. Does not: what is deleted.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.lib.sql_text import quoted_text


def rewrite_database(path: Path) -> None:
    """Copy everything (tables, views, comments) into a new file that takes the old one's place."""
    temporary = path.with_name(f".{path.name}.rewritten")
    temporary.unlink(missing_ok=True)
    name = path.stem  # views name the catalog
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted_text(str(path))} as before (read_only)")
        connection.execute(f"attach {quoted_text(str(temporary))} as {name}")
        connection.execute(f"copy from database before to {name}")
        connection.execute(f"checkpoint {name}")
        connection.execute(f"detach {name}")
    temporary.chmod(0o600)
    temporary.replace(path)
