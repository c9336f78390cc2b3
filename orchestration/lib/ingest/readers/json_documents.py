"""JSON documents and NDJSON: one row per record, or per element of a list in each record.

Belongs here: records and paths of JSON. Does not: nested columns of Parquet (`parquet`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.headers import normal_name
from orchestration.lib.ingest.paths import Shape, flatten
from orchestration.lib.ingest.readers.text_lines import LINES, stage_lines
from orchestration.lib.ingest.staging import DELIVERED, STRUCTURAL, Source, Staged, reset_staging
from orchestration.lib.ingest.text import as_utf8
from orchestration.lib.sql_text import quoted_name, quoted_text

RECORDS = "_records"
SAMPLE_RECORDS = 300


@dataclass(frozen=True)
class WantedPath:
    """A path to read: as it is delivered, and whether it lies in the exploded element."""

    name: str
    is_json: bool
    is_element: bool


def _refused(source: Source, what: str, remedy: str = "Deliver it again.") -> InputError:
    table = source.table
    return InputError(f"{table.system}.{table.name}: the file {source.shown} {what}. {remedy}")


def _json_path(dotted: str) -> str:
    return "$" + "".join('."' + part.replace('"', "") + '"' for part in dotted.split("."))


def _records_of_lines(source: Source) -> None:
    """Make ``_records`` of NDJSON; lines that are no JSON object are broken records."""
    connection = source.connection
    stage_lines(source, skip=0)
    connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, _raw_line, '(line)',
            case when json_valid(_raw_line) then 'the line is no JSON object'
                else 'the line is not valid JSON' end
        from {LINES}
        where trim(_raw_line) <> ''
            and case when json_valid(_raw_line) then json_type(_raw_line) <> 'OBJECT' else true end"""
    )
    connection.execute(
        f"""create or replace temp view {RECORDS} as
        select _row_number, _raw_line as document from {LINES}
        where trim(_raw_line) <> ''
            and _row_number not in (select _row_number from {STRUCTURAL})"""
    )


def _records_of_document(source: Source) -> None:
    """Make ``_records`` of a JSON document: the list at ``records``, or the document itself."""
    connection, table = source.connection, source.table
    text = as_utf8(source)
    file = quoted_text(str(text.path))
    try:
        ((is_valid, kind),) = connection.execute(
            f"""select json_valid(content),
                case when json_valid(content) then json_type(content, {_wanted_list(source)}) end
            from (select ltrim(content, chr(65279)) as content from read_text({file}))"""
        ).fetchall()
    except duckdb.Error:
        raise _refused(source, "is no UTF-8 text that could be JSON") from None
    if not is_valid:
        raise _refused(source, "is not valid JSON, or is cut off")
    if kind is None or kind not in ("ARRAY", "OBJECT"):
        at = f" at '{table.records}'" if table.records else ""
        raise _refused(
            source, f"has no list of records{at}", "Correct the export, or records in the contract."
        )
    extracted = f"json_extract(content, {_wanted_list(source)})"
    elements = f"json_extract({extracted}, '$[*]')" if kind == "ARRAY" else f"[{extracted}]"
    connection.execute(
        f"""create or replace temp table {LINES} as
        select row_number() over () as _row_number, cast(document as varchar) as _raw_line
        from (
            select unnest({elements}) as document
            from (select ltrim(content, chr(65279)) as content from read_text({file}))
        )"""
    )
    connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, _raw_line, '(line)', 'the record is no JSON object'
        from {LINES} where json_type(_raw_line) <> 'OBJECT'"""
    )
    connection.execute(
        f"""create or replace temp view {RECORDS} as
        select _row_number, _raw_line as document from {LINES}
        where json_type(_raw_line) = 'OBJECT'"""
    )


def _wanted_list(source: Source) -> str:
    return quoted_text(_json_path(source.table.records) if source.table.records else "$")


def _sample(source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """Return the paths of some records, and of their exploded elements, by their normal name."""
    rows = source.connection.execute(
        f"select document from {RECORDS} limit {SAMPLE_RECORDS}"
    ).fetchall()
    parents: dict[str, str] = {}
    elements: dict[str, str] = {}
    explode = source.table.explode
    for (document,) in rows:
        try:
            flat = flatten(json.loads(document))
        except (ValueError, RecursionError):
            continue  # DuckDB reads some documents that Python doesn't
        parents.update({normal_name(path): path for path in flat})
        items = flat.get(explode) if explode else None
        for item in items[:20] if isinstance(items, list) else ():
            if isinstance(item, dict):
                elements.update({normal_name(path): path for path in flatten(item)})
    return parents, elements


def _exists_anywhere(source: Source, path: WantedPath) -> bool:
    """Whether any record has the path: the sample may have missed a rare one."""
    explode = source.table.explode
    inside = _json_path(path.name.removeprefix(f"{explode}.") if path.is_element else path.name)
    wanted = f"{_json_path(explode or '')}[*]{inside[1:]}" if path.is_element else inside
    test = (
        f"len(json_extract(document, {quoted_text(wanted)})) > 0"
        if path.is_element
        else f"json_exists(document, {quoted_text(wanted)})"
    )
    return bool(
        source.connection.execute(f"select 1 from {RECORDS} where {test} limit 1").fetchall()
    )


def _wanted_paths(source: Source) -> tuple[list[WantedPath], list[str]]:
    """Return the declared paths that the file has, and the names of what nobody declared."""
    parents, elements = _sample(source)
    explode = source.table.explode
    wanted: list[WantedPath] = []
    for column in source.table.columns:
        is_json = column.data_type == "json"
        for accepted in column.accepted_names:
            is_element = bool(explode) and accepted.startswith(f"{explode}.")
            inside = accepted.removeprefix(f"{explode}.") if is_element else accepted
            actual = (elements if is_element else parents).get(normal_name(inside))
            name = f"{explode}.{actual or inside}" if is_element else (actual or accepted)
            path = WantedPath(name, is_json, is_element)
            if actual is not None or _exists_anywhere(source, path):
                wanted.append(path)
                break
    used = [path.name for path in wanted]
    tops = [path for path in parents.values() if "." not in path]
    left = [
        top
        for top in tops
        if top != explode and not any(name == top or name.startswith(f"{top}.") for name in used)
    ]
    return wanted, left


def _select(paths: Sequence[WantedPath], explode: str | None) -> str:
    def expression(path: WantedPath) -> str:
        names = path.name.removeprefix(f"{explode}.") if path.is_element else path.name
        root = "element" if path.is_element else "record"
        return ".".join([root, *(quoted_name(part) for part in names.split("."))])

    return "".join(f"{expression(path)} as {quoted_name(path.name)}, " for path in paths)


def _stage_elements(source: Source, paths: Sequence[WantedPath], structure: str) -> None:
    """Make ``_delivered`` with a row per element; a record without a list there is broken."""
    explode = source.table.explode or ""
    at = quoted_text(_json_path(explode))
    source.connection.execute(
        f"""insert into {STRUCTURAL}
        select _row_number, document, '(line)', {quoted_text(f"'{explode}' is no list")}
        from {RECORDS} where coalesce(json_type(document, {at}), 'NULL') not in ('ARRAY', 'NULL')"""
    )
    list_sql = ".".join(["record", *(quoted_name(part) for part in explode.split("."))])
    source.connection.execute(
        f"""create temp view {DELIVERED} as
        select {_select(paths, explode)}
            row_number() over () + (select coalesce(max(_row_number), 0) from {STRUCTURAL})
                as _row_number,
            document as _raw_line
        from (
            select record, document, unnest({list_sql}) as element
            from (
                select json_transform(document, {structure}) as record, document from {RECORDS}
            )
        )"""
    )


def _structure(source: Source, paths: Sequence[WantedPath]) -> str:
    shape = Shape()
    explode = source.table.explode
    depth = len(explode.split(".")) if explode else None
    for path in paths:
        shape.add(
            path.name.split("."),
            is_json=path.is_json,
            list_at=depth if path.is_element else None,
        )
    if explode and not any(path.is_element for path in paths):
        shape.add(explode.split("."), is_json=True, list_at=depth)
    structure = shape.structure() if paths else {"_nothing": "VARCHAR"}
    return quoted_text(json.dumps(structure, ensure_ascii=False))


def stage_json(source: Source) -> Staged:
    """Make ``_delivered`` from JSON: dotted paths are columns of that name.

    Raises
    ------
    InputError
        When a document is no JSON or has no records where they are declared.
    """
    reset_staging(source.connection)
    if source.format == "ndjson":
        _records_of_lines(source)
    else:
        _records_of_document(source)
    paths, undeclared = _wanted_paths(source)
    structure = _structure(source, paths)
    if source.table.explode:
        _stage_elements(source, paths, structure)
    else:
        source.connection.execute(
            f"""create temp view {DELIVERED} as
            select {_select(paths, None)}_row_number, document as _raw_line
            from (
                select json_transform(document, {structure}) as record, document, _row_number
                from {RECORDS}
            )"""
        )
    names = [path.name for path in paths]
    return Staged((*names, *undeclared))
