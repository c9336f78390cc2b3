"""A small dealer management system: as the SQLite file of the demo and as tables of PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestration.lib.contract import TableContract, load_contract_file
from orchestration.resources import STAGING_DIR

CUSTOMERS = 150
START = datetime(2023, 1, 2, 9, 0)
POSTGRESQL_TYPES = {"varchar": "text", "integer": "integer", "boolean": "boolean", "date": "date"}
Rows = dict[str, list[dict[str, Any]]]


def dms_tables() -> tuple[TableContract, ...]:
    """Return the contract of the system's tables."""
    (system,) = load_contract_file(STAGING_DIR / "dms" / "sources.yml")
    return system.tables


def _moment(days: float) -> datetime:
    return START + timedelta(minutes=round(days * 1440))


def make_rows(seed: int = 7) -> Rows:
    """Return the rows of every table, as Python values."""
    draw = random.Random(seed)
    rows: Rows = {table.name: [] for table in dms_tables()}
    rows["dealers"] = [
        {"dealer_code": f"D{n}", "name": f"Automoción Albera {n}", "street": "Calle Mayor 1",
         "postal_code": f"0{n}001", "city": "Ávila", "province": "Ávila", "phone": "920000000"}
        for n in range(1, 4)
    ]  # fmt: skip
    for n in range(CUSTOMERS):
        number, vin, lead = f"{n:06d}", f"VSSZZZ5FZ{n:08d}", f"L{n:05d}"
        joined = draw.uniform(0, 600)
        bought, dealer = joined + draw.uniform(1, 60), f"D{draw.randint(1, 3)}"
        rows["customers"].append(
            {"customer_no": number, "kind": "person", "first_name": draw.choice(["José", "María"]),
             "surname_1": draw.choice(["Núñez", "García"]), "surname_2": "Peña",
             "tax_id": f"{n:08d}T", "street": f"C/ Mayor, {n}", "postal_code": f"0{n:04d}",
             "city": "Ávila", "province": "Ávila", "phone": None, "mobile": f"6{n:08d}",
             "email": f"person{n}@example.com", "birth_date": date(1980, 1, 1) + timedelta(days=n),
             "allows_email": n % 3 > 0, "allows_sms": n % 2 == 0, "allows_phone": True,
             "created_at": _moment(joined), "updated_at": _moment(joined)}
        )  # fmt: skip
        rows["leads"].append(
            {"lead_id": lead, "customer_no": number if n % 2 else None, "first_name": "José",
             "last_name": "Núñez Peña", "email": f"person{n}@example.com", "phone": f"6{n:08d}",
             "postal_code": "05001", "source": "web", "model_interest": "Ibérica",
             "dealer_code": dealer, "status": "won", "lost_reason": None,
             "created_at": _moment(joined), "closed_at": _moment(bought),
             "updated_at": _moment(bought)}
        )  # fmt: skip
        price = draw.randint(1_200_000, 3_500_000) / 100
        rows["vehicle_orders"].append(
            {"order_no": f"O{n:05d}", "customer_no": number, "vin": vin, "dealer_code": dealer,
             "lead_id": lead, "kind": draw.choice(["new", "used"]), "status": "delivered",
             "list_price": price + 500, "discount": 500.0, "net_price": price,
             "ordered_at": _moment(bought), "delivered_at": _moment(bought + 20),
             "updated_at": _moment(bought + 20)}
        )  # fmt: skip
        rows["vehicles"].append(
            {"vin": vin, "plate": f"{n:04d}BCD", "make": "Albera", "model": "Ibérica",
             "version": "1.5", "fuel": "petrol", "body": "hatchback", "model_year": 2023,
             "registration_date": _moment(bought + 20).date(), "is_new": True,
             "owner_customer_no": number, "acquired_at": _moment(bought + 20).date(),
             "sold_at": None, "odometer_km": draw.randint(0, 90_000),
             "updated_at": _moment(bought + 20)}
        )  # fmt: skip
        rows["warranties"].append(
            {"warranty_no": f"W{n:05d}", "vin": vin, "kind": "manufacturer",
             "starts_on": _moment(bought + 20).date(), "ends_on": _moment(bought + 1115).date(),
             "updated_at": _moment(bought + 20)}
        )  # fmt: skip
        if n % 3 == 0:
            rows["finance_contracts"].append(
                {"contract_no": f"F{n:05d}", "customer_no": number, "vin": vin, "product": "leasing",
                 "monthly_amount": 249.9, "balloon_amount": 8000.0,
                 "starts_on": _moment(bought + 20).date(), "ends_on": _moment(bought + 1480).date(),
                 "status": "active", "updated_at": _moment(bought + 20)}
            )  # fmt: skip
        for visit in range(draw.randint(0, 3)):
            came = bought + 60 + 40 * visit
            labour, parts = draw.randint(0, 30_000) / 100, draw.randint(0, 20_000) / 100
            rows["workshop_visits"].append(
                {"visit_no": f"V{n:05d}{visit}", "vin": vin, "customer_no": number,
                 "dealer_code": dealer, "kind": draw.choice(["maintenance", "repair"]),
                 "odometer_km": 10_000 * (visit + 1), "labour_amount": labour,
                 "parts_amount": parts, "net_amount": round(labour + parts, 2),
                 "opened_at": _moment(came), "closed_at": _moment(came + 1),
                 "updated_at": _moment(came + 1)}
            )  # fmt: skip
    return rows


def _iso(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def write_sqlite(path: Path, rows: Rows) -> None:
    """Write the demo's file: dates and times are ISO text, flags 0 and 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as made:
        for table in dms_tables():
            names = [column.name for column in table.columns]
            kinds = [
                {"integer": "integer", "boolean": "integer"}.get(
                    column.data_type, "real" if column.data_type.startswith("decimal") else "text"
                )
                for column in table.columns
            ]
            columns = ", ".join(f"{n} {k}" for n, k in zip(names, kinds, strict=True))
            made.execute(f"create table {table.name} ({columns})")
            made.executemany(
                f"insert into {table.name} values ({', '.join('?' for _ in names)})",
                [[_iso(row[name]) for name in names] for row in rows[table.name]],
            )


def write_postgresql(url: sa.URL, rows: Rows) -> None:
    """Write the same tables with the types that a relational database would give them."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in dms_tables():
            names = [column.name for column in table.columns]
            kinds = [
                POSTGRESQL_TYPES.get(
                    column.data_type,
                    "timestamp" if column.data_type == "timestamp" else "numeric(18, 4)",
                )
                for column in table.columns
            ]
            columns = ", ".join(f"{n} {k}" for n, k in zip(names, kinds, strict=True))
            connection.exec_driver_sql(f"create table {table.name} ({columns})")
            marks = ", ".join(f"%({name})s" for name in names)
            connection.exec_driver_sql(
                f"insert into {table.name} values ({marks})", rows[table.name]
            )
