"""Reasons of rejects in the language of the page: every sentence of the loader has its words."""

from __future__ import annotations

import ast
from datetime import datetime
from pathlib import Path

import pytest

from orchestration.lib.audit.reasons import KINDS, reason_in_words
from orchestration.lib.audit.words import Words
from orchestration.lib.contract import ColumnContract
from orchestration.lib.ingest import readers
from orchestration.lib.ingest.merging import KEY_REASONS
from orchestration.lib.ingest.values import DeliveredColumn, problems_of
from tests.unit.ingest.conftest import column, contract

SPANISH, ENGLISH = Words("es", "EUR"), Words("en", "EUR")
READERS = Path(readers.__path__[0])


def reasons_of_values() -> set[str]:
    """Return what the loader says of values of every type with every rule."""
    found = set()
    for kind in ("varchar", "json", "bigint", "integer", "double", "boolean", "decimal(18,4)"):
        found |= said(column("x", kind, is_required=True, minimum=0, maximum=9.5))
    for kind in ("date", "timestamp"):
        found |= said(column("x", kind, is_future_allowed=False))
        found |= said(column("x", kind, date_format=("%d/%m/%Y", "%Y-%m-%d")))
    return found


def said(declared: ColumnContract) -> set[str]:
    table = contract(declared, location="x.xlsx", format="excel")
    delivered = DeliveredColumn(declared, "x", "VARCHAR", 0)
    return {reason for _, reason in problems_of(delivered, table, datetime(2026, 1, 2, 3, 4, 5))}


def sentences_of_readers() -> set[str]:
    """Return the sentences about a line in the readers' code, its values as the digit 7."""
    found = set()
    for path in READERS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "7"
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            # in SQL they stand between single quotes; the parts of a longer one end in a blank
            for sentence in [text, *text.split("'")]:
                if (
                    sentence.startswith(("the line ", "the record "))
                    and sentence == sentence.strip()
                ):
                    found.add(sentence)
    return found


def test_every_sentence_of_the_loader_has_words_in_spanish() -> None:
    lines = sentences_of_readers()
    assert len(lines) >= 8
    told = reasons_of_values() | set(KEY_REASONS.values()) | lines
    assert {reason for reason in told if reason_in_words(reason, "x", SPANISH) == reason} == set()
    kinds = {
        kind for kind, pattern in KINDS.items() for reason in told if pattern.fullmatch(reason)
    }
    assert kinds == set(KINDS)


@pytest.mark.parametrize(
    ("reason", "column_name", "spanish", "english"),
    [
        (
            "sold_on can't be read as date in the format %d/%m/%Y",
            "sold_on",
            "no se puede leer como fecha con el formato %d/%m/%Y",
            "can't be read as a date in the format %d/%m/%Y",
        ),
        (
            "price can't be read as decimal(18,4)",
            "price",
            "no se puede leer como número decimal",
            "can't be read as a decimal number",
        ),
        (
            "the line is longer than 2,000,000 bytes",
            "(line)",
            "la línea tiene más de 2.000.000 bytes",
            "the line is longer than 2,000,000 bytes",
        ),
        ("a reason of a later version", "(line)") + ("a reason of a later version",) * 2,
    ],
)
def test_reasons_with_values(reason: str, column_name: str, spanish: str, english: str) -> None:
    assert reason_in_words(reason, column_name, SPANISH) == spanish
    assert reason_in_words(reason, column_name, ENGLISH) == english
