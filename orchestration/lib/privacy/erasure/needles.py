"""Which identifiers of the people byte searches look for: those that nobody else's rows hold as text.

Belongs here: leaving out names and addresses that stand in what stays. Does not: searching
(`byte_search`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.byte_search import compile_patterns
from orchestration.lib.privacy.byte_search.tables import is_name
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS
from orchestration.lib.privacy.raw_rows import policy_of, raw_tables
from orchestration.lib.privacy.subjects import Subject
from orchestration.lib.privacy.targets import RECORD, is_in, raw_rows_query
from orchestration.lib.sql_text import quoted_name

Identifiers = tuple[tuple[str, str], ...]
# Parts of names, dates and notes are of many people.
SEARCHED_KINDS = (*STRONG_KINDS, "full_name", "address", "customer_key")
CONTACTS = (
    "email_raw", "email", "phone_raw", "phone", "mobile_phone_raw", "mobile_phone", "national_id_raw",
    "national_id", "street_raw", "street",
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
    """Yield queries of texts that the erasure leaves alone: others' contacts and names, and lists.

    Names stand side by side, as the search reads them.
    """
    columns = [
        row[0]
        for row in connection.execute(
            """select column_name from duckdb_columns() where schema_name = 'identity'
            and table_name = 'customer_records' and database_name = current_database()
            and data_type = 'VARCHAR' order by column_index"""
        ).fetchall()
    ]
    if columns:
        names = [quoted_name(each) for each in columns if is_name(each)]
        texts = [*(each for each in CONTACTS if each in columns), *names]
        for text in [*texts, f"concat_ws(' ', {', '.join(names)})"]:
            yield f"select {text} as value from identity.customer_records where not {THEIRS}"
    for table in raw_tables(connection, contracts):
        contract = table.contract
        present = [each for each in contract.columns if each.name in table.columns]
        if policy_of(contract) == "keep":
            for column in present:
                if column.data_type == "varchar":
                    yield (
                        f"select {quoted_name(column.name)} as value from {contract.relation} "
                        f"limit {MOST_ROWS_OF_A_LIST}"
                    )
            continue
        names = [quoted_name(each.name) for each in present if is_name(each.name)]
        query = raw_rows_query(connection, table) if names else None
        if query is not None:
            yield (
                f"select concat_ws(' ', {', '.join(names)}) as value from {contract.relation} "
                f"where rowid not in ({query})"
            )


def without_what_stays(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    identifiers: Identifiers,
) -> Identifiers:
    """Return the identifiers but for those that stand in texts that stay.

    The targets must be staged. Another person's ``Calle Mayor, 3, 2º A`` holds ``Calle Mayor, 3``.
    """
    patterns = compile_patterns(identifiers)
    staying: set[int] = set()
    for query in _texts_that_stay(connection, contracts):
        values = connection.execute(
            f"select distinct value from ({query}) where value is not null"
        ).to_arrow_table()["value"]
        staying |= {int(each) for each in patterns.find_in_values(values)[1]}
    return tuple(each for place, each in enumerate(identifiers) if place not in staying)
