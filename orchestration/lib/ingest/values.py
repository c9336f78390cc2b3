"""SQL that types a delivered column as its contract says, and that finds what can't be accepted.

Belongs here: expressions over one row of ``_delivered``. Does not: running them (`table_load`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.sql_text import quoted_name, quoted_text

INTEGER_TYPES = ("bigint", "integer")
TIME_TYPES = ("date", "timestamp")
WHOLE_TYPES = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "HUGEINT")
NUMBER_TYPES = (*INTEGER_TYPES, "double")
TRUE_WORDS = ("true", "t", "yes", "y", "si", "sí", "s", "1", "verdadero", "v")
FALSE_WORDS = ("false", "f", "no", "n", "0", "falso")
HAS_OFFSET = r"\d:\d\d.*(?:[zZ]|[+-]\d\d(?::?\d\d)?)\s*$"
ERROR_WORDS = ("#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!")


@dataclass(frozen=True)
class DeliveredColumn:
    """A declared column and where its value comes from: a delivered name and its type in DuckDB."""

    contract: ColumnContract
    source: str | None
    delivered_type: str
    position: int

    @property
    def is_text(self) -> bool:
        """Whether the value is delivered as text."""
        return self.delivered_type == "VARCHAR"

    @property
    def reference(self) -> str:
        """SQL of the delivered value."""
        return f"delivered.{quoted_name(self.source)}" if self.source else "null"

    @property
    def text(self) -> str:
        """SQL of the delivered value as trimmed text."""
        value = self.reference if self.is_text else f"cast({self.reference} as varchar)"
        return f"trim({value})"

    @property
    def typed(self) -> str:
        """SQL of the typed value, once it is there."""
        return f"delivered.{self.alias}"

    @property
    def alias(self) -> str:
        """Name of the typed value within the query that types."""
        return f"_typed_{self.position}"


def _is_number(column: ColumnContract) -> bool:
    return column.data_type in NUMBER_TYPES or column.data_type.startswith("decimal")


def _number_text(table: TableContract, column: DeliveredColumn) -> str:
    """Return SQL for a number's text with a decimal point; NULL where it isn't written as declared."""
    if table.decimal == "." and not table.thousands:
        return column.reference  # a cast forgives blanks around
    text = column.text
    point = r"\." if table.decimal == "." else ","
    whole = r"\d+"
    plain = text
    if table.thousands:
        group = {".": r"\.", " ": r"[ \x{00A0}\x{202F}]"}.get(table.thousands, table.thousands)
        whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)"
        plain = f"regexp_replace({text}, {quoted_text(group)}, '', 'g')"
    form = rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    swapped = f"replace({plain}, ',', '.')" if table.decimal == "," else plain
    return f"case when regexp_full_match({text}, {quoted_text(form)}) then {swapped} end"


def _boolean(column: DeliveredColumn) -> str:
    if column.delivered_type == "BOOLEAN":
        return column.reference
    word = f"lower({column.text})"
    is_true, is_false = _is_one_of(word, TRUE_WORDS), _is_one_of(word, FALSE_WORDS)
    return f"case when {is_true} then true when {is_false} then false end"


def _is_one_of(value: str, words: tuple[str, ...]) -> str:
    """Return SQL for a membership; ``in`` with many words would become a join for each use."""
    return f"list_contains([{', '.join(quoted_text(word) for word in words)}], {value})"


def _in_utc(value: str, timezone: str) -> str:
    if timezone == "UTC":
        return value
    return f"timezone('UTC', timezone({quoted_text(timezone)}, {value}))"


def _parsed_by_format(column: DeliveredColumn, date_format: str, timezone: str) -> str:
    text = column.text
    if "%z" in date_format:
        text = f"regexp_replace({text}, '[zZ]$', '+00:00')"  # ISO's name for UTC
    parsed = f"try_strptime({text}, {quoted_text(date_format)})"
    if "%z" in date_format:
        return f"timezone('UTC', {parsed})"
    if column.contract.data_type == "date":
        return parsed
    return _in_utc(parsed, timezone)


def _timestamp(column: DeliveredColumn, timezone: str) -> str:
    """Return SQL of a timestamp in UTC without zone; an offset in the text overrides the zone."""
    value = column.reference
    if column.delivered_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {value})"
    plain = _in_utc(f"try_cast({value} as timestamp)", timezone)
    if not column.is_text:
        return plain
    with_offset = f"timezone('UTC', try_cast({column.text} as timestamptz))"
    # Looking for a character is cheap, the expression is not.
    may_have = " or ".join(f"contains({value}, '{mark}')" for mark in "+Zz")
    may_have = f"({may_have} or contains(substr({value}, 12), '-'))"
    is_offset = f"{may_have} and regexp_matches({value}, {quoted_text(HAS_OFFSET)})"
    return f"case when {is_offset} then {with_offset} else {plain} end"


def _time(column: DeliveredColumn, timezone: str, *, is_excel: bool) -> str:
    kind = column.contract.data_type
    plain = (
        _timestamp(column, timezone)
        if kind == "timestamp"
        else f"try_cast({column.reference} as date)"
    )
    formats = column.contract.date_formats
    if not formats:
        return plain
    tried = [_parsed_by_format(column, each, timezone) for each in formats]
    if is_excel or not column.is_text:
        tried.append(plain)  # a date cell is a date whatever the texts look like
    value = f"coalesce({', '.join(tried)})" if len(tried) > 1 else tried[0]
    return f"try_cast({value} as {kind})"


def _text(column: DeliveredColumn) -> str:
    if column.delivered_type in ("DOUBLE", "FLOAT"):
        # An id that a tool took for a number: 12345.0 is 12345.
        whole = f"cast(cast({column.reference} as bigint) as varchar)"
        is_whole = (
            f"abs({column.reference}) < 1e15 and {column.reference} = floor({column.reference})"
        )
        return f"case when {is_whole} then {whole} else {column.text} end"
    return f"nullif({column.text}, '')"


def _json(column: DeliveredColumn) -> str:
    if column.is_text or column.delivered_type == "JSON":
        return f"case when json_valid({column.text}) then {column.text} end"
    return f"cast(to_json({column.reference}) as varchar)"


def typed_sql(column: DeliveredColumn, table: TableContract) -> str:
    """Return SQL that gives the typed value, NULL where it can't be read; timestamps in UTC."""
    kind = column.contract.data_type
    if column.source is None:
        return f"cast(null as {column.contract.stored_type})"
    if kind == "json":
        return _json(column)
    if kind == "varchar":
        return _text(column)
    if kind == "boolean":
        return _boolean(column)
    if kind in TIME_TYPES:
        return _time(column, table.timezone, is_excel=table.format in ("excel", "auto"))
    if column.is_text and _is_number(column.contract):
        return f"try_cast({_number_text(table, column)} as {kind})"
    return f"try_cast({column.reference} as {kind})"


def _unreadable(column: DeliveredColumn, table: TableContract) -> str:
    """Return SQL that is true where there is a value that the type can't hold."""
    condition = f"{column.typed} is null and {column.text} <> ''"
    kind = column.contract.data_type
    if kind in INTEGER_TYPES and column.delivered_type not in WHOLE_TYPES:
        number = _number_text(table, column) if column.is_text else column.reference
        differs = (
            f"coalesce(try_cast({number} as double) <> try_cast({column.typed} as double), false)"
        )
        if column.is_text:
            marks = " or ".join(
                f"contains({column.reference}, '{mark}')" for mark in f"{table.decimal}eE"
            )
            differs = f"(({marks}) and {differs})"
        # A cast would silently round 12.7 to 13.
        return f"({condition}) or {differs}"
    if kind in ("double", *TIME_TYPES):
        # A database may deliver 'infinity' as a date.
        return f"({condition}) or not isfinite({column.typed})"
    return condition


def problems_of(
    column: DeliveredColumn, table: TableContract, loaded_at: datetime
) -> list[tuple[str, str]]:
    """Return (condition, reason) pairs of SQL for what makes a value of this column unacceptable."""
    contract, value = column.contract, column.typed
    found: list[tuple[str, str]] = []
    if contract.is_required:
        missing = f"{value} is null"
        if contract.data_type != "varchar" and column.source:
            missing = f"{value} is null and coalesce({column.text}, '') = ''"
        found.append((missing, "is missing but required"))
    if column.source is None:
        return found
    if contract.data_type != "varchar":
        formats = " or ".join(contract.date_formats)
        how = f" in the format {formats}" if formats else ""
        found.append((_unreadable(column, table), f"can't be read as {contract.data_type}{how}"))
    elif table.format in ("excel", "auto"):
        is_error = f"starts_with({value}, '#') and {_is_one_of(value, ERROR_WORDS)}"
        found.append((is_error, "is an error value of the spreadsheet"))
    if contract.minimum is not None:
        found.append(
            (f"{value} < {contract.minimum}", f"is below the minimum {contract.minimum:g}")
        )
    if contract.maximum is not None:
        found.append(
            (f"{value} > {contract.maximum}", f"is above the maximum {contract.maximum:g}")
        )
    if not contract.is_future_allowed:
        moment = loaded_at.strftime("%Y-%m-%d %H:%M:%S")
        found.append(
            (
                f"{value} > timestamp '{moment}'",
                f"lies in the future (the file was loaded {moment} UTC)",
            )
        )
    return found
