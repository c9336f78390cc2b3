"""Every system's files read back by plain readers: layouts, counts against the engine, planted faults."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from simulation import faults
from simulation.config import SimulationConfig
from simulation.generate import (
    WRITERS,
    Places,
    SimulationError,
    continue_market,
    generate,
    is_complete,
)
from simulation.systems.ecommerce_sql import ORDER_COLUMNS
from tests.unit.simulation.conftest import CONFIG, RATES, WrittenMarket, contents
from tests.unit.simulation.readers import (
    header_of,
    parse_csv,
    read_csv,
    read_events,
    read_table,
    read_text,
    read_workbook,
    read_zip,
)

ERP_HEADER = (
    "CODCLI;NOMBRE;APELLIDOS;NIF;DIRECCION;CP;POBLACION;PROVINCIA;TELEFONO;MOVIL;EMAIL;"
    "FECHA_NACIMIENTO;SEXO;TARJETA;FECHA_ALTA;FECHA_MODIFICACION;TIENDA_ALTA;ACEPTA_EMAIL;"
    "ACEPTA_SMS;ACEPTA_POSTAL"
)
REPORT_HEADER = (
    "Title,Subject,List,Send Date,Send Weekday,Total Recipients,Successful Deliveries,Soft Bounces,"
    "Hard Bounces,Total Bounces,Unique Opens,Open Rate,Total Opens,Unique Clicks,Click Rate,"
    "Total Clicks,Unsubscribes,Abuse Complaints,Folder Id,Unique Id,Total Orders,Total Gross Sales,"
    "Total Revenue"
)


def damaged_keys(written: WrittenMarket, system: str) -> set[str]:
    planted = written.truth("planted_faults")
    chosen = planted[
        (planted["source_system"] == system) & (planted["fault_kind"] == "damaged_row")
    ]
    return set(chosen["record_key"])


def sound_lines(written: WrittenMarket, system: str, path) -> list[str]:
    """Return a damaged CSV file's lines that a strict reader takes, the header first."""
    encoding = "cp1252" if system == "erp" else "utf-8-sig"
    lines = read_text(path, encoding).splitlines()
    keys = damaged_keys(written, system)
    return [line for line in lines if not keys & set(re.split("[;,]", line))]


def erp_rows(written: WrittenMarket, path) -> list[dict[str, str]]:
    return parse_csv("\n".join(sound_lines(written, "erp", path)), ";")


# --- erp


def test_erp_customers_change_some_column_names_half_way(written: WrittenMarket) -> None:
    headers = {
        path.name: header_of(path, ";", "cp1252") for path in written.files("erp", "clientes_*")
    }
    before = ERP_HEADER.split(";")
    names = {"CODCLI": "COD_CLIENTE", "CP": "C.P.", "MOVIL": "TEL_MOVIL"}
    after = [names.get(name, name) for name in before]
    assert headers["clientes_20240131.csv"] == before
    assert headers["clientes_20240531.csv"] == after
    assert all(header in (before, after) for header in headers.values())


def test_erp_holds_every_member_with_the_newest_version_last(written: WrittenMarket) -> None:
    joined = written.frames["new_members"].query("system == 'erp'")["person_id"]
    codes = {f"{code:07d}" for code in written.market.people["erp_code"].iloc[joined]}
    seen = set()
    for path in written.files("erp", "clientes_*"):
        for row in erp_rows(written, path):
            seen.add(row.get("CODCLI") or row["COD_CLIENTE"])
            datetime.strptime(row["FECHA_MODIFICACION"], "%d/%m/%Y %H:%M:%S")
            assert row["SEXO"] in ("H", "M", "")
            assert row["ACEPTA_EMAIL"] in ("S", "N")
    assert seen <= codes
    assert codes - seen <= damaged_keys(written, "erp")


def test_erp_late_files_hold_old_rows_only(written: WrittenMarket) -> None:
    planted = written.truth("planted_faults")
    late = planted[
        (planted["fault_kind"] == faults.LATE_FILE) & (planted["source_system"] == "erp")
    ]
    assert len(late)
    for name, month in zip(late["source_file"], late["true_value"], strict=True):
        rows = erp_rows(written, written.places.landing / "erp" / name)
        newest = max(datetime.strptime(r["FECHA_MODIFICACION"], "%d/%m/%Y %H:%M:%S") for r in rows)
        assert f"{newest:%Y-%m}" <= month < f"{name[9:13]}-{name[13:15]}"


def test_erp_items_use_decimal_commas(written: WrittenMarket) -> None:
    [first, *_] = written.files("erp", "articulos_*")
    rows = read_csv(first, ";", "cp1252")
    items = written.market.items.set_index("sku")
    listed = items[items["listed_on"] < pd.Timestamp("2024-02-01")]
    assert {row["CODART"] for row in rows} == set(listed.index)
    for row in rows[:50]:
        assert re.fullmatch(r"\d+,\d\d", row["PVP"])
        assert re.fullmatch(r"\d+,\d{4}", row["COSTE"])
        assert int(row["IVA"].removesuffix(",00")) == items.loc[row["CODART"], "vat_rate"]
        assert row["DESCRIPCION"] == items.loc[row["CODART"], "description"]
    assert b"\r\n" in first.read_bytes()
    [stores] = written.files("erp", "tiendas_*")
    assert len(read_csv(stores, ";", "cp1252")) == len(written.market.stores)


# --- pos


def pos_tickets(written: WrittenMarket) -> list[dict]:
    tickets = []
    keys = damaged_keys(written, "pos")
    for path in written.files("pos"):
        lines = [line for line in read_text(path).splitlines() if line[14:26] not in keys]
        path_tickets = [json.loads(line) for line in lines]
        tickets += path_tickets
    return tickets


def test_pos_tickets_are_the_engines_but_for_damaged_ones(written: WrittenMarket) -> None:
    tickets = {ticket["ticket_id"]: ticket for ticket in pos_tickets(written)}
    expected = written.frames["tickets"].set_index("ticket_id")
    keys = {f"TK{number:010d}" for number in expected.index}
    assert set(tickets) == keys - damaged_keys(written, "pos")
    lines = written.frames["ticket_lines"].groupby("ticket_id")
    counts, totals = lines.size(), lines["amount"].sum()
    for key, ticket in tickets.items():
        number = int(key[2:])
        assert len(ticket["lines"]) == counts[number]
        assert sum(line["amount"] for line in ticket["lines"]) == pytest.approx(totals[number])
        assert ticket["total"] == expected.at[number, "total"]
        assert (ticket["total"] < 0) == (ticket["operation"] == "refund")
        opened_at = datetime.fromisoformat(ticket["opened_at"])
        assert opened_at.replace(tzinfo=None) == expected.at[number, "opened_at"]
        assert opened_at.utcoffset().total_seconds() in (3600, 7200)


def test_pos_lines_name_articles_and_cards_of_the_erp(written: WrittenMarket) -> None:
    ticket = pos_tickets(written)[0]
    assert list(ticket) == [
        "ticket_id",
        "store_id",
        "till",
        "opened_at",
        "operation",
        "original_ticket_id",
        "card_number",
        "cashier",
        "payment_method",
        "currency",
        "total",
        "lines",
    ]
    assert list(ticket["lines"][0]) == [
        "line",
        "sku",
        "ean",
        "description",
        "quantity",
        "unit_price",
        "discount",
        "amount",
        "vat_rate",
    ]
    skus = set(written.market.items["sku"])
    cards = {str(card) for card in written.market.people["card_number"]}
    for ticket in pos_tickets(written):
        assert {line["sku"] for line in ticket["lines"]} <= skus
        assert ticket["card_number"] is None or ticket["card_number"] in cards


# --- ecommerce


def order_rows(written: WrittenMarket) -> list[dict[str, str]]:
    rows = []
    for path in written.files("ecommerce", "orders_export_*"):
        assert header_of(path) == list(ORDER_COLUMNS)
        rows += [{**row, "file": path.name} for row in read_csv(path)]
    return rows


def test_shopify_orders_carry_all_lines_and_refunds(written: WrittenMarket) -> None:
    rows = order_rows(written)
    lines = written.frames["shop_order_lines"]
    skus = written.market.products["sku"].array[lines["product_id"]]
    expected = {(f"#{order}", sku) for order, sku in zip(lines["order_id"], skus, strict=True)}
    assert {(row["Name"], row["Lineitem sku"]) for row in rows} == expected
    assert all(row["Email"] for row in rows)
    heads = [row for row in rows if row["Total"]]
    assert {row["Name"] for row in heads} == {name for name, _ in expected}
    for row in rows:
        if not row["Total"]:
            filled = {name for name, value in row.items() if value} - {"file"}
            assert all(
                name in ("Name", "Email", "Vendor") or name.startswith("Lineitem")
                for name in filled
            )
    newest = {row["Name"]: row for row in sorted(heads, key=lambda row: row["file"])}
    refunds = written.frames["refunds"].set_index("order_id")
    for name, row in newest.items():
        order = int(name[1:])
        if order in refunds.index:
            status = "refunded" if refunds.at[order, "is_full"] else "partially_refunded"
            assert row["Financial Status"] == status
            assert Decimal(row["Refunded Amount"]) == Decimal(f"{refunds.at[order, 'amount']:.2f}")
        else:
            assert (row["Financial Status"], row["Refunded Amount"]) == ("paid", "0.00")


def test_shopify_orders_have_offsets_and_newline_separated_notes(written: WrittenMarket) -> None:
    heads = [row for row in order_rows(written) if row["Total"]]
    orders = written.frames["shop_orders"].set_index("order_id")
    sources = 0
    for row in heads:
        created = datetime.strptime(row["Created at"], "%Y-%m-%d %H:%M:%S %z")
        assert created.replace(tzinfo=None) == orders.at[int(row["Name"][1:]), "created_at"]
        if row["Note Attributes"]:
            notes = dict(line.split("=", 1) for line in row["Note Attributes"].split("\n"))
            assert notes["utm_source"] == orders.at[int(row["Name"][1:]), "utm_source"]
            sources += 1
    assert 0 < sources < len(heads)


def test_shopify_customers_and_products(written: WrittenMarket) -> None:
    joined = written.frames["new_members"].query("system == 'ecommerce'")["person_id"]
    expected = {f"'{number}" for number in written.market.people["shopify_id"].iloc[joined]}
    rows = [row for path in written.files("ecommerce", "customers_*") for row in read_csv(path)]
    assert {row["Customer ID"] for row in rows} == expected
    assert all(re.fullmatch(r"'\d{5}", row["Default Address Zip"]) for row in rows)
    assert all(re.fullmatch(r"[A-Z]{1,2}", row["Default Address Province Code"]) for row in rows)
    products = read_csv(written.files("ecommerce", "products_*")[-1])
    tags = {row["Variant SKU"]: row["Tags"] for row in products}
    market = written.market.products.set_index("sku")
    listed = market[market["listed_on"] < pd.Timestamp("2024-06-01")]
    assert set(listed.index) <= set(tags)
    for sku, product in listed.iterrows():
        for attribute in str(product["attributes"]).split(";"):
            assert f"attr:{attribute}" in tags[sku].split(";")
    assert any("compatible:" in text for text in tags.values())


# --- dms


def test_dms_holds_every_row_in_its_newest_state(written: WrittenMarket) -> None:
    [path] = written.files("dms", "dms.sqlite")
    frames = written.frames
    for table, frame, key, column, prefix in (
        ("vehicles", "vehicles", "vin", "vin", ""),
        ("leads", "leads", "lead_id", "lead_id", "L"),
        ("vehicle_orders", "vehicle_orders", "order_no", "vehicle_order_id", "P"),
        ("workshop_visits", "workshop_visits", "visit_no", "visit_id", "OR"),
        ("finance_contracts", "finance_contracts", "contract_no", "contract_id", "F"),
        ("warranties", "warranties", "warranty_no", "warranty_id", "G"),
    ):
        rows = read_table(path, table)
        assert len(rows) == frames[frame][column].nunique() > 0
        if prefix:
            assert {int(row[key].removeprefix(prefix)) for row in rows} == set(
                frames[frame][column]
            )
    newest = frames["leads"].sort_values("updated_at").groupby("lead_id").last()
    status = {int(row["lead_id"][1:]): row["status"] for row in read_table(path, "leads")}
    assert status == newest["status"].astype(str).to_dict()
    customers = {row["customer_no"]: row for row in read_table(path, "customers")}
    joined = frames["new_members"].query("system == 'dms'")["person_id"]
    assert set(customers) == {str(n) for n in written.market.people["dms_no"].iloc[joined]}
    for row in customers.values():
        assert row["birth_date"] is None or date.fromisoformat(row["birth_date"])
        datetime.fromisoformat(row["updated_at"])
    assert len(read_table(path, "dealers")) == len(written.market.dealers)


# --- mailing


def test_audience_zip_splits_members_by_state(written: WrittenMarket) -> None:
    for path in written.files("mailing", "audience_export_*.zip"):
        stamp = path.stem[-8:]
        members = read_zip(path)
        assert list(members) == [
            f"{kind}_members_export_{stamp}.csv"
            for kind in ("subscribed", "unsubscribed", "cleaned")
        ]
        rows = [row for text in members.values() for row in parse_csv(text)]
        addresses = Counter(row["Email Address"].lower() for row in rows)
        assert max(addresses.values()) == 1 and "" not in addresses
    header = members[f"cleaned_members_export_{stamp}.csv"].splitlines()[0].split(",")
    assert header[:7] == [
        "Email Address",
        "First Name",
        "Last Name",
        "Phone Number",
        "Birthday",
        "Postal Code",
        "Preferred Channel",
    ]
    assert header[-7:] == [
        "CLEAN_TIME",
        "CLEAN_CAMPAIGN_TITLE",
        "CLEAN_CAMPAIGN_ID",
        "LEID",
        "EUID",
        "NOTES",
        "TAGS",
    ]
    unsubscribed = parse_csv(members[f"unsubscribed_members_export_{stamp}.csv"])
    assert unsubscribed and all(row["UNSUB_TIME"] for row in unsubscribed)


def test_activity_tells_what_the_engine_says_by_period(written: WrittenMarket) -> None:
    rows = []
    for path in written.files("mailing", "activity_*"):
        if "reenvio" not in path.name:
            assert header_of(path) == [
                "Campaign Id",
                "Email Address",
                "EUID",
                "Action",
                "Bounce Type",
                "Timestamp",
                "URL",
                "IP",
                "User Agent",
            ]
            rows += read_csv(path)
    until = pd.Timestamp(written.continued.simulated_until)
    messages = written.frames["messages"]
    emails = messages[(messages["channel"] == "email") & ~messages["is_control"]]
    actions = Counter(row["Action"] for row in rows)
    for action, column in (
        ("sent", "sent_at"),
        ("bounce", "bounced_at"),
        ("unsub", "unsubscribed_at"),
        ("abuse", "complained_at"),
    ):
        assert actions[action] == (emails[column] < until).sum()
    assert actions["open"] >= (emails["opened_at"] < until).sum()
    assert actions["click"] >= (emails["clicked_at"] < until).sum() > 0
    assert all(row["URL"].startswith("https://") for row in rows if row["Action"] == "click")


def test_campaign_reports_add_up_with_the_activity(written: WrittenMarket) -> None:
    newest = {}
    for path in written.files("mailing", "campaigns_*"):
        assert header_of(path) == REPORT_HEADER.split(",")
        newest.update({row["Unique Id"]: row for row in read_csv(path)})
    counts: Counter = Counter()
    for path in written.files("mailing", "activity_*"):
        if "reenvio" not in path.name:
            counts.update((row["Campaign Id"], row["Action"]) for row in read_csv(path))
    assert set(newest) == {campaign for campaign, _ in counts}
    for campaign, report in newest.items():
        assert int(report["Total Recipients"]) == counts[campaign, "sent"]
        assert int(report["Total Opens"]) == counts[campaign, "open"]
        assert int(report["Total Clicks"]) == counts[campaign, "click"]
        assert int(report["Total Bounces"]) == counts[campaign, "bounce"]
        datetime.strptime(report["Send Date"], "%b %d, %Y %I:%M %p")
        assert report["Open Rate"].endswith("%")


def test_text_messages_and_opt_out_list(written: WrittenMarket) -> None:
    rows = [row for path in written.files("mailing", "sms_*") for row in read_csv(path, ";")]
    messages = written.frames["messages"]
    sms = messages[(messages["channel"] == "sms") & ~messages["is_control"]]
    assert {row["message_id"] for row in rows} == {f"S{n:09d}" for n in sms["message_id"]}
    assert {row["status"] for row in rows} <= {"delivered", "failed", "sent"}
    assert all(re.fullmatch(r"34\d{9}", row["msisdn"]) for row in rows)
    robinson = read_csv(written.files("mailing", "robinson_*")[-1], ";")
    assert {row["tipo"] for row in robinson} == {"email", "telefono", "nif"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", row["hash_sha256"]) for row in robinson)


# --- web


def test_events_have_the_ga4_layout_and_unique_keys(written: WrittenMarket) -> None:
    events = [
        event
        for path in written.files("web", "events_*")
        if "reenvio" not in path.name
        for event in read_events(path)
    ]
    assert len(events) == len(written.frames["web_events"])
    keys = {(e["user_pseudo_id"], e["event_timestamp"], e["event_name"]) for e in events}
    assert len(keys) == len(events)
    orders = written.frames["shop_orders"].set_index("order_id")
    shopify_ids = {str(number) for number in written.market.people["shopify_id"]}
    purchases = 0
    for event in events:
        parameters = {p["key"]: p["value"] for p in event["event_params"]}
        assert parameters["ga_session_id"]["int_value"] > 1_700_000_000
        assert parameters["page_location"]["string_value"].startswith("https://www.nebra.example/")
        assert ("search_term" in parameters) == (event["event_name"] == "search")
        assert event["user_id"] is None or event["user_id"] in shopify_ids
        if event["event_name"] == "purchase":
            order = int(event["ecommerce"]["transaction_id"][1:])
            assert event["ecommerce"]["purchase_revenue"] == orders.at[order, "total"]
            lines = written.frames["shop_order_lines"].query("order_id == @order")
            skus = set(written.market.products["sku"].array[lines["product_id"]])
            assert {item["item_id"] for item in event["items"]} == skus
            purchases += 1
    assert purchases == (written.frames["web_events"]["event_name"] == "purchase").sum() > 0


# --- contact centre, forms, market


def test_cases_stand_below_two_title_lines(written: WrittenMarket) -> None:
    newest: dict[str, dict] = {}
    for path in written.files("contact_center", "casos_*.xlsx"):
        titles, rows = read_workbook(path)
        assert titles[0][0] and titles[1][0] and not any(titles[0][1:])
        assert list(rows[0]) == [
            "Nº caso",
            "Fecha apertura",
            "Fecha cierre",
            "Canal",
            "Cliente",
            "Teléfono",
            "Email",
            "Nº serie",
            "SKU",
            "Producto",
            "Motivo",
            "Submotivo",
            "Estado",
            "Satisfacción (1-5)",
            "Agente",
            "Descripción",
        ]
        newest.update({row["Nº caso"]: row for row in rows})
    cases = written.frames["cases"].set_index("case_id")
    assert {int(key[7:]) for key in newest} == set(cases.index)
    until = pd.Timestamp(written.continued.simulated_until)
    for key, row in newest.items():
        case = cases.loc[int(key[7:])]
        assert row["Fecha apertura"] == case["opened_at"].floor("s")
        is_closed = case["closed_at"] < until
        assert row["Estado"] == ("Cerrado" if is_closed else "Abierto")
        assert bool(row["Fecha cierre"]) == is_closed
        assert row["Descripción"] == case["description"]


def test_forms_are_one_document_a_period(written: WrittenMarket) -> None:
    submissions = {}
    for path in written.files("forms", "submissions_*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert list(document) == ["exported_at", "submissions"]
        submissions.update({entry["submission_id"]: entry for entry in document["submissions"]})
    frame = written.frames["submissions"]
    assert set(submissions) == {f"f{number:08d}" for number in frame["submission_id"]}
    own = {
        "newsletter": set(),
        "product_registration": {"sku", "numero_serie", "fecha_compra", "tienda"},
        "test_drive": {"modelo", "concesionario"},
        "survey": {"nps", "intereses", "canal_preferido", "personas_hogar", "mascotas"},
        "competition": set(),
    }
    for entry in submissions.values():
        assert entry["email"]
        assert own[entry["form_type"]] <= set(entry["fields"])
        for consent in entry["consents"]:
            assert consent["double_opt_in"] in ((None, "confirmed", "pending"))
            assert isinstance(consent["granted"], bool)


def test_market_files_have_the_institutes_layout(written: WrittenMarket) -> None:
    [incomes] = written.files("market", "renta_municipios_*")
    assert incomes.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = read_csv(incomes, ";")
    assert list(rows[0]) == ["Municipios", "Indicadores de renta media", "Periodo", "Total"]
    assert len(rows) == 6 * len(written.market.municipalities)
    assert all(re.fullmatch(r"\d{5} .+", row["Municipios"]) for row in rows)
    assert all(re.fullmatch(r"\.|\d{1,3}(\.\d{3})*", row["Total"]) for row in rows)
    assert any(row["Total"] == "." for row in rows)
    [population] = written.files("market", "poblacion_provincias_*")
    rows = read_csv(population, ";")
    total = {row["Provincias"]: row for row in rows if row["Sexo"] == "Total"}
    assert len(total) == 52


# --- planted faults and truth

FIELD_READERS = {
    "erp": lambda written, path: erp_rows(written, path),
    "ecommerce": lambda written, path: read_csv(path),
}
KEYS = {"erp": ("CODCLI", "COD_CLIENTE"), "ecommerce": ("Customer ID",)}


@pytest.mark.parametrize("system", ["erp", "ecommerce"])
def test_planted_values_stand_in_the_files(written: WrittenMarket, system: str) -> None:
    planted = written.truth("planted_faults")
    planted = planted[
        (planted["source_system"] == system)
        & (planted["source_table"] == "customers")
        & (planted["record_key"] != "")
        & ~planted["fault_kind"].isin([faults.DAMAGED_ROW, faults.DUPLICATED_ROW])
    ]
    assert len(planted) > 250
    checked = 0
    for name, of_file in planted.groupby("source_file", observed=True):
        rows = FIELD_READERS[system](written, written.places.landing / system / name)
        by_key = {
            next(row[key] for key in KEYS[system] if key in row).lstrip("'"): row for row in rows
        }
        for fault in of_file.itertuples():
            assert fault.true_value != fault.delivered_value
            row = by_key.get(fault.record_key)
            if row is None:
                assert fault.record_key in damaged_keys(written, system)
                continue
            assert row[fault.field].lstrip("'") == (fault.delivered_value or "").lstrip("'")
            checked += 1
    assert checked > 200


def test_planted_values_stand_in_the_database_and_the_workbooks(written: WrittenMarket) -> None:
    planted = written.truth("planted_faults")
    customers = {
        row["customer_no"]: row
        for row in read_table(*written.files("dms", "*.sqlite"), "customers")
    }
    of_dms = planted[(planted["source_system"] == "dms") & (planted["source_table"] == "customers")]
    newest = of_dms.drop_duplicates(["record_key", "field", "fault_kind"], keep="last")
    agreeing = [customers[f.record_key][f.field] == f.delivered_value for f in newest.itertuples()]
    # A later change of the record may replace a value that was planted before.
    assert np.mean(agreeing) > 0.98
    cases = {}
    for path in written.files("contact_center"):
        for row in read_workbook(path)[1]:
            cases.setdefault(row["Nº caso"], row)
    of_cases = planted[
        (planted["source_system"] == "contact_center")
        & (planted["field"].isin(["Cliente", "Email"]))
    ]
    assert len(of_cases)
    for fault in of_cases.itertuples():
        assert (cases[fault.record_key][fault.field] or None) == fault.delivered_value


def test_every_kind_of_fault_is_planted(written: WrittenMarket) -> None:
    kinds = {
        value
        for name, value in vars(faults).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    assert len(kinds) == 30
    assert kinds - set(written.truth("planted_faults")["fault_kind"]) == set()


def test_damaged_rows_are_damaged(written: WrittenMarket) -> None:
    planted = written.truth("planted_faults")
    damaged = planted[planted["fault_kind"] == faults.DAMAGED_ROW]
    assert {"erp", "pos", "ecommerce", "mailing"} <= set(damaged["source_system"])
    for fault in damaged.itertuples():
        path = written.places.landing / fault.source_system / fault.source_file
        text = read_text(path, "cp1252" if fault.source_system == "erp" else "utf-8-sig")
        assert fault.delivered_value in text


def test_duplicated_files_are_the_same_bytes(written: WrittenMarket) -> None:
    planted = written.truth("planted_faults")
    copies = planted[planted["fault_kind"] == faults.DUPLICATED_FILE]
    assert len(copies) > 3
    for copy in copies.itertuples():
        folder = written.places.landing / copy.source_system
        assert (folder / copy.true_value).read_bytes() == (
            folder / copy.delivered_value
        ).read_bytes()


def test_source_records_name_a_person_for_every_customer_id(written: WrittenMarket) -> None:
    records = written.truth("source_records")
    assert not records.duplicated(
        ["source_system", "source_table", "source_customer_id", "person_id"]
    ).any()
    by_system = {
        system: set(group["source_customer_id"])
        for system, group in records.groupby("source_system")
    }
    people = written.market.people.set_index("person_id")
    erp = records[records["source_system"] == "erp"]
    assert (
        people.loc[erp["person_id"], "erp_code"].map("{:07d}".format).to_numpy()
        == erp["source_customer_id"]
    ).all()
    assert (
        people.loc[records["person_id"], "household_id"].to_numpy() == records["household_id"]
    ).all()
    for path in written.files("mailing", "audience_export_*.zip"):
        for text in read_zip(path).values():
            for row in parse_csv(text):
                assert row["Email Address"].lower() in by_system["mailing"]
    cards = {t["card_number"] for t in pos_tickets(written)} - {None}
    assert cards <= by_system["pos"]
    leads = read_table(*written.files("dms", "*.sqlite"), "leads")
    assert {f"lead:{row['lead_id']}" for row in leads if row["customer_no"] is None} == {
        key for key in by_system["dms"] if key.startswith("lead:")
    }


def test_truth_tables_are_complete(written: WrittenMarket) -> None:
    assert len(written.truth("people")) == CONFIG.people
    assert len(written.truth("latent"))
    assert len(written.truth("service_questions"))
    assert len(written.truth("potential_outcomes")) == len(written.frames["potential_outcomes"])
    assert len(written.truth("consent_events")) == len(written.frames["consent_events"])
    assert len(written.truth("renewals")) == len(written.frames["renewals"])


# --- continuing, repeating, refusing


def test_continuing_adds_daily_files_and_leaves_the_others_alone(written: WrittenMarket) -> None:
    after = contents(written.places.landing)
    for name, before in written.bytes_after_history.items():
        if name != "dms/dms.sqlite":
            assert after[name] == before
    added = set(after) - set(written.bytes_after_history)
    for day in ("2024-06-01", "2024-06-08"):
        assert f"pos/tickets_{day}.ndjson.gz" in added
    assert "web/events_20240603.parquet" in added
    assert any(name.startswith("mailing/audience_export_202406") for name in added)
    ids = written.frames["tickets"]["ticket_id"]
    assert not ids.duplicated().any()


def test_equal_arguments_give_equal_bytes(tmp_path) -> None:
    config = SimulationConfig(people=300, days=40, seed=9)
    folders = []
    for name in ("one", "two"):
        places = Places(tmp_path / name / "landing", tmp_path / name / "truth")
        generate(config, places, rates=RATES)
        continue_market(7, places, rates=RATES)
        folders.append(contents(tmp_path / name))
    assert list(folders[0]) == list(folders[1])
    assert [name for name in folders[0] if folders[0][name] != folders[1][name]] == []
    other = Places(tmp_path / "three" / "landing", tmp_path / "three" / "truth")
    generate(SimulationConfig(people=300, days=40, seed=10), other, rates=RATES)
    assert (
        contents(tmp_path / "three")["landing/dms/dms.sqlite"]
        != folders[0]["landing/dms/dms.sqlite"]
    )


def test_a_stopped_run_can_be_repeated_but_nothing_else_written_over(tmp_path) -> None:
    config = SimulationConfig(people=300, days=40, seed=2)
    places = Places(tmp_path / "landing", tmp_path / "truth")

    def stop(reached: date, until: date) -> None:
        if reached > config.start:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(config, places, progress=stop)
    assert places.holds_files() and not is_complete(places)
    with pytest.raises(SimulationError, match="to continue"):
        continue_market(1, places)
    with pytest.raises(SimulationError, match="300 people"):
        generate(SimulationConfig(people=301, days=40, seed=2), places)
    generate(config, places)
    assert is_complete(places)
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()]
    with pytest.raises(SimulationError, match="--continue"):
        generate(config, places)
    stranger = Places(tmp_path / "landing", tmp_path / "elsewhere")
    with pytest.raises(SimulationError, match="hold files already"):
        generate(config, stranger)


def test_only_the_owner_reads_the_files(written: WrittenMarket) -> None:
    for root in (written.places.landing, written.places.truth):
        for path in root.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_every_system_delivers(written: WrittenMarket) -> None:
    assert {delivery.system for delivery in written.history.deliveries} == set(WRITERS)
    for delivery in (*written.history.deliveries, *written.continued.deliveries):
        assert (written.places.landing / delivery.system / delivery.file).exists()
        if delivery.system == "pos":
            path = written.places.landing / "pos" / delivery.file
            assert len(read_text(path).splitlines()) == delivery.rows
