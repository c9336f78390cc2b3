"""Small groups in what analysts see: aggregates of few people, and values that few people share.

Belongs here: the rules as SQL over a table. Does not: copying (`analytics`), the classes (`registry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.lib.errors import ContractError
from orchestration.lib.sql_text import quoted_name

POSTAL_CODE = "postal_code"
DATE_TYPES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Aggregate:
    """A table of aggregates, as its yml declares it (``config.meta.cadencia.small_groups``).

    Attributes
    ----------
    counted_by
        Column that says how many people (or messages to them) a row stands for.
    blanked
        Columns that a small row loses; without any the row itself is left out.
    within
        Columns that say which rows add up to one total.
    """

    counted_by: str
    blanked: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    def is_small(self, alias: str, minimum: int) -> str:
        """Return SQL that is true for the rows to guard.

        Where one row alone would be left out, the next smallest goes with it: else the total less the
        others would give it away.
        """
        counted = f"{alias}.{quoted_name(self.counted_by)}"
        if self.blanked:
            return f"coalesce({counted} < {minimum}, false)"
        parts = ", ".join(f"{alias}.{quoted_name(column)}" for column in self.within)
        partition = f"partition by {parts} " if parts else ""
        smaller = f"count(*) filter (where {counted} < {minimum}) over ({partition})"
        place = f"row_number() over ({partition}order by {counted}, {alias}.rowid)"
        return f"coalesce({counted} < {minimum} or ({smaller} = 1 and {place} = 2), false)"


def aggregates_of(manifest: Mapping[str, Any]) -> dict[tuple[str, str], Aggregate]:
    """Return the declared tables of aggregates by schema and table.

    Raises
    ------
    ContractError
        When a declaration names a column that the yml of the table does not have.
    """
    found = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        meta = (node.get("config", {}).get("meta") or node.get("meta") or {}).get("cadencia", {})
        if "small_groups" not in meta:
            continue
        said = meta["small_groups"]
        aggregate = Aggregate(
            said["counted_by"], tuple(said.get("blanked", ())), tuple(said.get("within", ()))
        )
        table = node.get("identifier") or node.get("alias") or node["name"]
        for name in (aggregate.counted_by, *aggregate.blanked, *aggregate.within):
            if name not in node["columns"]:
                raise ContractError(
                    f"{node['schema']}.{table}: small_groups names '{name}', which is no column of "
                    "its yml. Correct config.meta.cadencia.small_groups there."
                )
        found[node["schema"], table] = aggregate
    return found


@dataclass(frozen=True)
class Guarded:
    """A quasi-identifier as analysts get it: expression and the joins that it needs."""

    expression: str
    joins: tuple[str, ...]


def guarded_value(
    relation: str, column: str, data_type: str, key: str, minimum: int, position: int
) -> Guarded:
    """Return SQL for a quasi-identifier of ``original``: values that few people share are blurred.

    A date becomes the first of its month, a rare postal code its first three digits (``280**``); what
    is still rare is NULL. ``key`` is the column that says who: a value is common when at least
    ``minimum`` different keys have it.
    """
    name = quoted_name(column)
    if data_type.upper().startswith(DATE_TYPES):
        levels = [f"cast(date_trunc('month', {{row}}.{name}) as {data_type})"]
    elif column == POSTAL_CODE:
        levels = [f"{{row}}.{name}", f"left({{row}}.{name}, 3) || '**'"]
    else:
        levels = [f"{{row}}.{name}"]
    joins = []
    for level, expression in enumerate(levels):
        alias = f"common_{position}_{level}"
        value = expression.format(row="counted")
        joins.append(
            f"left join (select {value} as value from {relation} as counted where {value} is not null "
            f"group by 1 having count(distinct counted.{quoted_name(key)}) >= {minimum}) as {alias} "
            f"on {alias}.value = {expression.format(row='original')}"
        )
    values = [f"common_{position}_{level}.value" for level in range(len(levels))]
    return Guarded(f"coalesce({', '.join(values)})" if len(values) > 1 else values[0], tuple(joins))
