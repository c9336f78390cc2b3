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


def golden_columns(rule_set: RuleSet) -> list[str]:
    """Return the names of the columns that :func:`survivorship_sql` selects, in order."""
    values = [column for survivor in rule_set.survivors for column in survivor.columns]
    return [
        "customer_id", *values, *rule_set.flags, "source_records", "source_systems",
        "winning_sources", "winning_times", "first_seen_at",
    ]  # fmt: skip


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
        f"\n    max_by(source_system, {survivor.name}_rank) as {survivor.name}_source,"
        f"\n    max_by(record_updated_at, {survivor.name}_rank) as {survivor.name}_time,"
        for survivor in rule_set.survivors
    )
    chosen = "".join(
        f"{survivor.name}_values.{column} as {column}, "
        for survivor in rule_set.survivors
        for column in survivor.columns
    )
    alone = "".join(f"{column}, " for survivor in rule_set.survivors for column in survivor.columns)
    alone_flags = "".join(f"coalesce({flag}, false) as {flag}, " for flag in rule_set.flags)
    return f"""with records as (
    select usable.*, ids.customer_id, count(*) over (partition by ids.customer_id) as source_records
    from {records} as usable
    inner join {customer_ids} as ids on ids.record_id = usable.record_id
),
rivals as (
    select *, row_number() over (order by record_updated_at, source_system desc,
            source_customer_id desc) as record_number,
        count(*) over () as record_count
    from records where source_records > 1
),
ranked as (
    select{ranks}
    rivals.* from rivals
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
        else {_json(rule_set, "_source")} end as winning_sources,
    {_json(rule_set, "_time")} as winning_times, first_seen_at
from chosen
union all by name
select customer_id, {alone}{alone_flags}
    source_records, source_system as source_systems,
    '{{"*": "' || source_system || '"}}' as winning_sources,
    '{{"*": "' || {_moment("record_updated_at")} || '"}}' as winning_times, first_seen_at
from records where source_records = 1"""


def _packed(survivor: Survivor) -> str:
    """Return one value that holds all columns: a NULL among them must not make max_by look elsewhere."""
    return f"struct_pack({', '.join(f'{column} := {column}' for column in survivor.columns)})"


def _moment(expression: str) -> str:
    return f"strftime({expression}, '%Y-%m-%dT%H:%M:%S')"


def _json(rule_set: RuleSet, ending: str) -> str:
    """Return SQL of a JSON object, name to source or time, without the empty ones."""
    parts = []
    for survivor in rule_set.survivors:
        column = f"{survivor.name}{ending}"
        value = _moment(column) if ending == "_time" else column
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
        filled = " or ".join(f"{column} is not null" for column in survivor.filled_when)
        yield (
            survivor.name,
            f"case when {filled} then {rank} * (record_count + 1) + record_number end",
        )


def _points(rule: str, survivor: Survivor, rule_set: RuleSet) -> tuple[str, int]:
    """Return SQL of what a rule gives a record, and the number that it stays below."""
    if rule == VALID_FIRST:
        weights = [2**place for place in reversed(range(len(survivor.valid_when)))]
        checks = [
            f"case when {check} then {weight} else 0 end"
            for check, weight in zip(survivor.valid_when, weights, strict=True)
        ]
        return " + ".join(checks), 2 ** len(checks)
    if rule == MOST_COMPLETE and survivor.is_unit:
        filled = [
            f"case when {column} is not null then 1 else 0 end" for column in survivor.complete_by
        ]
        return " + ".join(filled), len(filled) + 1
    if rule == MOST_COMPLETE:
        return f"least(length(cast({survivor.name} as varchar)), {LONGEST})", LONGEST + 1
    if rule == MOST_FREQUENT:
        same = ", ".join(["customer_id", *survivor.columns])
        return f"least(count(*) over (partition by {same}), {MOST_RECORDS})", MOST_RECORDS + 1
    if rule == SOURCE_PRIORITY:
        systems = rule_set.source_priority
        cases = " ".join(
            f"when '{system}' then {len(systems) - place}" for place, system in enumerate(systems)
        )
        return f"case source_system {cases} else 0 end", len(systems) + 1
    raise ValueError(f"the rule {rule} has no meaning in SQL")
