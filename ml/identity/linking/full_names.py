"""Whole names told apart into given names and surnames, by how the records themselves use their words.

Belongs here: names that stand in one column. Does not: names of two columns (`features`).

`Garcia Perez, Ana` says it itself. In `Ana Garcia` and `Jose Luis Garcia Perez` a word is a given name when
it opens names more often than it ends them; the words are counted once, when a model is trained.
"""

from __future__ import annotations

import duckdb

from ml.identity.linking.roles import RecordFields
from ml.identity.linking.text import PARTICLES, TITLES, cleaned, joined, quoted, text_list

GIVEN_WORDS = "identity.linkage_given_words"
# A name that stands in one field is a person's when it has about as many words as a person's has.
MAX_MEAN_WORDS_OF_PERSONS = 3.6
PERSONAL_ROLES = ("given_name", "surname", "birth_date", "national_id", "gender")


def are_persons(connection: duckdb.DuckDBPyConnection, records: str, fields: RecordFields) -> bool:
    """Return whether the full names are those of persons, and not of shops or companies."""
    if any(fields.of_role(role) for role in PERSONAL_ROLES):
        return True
    ((mean_words,),) = connection.execute(
        f"""select avg(len(kept)) from (
            select {_kept(cleaned(joined(fields.of_role("full_name"))))} as kept
            from (from {records} order by hash(record_id) limit 20000))"""
    ).fetchall()
    return mean_words is not None and mean_words <= MAX_MEAN_WORDS_OF_PERSONS


def _kept(text: str) -> str:
    """Return SQL of the words of a name that are no title, particle, or number (1st, 2nd)."""
    return (
        f"list_filter(without(words({text}), {text_list((*TITLES, *PARTICLES))}), "
        "lambda word: not regexp_matches(word, '^\\d'))"
    )


def _whole_names(records: str, fields: RecordFields) -> str:
    """Return a select of record_id, is_turned, head and tail: the words before and after a comma."""
    raw = f"left({joined(fields.of_role('full_name'))}, 80)"
    return f"""select record_id, head, tail,
            -- "Clifford, Thomas" but not "Thomas Clifford, 1st Baron of Chudleigh"
            len(tail) between 1 and 3 and len(head) between 1 and 4 and not has_number as is_turned
        from (select record_id, {_kept(cleaned(f"split_part({raw}, ',', 1)"))} as head,
            coalesce({_kept(cleaned(f"split_part({raw}, ',', 2)"))}, []) as tail,
            coalesce(regexp_matches(split_part({raw}, ',', 2), '\\d'), false) as has_number
        from {records})"""


def count_given_words(
    connection: duckdb.DuckDBPyConnection, records: str, fields: RecordFields
) -> None:
    """Write the words that are used as given names: `word`."""
    uses = [
        f"""select unnest(case when is_turned then tail else head[1:1] end) as word, 1 as is_given
        from ({_whole_names(records, fields)}) where is_turned or len(head) > 1""",
        f"""select unnest(case when is_turned then head else head[-1:] end), 0
        from ({_whole_names(records, fields)}) where is_turned or len(head) > 1""",
    ]
    for role, is_given in (("given_name", 1), ("surname", 0)):
        uses += [
            f"select unnest({_kept(cleaned(quoted(name)))}), {is_given} from {records}"
            for name in fields.of_role(role)
        ]
    connection.execute(
        f"""create or replace table {GIVEN_WORDS} as
        select word from ({" union all ".join(uses)}) where length(word) > 1
        group by word having count(*) >= 2 and avg(is_given) > 0.5"""
    )


def parsed_names(records: str, fields: RecordFields) -> str:
    """Return a select of record_id, parsed_given and parsed_surname, of the records with a whole name."""
    return f"""with whole as ({_whole_names(records, fields)}),
        straight as (
            select record_id, head, unnest(head) as word, generate_subscripts(head, 1) as place
            from whole where not is_turned and len(head) > 0),
        -- initials among the given names are given names
        counted as (
            select record_id, any_value(head) as head,
                min(place) filter (word not in (from {GIVEN_WORDS}) and length(word) > 1) as first_other
            from straight group by record_id),
        divided as (
            select record_id, head,
                greatest(least(coalesce(first_other, len(head)), len(head)) - 1, 1) as given_words
            from counted)
        select record_id, text_of(tail) as parsed_given, text_of(head) as parsed_surname
        from whole where is_turned
        union all
        select record_id, text_of(head[1:given_words]), text_of(head[given_words + 1:])
        from divided"""
