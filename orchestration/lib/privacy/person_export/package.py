"""The ZIP that a person is handed: JSON and CSV of each table, a description of them, and the page.

Belongs here: files and their form. Does not: what is in them (`collect`, `page`).
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.privacy.person_export.collect import Holding
from orchestration.lib.privacy.person_export.facts import PersonFacts

PAGE = "report.html"
MANIFEST = "manifest.json"


def describe(manifest: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Return the description of each table and of its columns, from the dbt manifest."""
    described: dict[str, tuple[str, Mapping[str, str]]] = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] in ("model", "seed", "source"):
            table = node.get("identifier") or node.get("alias") or node["name"]
            columns = {name: column["description"] for name, column in node["columns"].items()}
            described[f"{node['schema']}.{table}"] = (node["description"], columns)
    return described


def write_package(
    target: Path,
    facts: PersonFacts,
    page: str,
    descriptions: Mapping[str, tuple[str, Mapping[str, str]]],
) -> None:
    """Write the ZIP, readable by its owner only, in one step.

    Raises
    ------
    ConfigurationError
        When it can't be written.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, content in _files(facts, page, descriptions):
                information = zipfile.ZipInfo(name, facts.issued_at.timetuple()[:6])
                information.compress_type = zipfile.ZIP_DEFLATED
                information.external_attr = 0o600 << 16
                archive.writestr(information, content)
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ConfigurationError(
            f"The export can't be written to {target}: {error.strerror}. Choose another --out."
        ) from None


def _files(
    facts: PersonFacts, page: str, descriptions: Mapping[str, tuple[str, Mapping[str, str]]]
) -> Iterator[tuple[str, str]]:
    yield PAGE, page
    yield MANIFEST, _json(_manifest(facts, descriptions))
    for holding in facts.holdings.values():
        yield f"json/{holding.name}.json", _json(holding.records())
        yield f"csv/{holding.name}.csv", _csv(holding)


def _manifest(
    facts: PersonFacts, descriptions: Mapping[str, tuple[str, Mapping[str, str]]]
) -> dict[str, Any]:
    tables = []
    for holding in facts.holdings.values():
        what, columns = descriptions.get(holding.name, ("", {}))
        tables.append(
            {
                "table": holding.name,
                "description": what.strip(),
                "rows": len(holding.rows),
                "columns": [
                    {
                        "name": name,
                        "description": columns.get(name, "").strip(),
                        "data_class": each.data_class
                        if (each := holding.personal.get(name))
                        else "",
                    }
                    for name in holding.columns
                ],
            }
        )
    return {
        "issued_at": facts.issued_at.isoformat(timespec="seconds"),
        "as_of_date": str(facts.as_of),
        "customers": [subject.customer_id for subject in facts.subjects],
        "tables": tables,
    }


def _plain(value: object) -> object:
    """Return what JSON has no type for as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _csv(holding: Holding) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(holding.columns)
    for row in holding.rows:
        writer.writerow(["" if cell is None else cell for cell in row])
    # The mark lets spreadsheets read the accents.
    return "\ufeff" + buffer.getvalue()
