"""Survivorship in SQL: the best value of each field over all records of a customer, in one pass.

Belongs here: the query that a rule set means. Does not: the rules (`survivorship.yml`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ml.identity.golden.survivorship_rules import (
    MOST_COMPLETE,
    MOST_FREQUENT,
    MOST_RECENT,
    SOURCE_PRIORITY,
    VALID_FIRST,
    RuleSet,
    Survivor,
)

# Beyond these a text is long enough, and a value is frequent enough.
LONGEST, MOST_RECORDS = 255, 1023
# Names of a winner's source system and time beside its values.
SOURCE, TIME = "winning_source", "winning_time"


def golden_columns(rule_set: RuleSet) -> list[str]:
    """Return the names of the columns that :func:`survivorship_sql` selects, in order."""
    values = [column for survivor in rule_set.survivors for column in survivor.columns]
    return [
        "customer_id", *values, *rule_set.flags, "source_records", "source_systems",
        "winning_sources", "winning_times", "first_seen_at",
    ]  # fmt: skip


def read_columns(rule_set: RuleSet) -> list[str]:
    """Return the names of the columns that :func:`survivorship_sql` reads of the records."""
    read = {
        "record_id",
        "source_system",
        "source_customer_id",
        "record_updated_at",
        "first_seen_at",
    }
    for survivor in rule_set.survivors:
        read |= {
            *survivor.columns,
            *survivor.filled_when,
            *survivor.valid_when,
            *survivor.complete_by,
        }
    return sorted(read | {*rule_set.flags})


def survivorship_sql(rule_set: RuleSet, records: str, customer_ids: str) -> str:
    """Return the query of the golden customers, one row each.

    ``winning_sources`` and ``winning_times`` are JSON objects: unit or field to the source system whose
    value won and to the time at which that system changed the record last; '*' stands for every field
    where there is no choice.

    Parameters
    ----------
    rule_set : RuleSet
        What :func:`parse_rule_set` read.
    records : str
        Relation with record_id, source_system, source_customer_id, record_updated_at, first_seen_at
        and the columns that the rules name.
    customer_ids : str
        Relation with record_id and customer_id.
    """
    flags = "".join(f"bool_or(coalesce({flag}, false)) as {flag}, " for flag in rule_set.flags)
    ranks = "".join(f"\n    {rank} as {name}_rank," for name, rank in _ranks(rule_set))
    winners = "".join(
        f"\n    max_by({_packed(survivor)}, {survivor.name}_rank) as {survivor.name}_values,"
        for survivor in rule_set.survivors
    )
    chosen = "".join(
        f"{survivor.name}_values.{column} as {column}, "
        for survivor in rule_set.survivors
        for column in survivor.columns
    )
    alone = "".join(
        f"records.{column}, " for survivor in rule_set.survivors for column in survivor.columns
    )
    alone_flags = "".join(f"coalesce(records.{flag}, false) as {flag}, " for flag in rule_set.flags)
    return f"""with owned as (
    select records.record_id, ids.customer_id, records.record_updated_at, records.source_system,
        records.source_customer_id
    from {records} as records
    inner join {customer_ids} as ids on ids.record_id = records.record_id
),
sizes as (
    select customer_id, count(*) as source_records from owned group by customer_id
),
-- few columns are sorted: the values join later
numbered as (
    select owned.record_id, owned.customer_id, row_number() over (order by owned.record_updated_at,
            owned.source_system desc, owned.source_customer_id desc) as record_number,
        count(*) over () as record_count
    from owned inner join sizes on sizes.customer_id = owned.customer_id
    where sizes.source_records > 1
),
rivals as (
    select records.*, numbered.customer_id, numbered.record_number, numbered.record_count
    from {records} as records inner join numbered on numbered.record_id = records.record_id
),
ranked as (
    select{ranks}
    rivals.* from rivals{"".join(_frequencies(rule_set))}
),
chosen as (
    select customer_id,{winners}
    {flags}count(*) as source_records, count(distinct source_system) as systems,
    string_agg(distinct source_system, ',' order by source_system) as source_systems,
    min(first_seen_at) as first_seen_at
    from ranked group by customer_id
)
select customer_id, {chosen}{"".join(f"{flag}, " for flag in rule_set.flags)}
    source_records, source_systems,
    case when systems = 1 then '{{"*": "' || source_systems || '"}}'
        else {_json(rule_set, SOURCE)} end as winning_sources,
    {_json(rule_set, TIME)} as winning_times, first_seen_at
from chosen
union all by name
select ids.customer_id, {alone}{alone_flags}
    cast(1 as bigint) as source_records, records.source_system as source_systems,
    '{{"*": "' || records.source_system || '"}}' as winning_sources,
    '{{"*": "' || {_moment("records.record_updated_at")} || '"}}' as winning_times,
    records.first_seen_at
from {records} as records
inner join {customer_ids} as ids on ids.record_id = records.record_id
inner join sizes on sizes.customer_id = ids.customer_id
where sizes.source_records = 1"""


def _packed(survivor: Survivor) -> str:
    """Return one value that holds all columns: a NULL among them must not make max_by look elsewhere."""
    columns = [f"{column} := {column}" for column in survivor.columns]
    packed = [*columns, f"{SOURCE} := source_system", f"{TIME} := record_updated_at"]
    return f"struct_pack({', '.join(packed)})"


def _moment(expression: str) -> str:
    return f"strftime({expression}, '%Y-%m-%dT%H:%M:%S')"


def _json(rule_set: RuleSet, part: str) -> str:
    """Return SQL of a JSON object, name to source or time, without the empty ones."""
    parts = []
    for survivor in rule_set.survivors:
        column = f"{survivor.name}_values.{part}"
        value = _moment(column) if part == TIME else column
        parts.append(
            f"case when {column} is not null then '\"{survivor.name}\": \"' || {value} || '\"' end"
        )
    return f"'{{' || concat_ws(', ', {', '.join(parts)}) || '}}'"


def _ranks(rule_set: RuleSet) -> Iterator[tuple[str, str]]:
    """Yield for each survivor a whole number: higher is better, NULL is not in the running.

    The digits of the number are what each rule says, the first rule weighing most; the place in the
    order of change comes last and makes the number unique.
    """
    for survivor in rule_set.survivors:
        rank = "0::bigint"
        for rule in survivor.rules:
            if rule != MOST_RECENT:
                points, limit = _points(rule, survivor, rule_set)
                rank = f"({rank} * {limit} + ({points}))"
        filled = " or ".join(f"rivals.{column} is not null" for column in survivor.filled_when)
        yield (
            survivor.name,
            f"case when {filled} then {rank} * (record_count + 1) + record_number end",
        )


def _frequencies(rule_set: RuleSet) -> Iterator[str]:
    """Yield a join for each survivor by frequency: how many records of the customer say the same."""
    for survivor in rule_set.survivors:
        if MOST_FREQUENT in survivor.rules:
            name, columns = f"{survivor.name}_counts", ", ".join(survivor.columns)
            same = " and ".join(
                f"{name}.{column} is not distinct from rivals.{column}"
                for column in survivor.columns
            )
            yield f"""
    left join (select customer_id, {columns}, count(*) as records from rivals group by all
        having count(*) > 1) as {name} on {name}.customer_id = rivals.customer_id and {same}"""


def _points(rule: str, survivor: Survivor, rule_set: RuleSet) -> tuple[str, int]:
    """Return SQL of what a rule gives a record, and the number that it stays below."""
    if rule == VALID_FIRST:
        weights = [2**place for place in reversed(range(len(survivor.valid_when)))]
        checks = [
            f"case when rivals.{check} then {weight} else 0 end"
            for check, weight in zip(survivor.valid_when, weights, strict=True)
        ]
        return " + ".join(checks), 2 ** len(checks)
    if rule == MOST_COMPLETE and survivor.is_unit:
        filled = [
            f"case when rivals.{column} is not null then 1 else 0 end"
            for column in survivor.complete_by
        ]
        return " + ".join(filled), len(filled) + 1
    if rule == MOST_COMPLETE:
        return f"least(length(cast(rivals.{survivor.name} as varchar)), {LONGEST})", LONGEST + 1
    if rule == MOST_FREQUENT:
        return (
            f"least(coalesce({survivor.name}_counts.records, 1), {MOST_RECORDS})",
            MOST_RECORDS + 1,
        )
    if rule == SOURCE_PRIORITY:
        systems = rule_set.source_priority
        cases = " ".join(
            f"when '{system}' then {len(systems) - place}" for place, system in enumerate(systems)
        )
        return f"case rivals.source_system {cases} else 0 end", len(systems) + 1
    raise ValueError(f"the rule {rule} has no meaning in SQL")
