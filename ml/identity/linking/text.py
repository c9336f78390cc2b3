"""Words in SQL: the functions that features are written in.

Belongs here: cleaning and splitting text. Does not: which column is which feature (`features`).
"""

from __future__ import annotations

import duckdb

# No name or address is longer; what is longer is damage, and edit distances grow with its square.
MAX_CHARACTERS = 80
MAX_WORDS = 12
NO_VALUE = (
    "", "null", "none", "nan", "na", "n a", "nil", "unknown", "desconocido", "sin datos", "no consta",
    "not available", "x", "xx", "xxx", "test",
)  # fmt: skip
TITLES = (
    "mr", "mrs", "ms", "miss", "dr", "dra", "prof", "sir", "lady", "lord", "don", "dona", "sr", "sra",
    "srta", "rev", "reverend", "hon", "jr", "ii", "iii", "iv", "esq", "captain", "colonel", "general",
    "baron", "baroness", "baronet", "earl", "viscount", "marquess", "duke", "count",
)  # fmt: skip
PARTICLES = (
    "de",
    "del",
    "la",
    "las",
    "los",
    "el",
    "y",
    "i",
    "da",
    "do",
    "dos",
    "van",
    "von",
    "of",
    "the",
)
STREET_WORDS = (
    "c", "cl", "calle", "carrer", "avenida", "avda", "av", "avd", "ave", "avenue", "plaza", "plz", "pza",
    "pl", "placa", "paseo", "pso", "ps", "camino", "cno", "carretera", "ctra", "ronda", "rda", "travesia",
    "tr", "street", "st", "str", "road", "rd", "drive", "dr", "lane", "ln", "court", "ct", "place",
    "boulevard", "blvd", "crescent", "cres", "close", "cct", "circuit", "way", "terrace", "de", "del", "la",
    "las", "los", "el", "n", "s", "e", "w", "north", "south", "east", "west", "numero", "num", "no",
)  # fmt: skip


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_list(words: tuple[str, ...]) -> str:
    """Return words as an SQL list of texts."""
    return "[" + ", ".join("'" + word.replace("'", "''") + "'" for word in words) + "]"


def cleaned(expression: str) -> str:
    """Return SQL that gives words of letters and digits, lower case, without accents; NULL for none."""
    return (
        f"no_placeholder(trim(regexp_replace(strip_accents(lower(left(cast({expression} as varchar), "
        f"{MAX_CHARACTERS}))), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')))"
    )


def joined(columns: tuple[str, ...], separator: str = " ") -> str:
    """Return columns as one SQL text."""
    parts = [f"cast({quoted(name)} as varchar)" for name in columns]
    return parts[0] if len(parts) == 1 else f"concat_ws('{separator}', {', '.join(parts)})"


def define_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Define the temporary SQL functions that the features are written in."""
    for statement in (
        f"""create or replace temp macro no_placeholder(x) as
            case when list_contains({text_list(NO_VALUE)}, x) then null else x end""",
        f"""create or replace temp macro words(x) as string_split(x, ' ')[1:{MAX_WORDS}]""",
        """create or replace temp macro without(x, y) as
            list_filter(x, lambda word: not list_contains(y, word))""",
        """create or replace temp macro text_of(x) as nullif(array_to_string(x, ' '), '')""",
        # consonants, those that are heard alike made one: what a typist gets right
        """create or replace temp macro skeleton(x) as nullif(left(
            left(x, 1) || translate(substr(x, 2), 'vzkqjaeiouyh ', 'bsccy'), 5), '')""",
        """create or replace temp macro digits(x) as regexp_replace(cast(x as varchar), '\\D', '', 'g')""",
        # the last nine digits: with and without the prefix of a country is one number
        """create or replace temp macro phone_number(x) as case
            when length(digits(x)) between 6 and 17
                and length(replace(digits(x), right(digits(x), 1), '')) > 0
            then right(ltrim(digits(x), '0'), 9) end""",
        """create or replace temp macro date_digits(y, m, d) as
            case when y between 1000 and 2100 and m between 1 and 12 and d between 1 and 31
            then printf('%04d%02d%02d', y, m, d) end""",
    ):
        connection.execute(statement)
