"""How well customer records are normalised, against the truth of a simulated market, and how fast.

`python -m benchmarks.normalisation --landing DIR --truth DIR` prints shares a field and fault kind, and
records a second. Values that the source destroyed (a typo, a surname left out) don't count: nothing in
the record says what they were.
"""

from __future__ import annotations

import argparse
import csv
import re
import sqlite3
import time
from pathlib import Path

import pandas as pd

from ml.identity.normalise import RecordNormaliser, Reference
from ml.identity.normalise.name_words import PARTICLES
from ml.identity.normalise.names import root_of
from ml.identity.normalise.records import ALSO_READ, RAW_COLUMNS
from ml.identity.normalise.text import fold
from orchestration.lib.name_frequencies import (
    given_name_bearers,
    second_surname_bearers,
    surname_bearers,
)
from orchestration.settings import DBT_PROJECT_DIR

ERP_COLUMNS = {
    "CODCLI": "key", "COD_CLIENTE": "key", "NOMBRE": "given_name", "APELLIDOS": "surnames",
    "NIF": "national_id", "DIRECCION": "street", "CP": "postal_code", "C.P.": "postal_code",
    "POBLACION": "city", "PROVINCIA": "province_name", "TELEFONO": "phone", "MOVIL": "mobile_phone",
    "TEL_MOVIL": "mobile_phone", "EMAIL": "email",
}  # fmt: skip
SHOP_COLUMNS = {
    "Customer ID": "key", "First Name": "given_name", "Last Name": "surnames", "Email": "email",
    "Default Address Address1": "street", "Default Address City": "city",
    "Default Address Province Code": "province_code", "Default Address Country Code": "country_code",
    "Default Address Zip": "postal_code", "Phone": "mobile_phone",
}  # fmt: skip
DMS_COLUMNS = {
    "customer_no": "key", "first_name": "given_name", "surname_1": "surname_1",
    "surname_2": "surname_2", "tax_id": "national_id", "street": "street",
    "postal_code": "postal_code", "city": "city", "province": "province_name", "phone": "phone",
    "mobile": "mobile_phone", "email": "email",
}  # fmt: skip
# From a delivered column to what is compared; the other kinds of fault are undone or detected.
FIELD_OF = {
    "given_name": "name", "surnames": "name", "surname_1": "name", "surname_2": "name",
    "national_id": "national_id", "street": "address", "postal_code": "postal_code",
    "mobile_phone": "mobile_phone", "phone": "phone", "email": "email",
}  # fmt: skip
DESTROYING = {
    "typo", "missing_surname_2", "swapped_surnames", "shared_email", "invalid_email",
    "placeholder_email", "shared_phone", "invalid_phone", "placeholder_phone",
    "national_id_wrong_letter", "moved_address",
}  # fmt: skip
DETECTED_BY = {
    "invalid_email": "email_issue", "placeholder_email": "email_issue",
    "invalid_phone": "mobile_phone_issue", "placeholder_phone": "mobile_phone_issue",
    "national_id_wrong_letter": "national_id_issue",
}  # fmt: skip
TARGETS = {
    "national_id": 0.995, "mobile_phone": 0.995, "phone": 0.995, "postal_code": 0.995,
    "address": 0.97, "name": 0.98, "email": 0.995,
}  # fmt: skip


def read_reference() -> Reference:
    """Return places from the project's seeds and names from the package."""
    seeds = {
        name: pd.read_csv(
            DBT_PROJECT_DIR / "seeds" / f"{name}.csv", dtype=str, keep_default_na=False
        )
        for name in ("provinces", "municipalities", "postal_codes")
    }
    return Reference(
        **seeds,
        given_names=given_name_bearers(),
        surnames=surname_bearers(),
        second_surnames=second_surname_bearers(),
    )


def read_records(landing: Path) -> tuple[pd.DataFrame, dict[tuple[str, str], str]]:
    """Return the customer records of ERP, shop and dealers, and our names of their columns."""
    deliveries = [
        pd.read_csv(
            path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False,
            quoting=csv.QUOTE_MINIMAL, on_bad_lines="skip",
        ).rename(columns=lambda name: ERP_COLUMNS.get(name.strip(), name))
        for path in sorted((landing / "erp").glob("clientes_*.csv"))
    ]  # fmt: skip
    erp = pd.concat(deliveries).drop_duplicates("key", keep="last").assign(source_system="erp")
    exports = sorted((landing / "ecommerce").glob("customers_export_*.csv"))
    shop = pd.concat(
        [pd.read_csv(path, dtype=str, keep_default_na=False) for path in exports]
    ).rename(columns=SHOP_COLUMNS)  # fmt: skip
    shop = shop.drop_duplicates("key", keep="last").assign(source_system="ecommerce")
    shop["key"] = shop["key"].str.lstrip("'")
    with sqlite3.connect(landing / "dms" / "dms.sqlite") as connection:
        dms = pd.read_sql("select * from customers where kind = 'person'", connection)
    dms = dms.rename(columns=DMS_COLUMNS).assign(source_system="dms")
    records = pd.concat([erp, shop, dms], ignore_index=True)
    records = records.reindex(
        columns=["source_system", "key", *dict.fromkeys([*RAW_COLUMNS, *ALSO_READ])]
    ).replace("", None)  # fmt: skip
    records[["birth_date", "first_seen_at"]] = pd.NaT
    names = {("erp", column): name for column, name in ERP_COLUMNS.items()}
    names |= {("ecommerce", column): name for column, name in SHOP_COLUMNS.items()}
    return records, names | {("dms", column): name for column, name in DMS_COLUMNS.items()}


def read_truth(truth: Path, records: pd.DataFrame) -> pd.DataFrame:
    """Return the true person of each record, row by row."""
    known = pd.read_parquet(truth / "source_records.parquet")
    known = known.drop_duplicates(["source_system", "source_customer_id"])
    people = pd.read_parquet(truth / "people.parquet")
    identified = records[["source_system", "key"]].merge(
        known, left_on=["source_system", "key"], right_on=["source_system", "source_customer_id"],
        how="left", validate="many_to_one",
    )  # fmt: skip
    return identified.merge(
        people.drop(columns="household_id"), on="person_id", how="left", validate="many_to_one"
    )


def read_faults(truth: Path, names: dict[tuple[str, str], str]) -> pd.DataFrame:
    """Return the planted faults of people with the field that they hit."""
    faults = pd.read_parquet(truth / "planted_faults.parquet")
    faults = faults[faults["source_system"].isin(["erp", "ecommerce", "dms"])].astype(str)
    pairs = zip(faults["source_system"], faults["field"], strict=True)
    faults["field"] = [FIELD_OF.get(names.get(pair, ""), "") for pair in pairs]
    faults["key"] = faults["record_key"].str.lstrip("'")
    return faults[faults["field"] != ""].drop_duplicates(
        ["source_system", "key", "field", "fault_kind"]
    )


def _street_key(text: object) -> str:
    if not isinstance(text, str):
        return ""
    words = re.sub(r"[^\wñç]+", " ", fold(text)).split()
    return " ".join(word for word in words if word not in PARTICLES)


def _name_key(text: object) -> str:
    """Return a name without accents: what a source left away nobody can know."""
    if not isinstance(text, str):
        return ""
    return re.sub(r"[^\w]+", " ", fold(text).replace("ñ", "n").replace("ç", "c")).strip()


def _equal(left: pd.Series, right: pd.Series) -> pd.Series:
    return pd.Series(
        [
            ((a is None or a != a) and (b is None or b != b)) or a == b
            for a, b in zip(left, right, strict=True)
        ],
        index=left.index,
    )


def compare(result: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return, a record and field, whether the normalised value is the true one; missing: not given."""
    found = pd.DataFrame(index=result.index)

    def keep(name: str, is_right: pd.Series, given: pd.Series) -> None:
        found[name] = is_right.astype("boolean").where(given)

    keep(
        "national_id", _equal(result["national_id"], truth["national_id"]),
        result["national_id_raw"].notna() & truth["national_id"].notna(),
    )  # fmt: skip
    for name, true_name in (("mobile_phone", "mobile"), ("phone", "landline")):
        given = result[f"{name}_raw"].notna() & truth[true_name].notna()
        keep(name, _equal(result[name], "+34" + truth[true_name].astype("object")), given)
    keep("email", _equal(result["email_key"], _email_keys(truth["email"])),
         result["email_raw"].notna() & truth["email"].notna() & truth["email_changed_on"].isna())  # fmt: skip
    stayed = truth["moved_on"].isna()
    keep("postal_code", _equal(result["postal_code"], truth["postal_code"]),
         result["postal_code_raw"].notna() & stayed)  # fmt: skip
    streets = _equal(
        result["street_name"].map(_street_key), truth["street_name"].map(_street_key)
    ) & _equal(
        result["street_number"].map(_street_key), truth["street_number"].map(_street_key)
    )  # fmt: skip
    keep("address", streets, result["street_raw"].notna() & stayed)
    names = _equal(result["given_name"].map(_root_key), truth["given_name"].map(_root_key))
    for name in ("surname_1", "surname_2"):
        names &= _equal(result[name].map(_name_key), truth[name].map(_name_key))
    keep("name", names, truth["given_name"].notna())
    return found


def _root_key(name: object) -> str:
    return _name_key(root_of(name) if isinstance(name, str) else name)


def _email_keys(emails: pd.Series) -> pd.Series:
    from ml.identity.normalise.emails import normalise_emails

    return normalise_emails(emails)["email_key"]


def main() -> None:
    """Print the shares and the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    arguments = parser.parse_args()
    records, names = read_records(arguments.landing)
    normaliser = RecordNormaliser(read_reference())
    _ = normaliser.places, normaliser.names
    started = time.process_time()
    result = normaliser.normalise(records)
    seconds = time.process_time() - started
    found = compare(result, read_truth(arguments.truth, records))
    faults = read_faults(arguments.truth, names)
    keys = pd.MultiIndex.from_frame(result[["source_system", "key"]])
    print(f"{'field':28}{'records':>10}{'right':>10}{'wanted':>10}")
    for field, wanted in TARGETS.items():
        destroyed = faults[faults["fault_kind"].isin(DESTROYING) & (faults["field"] == field)]
        counted = ~keys.isin(pd.MultiIndex.from_frame(destroyed[["source_system", "key"]]))
        right = found.loc[counted, field].dropna()
        print(f"{field:28}{len(right):>10,}{right.mean():>10.2%}{wanted:>10.1%}")
        for kind in sorted(faults.loc[faults["field"] == field, "fault_kind"].unique()):
            hit = faults[(faults["fault_kind"] == kind) & (faults["field"] == field)]
            is_hit = keys.isin(pd.MultiIndex.from_frame(hit[["source_system", "key"]]))
            if kind in DETECTED_BY:
                share = result.loc[is_hit, DETECTED_BY[kind]].notna().mean()
                print(f"  {kind:26}{is_hit.sum():>10,}{share:>10.2%}  detected")
            elif kind not in DESTROYING:
                right = found.loc[is_hit & counted, field].dropna()
                print(f"  {kind:26}{len(right):>10,}{right.mean():>10.2%}")
    print(
        f"{len(records):,} records in {seconds:.1f} s of processor time: "
        f"{len(records) / seconds:,.0f} a second"
    )


if __name__ == "__main__":
    main()
