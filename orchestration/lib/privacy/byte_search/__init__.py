"""Find any of many identifiers in the bytes of files, and logically in what the bytes pack.

Belongs here: patterns of identifiers, matching, and opening containers. Does not: whose identifiers
they are (`subjects`), what is done about a hit (`scrubbing`, `erasure`).

``compile_patterns`` makes patterns of identifiers, ``search_tree`` and ``search_file`` look for them,
``PatternSet.positions_in`` looks in one text. A result never holds a value that was searched.
"""

from orchestration.lib.privacy.byte_search.files import search_file, search_tree
from orchestration.lib.privacy.byte_search.matcher import PatternSet, compile_patterns
from orchestration.lib.privacy.byte_search.packing import is_text
from orchestration.lib.privacy.byte_search.patterns import MARGIN, Refused, full_names
from orchestration.lib.privacy.byte_search.report import Hit, NotSearched, SearchReport

__all__ = [
    "MARGIN",
    "Hit",
    "NotSearched",
    "PatternSet",
    "Refused",
    "SearchReport",
    "compile_patterns",
    "full_names",
    "is_text",
    "search_file",
    "search_tree",
]
