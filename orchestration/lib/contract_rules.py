"""Rules of the ingestion contract that a JSON Schema can't say: references between its parts.

Belongs here: finding what is inconsistent, with its path. Does not: reading the file (`contract`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import available_timezones

Problem = tuple[list[str | int], str]
META = ("config", "meta", "cadencia")
CUSTOMARY_FORMATS = {"database": "database", "rest": "rest"}
IDENTIFYING_CLASSES = ("direct_identifier", "customer_key")
JSON_FORMATS = frozenset({"auto", "json", "ndjson", "rest"})


def meta_of(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in ``config.meta.cadencia`` of a part of the contract."""
    meta: dict[str, Any] = block["config"]["meta"]["cadencia"]
    return meta


def as_tuple(value: str | list[str] | None) -> tuple[str, ...]:
    """Return a value that may be one name or a list of names as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _references(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    meta = meta_of(table)
    names = {column["name"] for column in table["columns"]}
    for key in ("primary_key", "version_by", "event_time", "cursor", "grouped_by", "registered_at"):
        for name in as_tuple(meta.get(key)):
            if name not in names:
                yield key, f"{key} names '{name}', which is not a declared column"


def _where_it_lies(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    scheme, _, rest = meta["location"].partition("://")
    if scheme in ("landing", "package") and (rest.startswith("/") or ".." in rest.split("/")):
        yield "location", "a location may not leave its folder: take the '/' or '..' out"
    wanted = CUSTOMARY_FORMATS.get(scheme)
    if wanted and meta["format"] != wanted:
        yield "format", f"a {scheme}:// location is read by format '{wanted}'"
    if not wanted and meta["format"] in CUSTOMARY_FORMATS:
        yield "location", f"format '{meta['format']}' wants a {meta['format']}:// location"


def _how_it_is_read(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    meta = meta_of(table)
    if meta.get("thousands") and meta["thousands"] == meta.get("decimal", "."):
        yield "thousands", "thousands and decimal are the same character"
    if "explode" in meta and meta["format"] not in JSON_FORMATS:
        yield "explode", "explode is for json, ndjson and rest"
    if meta["format"] == "fixed_width":
        bare = [column["name"] for column in table["columns"] if "position" not in meta_of(column)]
        if bare:
            yield "format", f"fixed_width wants a position for every column; '{bare[0]}' has none"


def _how_it_merges(meta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    delivery = meta.get("delivery", "snapshot")
    if delivery == "upsert" and "primary_key" not in meta:
        yield "delivery", "upsert replaces rows by key: declare a primary_key"
    if "version_by" in meta and delivery != "upsert":
        yield "version_by", "version_by decides between rows of a key: it wants delivery: upsert"
    if "cursor" in meta and meta["format"] not in CUSTOMARY_FORMATS:
        yield "cursor", "cursor is for databases and REST"
    if "cursor" in meta and meta["format"] == "rest" and "cursor_param" not in meta.get("rest", {}):
        yield (
            "cursor",
            "a REST service is told the cursor by a parameter: declare rest.cursor_param",
        )
    if "rest" in meta and meta["format"] != "rest":
        yield "rest", "the key rest is for format: rest"
    if "cursor" in meta and delivery == "snapshot":
        yield "cursor", "an incremental extract is no snapshot: declare delivery: upsert or append"


def _who_it_points_at(column: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Erasure, export and the search for leaks find a person by the kinds of the columns."""
    meta = meta_of(column)
    is_identifying = meta["data_class"] in IDENTIFYING_CLASSES
    if is_identifying and "identifier_kind" not in meta:
        yield (
            "data_class",
            f"the column '{column['name']}' is a {meta['data_class']}, so it wants an "
            "identifier_kind beside its data_class, e.g. identifier_kind: email (docs/privacy.md "
            "lists the kinds)",
        )
    if not is_identifying and "identifier_kind" in meta:
        yield (
            "identifier_kind",
            f"the column '{column['name']}' has an identifier_kind, which is for the data_class "
            f"direct_identifier or customer_key, not for {meta['data_class']}",
        )


def _known_zone(block: Mapping[str, Any], path: list[str | int]) -> Iterator[Problem]:
    zone = meta_of(block).get("timezone", "UTC")
    if zone not in available_timezones():
        sentence = f"'{zone}' is no time zone of the IANA list, e.g. Europe/Madrid"
        yield [*path, *META, "timezone"], sentence


def semantic_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield (path, sentence) for every inconsistency of a contract that obeys the schema."""
    for source_index, source in enumerate(document["sources"]):
        yield from _known_zone(source, ["sources", source_index])
        for table_index, table in enumerate(source["tables"]):
            path: list[str | int] = ["sources", source_index, "tables", table_index]
            names = [column["name"] for column in table["columns"]]
            expected = f"{source['name']}__{table['name']}"
            if table["identifier"] != expected:
                yield [*path, "identifier"], f"identifier must be '{expected}'"
            duplicated = sorted({name for name in names if names.count(name) > 1})
            if duplicated:
                yield [*path, "columns"], f"column '{duplicated[0]}' is declared twice"
            yield from _known_zone(table, path)
            meta = meta_of(table)
            for key, sentence in (
                *_references(table),
                *_where_it_lies(meta),
                *_how_it_is_read(table),
                *_how_it_merges(meta),
            ):
                yield [*path, *META, key], sentence
            for position, column in enumerate(table["columns"]):
                for key, sentence in _who_it_points_at(column):
                    yield [*path, "columns", position, *META, key], sentence
