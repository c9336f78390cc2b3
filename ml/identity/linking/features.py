"""What of a record is compared: one row a record, one column a feature, prepared in SQL.

Belongs here: turning the text of each role into features (tokens, digits, keys). Does not: how common they
are (`terms`); what a source meant by its text (`ml/identity/normalise` has judged that before, where it knows
the country); which features are compared (`comparisons`) or bring records together (`blocking`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from ml.identity.linking.full_names import are_persons, parsed_names
from ml.identity.linking.roles import LinkingError, RecordFields
from ml.identity.linking.text import (
    PARTICLES,
    STREET_WORDS,
    TITLES,
    cleaned,
    joined,
    quoted,
    text_list,
)

# So many dates say whether the day or the month comes first; which ones, their ids decide.
DATES_LOOKED_AT = 50_000


@dataclass(frozen=True)
class FeatureSet:
    """The features that a set of records has.

    Attributes
    ----------
    expressions : dict of str to str
        Feature to its SQL over the cleaned columns.
    columns : tuple of str
        Columns of the records that are read.
    frequent : tuple of str
        Features whose commonness is weighed.
    others : dict of str to str
        Feature of a further column to that column's name.
    whole_names : RecordFields or None
        Of persons whose whole name stands in one column.
    """

    expressions: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    frequent: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)
    whole_names: RecordFields | None = None

    def has(self, *features: str) -> bool:
        """Whether all of these features are there."""
        return all(name in self.expressions for name in features)


def _birth_expressions(column: str, is_day_first: bool) -> dict[str, str]:
    text = f"left(cast({quoted(column)} as varchar), 30)"
    parts = f"regexp_extract_all({text}, '\\d+')"

    def part(number: int) -> str:
        return f"try_cast({parts}[{number}] as integer)"

    first, second = (2, 1) if is_day_first else (1, 2)
    full_year = f"(case when {part(3)} > 25 then 1900 else 2000 end + {part(3)})"
    parsed = f"""case
        when len({parts}) >= 3 and length({parts}[1]) = 4
            then date_digits({part(1)}, {part(2)}, {part(3)})
        when len({parts}) >= 3 and length({parts}[3]) = 4 then coalesce(
            date_digits({part(3)}, {part(first)}, {part(second)}),
            date_digits({part(3)}, {part(second)}, {part(first)}))
        -- nobody was born after 2025: 12-06-85 is of the last century
        when len({parts}) = 3 and length({parts}[1]) <= 2 and length({parts}[2]) <= 2
            and length({parts}[3]) = 2 then coalesce(
                date_digits({full_year}, {part(first)}, {part(second)}),
                date_digits({full_year}, {part(second)}, {part(first)}))
        when len({parts}) = 1 and length({parts}[1]) = 8 then coalesce(
            date_digits(try_cast({parts}[1][1:4] as integer), try_cast({parts}[1][5:6] as integer),
                try_cast({parts}[1][7:8] as integer)),
            date_digits(try_cast({parts}[1][5:8] as integer), try_cast({parts}[1][3:4] as integer),
                try_cast({parts}[1][1:2] as integer)),
            {parts}[1])
        when length(digits({text})) >= 4 then left(digits({text}), 8)
    end"""
    return {"birth": parsed}


def measure_day_first(connection: duckdb.DuckDBPyConnection, records: str, column: str) -> bool:
    """Return whether dates such as 03/04/1970 are written day first: what the undoubted ones do."""
    ((day_first, month_first),) = connection.execute(
        f"""select
            count(*) filter (try_cast(parts[1] as integer) > 12),
            count(*) filter (try_cast(parts[2] as integer) > 12)
        from (select regexp_extract_all(left(cast({quoted(column)} as varchar), 30), '\\d+') as parts
            from {records}
            where hash(record_id) % (select count(*) // {DATES_LOOKED_AT} + 1 from {records}) = 0)
        where len(parts) >= 3 and length(parts[1]) <= 2"""
    ).fetchall()
    return bool(day_first >= month_first)


def describe_features(
    connection: duckdb.DuckDBPyConnection, records: str, fields: RecordFields
) -> FeatureSet:
    """Return the features that these columns give.

    Raises
    ------
    LinkingError
        When a mapped column is not in the relation; it names it.
    """
    present = {
        row[0]: str(row[1]) for row in connection.execute(f"describe from {records}").fetchall()
    }
    missing = [name for name in [*fields.all_columns, "record_id"] if name not in present]
    if missing:
        raise LinkingError(f"{records} lacks the column(s) {', '.join(missing)}.")
    expressions: dict[str, str] = {}
    frequent: list[str] = []
    _add_names(connection, records, fields, expressions, frequent)
    if columns := fields.of_role("birth_date"):
        is_day_first = fields.is_day_first
        if is_day_first is None:
            # the text of a date begins with the year
            is_day_first = present[columns[0]] == "DATE" or measure_day_first(
                connection, records, columns[0]
            )
        expressions |= _birth_expressions(columns[0], is_day_first)
        frequent.append("birth")
    for role, minimum in (("national_id", 4), ("loyalty_card", 4)):
        if columns := fields.of_role(role):
            text = f"regexp_replace(upper(left({joined(columns, '')}, 40)), '[^A-Z0-9]', '', 'g')"
            expressions[role] = f"case when length({text}) >= {minimum} then {text} end"
            frequent.append(role)
    if columns := fields.of_role("email"):
        text = f"lower(trim(left({joined(columns[:1])}, 120)))"
        text = f"regexp_replace({text}, '\\+[^@]*@', '@')"
        expressions["email"] = f"case when {text} like '_%@_%' then {text} end"
        expressions["email_local"] = (
            f"case when {text} like '_____%@_%' then split_part({text}, '@', 1) end"
        )
        frequent += ["email", "email_local"]
    if columns := fields.of_role("phone"):
        numbers = ", ".join(f"phone_number({quoted(name)})" for name in columns)
        expressions["phones"] = (
            f"nullif(list_sort(list_distinct(list_filter([{numbers}], lambda n: n is not null))), [])"
        )
    _add_places(fields, expressions, frequent)
    if columns := fields.of_role("gender"):
        expressions["gender"] = cleaned(quoted(columns[0]))
    others = {}
    for number, name in enumerate(fields.of_role("other"), 1):
        expressions[f"other_{number}"] = cleaned(quoted(name))
        frequent.append(f"other_{number}")
        others[f"other_{number}"] = name
    has_parsed = bool(fields.of_role("full_name")) and "name" not in expressions
    return FeatureSet(
        expressions,
        tuple(fields.all_columns),
        tuple(frequent),
        others,
        fields if has_parsed else None,
    )


def _add_names(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    fields: RecordFields,
    expressions: dict[str, str],
    frequent: list[str],
) -> None:
    given, surname, full = (fields.of_role(r) for r in ("given_name", "surname", "full_name"))
    if not (given or surname or full):
        return
    if full and not are_persons(connection, records, fields):
        text = cleaned(joined(full))
        expressions["name"] = text
        expressions["name_words"] = f"list_sort(list_distinct(words({text})))"
        frequent.append("name")
        return
    given_text = surname_text = "null"
    if given:
        given_text = f"text_of(without(words({cleaned(joined(given))}), {text_list(TITLES)}))"
    if surname:
        words = f"words({cleaned(joined(surname))})"
        # a surname of particles alone is one
        surname_text = (
            f"text_of(coalesce(nullif(without({words}, {text_list((*PARTICLES, *TITLES))}), []), "
            f"{words}))"
        )
    if full:
        given_text = f"coalesce({given_text}, parsed_given)"
        surname_text = f"coalesce({surname_text}, parsed_surname)"
    if given or full:
        expressions["given"] = given_text
        frequent.append("given")
        if fields.given_name_root is not None:
            expressions["given_root"] = cleaned(quoted(fields.given_name_root))
            frequent.append("given_root")
    if surname or full:
        expressions["surname"] = surname_text
        frequent.append("surname")


def _add_places(fields: RecordFields, expressions: dict[str, str], frequent: list[str]) -> None:
    if columns := fields.of_role("street"):
        text = cleaned(joined(columns))
        expressions["street"] = text
        expressions["street_number"] = f"regexp_extract({text}, '\\d+')"
        frequent.append("street")
    if columns := fields.of_role("postal_code"):
        text = f"regexp_replace(upper(left(cast({quoted(columns[0])} as varchar), 12)), '[^A-Z0-9]', '', 'g')"
        expressions["postal"] = f"no_placeholder(lower({text}))"
        frequent.append("postal")
    for role, columns in (
        ("city", fields.of_role("city")),
        ("province", fields.of_role("province")),
    ):
        if columns:
            expressions[role] = cleaned(joined(columns))
            frequent.append(role)


def _derived(features: FeatureSet) -> dict[str, str]:
    """Return what is made of the features themselves, feature to SQL."""
    derived: dict[str, str] = {}
    if features.has("given"):
        derived["given_first"] = "words(given)[1]"
        derived["given_skeleton"] = "skeleton(words(given)[1])"
    if features.has("surname"):
        derived["surname_1"] = "words(surname)[1]"
        derived["surname_2"] = "case when len(words(surname)) > 1 then words(surname)[-1] end"
        derived["surname_skeleton"] = "skeleton(words(surname)[1])"
        derived["surname_last_skeleton"] = "skeleton(words(surname)[-1])"
    if features.has("birth"):
        derived["birth_year"] = "case when length(birth) >= 4 then left(birth, 4) end"
    if features.has("phones"):
        derived["phone"] = "phones[1]"
        derived["phone_2"] = "case when len(phones) > 1 then phones[2] end"
    if features.has("street"):
        words = (
            f"list_filter(without(words(street), {text_list(STREET_WORDS)}), "
            "lambda w: not regexp_matches(w, '^\\d'))"
        )
        derived["street_words"] = f"text_of({words})"
        # the longest word: the other ones are left out and shortened most
        derived["street_key"] = (
            "concat_ws(' ', nullif(street_number, ''), list_reduce("
            "string_split(coalesce(street_words, ''), ' '),"
            " lambda a, b: case when length(a) >= length(b) then a else b end))"
        )
    if features.has("postal"):
        derived["postal_area"] = (
            "left(postal, greatest(2, case when regexp_matches(postal, '^\\d+$') then 3 "
            "else length(postal) - 3 end))"
        )
    return derived


def frequent_features(features: FeatureSet) -> list[str]:
    """Return the features whose values are counted: to share a rare one says more."""
    names = list(features.frequent)
    if features.has("given"):
        names.append("given_first")
    if features.has("surname"):
        names.append("surname_1")
    if features.has("phones"):
        names.append("phone")
    if features.has("street"):
        names.append("street_key")
    return names


def features_sql(features: FeatureSet, records: str) -> str:
    """Return a select of record_number, record_id, raw_hash and one column a feature.

    The number is made of the id, so that it is the same in every run; raw_hash is of all that was read.
    """
    base = ", ".join(f"{expression} as {name}" for name, expression in features.expressions.items())
    more = "".join(f", {expression} as {name}" for name, expression in _derived(features).items())
    read = ", ".join(quoted(name) for name in features.columns)
    source = records
    if features.whole_names is not None:
        parsed = parsed_names(records, features.whole_names)
        source = f"{records} left join ({parsed}) as parsed_names using (record_id)"
    return (
        f"with base as (select cast(hash(record_id) >> 1 as bigint) as record_number, record_id, "
        f"hash({read}) as raw_hash, {base} from {source}) select base.* {more} from base"
    )


def number_records(
    connection: duckdb.DuckDBPyConnection, records: str, features: FeatureSet
) -> int:
    """Write `linkage_now`, the record_number and raw_hash of each record; return how many there are.

    Raises
    ------
    LinkingError
        When a record_id is missing or occurs twice.
    """
    read = ", ".join(quoted(name) for name in features.columns)
    connection.execute(
        f"""create or replace temp table linkage_now as
        select cast(hash(record_id) >> 1 as bigint) as record_number, hash({read}) as raw_hash
        from {records}"""
    )
    ((rows, numbers),) = connection.execute(
        "select count(*), count(distinct record_number) from linkage_now"
    ).fetchall()
    # a missing id has a number as well: of one record alone it would not be seen by counting
    ((missing,),) = connection.execute(
        f"select count(*) from {records} where record_id is null"
    ).fetchall()
    if missing or rows != numbers:
        _complain_of_ids(connection, records)
    return int(rows)


def _complain_of_ids(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    ((rows, numbers),) = connection.execute(
        f"select count(*), count(distinct hash(record_id) >> 1) from {records} where record_id is not null"
    ).fetchall()
    ((every, ids),) = connection.execute(
        f"select count(*), {'count(distinct record_id)' if rows != numbers else rows} from {records}"
    ).fetchall()
    if every != ids:
        raise LinkingError(
            f"{records}: {every} records have {ids} different record_id: each needs one of its own."
        )
    raise LinkingError(
        f"{records}: two record_id have the same 63-bit hash. Rename one of them; it happens to one "
        "file in a million."
    )


def build_features(
    connection: duckdb.DuckDBPyConnection, records: str, features: FeatureSet, target: str
) -> None:
    """Write the features of all records to a table, with the columns of `features_sql`."""
    connection.execute(f"create or replace table {target} as {features_sql(features, records)}")
