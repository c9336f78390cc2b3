"""What the page is told: the collected rows, and what is known of models, periods and systems.

Belongs here: reading it from the published warehouse. Does not: words (`narrative`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration.lib.privacy.person_export.collect import SOMEBODY_ELSE, Holding
from orchestration.lib.privacy.retention_policy import RetentionPolicy
from orchestration.lib.privacy.subjects import Subject


@dataclass(frozen=True)
class PersonFacts:
    """Everything about one person."""

    subjects: tuple[Subject, ...]
    holdings: Mapping[str, Holding]
    model_runs: tuple[Mapping[str, Any], ...]
    policy: RetentionPolicy
    system_titles: Mapping[str, str]
    plays: Mapping[str, Mapping[str, Any]]
    as_of: date
    issued_at: datetime
    currency: str
    controller: str
    contact: str

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the person's rows of a table as dictionaries, none when the table has none."""
        holding = self.holdings.get(name)
        return holding.records() if holding else []

    def first(self, name: str) -> Mapping[str, Any]:
        """Return the first row of a table, empty when there is none."""
        return next(iter(self.rows(name)), {})

    def title_of(self, system: str) -> str:
        """Return the name of a source system for people."""
        return self.system_titles.get(system, system)


def read_facts(
    connection: duckdb.DuckDBPyConnection,
    subjects: Sequence[Subject],
    holdings: Sequence[Holding],
    *,
    policy: RetentionPolicy,
    system_titles: Mapping[str, str],
    plays: Mapping[str, Mapping[str, Any]],
    issued_at: datetime,
    controller: str,
    contact: str,
) -> PersonFacts:
    """Return the facts of the page; tables that a warehouse lacks are taken as empty."""
    settings = _rows(connection, "select as_of_date, reporting_currency from ops.settings")[0]
    return PersonFacts(
        tuple(subjects),
        {holding.name: holding for holding in holdings},
        tuple(_rows(connection, "select * from ml.model_runs order by as_of_date desc, model")),
        policy,
        system_titles,
        plays,
        settings["as_of_date"],
        issued_at,
        settings["reporting_currency"],
        controller,
        contact,
    )


def plays_of(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what each play says of itself: title, channels, legal basis by channel."""
    return {
        node["name"]: play
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and (play := node["config"].get("meta", {}).get("cadencia", {}).get("play"))
    }


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    try:
        relation = connection.execute(query)
    except duckdb.CatalogException:
        return []
    names = [each[0] for each in relation.description or ()]
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def is_told(value: object) -> bool:
    """Return whether a cell says something of the person."""
    return value is not None and value != SOMEBODY_ELSE
