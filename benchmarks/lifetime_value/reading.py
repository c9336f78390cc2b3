"""Any transaction log as customer, date and amount: what separates, how dates and numbers look.

Guesses are made from the file and said aloud in `notes`; nothing is modelled here.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%m-%Y %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%Y%m%d%H%M%S",
)
ENCODINGS = ("utf-8-sig", "latin-1")
DELIMITERS = ("\t", ";", "|", ",")
SAMPLE_LINES = 50
CURRENCY_SIGNS = "€£$¥"
# Seconds, milliseconds, microseconds, nanoseconds since 1970 by size of the number.
EPOCH_UNITS = (
    (1e11, "seconds", 86_400),
    (1e14, "milliseconds", 86_400 * 10**3),
    (1e17, "microseconds", 86_400 * 10**6),
    (np.inf, "nanoseconds", 86_400 * 10**9),
)
EPOCH = pd.Timestamp("1970-01-01")
EPOCH_SMALLEST = 1e8


class ReadingError(ValueError):
    """The file can't be read as a transaction log; the message says what to change."""


@dataclass
class Transactions:
    """
    A transaction log and what was noticed while reading it.

    Parameters
    ----------
    frame
        `customer_id`, `purchase_date` and, where they can be used, `net_amount`.
    notes
        Sentences.
    """

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)


def read_transactions(
    path: Path,
    customer: str,
    date: str,
    amount: str | None = None,
    currency: str | None = None,
    date_format: str | None = None,
) -> Transactions:
    """
    Read a CSV, Parquet, Excel or blank-separated file.

    Parameters
    ----------
    path
        The file; text may be packed as gz, bz2, xz or zip.
    customer, date, amount, currency
        Column names, or positions from 1 where the file has no header. `amount` may be a product,
        "quantity*price".
    date_format
        As strptime has it; found out when left out.

    Raises
    ------
    ReadingError
        When the file, a column or the dates can't be read.
    """
    if not path.is_file():
        raise ReadingError(f"{path} does not exist.")
    amounts = [] if amount is None else [part.strip() for part in amount.split("*")]
    wanted = [customer, date, *amounts, *([currency] if currency else [])]
    table = _table(path, wanted)
    notes: list[str] = []
    columns = {name: _column(table, name, path) for name in wanted}
    frame = pd.DataFrame({"customer_id": _identifiers(columns[customer])})
    frame["purchase_date"] = _dates(columns[date], date_format, notes)
    if amounts:
        values = np.prod([_numbers(columns[name]) for name in amounts], axis=0)
        frame["net_amount"] = values
        _check_currencies(frame, columns, amounts, currency, notes)
    return Transactions(_complete(frame, notes), notes)


def _table(path: Path, wanted: list[str]) -> pd.DataFrame:
    """Return the file's table, text left as it is."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if suffix in (".xlsx", ".xls", ".xlsb", ".ods"):
            sheets = pd.read_excel(path, sheet_name=None, engine="calamine")
            return pd.concat(sheets.values(), ignore_index=True)
    except (OSError, ValueError) as error:
        raise ReadingError(f"{path} can't be read as {suffix[1:]}: {error}.") from error
    for encoding in ENCODINGS:
        try:
            return _text_table(path, wanted, encoding)
        except UnicodeDecodeError:
            continue
        except (OSError, ValueError, pd.errors.ParserError) as error:
            raise ReadingError(f"{path} can't be read as text: {error}.") from error
    raise ReadingError(f"{path} is neither UTF-8 nor Latin-1 text.")


def _text_table(path: Path, wanted: list[str], encoding: str) -> pd.DataFrame:
    """Return a text file's table by the delimiter that most of its first lines agree on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        head = pd.read_csv(
            path,
            sep="\x01",
            header=None,
            nrows=SAMPLE_LINES,
            dtype=str,
            encoding=encoding,
            quoting=3,
            skip_blank_lines=True,
        )[0].dropna()
    if head.empty:
        raise ReadingError(f"{path} has no lines.")
    counts = {mark: head.str.count(re.escape(mark)) for mark in DELIMITERS}
    usable = {mark: int(count.min()) for mark, count in counts.items() if count.min() > 0}
    separator = max(usable, key=lambda mark: usable[mark]) if usable else r"\s+"
    first = (
        [name.strip().strip('"') for name in re.split(separator, str(head.iloc[0]).strip())]
        if separator == r"\s+"
        else [name.strip().strip('"') for name in str(head.iloc[0]).split(separator)]
    )
    has_header = all(name in first for name in wanted)
    return pd.read_csv(
        path,
        sep=separator,
        header=0 if has_header or not all(name.isdigit() for name in wanted) else None,
        dtype=str,
        encoding=encoding,
        skipinitialspace=True,
        keep_default_na=True,
    )


def _column(table: pd.DataFrame, name: str, path: Path) -> pd.Series[Any]:
    """Return a column by name, whatever blanks and case, or by position from 1."""
    if name in table.columns:
        return table[name]
    alike = [
        column
        for column in table.columns
        if isinstance(column, str) and column.strip().casefold() == name.strip().casefold()
    ]
    if len(alike) == 1:
        return table[alike[0]]
    if name.isdigit() and 1 <= int(name) <= table.shape[1]:
        return table.iloc[:, int(name) - 1]
    raise ReadingError(
        f"{path} has no column {name!r}; it has {', '.join(map(str, table.columns))}."
    )


def _identifiers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return identifiers as text; 13085.0, which a table with gaps makes of 13085, is 13085."""
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna().mod(1).eq(0).all()
        column = column.astype("Int64") if whole else column
    text = column.astype("string").str.strip()
    return text.mask(text.str.lower().isin(["", "nan", "null", "none"]))


def _dates(
    column: pd.Series[Any],
    date_format: str | None,
    notes: list[str],
) -> pd.Series[Any]:
    """Return days; what is no date is missing."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return _days(column)
    text = column.astype("string").str.strip()
    known = text.dropna()
    if date_format is not None:
        parsed = pd.to_datetime(text, format=date_format, errors="coerce")
        if parsed.isna().all() and not known.empty:
            raise ReadingError(
                f"No value of the date column fits {date_format!r}; the first is {known.iloc[0]!r}."
            )
        return _days(parsed)
    sample = known.drop_duplicates()
    sample = sample.sample(min(len(sample), 5_000), random_state=0)
    shares = {
        name: float(pd.to_datetime(sample, format=name, errors="coerce").notna().mean())
        for name in DATE_FORMATS
    }
    best = max(shares, key=lambda name: shares[name]) if shares else ""
    if shares and shares[best] >= 0.9:
        twin = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        if twin in shares and twin != best and shares[twin] == shares[best] and "/" in best:
            notes.append(
                f"The dates fit {best} and {twin} alike; {best} is taken, say --date-format if not."
            )
        return _days(pd.to_datetime(text, format=best, errors="coerce"))
    numbers = pd.to_numeric(text, errors="coerce")
    if numbers.notna().mean() >= 0.9 and float(numbers.abs().median()) >= EPOCH_SMALLEST:
        size = float(numbers.abs().median())
        unit, per_day = next(
            (unit, per_day) for limit, unit, per_day in EPOCH_UNITS if size < limit
        )
        notes.append(f"The dates are numbers; taken as {unit} since 1970.")
        return _days(EPOCH + pd.to_timedelta(np.floor(numbers / per_day), unit="D"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = pd.to_datetime(text, format="mixed", errors="coerce", utc=True)
    if not known.empty and parsed.isna().all():
        raise ReadingError(
            f"No value of the date column is a date; the first is {known.iloc[0]!r}. "
            "Name its layout with --date-format."
        )
    return _days(parsed)


def _days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return days without clock and zone."""
    if getattr(column.dt, "tz", None) is not None:
        column = column.dt.tz_localize(None)
    days: pd.Series[Any] = column.dt.normalize()
    return days


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return amounts: currency signs, (12.00) for -12.00, 1.234,56 and 1,234.56 understood."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    text = column.astype("string").str.strip()
    negative = text.str.match(r"^\(.*\)$") | text.str.endswith("-")
    text = (
        text.str.replace(r"[^0-9,.\-eE+]", "", regex=True)
        .str.strip("-")
        .where(
            ~text.str.lstrip(CURRENCY_SIGNS + " ").str.startswith("-"),
            "-" + text.str.replace(r"[^0-9,.eE+]", "", regex=True),
        )
    )
    if text.isna().all():
        return np.full(len(text), np.nan)
    comma_last = text.str.match(r".*,\d{1,2}$") & ~text.str.match(r".*\.\d{1,2}$")
    if float(comma_last.fillna(False).mean()) > 0.5:
        text = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        text = text.str.replace(",", "", regex=False)
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(negative.fillna(False), -np.abs(values), values)


def _check_currencies(
    frame: pd.DataFrame,
    columns: dict[str, pd.Series[Any]],
    amounts: list[str],
    currency: str | None,
    notes: list[str],
) -> None:
    """Leave the amounts out when they are of several currencies: they can't be added up."""
    found: set[str] = set()
    if currency:
        found = set(columns[currency].dropna().astype(str).str.strip().str.upper())
    for name in () if currency else amounts:
        if not pd.api.types.is_numeric_dtype(columns[name]):
            text = "".join(columns[name].dropna().astype(str).unique()[:10_000])
            found |= {sign for sign in CURRENCY_SIGNS if sign in text}
    if len(found) > 1:
        notes.append(
            f"The amounts are of {len(found)} currencies ({', '.join(sorted(found))}), which can't "
            "be added up; values are left out. Convert them first."
        )
        frame.drop(columns="net_amount", inplace=True)


def _complete(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the rows with customer, date and amount, saying how many were left out."""
    checks = {
        "customer_id": "without customer",
        "purchase_date": "without a readable date",
        "net_amount": "without a readable amount",
    }
    for name, what in checks.items():
        if name in frame.columns:
            bad = frame[name].isna()
            if name == "net_amount":
                bad |= ~np.isfinite(frame[name].astype(np.float64))
            if bad.any():
                notes.append(f"{int(bad.sum()):,} of {len(bad):,} rows {what} are left out.")
                frame = frame[~bad]
    repeated = int(frame.duplicated().sum())
    if repeated:
        notes.append(
            f"{repeated:,} rows repeat another one's customer, day and amount; they are kept: a "
            "day counts once, amounts add up."
        )
    return frame.reset_index(drop=True)
