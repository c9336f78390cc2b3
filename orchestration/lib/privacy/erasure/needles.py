"""Which identifiers of the people byte searches look for: those that nobody else's rows hold as text.

Belongs here: leaving out names and addresses that stand in what stays. Does not: searching
(`byte_search`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.byte_search import compile_patterns
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS
from orchestration.lib.privacy.raw_rows import policy_of, raw_tables
from orchestration.lib.privacy.subjects import Subject
from orchestration.lib.privacy.targets import RECORD, is_in
from orchestration.lib.sql_text import quoted_name

Identifiers = tuple[tuple[str, str], ...]
# Parts of names, dates and notes are of many people.
SEARCHED_KINDS = (*STRONG_KINDS, "full_name", "address", "customer_key")
WEAK_KINDS = ("full_name", "address")
TEXTS = (
    "full_name_raw", "given_name_raw || ' ' || surnames_raw", "given_name_raw || ' ' || surname_1_raw",
    "given_name || ' ' || surname_1 || coalesce(' ' || surname_2, '')", "street_raw", "street",
)  # fmt: skip
THEIRS = is_in(RECORD, "source_system || ':' || source_customer_id")
# Lists of shops, products and places; longer tables hold facts.
MOST_ROWS_OF_A_LIST = 100_000


def searched_identifiers(subjects: Sequence[Subject]) -> Identifiers:
    """Return the unshared identifiers to look for.

    Of a name that another name of the person begins with, only the longer one is looked for: the
    shorter is the beginning of many people's names.
    """
    found: set[tuple[str, str]] = set()
    for subject in subjects:
        names = {each.value for each in subject.identifiers if each.kind == "full_name"}
        for each in subject.identifiers:
            is_prefix = each.kind == "full_name" and any(
                other.lower().startswith(f"{each.value.lower()} ") for other in names
            )
            if each.kind in SEARCHED_KINDS and not each.is_shared and not is_prefix:
                found.add((each.kind, each.value))
    return tuple(sorted(found))


def _texts_that_stay(
    connection: duckdb.DuckDBPyConnection, contracts: Mapping[str, SystemContract]
) -> Iterable[str]:
    """Yield queries of texts that the erasure leaves alone: others' names and addresses, and lists."""
    columns = {
        row[0]
        for row in connection.execute(
            """select column_name from duckdb_columns() where schema_name = 'identity'
            and table_name = 'customer_records' and database_name = current_database()"""
        ).fetchall()
    }
    if columns:
        for text in TEXTS:
            yield f"select {text} as value from identity.customer_records where not {THEIRS}"
    for table in raw_tables(connection, contracts):
        if policy_of(table.contract) == "keep":
            for column in table.contract.columns:
                if column.data_type == "varchar" and column.name in table.columns:
                    yield (
                        f"select {quoted_name(column.name)} as value "
                        f"from {table.contract.relation} limit {MOST_ROWS_OF_A_LIST}"
                    )


def without_what_stays(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    identifiers: Identifiers,
) -> Identifiers:
    """Return the identifiers but for names and addresses that stand in texts that stay.

    The targets must be staged. Another person's ``Calle Mayor, 3, 2º A`` holds ``Calle Mayor, 3``.
    """
    weak = [each for each in identifiers if each[0] in WEAK_KINDS]
    if not weak:
        return identifiers
    patterns = compile_patterns(weak)
    staying: set[int] = set()
    for query in _texts_that_stay(connection, contracts):
        values = connection.execute(
            f"select distinct value from ({query}) where value is not null"
        ).to_arrow_table()["value"]
        staying |= {int(each) for each in patterns.find_in_values(values)[1]}
    left_out = {weak[position] for position in staying}
    return tuple(each for each in identifiers if each not in left_out)
