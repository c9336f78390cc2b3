"""Why rows were rejected, in the words of the reader: the ledger keeps one sentence, in English.

Belongs here: which kind of reason a sentence of the ledger is. Does not: the words (`texts/`).
"""

from __future__ import annotations

import re
from typing import Final

from orchestration.lib.audit.words import Words

# The sentences of ingest/values, ingest/merging and the readers; a test keeps both sides together.
KINDS: Final[dict[str, re.Pattern[str]]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "missing": r"is missing but required",
        "unreadable_in_format": r"can't be read as (?P<type>.+?) in the format (?P<format>.+)",
        "unreadable": r"can't be read as (?P<type>.+)",
        "spreadsheet_error": r"is an error value of the spreadsheet",
        "below": r"is below the minimum (?P<bound>.+)",
        "above": r"is above the maximum (?P<bound>.+)",
        "future": r"lies in the future \(the file was loaded (?P<moment>.+) UTC\)",
        "repeats": r"repeats the primary key of an earlier row of the file",
        "conflicts": r"has the primary key of another row of the file, with other values and no "
        r"newer version",
        "too_long": r"the line is longer than (?P<bytes>[\d,]+) bytes",
        "nul": r"the line holds NUL bytes",
        "not_text": r"the line holds bytes that are not UTF-8",
        "open_quote": r"the line opens a quote that is not closed properly",
        "fields": r"the line has (?P<found>\d+) fields where the header has (?P<wanted>\d+)",
        "not_as_many": r"the line has not as many fields as the header",
        "too_short": r"the line is shorter than the place of its last field",
        "no_json": r"the line is not valid JSON",
        "no_object": r"the (?:line|record) is no JSON object",
    }.items()
}


def reason_in_words(reason: str, column_name: str, words: Words) -> str:
    """Return a reason of `raw._rejects` in the language of the page; as it is when it is of no kind."""
    sentence = reason.removeprefix(f"{column_name} ")
    for kind, pattern in KINDS.items():
        found = pattern.fullmatch(sentence)
        if found is None:
            continue
        values = found.groupdict()
        if "type" in values:
            base = values["type"].partition("(")[0]
            values["type"] = words.maybe(f"data_type.{base}", values["type"])
        if "bytes" in values:
            values["bytes"] = words.number(float(values["bytes"].replace(",", "")))
        return words(f"reject_reason.{kind}", **values)
    return sentence
