"""One run of identity: decisions, linking, ids, golden values, what is worth a look; in that order.

Belongs here: which relation and which columns each step of `ml/identity` gets. Does not: the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

import ml.identity.golden as golden
from ml.identity.golden.records import USABLE
from ml.identity.linking import LinkingOptions, RecordFields, resolve
from ml.identity.relations import has_table
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.linking_models import chosen_model, forget_scores

DECISIONS = "staging.stg_steward__pair_decisions"
TO_LINK = "identity.records_to_link"
RULES_FILE = Path(golden.__file__).with_name("survivorship.yml")
# Role to columns of records_to_link: only what passed its check is evidence.
ROLES = {
    "given_name": ("given_name",),
    "surname": ("surname_1", "surname_2"),
    "birth_date": ("birth_date",),
    "national_id": ("national_id",),
    "loyalty_card": ("loyalty_card",),
    "email": ("email",),
    "phone": ("mobile_phone", "landline_phone"),
    "street": ("street",),
    "city": ("city",),
    "postal_code": ("postal_code",),
    "province": ("province_code",),
    "gender": ("gender",),
}
# Content that can link two records; without any, every record is a customer of its own.
LINKABLE = ("given_name", "surname", "national_id", "loyalty_card", "email", "phone")
SEED = 1


@dataclass(frozen=True)
class ResolveCounts:
    """What the linking step read and found."""

    records: int
    persons: int
    decisions: golden.DecisionCounts
    scored_pairs: int
    is_trained: bool


def resolve_records(
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    source_systems: Sequence[str],
    is_full_refresh: bool = False,
) -> ResolveCounts:
    """Find out which records are one person and one household; write the tables of `linking`.

    Raises
    ------
    InputError
        When steward decisions can't be read or can't all hold.
    """
    golden.create_usable_records(connection)
    _create_records_to_link(connection)
    golden.recognise(connection, as_of=as_of, records=USABLE, source_systems=source_systems)
    fields = filled_fields(connection)
    is_looking_back = golden.is_looking_back(connection, as_of=as_of, source_systems=source_systems)
    with (
        chosen_model(
            connection,
            as_of,
            TO_LINK,
            is_full_refresh=is_full_refresh,
            is_looking_back=is_looking_back,
        ) as choice,
        golden.forgetting_unmerges(connection) if is_looking_back else nullcontext(),
    ):
        return _resolve(connection, fields, choice.is_retraining, is_looking_back)


def _resolve(
    connection: duckdb.DuckDBPyConnection,
    fields: RecordFields | None,
    is_retraining: bool,
    is_looking_back: bool,
) -> ResolveCounts:
    # the customers of the run before are those of a later day, or of the unmerge itself
    if has_table(connection, "identity.customer_ids") and not is_looking_back:
        golden.expand_unmerges(
            connection,
            decisions=DECISIONS,
            members="(select record_id, customer_id as cluster from identity.customer_ids)",
        )
    counts = _link(connection, fields, is_retraining)
    # an unmerge of a record that the last run did not know: its cluster is the one just found
    if golden.expand_unmerges(
        connection,
        decisions=DECISIONS,
        members="(select record_id, person_cluster as cluster from identity.record_clusters)",
    ):
        counts = _link(connection, fields, is_retraining=False)
    golden.write_evidence(connection, TO_LINK, fields, is_linked=fields is not None)
    return counts


def _link(
    connection: duckdb.DuckDBPyConnection, fields: RecordFields | None, is_retraining: bool
) -> ResolveCounts:
    try:
        decisions = golden.prepare_decisions(connection, decisions=DECISIONS, records=USABLE)
    except golden.ContradictoryDecisionsError as error:
        raise InputError(str(error)) from None
    scored_pairs, is_trained = 0, False
    golden.restore_found(connection)
    if fields is None:
        golden.cluster_by_key(connection, records=USABLE)
        # the resolver writes only what changes against clusters that are gone now
        forget_scores(connection)
    else:
        options = LinkingOptions(is_retraining=is_retraining)
        report = resolve(connection, TO_LINK, fields, options=options, seed=SEED)
        scored_pairs, is_trained = report.scored_pairs, report.is_trained
    golden.unite_decided(connection)
    ((records, persons),) = connection.execute(
        "select count(*), count(distinct hash(person_cluster)) from identity.record_clusters"
    ).fetchall()
    return ResolveCounts(records, persons, decisions, scored_pairs, is_trained)


def _create_records_to_link(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the view that the resolver reads."""
    connection.execute(
        f"""create or replace view {TO_LINK} as select record_id, given_name, given_name_root,
            surname_1, surname_2,
            case when is_birth_date_valid then birth_date end as birth_date,
            case when is_national_id_valid then national_id end as national_id,
            loyalty_card, email_key as email, mobile_phone, landline_phone, street, city, postal_code,
            province_code, gender
        from {USABLE}"""
    )


def filled_fields(connection: duckdb.DuckDBPyConnection) -> RecordFields | None:
    """Return the roles that any record fills; None when none of them could link two records."""
    columns = [name for names in ROLES.values() for name in names]
    counts = connection.execute(
        f"select {', '.join(f'count({name})' for name in columns)} from {TO_LINK}"
    ).fetchall()[0]
    filled = {name for name, count in zip(columns, counts, strict=True) if count}
    roles = {
        role: tuple(name for name in names if name in filled)
        for role, names in ROLES.items()
        if filled & set(names)
    }
    if not set(roles) & set(LINKABLE):
        return None
    has_given_name = "given_name" in roles
    return RecordFields.of(roles, given_name_root="given_name_root" if has_given_name else None)


def write_golden(
    connection: duckdb.DuckDBPyConnection, as_of: date, source_systems: Sequence[str]
) -> golden.IdCounts:
    """Give the ids, choose the values that survive, and list what is worth a look."""
    counts = golden.assign_ids(
        connection, as_of=as_of, records=USABLE, source_systems=source_systems
    )
    golden.write_golden_customers(connection, read_rule_set(connection), USABLE)
    golden.write_review_queue(connection)
    return counts


def read_rule_set(connection: duckdb.DuckDBPyConnection, path: Path = RULES_FILE) -> golden.RuleSet:
    """Read the survivorship rules.

    Raises
    ------
    ConfigurationError
        When they are broken; the sentence names file and line.
    """
    columns = [row[0] for row in connection.execute(f"describe {USABLE}").fetchall()]
    try:
        return golden.parse_rule_set(path.read_text(encoding="utf-8"), str(path), columns)
    except golden.RuleSetError as error:
        raise ConfigurationError(str(error)) from None
