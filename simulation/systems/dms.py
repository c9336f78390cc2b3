"""The car dealers' management system: a relational database, here an SQLite file.

Rows are replaced as they change, so the file shows the state at the end of the last period.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.delivery import Desk, Period, SystemWriter, iso_times, only_where
from simulation.frames import NO_ID, Slice
from simulation.person_faults import PersonColumn, PersonLayout, address_parts, objects, with_absent

SYSTEM: Final = "dms"
FILE: Final = "dms.sqlite"
_CUSTOMERS: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("first_name", ("given_name",)),
        PersonColumn("surname_1", ("surname_1",)),
        PersonColumn("surname_2", ("surname_2",)),
        PersonColumn("tax_id", ("national_id",)),
        PersonColumn("street", ("street", "dwelling"), glue=", "),
        PersonColumn("postal_code", ("postal_code",)),
        PersonColumn("city", ("municipality_name",)),
        PersonColumn("province", ("province_name",)),
        PersonColumn("phone", ("landline",)),
        PersonColumn("mobile", ("mobile",)),
        PersonColumn("email", ("email",)),
        PersonColumn("birth_date", ("birth_date",)),
    ),
    coverage={"national_id": 0.95, "email": 0.85, "landline": 0.4, "birth_date": 0.8},
    date_format="%Y-%m-%d",
)
_LEADS: Final = PersonLayout(
    f"{SYSTEM}.leads",
    (
        PersonColumn("first_name", ("given_name",)),
        PersonColumn("last_name", ("surname_1", "surname_2")),
        PersonColumn("email", ("email",)),
        PersonColumn("phone", ("mobile",)),
        PersonColumn("postal_code", ("postal_code",)),
    ),
    coverage={"email": 0.9, "mobile": 0.9, "postal_code": 0.7},
    date_format="%Y-%m-%d",
)
TABLES: Final[Mapping[str, str]] = {
    "customers": "customer_no text primary key, kind text, first_name text, surname_1 text,"
    " surname_2 text, tax_id text, street text, postal_code text, city text, province text,"
    " phone text, mobile text, email text, birth_date text, allows_email integer,"
    " allows_sms integer, allows_phone integer, created_at text, updated_at text",
    "dealers": "dealer_code text primary key, name text, street text, postal_code text, city text,"
    " province text, phone text",
    "vehicles": "vin text primary key, plate text, make text, model text, version text, fuel text,"
    " body text, model_year integer, registration_date text, is_new integer,"
    " owner_customer_no text, acquired_at text, sold_at text, odometer_km integer,"
    " updated_at text",
    "leads": "lead_id text primary key, customer_no text, first_name text, last_name text,"
    " email text, phone text, postal_code text, source text, model_interest text,"
    " dealer_code text, status text, lost_reason text, created_at text, closed_at text,"
    " updated_at text",
    "vehicle_orders": "order_no text primary key, customer_no text, vin text, dealer_code text,"
    " lead_id text, kind text, status text, list_price real, discount real, net_price real,"
    " ordered_at text, delivered_at text, updated_at text",
    "workshop_visits": "visit_no text primary key, vin text, customer_no text, dealer_code text,"
    " kind text, odometer_km integer, labour_amount real, parts_amount real, net_amount real,"
    " opened_at text, closed_at text, updated_at text",
    "finance_contracts": "contract_no text primary key, customer_no text, vin text, product text,"
    " monthly_amount real, balloon_amount real, starts_on text, ends_on text, status text,"
    " updated_at text",
    "warranties": "warranty_no text primary key, vin text, kind text, starts_on text, ends_on text,"
    " updated_at text",
}


class DmsWriter(SystemWriter):
    """Writes the database into a working copy, delivered when the run is finished."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.customers = desk.records(_CUSTOMERS)
        self.lead_contacts = desk.records(_LEADS)
        self.folder = desk.landing.root / SYSTEM
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.working_copy = self.folder / f".{FILE}.partial"
        self.working_copy.unlink(missing_ok=True)
        self.database: sqlite3.Connection | None = None

    def write(self, happened: Slice, period: Period) -> None:
        """Replace the rows that are new or changed."""
        if period.is_first:
            self._put("dealers", self._dealers())
        self._write_customers(period)
        self._write_leads(happened["leads"], period)
        for table, columns in (
            ("vehicles", self._vehicles(happened["vehicles"])),
            ("vehicle_orders", self._vehicle_orders(happened["vehicle_orders"])),
            ("workshop_visits", self._workshop_visits(happened["workshop_visits"])),
            ("finance_contracts", self._finance_contracts(happened["finance_contracts"])),
            ("warranties", self._warranties(happened["warranties"])),
        ):
            self._put(table, columns)

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Go on with the database delivered before."""
        shutil.copyfile(self.folder / FILE, self.working_copy)

    def finish(self) -> None:
        """Deliver the database."""
        connection = self._connection()
        connection.commit()
        for table in TABLES:
            (count,) = connection.execute(f"select count(*) from {table}").fetchone()
            self.desk.landing.record(SYSTEM, table, FILE, count)
        connection.close()
        self.database = None
        self.working_copy.chmod(0o600)
        self.working_copy.replace(self.folder / FILE)

    def abandon(self) -> None:
        """Drop the working copy."""
        if self.database is not None:
            self.database.close()
            self.database = None
        self.working_copy.unlink(missing_ok=True)

    def _connection(self) -> sqlite3.Connection:
        """Open the working copy on first use: a run that restores puts the copy there before."""
        if self.database is None:
            # The writers run in a thread of their own, one at a time.
            self.database = sqlite3.connect(self.working_copy, check_same_thread=False)
            # The working copy is thrown away should the process die: no journal, no waiting for disks.
            self.database.execute("pragma journal_mode = off")
            self.database.execute("pragma synchronous = off")
            for table, columns in TABLES.items():
                self.database.execute(f"create table if not exists {table} ({columns})")
        return self.database

    def _put(self, table: str, columns: Mapping[str, Any]) -> None:
        """Insert or replace rows, given as columns in the table's order."""
        declared = [column.split()[0] for column in TABLES[table].split(",")]
        if list(columns) != declared:
            raise ValueError(f"Table {table} has the columns {declared}, not {list(columns)}.")
        places = ", ".join("?" * len(declared))
        rows = zip(*(_plain(values) for values in columns.values()), strict=True)
        self._connection().executemany(f"insert or replace into {table} values ({places})", rows)

    def _write_customers(self, period: Period) -> None:
        desk, members = self.desk, self.desk.members
        ids, changed_at = members.changed(SYSTEM)
        if not len(ids):
            return
        joined_at = members.joined_at[SYSTEM][ids]
        delivered = self.customers.deliver(ids, period.ends_at, known_since=joined_at)
        keys = self._customer_numbers(ids)
        self._put(
            "customers",
            {
                "customer_no": keys,
                "kind": np.full(len(ids), "person", dtype=object),
                **_columns(delivered.columns),
                **{
                    f"allows_{channel}": members.accepts[SYSTEM, channel][ids].astype(int)
                    for channel in ("email", "sms", "phone")
                },
                "created_at": iso_times(joined_at),
                "updated_at": iso_times(changed_at),
            },
        )
        desk.truth.plant(SYSTEM, "customers", FILE, keys, delivered.hits)
        desk.truth.identify(SYSTEM, "customers", keys, ids)

    def _write_leads(self, leads: pd.DataFrame, period: Period) -> None:
        if leads.empty:
            return
        leads = _newest(leads, "lead_id")
        people, lead_ids = leads["person_id"].to_numpy(), leads["lead_id"].to_numpy()
        contacts = self.lead_contacts.deliver(people, period.ends_at, record_ids=lead_ids)
        keys = _numbered("L", lead_ids, 8)
        is_customer = leads["is_customer"].to_numpy()
        models = self.desk.market.vehicle_models
        self._put(
            "leads",
            {
                "lead_id": keys,
                "customer_no": only_where(is_customer, self._customer_numbers(people)),
                **_columns(contacts.columns),
                "source": objects(leads["source"]),
                "model_interest": _looked_up(models["model"], leads["model_id"]),
                "dealer_code": _dealer_codes(leads["dealer_id"]),
                "status": objects(leads["status"]),
                "lost_reason": objects(leads["lost_reason"]),
                **_times(leads, "created_at", "closed_at", "updated_at"),
            },
        )
        is_new = leads["created_at"].to_numpy() >= period.starts_at
        of_new = contacts.hits[is_new[contacts.hits["row"].to_numpy(dtype=np.int64)]]
        self.desk.truth.plant(SYSTEM, "leads", FILE, keys, of_new)
        names = np.array([f"lead:{key}" for key in keys], dtype=object)
        self.desk.truth.identify(SYSTEM, "leads", names[~is_customer], people[~is_customer])
        # A lead that got its customer number is known by that number from now on.
        self.desk.truth.retract(SYSTEM, names[is_customer])

    def _dealers(self) -> Mapping[str, Any]:
        dealers = self.desk.market.dealers
        address = address_parts(dealers)
        return {
            "dealer_code": _dealer_codes(dealers["dealer_id"]),
            "name": objects(dealers["name"]),
            "street": address["street"],
            "postal_code": address["postal_code"],
            "city": address["municipality_name"],
            "province": address["province_name"],
            "phone": objects(dealers["phone"]),
        }

    def _vehicles(self, vehicles: pd.DataFrame) -> Mapping[str, Any]:
        vehicles = _newest(vehicles, "vehicle_id")
        models = self.desk.market.vehicle_models
        return {
            "vin": objects(vehicles["vin"]),
            "plate": objects(vehicles["plate"]),
            **{
                name: _looked_up(models[name], vehicles["model_id"])
                for name in ("make", "model", "version", "fuel", "body")
            },
            "model_year": vehicles["model_year"],
            "registration_date": iso_times(vehicles["registered_on"].to_numpy(), "D"),
            "is_new": vehicles["is_new"].astype(int),
            "owner_customer_no": self._customer_numbers(vehicles["owner_person_id"].to_numpy()),
            "acquired_at": iso_times(vehicles["acquired_at"].to_numpy()),
            "sold_at": iso_times(vehicles["sold_at"].to_numpy()),
            "odometer_km": vehicles["odometer_km"],
            "updated_at": iso_times(vehicles["updated_at"].to_numpy()),
        }

    def _vehicle_orders(self, orders: pd.DataFrame) -> Mapping[str, Any]:
        orders = _newest(orders, "vehicle_order_id")
        return {
            "order_no": _numbered("P", orders["vehicle_order_id"], 8),
            "customer_no": self._customer_numbers(orders["person_id"].to_numpy()),
            "vin": objects(orders["vin"]),
            "dealer_code": _dealer_codes(orders["dealer_id"]),
            "lead_id": _numbered("L", orders["lead_id"], 8),
            "kind": objects(orders["kind"]),
            "status": objects(orders["status"]),
            **{name: orders[name] for name in ("list_price", "discount", "net_price")},
            **_times(orders, "ordered_at", "delivered_at", "updated_at"),
        }

    def _workshop_visits(self, visits: pd.DataFrame) -> Mapping[str, Any]:
        return {
            "visit_no": _numbered("OR", visits["visit_id"], 9),
            "vin": objects(visits["vin"]),
            "customer_no": self._customer_numbers(visits["person_id"].to_numpy()),
            "dealer_code": _dealer_codes(visits["dealer_id"]),
            "kind": objects(visits["kind"]),
            **{
                name: visits[name]
                for name in ("odometer_km", "labour_amount", "parts_amount", "net_amount")
            },
            **_times(visits, "opened_at", "closed_at"),
            "updated_at": iso_times(visits["closed_at"].to_numpy()),
        }

    def _finance_contracts(self, contracts: pd.DataFrame) -> Mapping[str, Any]:
        contracts = _newest(contracts, "contract_id")
        return {
            "contract_no": _numbered("F", contracts["contract_id"], 8),
            "customer_no": self._customer_numbers(contracts["person_id"].to_numpy()),
            "vin": objects(contracts["vin"]),
            "product": objects(contracts["product"]),
            "monthly_amount": contracts["monthly_amount"],
            "balloon_amount": contracts["balloon_amount"],
            **_days(contracts),
            "status": objects(contracts["status"]),
            "updated_at": iso_times(contracts["updated_at"].to_numpy()),
        }

    def _warranties(self, warranties: pd.DataFrame) -> Mapping[str, Any]:
        warranties = _newest(warranties, "warranty_id")
        return {
            "warranty_no": _numbered("G", warranties["warranty_id"], 8),
            "vin": objects(warranties["vin"]),
            "kind": objects(warranties["kind"]),
            **_days(warranties),
            "updated_at": iso_times(warranties["updated_at"].to_numpy()),
        }

    def _customer_numbers(self, people: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return the customer numbers of people, None for those the dealers don't know."""
        joined_at = self.desk.members.joined_at[SYSTEM]
        is_known = (people != NO_ID) & ~np.isnat(joined_at[people])
        numbers = self.desk.market.people["dms_no"].to_numpy()[people]
        return only_where(is_known, numbers.astype(str))


def _newest(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Keep the newest row of each key, in the order of the keys."""
    ordered = frame.sort_values([key, "updated_at"], kind="stable")
    return ordered.drop_duplicates(key, keep="last").reset_index(drop=True)


def _numbered(prefix: str, numbers: Any, width: int) -> NDArray[np.object_]:  # noqa: ANN401
    texts = np.empty(len(numbers), dtype=object)
    texts[:] = [
        None if number == NO_ID else f"{prefix}{number:0{width}d}"
        for number in np.asarray(numbers).tolist()
    ]
    return texts


def _dealer_codes(dealer_ids: pd.Series[int]) -> NDArray[np.object_]:
    texts = np.empty(len(dealer_ids), dtype=object)
    texts[:] = [None if dealer == NO_ID else dealer_code(dealer) for dealer in dealer_ids.tolist()]
    return texts


def dealer_code(dealer_id: int) -> str:
    """Return a dealer's code, which forms name too."""
    return f"D{dealer_id + 1:02d}"


def _columns(frame: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    return {str(name): values.to_numpy() for name, values in frame.items()}


def _looked_up(values: pd.Series[str], rows: pd.Series[int]) -> NDArray[np.object_]:
    """Return the values at row positions, None for NO_ID."""
    positions = rows.to_numpy()
    found: NDArray[np.object_] = with_absent(objects(values))[positions]
    return found


def _times(frame: pd.DataFrame, *names: str) -> dict[str, NDArray[np.object_]]:
    return {name: iso_times(frame[name].to_numpy()) for name in names}


def _days(frame: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    return {name: iso_times(frame[name].to_numpy(), "D") for name in ("starts_on", "ends_on")}


def _plain(values: Any) -> list[Any]:  # noqa: ANN401
    """Return a column as Python values that SQLite takes; not-a-number is absent."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return [None if value != value else round(value, 2) for value in array.tolist()]
    listed: list[Any] = array.tolist()
    return listed
