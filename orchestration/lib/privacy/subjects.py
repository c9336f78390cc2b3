"""Find the people that a request means: their golden customers, source records and every identifier.

Belongs here: from what a person gives (customer id, e-mail, telephone, national id) to all that is
theirs in a warehouse, with what they share with others marked. Does not: deleting (`erasure`) or showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import pandas as pd

from ml.identity.normalise.emails import normalise_emails
from ml.identity.normalise.national_ids import normalise_national_ids
from ml.identity.normalise.phones import normalise_phones
from ml.identity.relations import has_table
from orchestration.lib.contract import load_contracts
from orchestration.lib.errors import InputError
from orchestration.lib.privacy.identifier_forms import form_sql
from orchestration.lib.privacy.subject_values import mark_shared, write_values
from orchestration.settings import DBT_PROJECT_DIR

STAGING_DIR = DBT_PROJECT_DIR / "models" / "staging"
CUSTOMERS = "_subject_customers"
RECORDS = "_subject_records"
ALL_RECORDS = "_all_records"


class Identifier(NamedTuple):
    """One value that points at a person, as delivered or normalised."""

    kind: str
    value: str
    is_shared: bool


@dataclass(frozen=True)
class Subject:
    """A golden customer with everything that identifies them.

    Attributes
    ----------
    customer_id
        The golden customer; ``is_twin`` when it was found by sharing an identifier with a requested
        one whom it does not contradict: a record that the linking left alone.
    records
        Source system and key of each source record, vanished ones included.
    identifiers
        Kind, value and whether somebody else has it too, in order of kind and value.
    """

    customer_id: str
    records: tuple[tuple[str, str], ...]
    identifiers: tuple[Identifier, ...]
    is_twin: bool = False


def _stage_all_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of every record and its customer; ids of systems that a run left out wait."""
    parts = [
        "select customer_id, source_system, source_customer_id from marts.customer_identities "
        "where valid_to is null"
    ]
    if has_table(connection, "identity.id_assignments"):
        parts.append(
            "select customer_id, source_system, source_customer_id from identity.id_assignments"
        )
    connection.execute(
        f"""create or replace temp table {ALL_RECORDS} as
        select distinct customer_id, source_system, source_customer_id,
            source_system || ':' || source_customer_id as record_id
        from ({" union all ".join(parts)})"""
    )


def _normalised(
    emails: Sequence[str], phones: Sequence[str], national_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Return what was asked for as given and as the normalisers write it, by kind."""
    found: dict[str, list[str]] = {}
    for kind, values, normalise, columns in (
        ("email", emails, normalise_emails, ("email", "email_key")),
        ("phone", phones, normalise_phones, ("phone",)),
        ("national_id", national_ids, normalise_national_ids, ("national_id",)),
    ):
        if values:
            frame = normalise(pd.Series(list(values), dtype="object"))
            texts = {value for column in columns for value in frame[column].dropna()}
            found[kind] = sorted(texts | set(values))
    return found


def _records_with(kind: str, columns: Sequence[str], values: str) -> str:
    """Return a query of (record_id, form) of the records that have one of the forms of ``values``."""
    return " union ".join(
        f"""select records.source_system || ':' || records.source_customer_id as record_id,
            {form_sql(kind, f"records.{column}")} as form
        from identity.customer_records as records
        where {form_sql(kind, f"records.{column}")} in ({values})"""
        for column in columns
    )


COLUMNS_OF_KIND = {
    "email": ("email_raw", "email", "email_key"),
    "phone": ("phone_raw", "phone", "mobile_phone_raw", "mobile_phone"),
    "national_id": ("national_id_raw", "national_id"),
    "loyalty_card": ("loyalty_card",),
}


def _customers_by(connection: duckdb.DuckDBPyConnection, kind: str, values: list[str]) -> list[str]:
    query = _records_with(
        kind, COLUMNS_OF_KIND[kind], f"select {form_sql(kind, 'value')} from _asked"
    )
    connection.execute("create or replace temp table _asked as select unnest(?) as value", [values])
    rows = connection.execute(
        f"""select distinct everybody.customer_id
        from ({query}) as found
        inner join {ALL_RECORDS} as everybody using (record_id)
        order by 1"""
    ).fetchall()
    return [row[0] for row in rows]


def _by_customer_id(connection: duckdb.DuckDBPyConnection, customer_ids: Sequence[str]) -> set[str]:
    """Return the customers of the ids, also of ids that a merge or a rename made history.

    Raises
    ------
    InputError
        When nobody has or had an id.
    """
    found: set[str] = set()
    for customer_id in customer_ids:
        known = connection.execute(
            f"select distinct customer_id from {ALL_RECORDS} where customer_id = ?", [customer_id]
        ).fetchall()
        if not known:
            known = connection.execute(
                f"""with recursive later as (
                    select to_customer_id as customer_id from marts.customer_id_history
                    where from_customer_id = $id and to_customer_id is not null
                    union
                    select history.to_customer_id from marts.customer_id_history as history
                    inner join later on history.from_customer_id = later.customer_id
                    where history.to_customer_id is not null
                )
                select distinct customer_id from later
                where customer_id in (select customer_id from {ALL_RECORDS})""",
                {"id": customer_id},
            ).fetchall()
        if len(known) != 1:
            raise InputError(
                f"There is no customer {customer_id} in the published warehouse. Look the customer "
                "up by --email, --phone or --national-id, or in marts.dim_customers."
            )
        found.add(known[0][0])
    return found


def _twins(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return customers who share an identifier with the staged ones and contradict them in nothing.

    The linking can leave a record of a person alone. Shared must be an e-mail, a national id, a card, or
    name and telephone. Whoever has one of the identifiers and a name,
    national id or date of birth that the person hasn't is somebody else; what such a one has too proves
    nothing of a third.
    """
    strong = " union ".join(
        f"select '{kind}' as kind, record_id, form from ({query})"
        for kind, columns in COLUMNS_OF_KIND.items()
        if (
            query := _records_with(
                kind,
                columns,
                " union ".join(
                    f"select {form_sql(kind, f'mine.{column}')} from identity.customer_records as mine "
                    f"inner join {RECORDS} on {RECORDS}.record_id = "
                    "mine.source_system || ':' || mine.source_customer_id"
                    for column in columns
                ),
            )
        )
    )
    rows = connection.execute(
        f"""with
        fields as (
            select everybody.customer_id, records.given_name_root as given, records.surname_1 as surname,
                case when records.is_national_id_valid then records.national_id end as national_id,
                case when records.is_birth_date_valid then records.birth_date end as birth_date,
                everybody.record_id
            from identity.customer_records as records
            inner join {ALL_RECORDS} as everybody
                on everybody.source_system = records.source_system
                and everybody.source_customer_id = records.source_customer_id
        ),
        links as (select distinct kind, record_id, form from ({strong})),
        theirs as (
            select distinct links.kind, links.form, owners.customer_id
            from links inner join {RECORDS} as owners using (record_id)
        ),
        candidates as (
            select distinct theirs.customer_id as owner_id, others.customer_id, links.kind, links.form
            from links
            inner join {ALL_RECORDS} as others using (record_id)
            inner join theirs on theirs.kind = links.kind and theirs.form = links.form
            where others.customer_id not in (select customer_id from {CUSTOMERS})
        ),
        described as (
            select customer_id,
                coalesce(list(distinct given) filter (given is not null), []) as givens,
                coalesce(list(distinct surname) filter (surname is not null), []) as surnames,
                coalesce(list(distinct national_id) filter (national_id is not null), []) as national_ids,
                coalesce(list(distinct birth_date) filter (birth_date is not null), []) as birth_dates
            from fields group by customer_id
        ),
        judged as (
            select candidates.*,
                (len(mine.givens) > 0 and len(other.givens) > 0
                    and not list_has_all(mine.givens, other.givens))
                or (len(mine.surnames) > 0 and len(other.surnames) > 0
                    and not list_has_all(mine.surnames, other.surnames))
                or (len(mine.national_ids) > 0 and len(other.national_ids) > 0
                    and not list_has_all(mine.national_ids, other.national_ids))
                or (len(mine.birth_dates) > 0 and len(other.birth_dates) > 0
                    and not list_has_all(mine.birth_dates, other.birth_dates)) as is_somebody_else,
                len(mine.givens) > 0 and len(other.givens) > 0 and len(mine.surnames) > 0
                    and len(other.surnames) > 0 as is_named
            from candidates
            inner join described as mine on mine.customer_id = candidates.owner_id
            inner join described as other on other.customer_id = candidates.customer_id
        )
        select distinct customer_id from judged
        where not is_somebody_else and (kind <> 'phone' or is_named)
            and customer_id not in (select customer_id from judged where is_somebody_else)
            and (kind, form) not in (select (kind, form) from judged where is_somebody_else)
        order by customer_id"""
    ).fetchall()
    return [row[0] for row in rows]


def _stage_customers(connection: duckdb.DuckDBPyConnection, customer_ids: Sequence[str]) -> None:
    connection.execute(
        f"create or replace temp table {CUSTOMERS} as select unnest(?) as customer_id",
        [list(customer_ids)],
    )
    connection.execute(
        f"""create or replace temp table {RECORDS} as
        select everybody.* from {ALL_RECORDS} as everybody
        inner join {CUSTOMERS} as wanted using (customer_id)"""
    )


def find_subjects(
    connection: duckdb.DuckDBPyConnection,
    customer_ids: Sequence[str] = (),
    emails: Sequence[str] = (),
    phones: Sequence[str] = (),
    national_ids: Sequence[str] = (),
    *,
    is_with_twins: bool = True,
) -> list[Subject]:
    """Return the people that the request means, requested ones first.

    The connection is on a published ``crm.duckdb`` (read-only is enough). What somebody outside the
    request has too is marked shared.

    Raises
    ------
    InputError
        When nobody is found, or a value is of several people; values are not repeated.
    """
    _stage_all_records(connection)
    wanted = _by_customer_id(connection, customer_ids)
    options = {"email": "--email", "phone": "--phone", "national_id": "--national-id"}
    given = {"email": emails, "phone": phones, "national_id": national_ids}
    for kind, option in options.items():
        for position, value in enumerate(given[kind], start=1):
            texts = _normalised(**{f"{name}s": [value] if name == kind else [] for name in options})
            found = _customers_by(connection, kind, texts[kind])
            wanted.add(_the_one(connection, found, option, position))
    asked = sorted(wanted)
    _stage_customers(connection, asked)
    twins: list[str] = []
    while is_with_twins and has_table(connection, "identity.customer_records"):
        more = _twins(connection)
        if not more:
            break
        twins += more
        _stage_customers(connection, [*asked, *twins])
    tables = load_contracts(STAGING_DIR)
    write_values(connection, tables)
    mark_shared(connection, tables)
    return _read(connection, asked, twins)


def _the_one(
    connection: duckdb.DuckDBPyConnection, found: list[str], option: str, position: int
) -> str:
    """Return the customer when there is one; the others must not contradict each other."""
    if not found:
        raise InputError(
            f"Nobody is known by the value of {option} (number {position}). Check it, or name the "
            "customer by another identifier."
        )
    if len(found) > 1:
        for customer_id in found:
            _stage_customers(connection, [customer_id])
            if set(found) <= {customer_id, *_twins(connection)}:
                return customer_id
        raise InputError(
            f"The value of {option} (number {position}) is of {len(found)} customers "
            f"({', '.join(found[:5])}), who are different people by what is known of them. Say whom "
            "you mean with --customer-id."
        )
    return found[0]


def _read(
    connection: duckdb.DuckDBPyConnection, asked: Sequence[str], twins: Sequence[str]
) -> list[Subject]:
    records: dict[str, list[tuple[str, str]]] = {}
    for customer_id, system, key in connection.execute(
        f"select customer_id, source_system, source_customer_id from {RECORDS} order by all"
    ).fetchall():
        records.setdefault(customer_id, []).append((system, key))
    identifiers: dict[str, list[Identifier]] = {}
    for customer_id, kind, value, is_shared in connection.execute(
        "select customer_id, kind, value, is_shared from _subject_values order by all"
    ).fetchall():
        identifiers.setdefault(customer_id, []).append(Identifier(kind, value, is_shared))
    return [
        Subject(
            customer_id,
            tuple(records.get(customer_id, ())),
            tuple(identifiers.get(customer_id, ())),
            is_twin=customer_id in twins,
        )
        for customer_id in [*asked, *twins]
    ]
