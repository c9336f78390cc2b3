"""What an erasure does to the rows of a person in each table: leave out, unlink, or keep.

Belongs here: the policy of a table and the columns that unlinking empties, from contracts and yml. Does
not: finding the rows (`targets`), writing (`rewriting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.privacy.raw_rows import policy_of
from orchestration.lib.sql_text import quoted_text

Policy = Literal["delete", "unlink", "keep"]
# Who lives where is the person's as long as it is in the row; what it cost and when it was is not.
BLANKED_CLASSES = ("direct_identifier", "customer_key", "quasi_identifier")
# Scores and features by record; the next run makes them anew with the stored model.
DROPPED_PREFIX = "linkage_"


@dataclass(frozen=True)
class TablePolicy:
    """What happens to a person's rows of a table; ``blank`` are the columns that unlinking empties."""

    action: Policy
    blank: tuple[str, ...] = ()


def kept_names(contracts: Mapping[str, SystemContract]) -> frozenset[str]:
    """Return names of columns that are a thing's own key, which unlinked rows need: a car's number."""
    return frozenset(
        column.name
        for system in contracts.values()
        for table in system.tables
        for column in table.columns
        if column.identifier_kind == "vehicle" and column.name in table.primary_key
    )


def blanked_columns(table: TableContract, kept: frozenset[str]) -> tuple[str, ...]:
    """Return the columns of a raw table that unlinking empties."""
    return tuple(
        column.name
        for column in table.columns
        if column.data_class in BLANKED_CLASSES
        and column.name not in kept
        and column.name not in table.primary_key
    )


def raw_policy(table: TableContract, kept: frozenset[str]) -> TablePolicy:
    """Return the policy of a raw table and of the files that feed it."""
    action: Any = policy_of(table)
    return TablePolicy(action, blanked_columns(table, kept) if action == "unlink" else ())


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


def column_meta(manifest: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Mapping[str, Any]]]:
    """Return what the yml says of the columns of each table: ``data_class`` and ``identifier_kind``."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if "schema" in node and node.get("columns"):
            name = node.get("identifier") or node.get("alias") or node["name"]
            found[node["schema"], name] = {
                column["name"]: _meta_of(column) for column in node["columns"].values()
            }
    return found


def mentions(column: str, kind: str) -> str:
    """Return SQL that tells whether a text column holds one of the staged values of a kind."""
    return f'coalesce("{column}" in (select value from _theirs where kind = {quoted_text(kind)}), false)'
