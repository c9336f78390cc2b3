"""Tombstones: keyed hashes of what erased people were known by, so that old files don't bring them back.

Belongs here: the file ``privacy/tombstones.jsonl``, its hashes, and which rows of a relation they match.
Does not: what the load does with such rows (`ingest.refusals`), erasing (`erasure`).

A tombstone keeps nothing readable: without the key ``erasure`` nobody can tell whose it is, nor try
e-mail addresses against it.
"""

from __future__ import annotations

import gzip
import hmac
import json
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.ingest.values import DeliveredColumn, typed_sql
from orchestration.lib.keys import load_key
from orchestration.lib.privacy.identifier_forms import GIVEN_KINDS, STRONG_KINDS, form_sql
from orchestration.lib.privacy.raw_rows import group_key_sql, record_expressions, row_key_sql
from orchestration.lib.privacy.targets import RECORD, Targets
from orchestration.lib.private_files import replace_file
from orchestration.lib.sql_text import quoted_name

HEXADECIMALS = 32
# What may stand around an identifier in a line that no reader understood.
TOKENS = re.compile(r"[\s,;|\"'<>(){}\[\]=]+")
NUMBERS = re.compile(r"\+?\d[\d .-]{6,}\d")


@dataclass(frozen=True)
class Tombstone:
    """One keyed hash: of a kind, since when (UTC), from which request."""

    kind: str
    mac: str
    erased_at: str
    request_id: str


def load_erasure_key(home: Path) -> bytes:
    """Return the key ``erasure``: ``CADENCIA_ERASURE_KEY``, else generated once into ``keys/erasure.key``."""
    return load_key("erasure", os.environ.get("CADENCIA_ERASURE_KEY", ""), home / "keys")


def tombstones_file(home: Path) -> Path:
    """Return the path of the tombstones."""
    return home / "privacy" / "tombstones.jsonl"


def mac_of(key: bytes, kind: str, value: str) -> str:
    """Return the keyed hash of a value: 128 bits of HMAC-SHA256."""
    return hmac.new(key, f"{kind}\0{value}".encode(), sha256).hexdigest()[:HEXADECIMALS]


def read_tombstones(home: Path) -> list[Tombstone]:
    """Return all tombstones.

    Raises
    ------
    ConfigurationError
        When the file is damaged, or the key that made it is gone: people would come back unseen.
    """
    path = tombstones_file(home)
    if not path.exists():
        return []
    try:
        found = [Tombstone(**json.loads(line)) for line in path.read_text().splitlines() if line]
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"{path} can't be read, so erased people could come back with old files. Put it back from "
            "a backup; nothing is loaded until then."
        ) from None
    is_kept = os.environ.get("CADENCIA_ERASURE_KEY") or (home / "keys" / "erasure.key").exists()
    if found and not is_kept:
        raise ConfigurationError(
            f"The key of {path} is gone (keys/erasure.key), so nobody who was erased would be "
            "recognised. Put it back from a backup; nothing is loaded until then."
        )
    return found


def add_tombstones(
    home: Path, targets: Targets, erased_at: datetime, request_id: str
) -> list[Tombstone]:
    """Write the tombstones of a request, durably; those of the request that are there stay as they are."""
    key = load_erasure_key(home)
    kept = read_tombstones(home)
    known = {(each.kind, each.mac) for each in kept if each.request_id == request_id}
    moment = erased_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    new = [
        Tombstone(kind, mac, moment, request_id)
        for kind, values in sorted(targets.values.items())
        for value in sorted(values)
        if (kind, mac := mac_of(key, kind, value)) not in known
    ]
    lines = [json.dumps(asdict(each), sort_keys=True) + "\n" for each in [*kept, *new]]
    replace_file(tombstones_file(home), "".join(lines).encode())
    return new


@dataclass(frozen=True)
class _Part:
    number: int
    kind: str
    value: str
    is_given: bool


@dataclass(frozen=True)
class Recogniser:
    """Tells which rows of a relation are of erased people; without tombstones it costs nothing."""

    key: bytes
    tombstones: tuple[Tombstone, ...]

    @classmethod
    def of(cls, home: Path) -> Recogniser | None:
        """Return the recogniser of a deployment; None when nobody was ever erased."""
        found = read_tombstones(home)
        return cls(load_erasure_key(home), tuple(found)) if found else None

    def find(
        self, connection: duckdb.DuckDBPyConnection, table: TableContract, relation: str
    ) -> tuple[int, int]:
        """Make the temporary table ``_erased_rows`` (row_id, is_later) of a relation.

        The relation has the contract's columns. ``is_later``: the row's own registration (for a number
        that a system gave out) or event (for what a person brings along) is later than the erasure, so
        it is somebody who came anew. Returns how many rows are refused and how many came anew.
        """
        connection.execute(
            "create or replace temp table _erased_rows (row_id bigint, is_later boolean)"
        )
        parts = [
            part for each in _parts(table) if (part := self._matched(connection, relation, each))
        ]
        if not parts:
            return 0, 0
        connection.execute(
            f"""insert into _erased_rows
            select row_id, bool_and(is_later) from (
                select row_id,
                    coalesce(case when is_given then registered_at > erased_at
                        else coalesce(registered_at, happened_at) > erased_at end, false) as is_later
                from ({" union all ".join(parts)})
                inner join ({_times(connection, table, relation)}) using (row_id)
            ) group by row_id"""
        )
        ((refused, anew),) = connection.execute(
            """select count(*) filter (not is_later), count(*) filter (is_later)
            from _erased_rows"""
        ).fetchall()
        return refused, anew

    def _matched(
        self, connection: duckdb.DuckDBPyConnection, relation: str, part: _Part
    ) -> str | None:
        """Return a query of the rows whose value has a tombstone; None when no value has one.

        Hashes are computed of distinct values, so a card with a thousand tickets costs one.
        """
        stones = [each for each in self.tombstones if each.kind == part.kind]
        if not stones:
            return None
        frame = pa.table(  # noqa: F841 - DuckDB finds it by name
            {
                "mac": pa.array([each.mac for each in stones]),
                "erased_at": pa.array([each.erased_at for each in stones]),
            }
        )
        name = f"_matched_{part.number}"
        connection.execute(
            f"create or replace temp table {name} as select distinct {part.value} as value "
            f"from {relation} as delivered where {part.value} is not null"
        )
        values = [row[0] for row in connection.execute(f"select value from {name}").fetchall()]
        hashed = pa.table(  # noqa: F841 - DuckDB finds it by name
            {
                "value": pa.array(values, pa.string()),
                "mac": pa.array(
                    [mac_of(self.key, part.kind, each) for each in values], pa.string()
                ),
            }
        )
        connection.execute(
            f"""create or replace temp table {name} as
            select hashed.value, max(cast(frame.erased_at as timestamp)) as erased_at
            from hashed inner join frame using (mac) group by all"""
        )
        ((count,),) = connection.execute(f"select count(*) from {name}").fetchall()
        if not count:
            return None
        return f"""select delivered.rowid as row_id, found.erased_at, {part.is_given} as is_given
            from {relation} as delivered inner join {name} as found on found.value = {part.value}"""

    def known_in(self, text: str) -> list[tuple[str, str]]:
        """Return the identifiers (kind, as written) of erased people that stand in a text."""
        tokens = {each for each in TOKENS.split(text) if len(each) > 3}
        tokens |= {match[0] for match in NUMBERS.finditer(text)}
        known = {(each.kind, each.mac) for each in self.tombstones}
        found = []
        with duckdb.connect() as connection:
            for kind in sorted({each for each, _ in known} & set(STRONG_KINDS)):
                forms = connection.execute(
                    f"select token, {form_sql(kind, 'token')} from (select unnest(?) as token)",
                    [sorted(tokens)],
                ).fetchall()
                found += [
                    (kind, token)
                    for token, form in forms
                    if form and (kind, mac_of(self.key, kind, form)) in known
                ]
        return found

    def tokens_in(self, path: Path) -> list[tuple[str, str]]:
        """Return the identifiers of erased people that stand in a text file, packed or not."""
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                contents = [archive.read(name) for name in archive.namelist()]
        elif path.read_bytes()[:2] == b"\x1f\x8b":
            contents = [gzip.decompress(path.read_bytes())]
        else:
            contents = [path.read_bytes()]
        texts = [each for each in contents if b"\0" not in each[:8192]]
        found = {pair for each in texts for pair in self.known_in(each.decode("utf-8", "replace"))}
        return sorted(found)


def _parts(table: TableContract) -> Sequence[_Part]:
    """Return what a row may be recognised by: SQL of a text, its kind, whether a system gave it out."""
    text = {column.name: f"cast({quoted_name(column.name)} as varchar)" for column in table.columns}
    found: list[tuple[str, str, bool]] = [
        (RECORD, f"({each})", True) for each in record_expressions(table)
    ]
    found += [
        (kind, form_sql(kind, text[column.name]), kind in GIVEN_KINDS)
        for column in table.columns
        if (kind := column.identifier_kind or "") in STRONG_KINDS
    ]
    for kind, key in (("group", group_key_sql(table)), ("row", row_key_sql(table))):
        if key:
            found.append((f"{kind}:{table.identifier}", key, True))
    return [_Part(number, *each) for number, each in enumerate(found)]


def _times(connection: duckdb.DuckDBPyConnection, table: TableContract, relation: str) -> str:
    """Return a query of each row's own times; rows of one group share the group's latest."""
    probe = connection.sql(f"select * from {relation} limit 0")
    types = dict(zip(probe.columns, map(str, probe.types), strict=True))
    group = group_key_sql(table, "delivered.")
    over = f" over (partition by {group})" if group else ""
    columns = []
    for alias, name in (("registered_at", table.registered_at), ("happened_at", table.event_time)):
        moment = "cast(null as timestamp)"
        if name:
            # a file's text is read as the load reads it
            delivered = DeliveredColumn(table.column(name), name, types[name], 0)
            is_typed = types[name] != "VARCHAR"
            value = f"delivered.{quoted_name(name)}" if is_typed else typed_sql(delivered, table)
            moment = f"try_cast({value} as timestamp)"
        columns.append(f"{f'max({moment}){over}' if over else moment} as {alias}")
    return f"select delivered.rowid as row_id, {', '.join(columns)} from {relation} as delivered"
