"""What an erasure does to the rows of a person in each table: leave out, unlink, or keep.

Belongs here: the policy of a table and the columns that unlinking empties, from contracts and yml. Does
not: finding the rows (`targets`), writing (`rewriting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.lib.contract import TableContract
from orchestration.lib.privacy.raw_rows import policy_of, unlinked_columns
from orchestration.lib.sql_text import quoted_text

Policy = Literal["delete", "unlink", "keep"]
# Scores and features by record; the next run makes them anew with the stored model.
DROPPED_PREFIX = "linkage_"


@dataclass(frozen=True)
class TablePolicy:
    """What happens to a person's rows of a table; ``blank`` are the columns that unlinking empties."""

    action: Policy
    blank: tuple[str, ...] = ()


def raw_policy(table: TableContract) -> TablePolicy:
    """Return the policy of a raw table and of the files that feed it."""
    action: Any = policy_of(table)
    return TablePolicy(action, unlinked_columns(table) if action == "unlink" else ())


def _meta_of(node: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = node.get("config", {}).get("meta") or node.get("meta") or {}
    found: Mapping[str, Any] = meta.get("cadencia", {})
    return found


def declared_policies(manifest: Mapping[str, Any]) -> dict[tuple[str, str], Policy]:
    """Return the policies that the yml of tables beyond raw declares (``cadencia: {erasure: …}``)."""
    found: dict[tuple[str, str], Policy] = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if "schema" in node and "erasure" in _meta_of(node):
            name = node.get("identifier") or node.get("alias") or node["name"]
            found[node["schema"], name] = _meta_of(node)["erasure"]
    return found


def mentions(column: str, kind: str) -> str:
    """Return SQL that tells whether a text column holds one of the staged values of a kind."""
    return f'coalesce("{column}" in (select value from _theirs where kind = {quoted_text(kind)}), false)'
