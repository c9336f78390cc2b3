"""Planted against detected: which faults of the simulated market the warehouse finds, kind by kind.

Belongs here: the comparison with the truth, printed. Does not: deciding anything; the truth never
reaches the product.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.planted_file_faults import FILE_KINDS, measure_file_fault
from ml.identity.normalise import normalise_customer_records
from ml.identity.normalise.text import fold
from orchestration.lib.connection import open_published
from orchestration.lib.customer_records import read_reference

Flags = NDArray[np.bool_]

# Canonical fields by the names that systems give them; the first that holds the delivered value counts.
NAME_COLUMNS: Final = ("full_name", "given_name", "surnames", "surname_1", "surname_2")
RECORD_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "email": ("email",),
    "phone": ("mobile_phone", "phone"),
    "national_id": ("national_id",),
    "postal_code": ("postal_code",),
    "address": ("street",),
    "birth_date": ("birth_date",),
    "name": NAME_COLUMNS,
}
FIELD_OF_KIND: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "typo",
            "missing_accents",
            "upper_case",
            "missing_surname_2",
            "swapped_surnames",
            "nickname",
            "names_in_one_field",
            "mojibake",
        ),
        "name",
    ),
    **dict.fromkeys(
        ("shared_email", "invalid_email", "placeholder_email", "email_case", "gmail_dots"), "email"
    ),
    **dict.fromkeys(
        ("phone_format", "shared_phone", "invalid_phone", "placeholder_phone"), "phone"
    ),
    **dict.fromkeys(
        ("national_id_format", "national_id_wrong_letter", "national_id_missing_zero"),
        "national_id",
    ),
    "postal_leading_zero": "postal_code",
    "address_abbreviation": "address",
    "moved_address": "address",
    "date_day_month": "birth_date",
    "impossible_date": "birth_date",
}
# What the normaliser makes of a field, to compare a faulty record with its faultless twin.
COMPARED: Final[dict[str, tuple[str, ...]]] = {
    "email": ("email_key",),
    "phone": ("mobile_phone", "phone"),
    "national_id": ("national_id",),
    "postal_code": ("postal_code",),
    "address": ("street_type", "street_name", "street_number", "floor", "door"),
    "birth_date": ("birth_date",),
    "name": ("given_name_root", "surname_1", "surname_2"),
}
# Issue codes by which a fault is told; faults without one are mended or seen across records.
CODES: Final[dict[str, tuple[str, ...]]] = {
    "invalid_email": ("invalid_email", "mended", "domain_typo"),
    "placeholder_email": ("placeholder_email",),
    "invalid_phone": ("invalid_phone",),
    "placeholder_phone": ("placeholder_phone",),
    "national_id_wrong_letter": ("wrong_letter",),
    "national_id_missing_zero": ("zeros_restored",),
    "postal_leading_zero": ("zero_restored",),
    "date_day_month": ("day_month_swapped",),
    "impossible_date": ("impossible_date",),
    "mojibake": ("mojibake",),
    "names_in_one_field": ("names_in_one_field",),
    "missing_surname_2": ("missing_surname_2",),
}
ISSUE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "phone": ("mobile_phone_issue", "phone_issue"),
    **{
        name: (f"{name}_issue",)
        for name in ("email", "national_id", "postal_code", "address", "birth_date", "name")
    },
}
# Seen only by comparing records: the same value at several customers, or several at one customer.
ACROSS_RECORDS: Final = ("shared_email", "shared_phone", "moved_address", "swapped_surnames")
# One record can't tell: another letter, or another possible day, is as good as the true one. No recall
# is claimed; what other records of the customer, or a lucky mending, show is counted as found.
UNDECIDABLE: Final = ("typo", "date_day_month")
# Names are compared without accents, so that a missing one hides nobody.
COMPARED_FOLDED: Final = ("missing_accents",)


@dataclass(frozen=True)
class Measured:
    """What became of one kind of fault.

    ``held`` are the planted ones that the newest delivery of the record still has; false positives
    are records with one of the kind's codes without the kind planted, None without a code.
    """

    kind: str
    planted: int
    held: int
    found: int
    false_positives: int | None
    how: str

    @property
    def recall(self) -> float | None:
        """Found as a share of those held; None where one record can't tell."""
        return self.found / self.held if self.held and self.kind not in UNDECIDABLE else None

    @property
    def precision(self) -> float | None:
        """Found as a share of those that were told of, None where false positives aren't counted."""
        if self.false_positives is None or not self.found + self.false_positives:
            return None
        return self.found / (self.found + self.false_positives)


def read_records(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the customer records as normalised, with the customer each belongs to."""
    return connection.execute(
        """select records.*, identities.customer_id
        from identity.customer_records as records
        left join marts.customer_identities as identities
            on identities.source_system = records.source_system
            and identities.source_customer_id = records.source_customer_id
            and identities.valid_to is null
        order by records.source_system, records.source_customer_id"""
    ).df()


def read_planted(truth: Path) -> pd.DataFrame:
    """Return every planted fault of a customer record once, however many deliveries repeat it."""
    planted = pd.read_parquet(truth / "planted_faults.parquet")
    for name in ("source_system", "source_table", "source_file", "field", "fault_kind"):
        planted[name] = planted[name].astype(str)
    return planted


def plain(values: pd.Series[str]) -> pd.Series[str]:
    """Return texts as staging hands them on: without surrounding blanks and apostrophes."""
    return values.astype("string").str.strip().str.lstrip("'").str.strip()


def source_ids(planted: pd.DataFrame) -> pd.Series[str]:
    """Return the customer's key in its source; missing where only the value can tell the record."""
    keys = planted["record_key"].astype("string")
    is_keyed = planted["source_system"].isin(["erp", "ecommerce", "mailing"]) | (
        (planted["source_system"] == "dms") & (planted["source_table"] == "customers")
    )
    leads = (planted["source_system"] == "dms") & (planted["source_table"] == "leads")
    return keys.where(is_keyed, ("lead:" + keys).where(leads))


def held_faults(planted: pd.DataFrame, records: pd.DataFrame, field: str) -> pd.DataFrame:
    """Return the planted faults that a record still has: its row, and the raw column that holds it."""
    faults = planted.assign(
        source_customer_id=source_ids(planted), delivered=plain(planted["delivered_value"])
    )
    found = []
    for column in RECORD_COLUMNS[field]:
        raw = records[f"{column}_raw"]
        if column == "birth_date":
            unread = records["birth_date_text_raw"]
            raw = pd.to_datetime(raw).dt.strftime("%d/%m/%Y").where(unread.isna(), unread)
        held = pd.DataFrame(
            {
                "source_system": records["source_system"],
                "record_customer_id": records["source_customer_id"],
                "delivered": plain(raw),
                "record": np.arange(len(records)),
                "column": column,
            }
        ).dropna(subset=["delivered"])
        both = faults.merge(held, on=["source_system", "delivered"])
        is_same = both["source_customer_id"].isna() | (
            both["source_customer_id"] == both["record_customer_id"]
        )
        found.append(both[is_same])
        if column == "surname_2":
            found.append(_left_out(faults, records))
    merged = pd.concat(found, ignore_index=True)
    return merged.drop_duplicates(["source_system", "record", "fault_kind"])


def _left_out(faults: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Return the faults that left the field of the second surname empty, of records where it still is."""
    empty = faults[(faults["field"] == "surname_2") & faults["delivered"].isna()]
    still = records["surname_2_raw"].isna() & records["surname_1_raw"].notna()
    held = pd.DataFrame(
        {
            "source_system": records["source_system"],
            "source_customer_id": records["source_customer_id"].astype("string"),
            "record": np.arange(len(records)),
            "column": "surname_2",
        }
    )[still]
    return empty.merge(held, on=["source_system", "source_customer_id"])


def with_truth(inputs: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Return each held fault's record as it would have been delivered without the fault."""
    twins = inputs.iloc[held["record"].to_numpy()].reset_index(drop=True)
    for column, rows in held.reset_index(drop=True).groupby("column"):
        true_values: pd.Series[str] = plain(rows["true_value"])
        if column == "birth_date":
            dates = pd.to_datetime(true_values, format="%d/%m/%Y", errors="coerce")
            twins[str(column)] = twins[str(column)].astype("datetime64[us]")
            twins.loc[rows.index, str(column)] = dates.to_numpy()
            twins.loc[rows.index, "birth_date_text"] = None
        else:
            twins.loc[rows.index, str(column)] = true_values.astype(object).to_numpy()
    return twins


def equal_to_twin(
    records: pd.DataFrame, twins: pd.DataFrame, field: str, is_folded: bool = False
) -> Flags:
    """Return whether what the normaliser made of a field is the same with and without the fault."""
    case = fold if is_folded else str.casefold
    same = np.ones(len(records), dtype=bool)
    for column in COMPARED[field]:
        ours = records[column].reset_index(drop=True).astype("string").fillna("").map(case)
        true = twins[column].reset_index(drop=True).astype("string").fillna("").map(case)
        same &= (ours == true).to_numpy()
    return same


def has_code(records: pd.DataFrame, kind: str) -> Flags:
    """Return which records carry one of the kind's issue codes."""
    wanted = set(CODES.get(kind, ()))
    told = np.zeros(len(records), dtype=bool)
    if not wanted:
        return told
    for column in ISSUE_COLUMNS[FIELD_OF_KIND[kind]]:
        codes = records[column].astype("string").fillna("").str.split(",")
        told |= codes.map(lambda found: bool(wanted & set(found))).to_numpy(dtype=bool)
    return told


def seen_across(records: pd.DataFrame, kind: str) -> Flags:
    """Return which records show the fault beside others: a shared value, or several of one person."""
    if kind in ("shared_email", "shared_phone"):
        key = (
            records["email_key"]
            if kind == "shared_email"
            else records["mobile_phone"].fillna(records["phone"])
        )
        customers = records.groupby(key)["customer_id"].transform("nunique")
        return (customers.reindex(records.index).fillna(0) > 1).to_numpy()
    if kind == "moved_address":
        parts = records[["street_name", "street_number", "postal_code"]].astype("string")
        address = parts.fillna("").agg("|".join, axis=1).where(records["street_name"].notna())
        several = address.groupby(records["customer_id"]).transform("nunique") > 1
        return several.to_numpy()
    if kind == "date_day_month":
        return _other_way_round(records)
    surnames = records["surname_1"].str.cat(records["surname_2"], sep="|").str.casefold()
    turned = records["surname_2"].str.cat(records["surname_1"], sep="|").str.casefold()
    known = set(zip(records["customer_id"], surnames, strict=True))
    pairs = zip(records["customer_id"], turned, surnames, strict=True)
    return np.array(
        [isinstance(t, str) and t != s and (customer, t) in known for customer, t, s in pairs],
        dtype=bool,
    )


def _other_way_round(records: pd.DataFrame) -> Flags:
    """Return whose date of birth another record of the customer has with day and month swapped."""
    dates = pd.to_datetime(records["birth_date"])
    turned = pd.to_datetime(
        pd.DataFrame({"year": dates.dt.year, "month": dates.dt.day, "day": dates.dt.month}),
        errors="coerce",
    )
    known = set(zip(records["customer_id"], dates, strict=True))
    pairs = zip(records["customer_id"], turned, dates, strict=True)
    return np.array(
        [bool(pd.notna(t)) and t != d and (customer, t) in known for customer, t, d in pairs],
        dtype=bool,
    )


def measure_record_faults(
    connection: duckdb.DuckDBPyConnection, planted: pd.DataFrame
) -> list[Measured]:
    """Return what became of every kind of fault in customer records."""
    records = read_records(connection)
    inputs = connection.execute(
        "from intermediate.int_customer_records__unioned order by source_system, source_customer_id"
    ).df()
    reference = read_reference(connection)
    measured = []
    for field in RECORD_COLUMNS:
        kinds = [kind for kind, of in FIELD_OF_KIND.items() if of == field]
        faults = planted[planted["fault_kind"].isin(kinds)]
        if faults.empty:
            continue
        held = held_faults(faults, records, field).reset_index(drop=True)
        twins = normalise_customer_records(with_truth(inputs, held), reference)
        at_fault = records.iloc[held["record"].to_numpy()]
        is_mended = equal_to_twin(at_fault, twins, field)
        is_equal = equal_to_twin(at_fault, twins, field, is_folded=True)
        for kind in kinds:
            planted_rows = faults[faults["fault_kind"] == kind]
            if len(planted_rows):
                same = is_equal if kind in COMPARED_FOLDED else is_mended
                measured.append(_measure(kind, planted_rows, held, records, same))
    return measured


def _measure(
    kind: str,
    planted: pd.DataFrame,
    held: pd.DataFrame,
    records: pd.DataFrame,
    is_mended: Flags,
) -> Measured:
    of_kind = (held["fault_kind"] == kind).to_numpy()
    rows = held.loc[of_kind, "record"].to_numpy()
    told, mended = has_code(records, kind), is_mended[of_kind]
    false_positives = None
    if kind in CODES:
        is_planted = np.zeros(len(records), dtype=bool)
        is_planted[rows] = True
        false_positives = int((told & ~is_planted).sum())
    if kind in ACROSS_RECORDS:
        found, how = seen_across(records, kind)[rows], "seen across records"
    elif kind in UNDECIDABLE:
        found, how = told[rows] | mended, "not decidable in one record"
        if kind == "date_day_month":
            found = found | seen_across(records, kind)[rows]
    elif kind in CODES:
        found, how = told[rows] | mended, "issue code or mended"
    else:
        found, how = mended, "mended"
        if kind in COMPARED_FOLDED:
            how = "equal but for accents"
    keys = ["source_system", "source_table", "record_key", "field"]
    return Measured(
        kind,
        planted=len(planted.drop_duplicates(keys)),
        held=len(rows),
        found=int(found.sum()),
        false_positives=false_positives,
        how=how,
    )


def measure(connection: duckdb.DuckDBPyConnection, truth: Path) -> list[Measured]:
    """Return what became of every kind of planted fault."""
    planted = read_planted(truth)
    of_files = [
        Measured(kind, *measure_file_fault(connection, planted, kind))
        for kind in FILE_KINDS
        if (planted["fault_kind"] == kind).any()
    ]
    return [*measure_record_faults(connection, planted), *of_files]


def print_table(measured: Sequence[Measured], console: Console) -> None:
    """Print one line per kind of fault."""
    table = Table(title="Planted and found, by kind of fault", title_justify="left", box=SIMPLE)
    table.add_column("fault")
    for heading in ("planted", "held", "found", "recall", "false +", "precision"):
        table.add_column(heading, justify="right")
    table.add_column("how")
    number: Callable[[int | None], str] = lambda value: "-" if value is None else f"{value:,}"  # noqa: E731
    share: Callable[[float | None], str] = lambda value: "-" if value is None else f"{value:.1%}"  # noqa: E731
    for row in measured:
        table.add_row(
            row.kind,
            number(row.planted),
            number(row.held),
            number(row.found),
            share(row.recall),
            number(row.false_positives),
            share(row.precision),
            row.how,
        )
    console.print(table)
    console.print(
        "planted: once per record and field; held: still in the newest delivery of the record; "
        "false +: records with the code without this kind of fault planted."
    )


def main() -> None:
    """Print the table for a published warehouse and the truth of its market."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="CADENCIA_HOME of the deployment.")
    parser.add_argument("--truth", type=Path, required=True, help="truth/ of the simulation.")
    options = parser.parse_args()
    with open_published(options.home / "warehouse" / "crm.duckdb") as connection:
        measured = measure(connection, options.truth)
    print_table(measured, Console(width=110))


if __name__ == "__main__":
    main()
