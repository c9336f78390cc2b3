"""`cadencia identity`: how finding people went, why two records are one person, what to review.

Belongs here: reading the published warehouse and laying it out. Does not: the evidence (`ml/identity`).
No personal value is shown unless asked for: a record is named by its source key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ml.identity.golden.steward import has_personal_key
from ml.identity.linking import LinkingError, PairExplanation, explain_pair, link_path
from ml.identity.relations import has_table
from orchestration.lib.connection import open_published
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.identity_resolution import TO_LINK, filled_fields
from orchestration.lib.sql_text import quoted_text

SINGLE_FIGURES = ("records", "persons", "households", "estimated_precision", "estimated_recall")
MAX_PAIRS = 5


def print_report(crm_file: Path, console: Console) -> None:
    """Print figures, sizes, weights and records without a link by source of the last run."""
    with open_published(crm_file) as connection:
        _require_identity(connection)
        rows = connection.execute(
            "select metric, dimension, value from identity.quality_report"
        ).fetchall()
        changes = connection.execute(
            """select cause, count(*), sum(records) from identity.customer_id_history
            where changed_at = (select max(changed_at) from identity.customer_id_history)
            group by cause order by cause"""
        ).fetchall()
    figures = {(metric, dimension): value for metric, dimension, value in rows}
    facts = Table(title="Identity", show_header=False, title_justify="left")
    facts.add_column(style="cyan")
    facts.add_column(justify="right")
    for name in SINGLE_FIGURES:
        value = figures.get((name, "all"))
        if value is not None:
            is_share = name.startswith("estimated")
            facts.add_row(name.replace("_", " "), f"{value:.2%}" if is_share else f"{value:,.0f}")
    for finding in ("review", "linked_in_doubt", "kept_apart"):
        facts.add_row(
            f"pairs: {finding.replace('_', ' ')}",
            f"{figures.get(('doubtful_links', finding), 0):,.0f}",
        )
    facts.add_row("suspicious clusters", f"{figures.get(('suspicious_clusters', 'all'), 0):,.0f}")
    console.print(facts)

    sizes = Table(title="Customers by records", title_justify="left")
    sizes.add_column("records", justify="right")
    sizes.add_column("customers", justify="right")
    for dimension, value in sorted(
        ((d, v) for (m, d), v in figures.items() if m == "persons_by_records"),
        key=lambda row: int(row[0].split()[0]),
    ):
        sizes.add_row(dimension, f"{value:,.0f}")
    console.print(sizes)

    sources = Table(title="Records without a link", title_justify="left")
    for heading in ("source system", "records", "without a link", "share"):
        sources.add_column(heading, justify="left" if heading == "source system" else "right")
    for (metric, dimension), value in sorted(figures.items()):
        if metric == "records_without_a_link":
            sources.add_row(
                dimension,
                f"{figures['records', dimension]:,.0f}",
                f"{value:,.0f}",
                f"{figures['share_without_a_link', dimension]:.1%}",
            )
    console.print(sources)

    weights = Table(title="Pairs by match weight (log2 of the odds)", title_justify="left")
    for heading in ("weight", "pairs", "of one customer"):
        weights.add_column(heading, justify="right")
    for dimension, value in sorted(
        ((d, v) for (m, d), v in figures.items() if m == "pairs_by_match_weight"),
        key=lambda row: int(row[0].split()[0]),
    ):
        linked = figures.get(("linked_pairs_by_match_weight", dimension), 0)
        weights.add_row(dimension, f"{value:,.0f}", f"{linked:,.0f}")
    if weights.row_count:
        console.print(weights)
    else:
        console.print("No record has content to be linked by: every one is a customer of its own.")
    if changes:
        told = ", ".join(
            f"{count:,} {cause} ({records:,} records)" for cause, count, records in changes
        )
        console.print(f"Ids changed last: {told}  (marts.customer_id_history)", soft_wrap=True)
    console.print(
        "Look next: cadencia identity --review; cadencia identity --explain A B.", soft_wrap=True
    )


def print_review(crm_file: Path, limit: int, is_with_values: bool, console: Console) -> None:
    """Print the head of the review queue."""
    with open_published(crm_file) as connection:
        _require_identity(connection)
        ((total,),) = connection.execute("select count(*) from identity.review_queue").fetchall()
        rows = connection.execute(
            """select place, finding, record_id_l, coalesce(record_id_r, ''), match_probability, records,
                evidence
            from identity.review_queue order by place limit ?""",
            [limit],
        ).fetchall()
    if not total:
        console.print("Nothing is doubtful.")
        return
    table = Table(title=f"Review queue: {len(rows)} of {total:,}", title_justify="left")
    for heading in ("", "finding", "record", "record", "probability", "records", "evidence"):
        table.add_column(heading)
    for place, finding, left, right, probability, records, evidence in rows:
        table.add_row(
            str(place),
            finding.replace("_", " "),
            _shown(left, is_with_values),
            _shown(right, is_with_values),
            f"{probability:.2f}" if probability is not None else "",
            str(records),
            escape(evidence or ""),
        )
    console.print(table)
    console.print(
        "Decide in a CSV under landing/steward/ (docs/identity.md): always_match, never_match, unmerge. "
        "--show-personal-values shows keys that are addresses or telephones."
    )


def print_explanation(
    crm_file: Path, one: str, other: str, is_with_values: bool, console: Console
) -> None:
    """Print why two records, or two customers, are or are not one person.

    Raises
    ------
    ConfigurationError
        When one of them is unknown.
    """
    with open_published(crm_file) as published:
        _require_identity(published)
        left, right = _records_of(published, one), _records_of(published, other)
        pairs = _closest(published, left, right)
        if not pairs:
            raise ConfigurationError(
                f"{one} and {other} are the same record: there is nothing to explain."
            )
    with _working_copy(crm_file) as connection:
        for first, second in pairs[:MAX_PAIRS]:
            _print_pair(connection, first, second, is_with_values, console)
        if len(pairs) > MAX_PAIRS:
            console.print(f"{len(pairs) - MAX_PAIRS} more pairs of records of these two customers.")
        _print_path(connection, *pairs[0], is_with_values, console)
        _print_decisions(connection, {*left, *right}, is_with_values, console)


@contextmanager
def _working_copy(crm_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that shows the published tables: scoring a pair writes tables."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted_text(str(crm_file.resolve()))} as crm (read_only)")
        connection.execute("create schema identity")
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'crm' and schema_name = 'identity'"
            " union select view_name from duckdb_views() where database_name = 'crm'"
            " and schema_name = 'identity'"
        ).fetchall():
            connection.execute(f'create view identity."{name}" as from crm.identity."{name}"')
        yield connection


def _shown(record: str, is_with_values: bool) -> str:
    """Return a record's name; a key that is an address or a number is a personal value itself."""
    if is_with_values or not has_personal_key(record):
        return escape(record)
    system, _, key = record.partition(":")
    return escape(f"{system}:{key[:2]}…")


def _require_identity(connection: duckdb.DuckDBPyConnection) -> None:
    if not has_table(connection, "identity.quality_report"):
        raise ConfigurationError(
            "The published warehouse was built before identity resolution. Run `cadencia run` once."
        )


def _records_of(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Return the records that a record id ('<system>:<key>') or a customer id names."""
    rows = connection.execute(
        "select record_id from identity.customer_ids where record_id = ? or customer_id = ? order by 1",
        [name, name],
    ).fetchall()
    if not rows:
        history = connection.execute(
            "select cause, to_customer_id from identity.customer_id_history where from_customer_id = ?"
            " order by change_number desc limit 1",
            [name],
        ).fetchall()
        if history:
            cause, now = history[0]
            raise ConfigurationError(
                f"Customer {name} is no more: {cause}" + (f" into {now}." if now else ".")
            )
        raise ConfigurationError(
            f"'{name}' is neither a record ('<system>:<key>', e.g. erp:1001) nor a customer id of the "
            "published warehouse."
        )
    return [row[0] for row in rows]


def _closest(
    connection: duckdb.DuckDBPyConnection, left: list[str], right: list[str]
) -> list[tuple[str, str]]:
    """Return the pairs of records of the two, those that were compared first and by their weight."""
    pairs = [(a, b) for a in left for b in right if a != b]
    if len(pairs) == 1 or not _has_pairs(connection):
        return pairs
    weights = {
        (a, b): weight
        for a, b, weight in connection.execute(
            """with members as (
                select record_number, record_id from identity.linkage_features
                where record_id in (select unnest(?::varchar[])))
            select l.record_id, r.record_id, pairs.match_weight
            from identity.linkage_pairs as pairs
            inner join members as l on l.record_number = pairs.left_number
            inner join members as r on r.record_number = pairs.right_number""",
            [[*left, *right]],
        ).fetchall()
    }
    return sorted(
        pairs,
        key=lambda pair: (-weights.get(pair, weights.get((pair[1], pair[0]), -1e9)), pair),
    )


def _has_pairs(connection: duckdb.DuckDBPyConnection) -> bool:
    return all(
        has_table(connection, name)
        for name in ("identity.linkage_pairs", "identity.linkage_features")
    )


def _print_pair(
    connection: duckdb.DuckDBPyConnection,
    first: str,
    second: str,
    is_with_values: bool,
    console: Console,
) -> None:
    fields = filled_fields(connection)
    customers = dict(
        connection.execute(
            "select record_id, customer_id from identity.customer_ids where record_id in (?, ?)",
            [first, second],
        ).fetchall()
    )
    is_one = customers[first] == customers[second]
    verdict = "one customer" if is_one else "two customers"
    shown = [_shown(record, is_with_values) for record in (first, second)]
    console.print(f"[bold]{shown[0]}[/] and [bold]{shown[1]}[/]: {verdict}.")
    if fields is None or not _has_pairs(connection):
        console.print("Nothing in these records can be compared; only the steward can link them.")
        return
    try:
        explained = explain_pair(connection, TO_LINK, fields, first, second)
    except LinkingError as error:
        console.print(escape(str(error)))
        return
    console.print(_waterfall(explained))
    if not explained.was_compared:
        console.print("The run did not compare the two: no key brought them together.")
    if is_one and explained.match_probability < 0.5:
        console.print(
            "The pair alone would not link: other records of the customer do, see the path."
        )
    if not is_one and explained.match_probability >= 0.5:
        console.print(
            "The pair alone would link: other records of the two speak against it, or the steward does."
        )
    if is_with_values:
        _print_values(connection, first, second, console)


def _waterfall(explained: PairExplanation) -> Table:
    table = Table(title="Match weights (log2 of the odds)", title_justify="left")
    table.add_column("field")
    table.add_column("finding")
    table.add_column("weight", justify="right")
    table.add_column("sum", justify="right")
    total = explained.prior_weight
    table.add_row("any two records", "", f"{total:+.2f}", f"{total:+.2f}")
    steps = [
        (item.field.replace("_", " "), item.finding, item.weight) for item in explained.evidence
    ]
    steps.append(("commonness", "how common the shared values are", explained.commonness_weight))
    steps.append(
        ("household", "two people of one household explain it too", explained.household_weight)
    )
    for field, finding, weight in steps:
        total += weight
        table.add_row(field, finding, f"{weight:+.2f}", f"{total:+.2f}")
    table.add_row(
        "[bold]one person[/]",
        f"probability {explained.match_probability:.4f}",
        "",
        f"[bold]{explained.match_weight:+.2f}[/]",
    )
    return table


def _print_values(
    connection: duckdb.DuckDBPyConnection, first: str, second: str, console: Console
) -> None:
    found = connection.execute(f"from {TO_LINK} where record_id in (?, ?)", [first, second])
    names = [column[0] for column in found.description]
    values = {row[0]: row for row in found.fetchall()}
    table = Table(title="Personal values", title_justify="left")
    for heading in ("", first, second):
        table.add_column(escape(heading))
    for place, name in enumerate(names[1:], start=1):
        pair = [values[record][place] for record in (first, second)]
        if any(value is not None for value in pair):
            table.add_row(
                name, *(escape(str(value)) if value is not None else "" for value in pair)
            )
    console.print(table)


def _print_path(
    connection: duckdb.DuckDBPyConnection,
    first: str,
    second: str,
    is_with_values: bool,
    console: Console,
) -> None:
    if not _has_pairs(connection):
        return
    try:
        path = link_path(connection, first, second)
    except LinkingError:
        return
    if len(path) > 2:
        named = " → ".join(_shown(record, is_with_values) for record in path)
        console.print(f"Linked over: {named}", soft_wrap=True)


def _print_decisions(
    connection: duckdb.DuckDBPyConnection,
    records: set[str],
    is_with_values: bool,
    console: Console,
) -> None:
    rows = connection.execute(
        """select decision, record_id_l, record_id_r, decided_at, source_file, row_number
        from identity.steward_decisions
        where record_id_l in (select unnest(?::varchar[]))
            and record_id_r in (select unnest(?::varchar[])) order by decided_at""",
        [sorted(records), sorted(records)],
    ).fetchall()
    for decision, left, right, decided_at, source_file, row_number in rows:
        console.print(
            f"Steward: {decision} of {_shown(left, is_with_values)} and {_shown(right, is_with_values)}, "
            f"{decided_at:%Y-%m-%d %H:%M} ({escape(source_file)} row {row_number})",
            soft_wrap=True,
        )
    if not rows:
        console.print("The steward has decided nothing about these records.")
