"""Look for identifiers where none may ever stand: logs, Dagster's storage, documents, names of files.

Belongs here: which places those are, whose identifiers are looked for, and the outcome for people.
Does not: matching bytes (`byte_search`), the check of a run before it publishes (`leaks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.lib.privacy.byte_search import (
    PatternSet,
    SearchReport,
    compile_patterns,
    full_names,
    search_file,
    search_tree,
)
from orchestration.lib.sql_text import quoted_name, quoted_text
from orchestration.settings import DBT_PROJECT_DIR, Settings

# Folders and files under CADENCIA_HOME that may not hold an identifier, by glob.
CLEAN_PLACES = (
    "warehouse/runs/*/analytics.duckdb",
    "warehouse/runs/*/run.json",
    "dagster",
    "logs",
    "*.html",
    "*.log",
    "privacy/audit_log.jsonl",
    "privacy/tombstones.jsonl",
    "privacy/*.json",
    "privacy/erasures/*/certificate.json",
    "privacy/erasures/*/progress.jsonl",
)
# Folders whose files hold personal data by right, but whose names must not.
NAMED_PLACES = ("outbox", "quarantine", "warehouse", "privacy")
RECORD_COLUMNS = {
    "email": ("email_raw", "email"),
    "phone": ("phone_raw", "phone", "mobile_phone_raw", "mobile_phone"),
    "national_id": ("national_id_raw", "national_id"),
    "loyalty_card": ("loyalty_card",),
    "address": ("street_raw", "street"),
    "customer_key": ("source_customer_id",),
}
# Of different letters and digits: 600000000 and the like are placeholders.
FEWEST_CHARACTERS = 5
PLAIN_TEXT = "trim(regexp_replace(strip_accents(lower({value})), '[^0-9a-z]+', ' ', 'g'))"
NAME_COLUMNS = ("given_name", "surname_1", "surname_2")
RECORDS = "identity.customer_records"


@dataclass(frozen=True)
class PlacesSearched:
    """What a search of the places found.

    Attributes
    ----------
    people
        How many people's identifiers were looked for.
    identifiers
        How many identifiers that were, the refused ones (too short, too common) not counted.
    report
        Hits by file; no values.
    """

    people: int
    identifiers: int
    report: SearchReport


def identifiers_of_some(
    connection: duckdb.DuckDBPyConnection, people: int, seed: int
) -> list[tuple[str, str]]:
    """Return the identifiers (kind, value) of the records of some golden customers, drawn by a seed.

    What stands for nobody is left out: 999999999 (also the pattern of a number in a profile), and the
    address of a shop, above which somebody may live.
    """
    connection.execute(
        f"""create or replace temp table _drawn as
        select records.* from {RECORDS} as records
        inner join marts.customer_identities as owners using (source_system, source_customer_id)
        where owners.valid_to is null and owners.customer_id in (
            select customer_id from marts.dim_customers
            order by md5(customer_id || ?) limit ?)""",
        [str(seed), people],
    )
    available = {row[0] for row in connection.execute("describe _drawn").fetchall()}
    parts = [
        f"select '{kind}' as kind, cast({quoted_name(column)} as varchar) as value from _drawn"
        for kind, columns in RECORD_COLUMNS.items()
        for column in columns
        if column in available
    ]
    found: list[tuple[str, str]] = connection.execute(
        f"""select distinct kind, value from ({" union all ".join(parts)})
        where value is not null
            and len(list_distinct(string_split(regexp_replace(value, '[^0-9A-Za-z]', '', 'g'), '')))
                >= {FEWEST_CHARACTERS}
            and not (kind = 'address' and {PLAIN_TEXT.format(value="value")} in (
                select {PLAIN_TEXT.format(value="street")} from marts.dim_stores
                where street is not null))
        order by all"""
    ).fetchall()
    names = ", ".join(NAME_COLUMNS)
    for given, *surnames in connection.execute(
        f"select distinct {names} from _drawn where given_name is not null order by all"
    ).fetchall():
        found += full_names(given, *surnames)
    return list(dict.fromkeys(found))


def _roots(home: Path) -> list[Path]:
    return sorted({path for place in CLEAN_PLACES for path in home.glob(place)})


def search_places(
    home: Path, patterns: PatternSet, extra: Sequence[Path] = (), *, threads: int = 1
) -> SearchReport:
    """Search every place under a deployment that may hold no identifier, and names of files.

    Parameters
    ----------
    home
        ``CADENCIA_HOME``.
    patterns
        What to look for.
    extra
        Further files and folders, e.g. the documents that dbt writes beside the project.
    threads
        Threads of DuckDB.
    """
    report = SearchReport()
    for root in [*_roots(home), *(path for path in extra if path.exists())]:
        search = search_tree if root.is_dir() else search_file
        report.merge(search(root, patterns, threads=threads))
    for place in NAMED_PLACES:
        for path in (home / place).rglob("*"):
            # Without its ending too: in ana@example.org.csv the address would go on as a domain.
            for position in patterns.positions_in(path.name) | patterns.positions_in(path.stem):
                report.add(path.parent, "name", patterns.kinds[position], position, is_whole=True)
    return report


def search_deployment(settings: Settings, people: int, seed: int) -> PlacesSearched:
    """Draw people of the published warehouse and look for them in all places of the deployment."""
    with duckdb.connect() as connection:
        path = (settings.warehouse_dir / "crm.duckdb").resolve()
        connection.execute(f"attach {quoted_text(str(path))} as crm (read_only)")
        connection.execute("use crm.main")
        (known,) = connection.execute("select count(*) from marts.dim_customers").fetchall()[0]
        identifiers = identifiers_of_some(connection, people, seed)
    patterns = compile_patterns(identifiers)
    report = search_places(
        settings.home, patterns, [DBT_PROJECT_DIR / "target"], threads=settings.threads
    )
    return PlacesSearched(min(people, known), len(patterns) - len(patterns.refused), report)


def print_places(settings: Settings, people: int, seed: int, console: Console) -> bool:
    """Search, show what was found where, and return whether every place is clean."""
    found = search_deployment(settings, people, seed)
    console.print(
        f"{found.identifiers:,} identifiers of {found.people:,} people. {found.report.sentence()}"
    )
    hits = Counter((str(hit.path), hit.where, hit.kind) for hit in found.report.hits)
    if hits:
        table = Table("file", "where", "kind", "people's values")
        for (path, where, kind), count in hits.most_common():
            table.add_row(path, where, kind, str(count))
        console.print(table)
    for missed in found.report.not_searched:
        console.print(f"Not searched: {missed.path} ({missed.where}): {missed.reason}.")
    return not hits
