"""A small warehouse made by hand: a family in five systems, for the tests of finding and erasing people.

Belongs here: its people and its rows. Does not: what is asked of them.

Ana García and her son Luis share a telephone; Ana has a customer number, a card, a newsletter address,
a shop account and a device. A lone record in the contact centre has Ana's e-mail and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from orchestration.lib.contract import TableContract, load_contracts
from orchestration.lib.ingest.ledger import ensure_ledger
from orchestration.lib.ingest.merging import create_empty
from orchestration.lib.privacy.subjects import STAGING_DIR
from orchestration.lib.sql_text import quoted_name

ANA, LUIS, LONE, PEDRO = (
    "C00000000000000aa",
    "C00000000000000bb",
    "C00000000000000cc",
    "C00000000000000dd",
)
SHARED_PHONE = "612398745"
Row = Mapping[str, object]

RAW: Mapping[tuple[str, str], Sequence[Row]] = {
    ("erp", "customers"): [
        {
            "customer_code": "1001", "given_name": "ANA", "surnames": "GARCÍA LÓPEZ",
            "national_id": "53871946N", "address": "Calle Mayor, 3", "postal_code": "28001",
            "phone": "", "mobile_phone": "612 398 745", "email": "ana.garcia@correo.es",
            "loyalty_card": "2900000000001", "registered_on": "2023-01-10",
            "modified_at": "2024-01-10 10:00:00",
        },
        {
            "customer_code": "1002", "given_name": "Luis", "surnames": "Pérez García",
            "national_id": "76543218T", "address": "Calle Mayor, 3", "postal_code": "28001",
            "mobile_phone": "612398745", "email": "luis@correo.es", "loyalty_card": "2900000000002",
            "registered_on": "2023-02-10", "modified_at": "2024-01-10 10:00:00",
        },
        {
            "customer_code": "1003", "given_name": "Pedro", "surnames": "Ruiz Sanz",
            "address": "Calle Menor, 4", "postal_code": "28002", "email": "pedro@correo.es",
            "registered_on": "2023-02-10", "modified_at": "2024-01-10 10:00:00",
        },
    ],
    ("pos", "tickets"): [
        {
            "ticket_id": f"T{number}", "store_code": "S1", "opened_at": "2024-01-05 10:00:00",
            "operation": "sale", "card_number": card, "currency": "EUR", "total": 10 + number,
        }
        for number, card in enumerate(["2900000000001", "2900000000002", None, "2900000000001"])
    ],
    ("mailing", "subscribed_members"): [
        {"email_address": "ana@boletin.es", "first_name": "Ana", "last_name": "García", "euid": "e1",
         "opted_in_at": "2023-05-01 00:00:00"},
        {"email_address": "luis@correo.es", "first_name": "Luis", "last_name": "Pérez", "euid": "e2",
         "opted_in_at": "2023-05-01 00:00:00"},
    ],
    ("web", "events"): [
        {"event_date": "2024-01-05", "event_timestamp": moment, "event_name": "page_view",
         "ga_session_id": session, "user_pseudo_id": device, "user_id": user}
        for moment, session, device, user in [
            (1, 10, "d.ana", "77"), (2, 10, "d.ana", None), (3, 11, "d.ana", None),
            (4, 12, "d.family", "77"), (5, 13, "d.family", "78"), (6, 14, "d.other", None),
        ]
    ],
    ("contact_center", "cases"): [
        {"case_number": "K1", "opened_at": "2024-01-07 10:00:00", "phone": "+34612398745",
         "customer_name": "Luis Pérez", "description": "asks for a spare part"},
        {"case_number": "K2", "opened_at": "2024-01-08 10:00:00", "email": "ana.garcia@correo.es",
         "description": "wants an invoice"},
    ],
}  # fmt: skip
# customer, system, key, given name, its root, surname, e-mail, mobile, national id
RECORDS = [
    (ANA, "erp", "1001", "Ana", "ana", "García", "ana.garcia@correo.es", "+34612398745", "53871946N"),
    (ANA, "pos", "2900000000001", None, None, None, None, None, None),
    (ANA, "mailing", "ana@boletin.es", "Ana", "ana", "García", "ana@boletin.es", None, None),
    (ANA, "ecommerce", "77", "Ana", "ana", "García", None, None, None),
    (LUIS, "erp", "1002", "Luis", "luis", "Pérez", "luis@correo.es", "+34612398745", "76543218T"),
    (LUIS, "pos", "2900000000002", None, None, None, None, None, None),
    (LUIS, "mailing", "luis@correo.es", "Luis", "luis", "Pérez", "luis@correo.es", None, None),
    (LUIS, "ecommerce", "78", "Luis", "luis", "Pérez", None, None, None),
    (LUIS, "contact_center", "34612398745", "Luis", "luis", "Pérez", None, "+34612398745", None),
    (LONE, "contact_center", "ana.garcia@correo.es", None, None, None, "ana.garcia@correo.es", None,
     None),
    (PEDRO, "erp", "1003", "Pedro", "pedro", "Ruiz", "pedro@correo.es", None, None),
]  # fmt: skip


def contract_of(system: str, table: str) -> TableContract:
    """Return a declared table."""
    return next(each for each in load_contracts(STAGING_DIR)[system].tables if each.name == table)


def build_warehouse(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the family's warehouse into an empty database."""
    ensure_ledger(connection)
    for (system, name), rows in RAW.items():
        table = contract_of(system, name)
        create_empty(connection, table)
        for number, row in enumerate(rows, start=1):
            values = {**row, "_source_file": f"{name}.csv", "_row_number": number, "_delivery": "|"}
            columns = ", ".join(map(quoted_name, values))
            marks = ", ".join("?" for _ in values)
            connection.execute(
                f"insert into {table.relation} ({columns}) values ({marks})", list(values.values())
            )
    connection.execute(
        """create schema identity; create schema marts;
        create table identity.customer_records (
            source_system varchar, source_customer_id varchar, full_name_raw varchar,
            given_name_raw varchar, surnames_raw varchar, surname_1_raw varchar, surname_2_raw varchar,
            given_name varchar, given_name_root varchar, surname_1 varchar, surname_2 varchar,
            email_raw varchar, email varchar, email_key varchar, phone_raw varchar, phone varchar,
            mobile_phone_raw varchar, mobile_phone varchar, national_id_raw varchar,
            national_id varchar, is_national_id_valid boolean, loyalty_card varchar, street_raw varchar,
            street varchar, birth_date_raw date, birth_date_text_raw varchar, birth_date date,
            is_birth_date_valid boolean);
        create table identity.id_assignments (
            record_id varchar, source_system varchar, source_customer_id varchar, customer_id varchar,
            household_id varchar);
        create table marts.customer_identities (
            source_system varchar, source_customer_id varchar, customer_id varchar,
            match_reason varchar, valid_to timestamp);
        create table marts.dim_customers (customer_id varchar, given_name varchar, email varchar);
        create table marts.customer_id_history (
            change_number bigint, cause varchar, from_customer_id varchar, to_customer_id varchar)"""
    )
    for customer, system, key, given, root, surname, email, mobile, national_id in RECORDS:
        card = key if system == "pos" else None
        connection.execute(
            """insert into identity.customer_records by name select ? as source_system,
            ? as source_customer_id, ? as given_name, ? as given_name_root, ? as surname_1,
            ? as email_raw, ? as email, ? as email_key, ? as mobile_phone, ? as national_id,
            ? is not null as is_national_id_valid, ? as loyalty_card""",
            [system, key, given, root, surname, email, email, email, mobile, national_id, national_id,
             card],
        )  # fmt: skip
        connection.execute(
            "insert into marts.customer_identities values (?, ?, ?, 'test', null)",
            [system, key, customer],
        )
        connection.execute(
            "insert into identity.id_assignments values (?, ?, ?, ?, ?)",
            [
                f"{system}:{key}",
                system,
                key,
                customer,
                "H1" if customer == LUIS else f"H{customer}",
            ],
        )
    connection.execute(
        """insert into marts.dim_customers
        select customer_id, max(given_name), max(email)
        from identity.customer_records
        inner join marts.customer_identities using (source_system, source_customer_id)
        group by customer_id"""
    )
    connection.execute(
        "insert into marts.customer_id_history values (1, 'merged', 'C00000000000000ff', ?)", [ANA]
    )
