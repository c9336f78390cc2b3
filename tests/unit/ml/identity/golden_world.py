"""A small world of records and clusters in a database, for tests of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import duckdb

from ml.identity.golden import IdCounts, assign_ids

Clusters = Iterable[Iterable[str]]


class World:
    """Records by name: 'a1' is record a1 of system 'a', first seen in the order of its number."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute("create schema if not exists identity")
        self.hashes: Mapping[str, str] = {}

    def run(
        self,
        clusters: Clusters,
        day: int = 1,
        *,
        households: Clusters | None = None,
        systems: Iterable[str] | None = None,
        is_reversed: bool = False,
    ) -> dict[str, str]:
        """Give ids to the clusters (texts of names) and return record to customer id."""
        people = [[name.strip() for name in cluster] for cluster in clusters]
        homes = [set(home) for home in households or people]
        rows = [
            (
                name,
                name[0],
                name[1:],
                int(name[1:]),
                self.hashes.get(name),
                min(cluster),
                min(next((home for home in homes if set(cluster) & home), cluster)),
            )
            for cluster in people
            for name in cluster
        ]
        rows.sort(reverse=is_reversed)
        execute = self.connection.execute
        execute(
            "create or replace table records (record_id varchar, source_system varchar,"
            " source_customer_id varchar, first_seen_at timestamp, content_hash varchar)"
        )
        execute(
            "create or replace table identity.record_clusters (record_id varchar, person_cluster varchar,"
            " household_cluster varchar, link_probability double, link_reason varchar)"
        )
        quoted = ", ".join(
            str((f"{system}:{key}", system, key, age, content or "", person, home))
            for _, system, key, age, content, person, home in rows
        )
        execute(
            f"""create or replace temp table given as select * from (values {quoted})
                as rows (record_id, source_system, source_customer_id, age, content_hash, person, home);
            insert into records select record_id, source_system, source_customer_id,
                timestamp '2020-01-01' + to_days(age::int),
                nullif(content_hash, '') from given;
            insert into identity.record_clusters select record_id, person, home, 1.0, null from given"""
        )
        self.counts: IdCounts = assign_ids(
            self.connection,
            as_of=date(2024, 1, day),
            records="records",
            source_systems=list(systems or sorted({row[1] for row in rows})),
        )
        return self.ids()

    def ids(self, column: str = "customer_id") -> dict[str, str]:
        """Return record to id."""
        return dict(
            self.connection.execute(
                f"select source_system || source_customer_id, {column} from identity.customer_ids"
            ).fetchall()
        )

    def ledger(self, kind: str = "customer") -> list[tuple[str, str | None, str | None, int]]:
        """Return cause, from, to and records of every change, in order."""
        return self.connection.execute(
            f"select cause, from_{kind}_id, to_{kind}_id, records from identity.{kind}_id_history "
            "order by change_number"
        ).fetchall()

    def periods(self) -> list[tuple[str, str, int, int | None]]:
        """Return record, customer, first day and day after the last of every period."""
        return self.connection.execute(
            "select source_system || source_customer_id, customer_id, day(from_date), day(to_date) "
            "from identity.id_assignments order by 1, from_date"
        ).fetchall()

    def decide(self, *pairs: tuple[str, str, str]) -> None:
        """Write decisions (kind, one record, other record) as `linking` reads them."""
        self.connection.execute(
            "create or replace table identity.steward_decisions"
            " (record_id_l varchar, record_id_r varchar, decision varchar)"
        )
        for kind, one, other in pairs:
            left, right = sorted((f"{one[0]}:{one[1:]}", f"{other[0]}:{other[1:]}"))
            self.connection.execute(
                "insert into identity.steward_decisions values (?, ?, ?)", [left, right, kind]
            )
