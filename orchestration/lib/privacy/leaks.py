"""Look for known identifiers in the analysts' database, before it is published.

Belongs here: the identifiers of the warehouse by the registry, the search in all texts of
``analytics.duckdb`` as SQL over sets, and what counts as a leak. Does not: the bytes of files
(`byte_search`), the other places where an identifier may have strayed (`leak_places`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.privacy.identifier_forms import form_sql
from orchestration.lib.privacy.registry import PersonalColumn, meta_of_column
from orchestration.lib.sql_text import quoted_name, quoted_text

# Of a table with more rows, blocks of about so many are looked at; the same ones each time.
ROWS_OF_A_TABLE = 100_000
SEED = 8
Place = tuple[str, str, str]
# Kinds taken from the delivered columns; the others come from the normalised records of all systems.
DELIVERED_KINDS = ("device_id", "account", "vehicle")
RECORD_KINDS = ("email", "phone", "national_id", "loyalty_card")
NAMES = ("given_name", "surname_1", "surname_2")
RECORDS = ("identity", "customer_records")
# What chance may find in a number or a title counts from so many different ones on.
FEWEST_BY_CHANCE = 3
SHARE_BY_CHANCE = 0.005
FEW_TEXTS = 200
# Forms too short or too plain to mean anybody.
SHORTEST = {
    "email": 6, "phone": 9, "national_id": 8, "loyalty_card": 8, "device_id": 10, "account": 8,
    "vehicle": 7, "full_name": 10, "address": 10,
}  # fmt: skip
# A form is certain when chance does not make it: an address with @, letters and digits in a long key.
CERTAIN = """
    kind = 'email'
    or (kind = 'national_id' and regexp_matches(form, '[a-z]'))
    or (kind in ('loyalty_card', 'account', 'device_id')
        and (length(form) >= 16 or (length(form) >= 10 and regexp_matches(form, '[a-z]')
            and regexp_matches(form, '[0-9]'))))
    or (kind = 'vehicle' and length(form) >= 17)
    or (kind = 'full_name' and length(form) - length(replace(form, ' ', '')) >= 2)
"""


@dataclass(frozen=True)
class Leak:
    """A column of the analysts' database that holds identifiers, told without any value.

    Attributes
    ----------
    place
        ``schema.table.column``.
    identifier_kind
        Which identifiers.
    identifiers
        How many different ones were found among the texts looked at.
    texts
        How many different texts were looked at.
    """

    place: str
    identifier_kind: str
    identifiers: int
    texts: int

    def sentence(self) -> str:
        """Return it for people."""
        return (
            f"{self.place}: {self.identifiers:,} known identifier(s) of the kind "
            f"{self.identifier_kind} in {self.texts:,} different texts"
        )


def _squeezed(value: str) -> str:
    """Return SQL of a text in lower case without accents and with letters and digits alone."""
    return f"regexp_replace(strip_accents(lower({value})), '[^0-9a-z]', '', 'g')"


def _spaced(value: str) -> str:
    """Return SQL of the words of a text, in lower case without accents, by one blank apart."""
    plain = f"regexp_replace(strip_accents(lower({value})), '[^0-9a-z]+', ' ', 'g')"
    return f"trim({plain})"


@dataclass(frozen=True)
class _Database:
    """An attached database and about how many rows its tables have; views are not among them."""

    name: str
    rows: Mapping[tuple[str, str], int]

    @classmethod
    def attach(cls, connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> _Database:
        connection.execute(f"attach {quoted_text(str(path))} as {name} (read_only)")
        found = connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables() "
            "where database_name = ?",
            [name],
        ).fetchall()
        return cls(name, {(schema, table): rows or 0 for schema, table, rows in found})

    def some_of(self, schema: str, table: str) -> str:
        """Return a relation to select from: the table, or some of its blocks when it is big."""
        relation = f"{self.name}.{quoted_name(schema)}.{quoted_name(table)}"
        rows = self.rows[schema, table]
        if rows <= ROWS_OF_A_TABLE:
            return relation
        share = max(0.01, 100 * ROWS_OF_A_TABLE / rows)
        return f"{relation} tablesample system({share:.4f} percent) repeatable ({SEED})"


def _collect_identifiers(
    connection: duckdb.DuckDBPyConnection, crm: _Database, columns: Sequence[PersonalColumn]
) -> None:
    """Make the table ``known(kind, form, is_certain)`` of the identifiers in ``crm``."""
    parts = [
        f"select {quoted_text(column.identifier_kind or '')} as kind, "
        f"cast({quoted_name(column.column)} as varchar) as value "
        f"from {crm.some_of(column.schema, column.table)}"
        for column in columns
        if column.schema == "raw"
        and column.identifier_kind in DELIVERED_KINDS
        and (column.schema, column.table) in crm.rows
    ]
    of_records = {c.column for c in columns if (c.schema, c.table) == RECORDS}
    if RECORDS in crm.rows and {*NAMES, "street"} <= of_records:
        records = crm.some_of(*RECORDS)
        given, surname_1, surname_2 = NAMES
        parts += [
            f"select {quoted_text(column.identifier_kind or '')}, {quoted_name(column.column)} "
            f"from {records}"
            for column in columns
            if (column.schema, column.table) == RECORDS and column.identifier_kind in RECORD_KINDS
        ]
        parts += [
            f"select 'full_name', {given} || ' ' || {surname_1} || coalesce(' ' || {surname_2}, '') "
            f"from {records}",
            f"select 'full_name', {given} || ' ' || {surname_1} from {records}",
            f"select 'full_name', {surname_1} || coalesce(' ' || {surname_2}, '') || ' ' || {given} "
            f"from {records}",
            f"select 'address', street from {records} where regexp_matches(street, '[0-9]')",
        ]
    forms = {
        "email": form_sql("email", "value"),
        "phone": form_sql("phone", "value"),
        "full_name": _spaced("value"),
        "address": _spaced("value"),
    }
    form = " ".join(f"when {quoted_text(kind)} then {sql}" for kind, sql in forms.items())
    lengths = " ".join(f"when {quoted_text(k)} then {length}" for k, length in SHORTEST.items())
    # The first names the columns, also where no delivered column identifies anybody.
    union = " union all ".join(
        ["select '' as kind, cast(null as varchar) as value where false", *parts]
    )
    connection.execute(
        f"""create temp table known as
        with delivered as (select distinct kind, value from ({union}) where value is not null),
        formed as (
            select distinct kind, case kind {form} else {_squeezed("value")} end as form
            from delivered
        )
        select kind, form, {CERTAIN} as is_certain
        from formed
        where length(form) >= case kind {lengths} end
            -- 600000000, 111111111, 12345678 and the like stand for nobody
            and len(list_distinct(string_split(form, ''))) >= 5
            and not regexp_matches(form, '^(0?123456789?|987654321|no |sin )')"""
    )


def _collect_texts(
    connection: duckdb.DuckDBPyConnection,
    analytics: _Database,
    keyed: Container[Place],
    public: Container[Place],
) -> None:
    """Make the table ``texts(place, value)`` of the different texts in the analysts' database.

    Pseudonyms are left out: they were made a moment ago, by a key. Dates, flags and fractions hold no
    identifier; whole numbers may be telephones.
    """
    described = connection.execute(
        """select columns.schema_name, columns.table_name, columns.column_name, columns.data_type
        from duckdb_columns() as columns
        where columns.database_name = ? and not columns.internal
            and not regexp_matches(columns.data_type,
                '^(BOOLEAN|DATE|TIME|TIMESTAMP.*|INTERVAL|DOUBLE|FLOAT|DECIMAL.*|U?TINYINT|U?SMALLINT)$')
        order by all""",
        [analytics.name],
    ).fetchall()
    parts = []
    numbered = enumerate(described)
    for (schema, table), group in groupby(numbered, key=lambda each: each[1][:2]):
        searched = [
            (position, f"cast({quoted_name(column)} as varchar)")
            for position, (_, _, column, _) in group
            if (schema, table, column) not in keyed
        ]
        # One scan a table, whatever the number of its columns.
        if searched:
            positions = ", ".join(str(position) for position, _ in searched)
            values = ", ".join(value for _, value in searched)
            parts.append(
                f"select unnest([{positions}]) as place, unnest([{values}]) as value "
                f"from {analytics.some_of(schema, table)}"
            )
    union = (
        " union all ".join(parts) or "select 0 as place, cast(null as varchar) as value where false"
    )
    connection.execute(
        "create temp table texts as "
        f"select distinct place, value from ({union}) where length(value) >= {SHORTEST['email']}"
    )
    connection.execute("create temp table places (place integer, name varchar, is_public boolean)")
    if described:
        names = ", ".join(
            f"({position}, {quoted_text(f'{schema}.{table}.{column}')}, "
            f"{(schema, table, column) in public})"
            for position, (schema, table, column, _) in enumerate(described)
        )
        connection.execute(f"insert into places values {names}")


def _search(connection: duckdb.DuckDBPyConnection) -> list[Leak]:
    """Compare what stands in the texts with what is known; return what counts as a leak."""
    email = r"'[a-z0-9._%+\-]+@[a-z0-9.\-]+\.[a-z]{2,}'"
    number = r"'[0-9][0-9 ./\-]{6,20}[0-9]'"
    found = connection.execute(
        f"""with
        wide as (
            select place, value, strip_accents(lower(value)) as low, {_spaced("value")} as spaced
            from texts
        ),
        split as (select place, low, spaced, string_split(spaced, ' ') as words from wide),
        emails as (
            select distinct place, unnest(regexp_extract_all(low, {email})) as token
            from split where contains(low, '@')
        ),
        numbers as (
            select distinct place, unnest(regexp_extract_all(low, {number})) as token
            from split where regexp_matches(low, {number})
        ),
        parts as (
            select place,
                unnest(regexp_split_to_array(low, '[\\s"'',;:=&?|()<>]+')) as part
            from split where contains(low, '-') or contains(low, '.') or len(words) > 1
        ),
        tokens as (
            select place, 'email' as family, {form_sql("email", "token")} as form from emails
            union all
            -- a key that was put together: mailing-ana@example.org
            select place, 'email', {form_sql("email", "regexp_replace(token, '^[^@-]*-', '')")}
            from emails where regexp_matches(token, '^[^@]*-')
            union all
            select place, 'phone', right(regexp_replace(token, '[^0-9]', '', 'g'), 9) from numbers
            union all
            select place, 'key', unnest(words) from split
            union all
            select place, 'key', replace(spaced, ' ', '') from split where len(words) between 2 and 6
            union all
            -- parts with their punctuation taken out, and what follows a prefix: web-1834567890.17068
            select place, 'key', unnest([
                regexp_replace(part, '[^0-9a-z]', '', 'g'),
                regexp_replace(regexp_replace(part, '^[^-]*-', ''), '[^0-9a-z]', '', 'g')])
            from parts
            union all
            select place, unnest(['address', 'full_name']), spaced from split where len(words) > 1
            union all
            select place, 'full_name',
                unnest(list_transform(range(1, len(words)),
                    lambda i: words[i] || ' ' || words[i + 1]))
            from split where len(words) > 1
            union all
            select place, 'full_name',
                unnest(list_transform(range(1, len(words) - 1),
                    lambda i: words[i] || ' ' || words[i + 1] || ' ' || words[i + 2]))
            from split where len(words) > 2
        ),
        hits as (
            select distinct tokens.place, known.kind, known.form, known.is_certain
            from tokens
            inner join known
                on tokens.form = known.form
                and tokens.family = case when known.kind in ('email', 'phone', 'full_name', 'address')
                    then known.kind else 'key' end
        ),
        -- the street of a shop is no secret where a profile of the delivered shops tells it again
        published as (
            select distinct spaced from wide inner join places using (place) where places.is_public
        ),
        looked_at as (select place, count(*) as texts from texts group by place)
        select places.name, hits.kind, count(*) as identifiers, any_value(looked_at.texts) as texts
        from hits
        inner join places using (place)
        inner join looked_at using (place)
        where hits.is_certain or not (places.is_public or exists (
            select 1 from published
            where contains(' ' || published.spaced || ' ', ' ' || hits.form || ' ')))
        group by places.name, hits.kind
        having bool_or(hits.is_certain)
            or (count(*) >= {FEWEST_BY_CHANCE} and count(*) >= {SHARE_BY_CHANCE} * any_value(texts))
            or any_value(texts) <= {FEW_TEXTS}
        order by identifiers desc, places.name, hits.kind"""
    ).fetchall()
    return [Leak(*row) for row in found]


def leaks_in_analytics(
    crm_file: Path,
    analytics_file: Path,
    columns: Sequence[PersonalColumn],
    public: Container[Place] = frozenset(),
) -> list[Leak]:
    """Return the columns of the analysts' database that hold identifiers known to the warehouse.

    Every text is compared, whole and in its parts, with the e-mails, telephones, ids, cards, accounts,
    devices, vehicles, names with surname and addresses of the people. Of tables with more than
    ``ROWS_OF_A_TABLE`` rows, blocks of about that many are looked at, so the time is bounded: a column
    that should not be there is found whatever its size, a single value in a big one by chance only.

    Parameters
    ----------
    crm_file, analytics_file
        Both closed.
    columns
        The registry.
    public
        Columns that the business makes public itself (`public_columns`).
    """
    keyed = frozenset(
        (c.schema, c.table, c.column) for c in columns if c.data_class == "customer_key"
    )
    with duckdb.connect() as connection:
        crm = _Database.attach(connection, "crm", crm_file)
        analytics = _Database.attach(connection, "analytics", analytics_file)
        _collect_identifiers(connection, crm, columns)
        _collect_texts(connection, analytics, keyed, public)
        return _search(connection)


def public_columns(manifest: Mapping[str, Any]) -> frozenset[Place]:
    """Return the columns whose yml says ``is_public``: names and addresses of shops, brands, titles.

    A shop may bear its owner's name, a brand a designer's, and somebody may live above the shop. What
    chance may find doesn't count there, nor where the same text stands again; an e-mail or a national
    id does.
    """
    return frozenset(
        (node["schema"], node.get("identifier") or node.get("alias") or node["name"], name)
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        for name, column in node.get("columns", {}).items()
        if meta_of_column(column).get("is_public")
    )


def leak_message(leaks: Iterable[Leak]) -> str:
    """Return what to tell about leaks, and what to do."""
    found = "\n".join(f"- {leak.sentence()}" for leak in leaks)
    return (
        "The analysts' database would hold identifiers of people, so nothing is published:\n"
        f"{found}\nGive the column the data_class direct_identifier in its yml, or keep the values out "
        "of it where it is made. Names of shops, brands and the like say is_public: true beside their "
        "data_class (docs/privacy.md)."
    )
