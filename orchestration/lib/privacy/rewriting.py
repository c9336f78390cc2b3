"""Write a DuckDB file anew in its place, so that what was deleted is nowhere in its bytes.

DuckDB keeps freed blocks in the file. Belongs here: taking the old file's place. Does not: the rewrite
itself (`erasure/rewriting`), what is deleted.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.lib.privacy.erasure.rewriting import rewrite_database
from orchestration.lib.private_files import put_in_place


def rewrite_in_place(path: Path, *, threads: int = 2, memory_limit: str = "6GB") -> None:
    """Write everything of a file (nobody may have it open) into a new one that takes its place."""
    folder = path.with_name(f".{path.stem}.rewritten")
    target = folder / path.name  # views name the catalog, which follows from the file's name
    rewrite_database(path, target, {}, threads=threads, memory_limit=memory_limit)
    put_in_place(target, path)
    folder.rmdir()
