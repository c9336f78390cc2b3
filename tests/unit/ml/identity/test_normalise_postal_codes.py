"""Postal codes, cities and provinces as they stand in customer files."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.identity.normalise import RecordNormaliser
from ml.identity.normalise.places import normalise_places

# postal code, city, province as delivered; postal code, city, municipality, province, is valid, issue
EXAMPLES = [
    ("28001", "Madrid", "Madrid", "28001", "Madrid", "28079", "28", True, None),
    ("28001", "MADRID", "MADRID", "28001", "Madrid", "28079", "28", True, None),
    ("28001", "madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("28001", None, None, "28001", None, "28079", "28", True, None),
    ("28001.0", "Madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("'28001", "Madrid", "M", "28001", "Madrid", "28079", "28", True, None),
    (" 28 001 ", "Madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("E-28001", "Madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("CP 28001", "Madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("C.P.: 28001", "Madrid", None, "28001", "Madrid", "28079", "28", True, None),
    ("8001", "BARCELONA", "Barcelona", "08001", "Barcelona", "08019", "08", True, "zero_restored"),
    ("1001", "Vitoria", "Álava", "01001", "Vitoria-Gasteiz", "01059", "01", True, "zero_restored"),
    ("7001", "Palma", "Baleares", "07001", "Palma de Mallorca", "07040", "07", True, "zero_restored"),
    ("3001", "Alicante", "Alicante", "03001", "Alicante", "03014", "03", True, "zero_restored"),
    ("2001", "Albacete", None, "02001", "Albacete", "02003", "02", True, "zero_restored"),
    ("15001", "La Coruña", "La Coruña", "15001", "A Coruña", "15030", "15", True, None),
    ("15001", "A Coruña", "A CORUÑA", "15001", "A Coruña", "15030", "15", True, None),
    ("15001", "Coruña (A)", "Coruña, A", "15001", "A Coruña", "15030", "15", True, None),
    ("25001", "Lérida", "Lérida", "25001", "Lleida", "25120", "25", True, None),
    ("25001", "LLEIDA", "L", "25001", "Lleida", "25120", "25", True, None),
    ("17001", "Gerona", "Gerona", "17001", "Girona", "17079", "17", True, None),
    ("32001", "Orense", "Orense", "32001", "Ourense", "32054", "32", True, None),
    ("20001", "San Sebastián", "Guipúzcoa", "20001", "San Sebastián", "20069", "20", True, None),
    ("20001", "Donostia", "Gipuzkoa", "20001", "Donostia", "20069", "20", True, None),
    ("48001", "Bilbao", "Vizcaya", "48001", "Bilbao", "48020", "48", True, None),
    ("31001", "PAMPLONA", "Navarra", "31001", "Pamplona", "31201", "31", True, None),
    ("03202", "Elche", "Alicante/Alacant", "03202", "Elche", "03065", "03", True, None),
    ("03202", "Elx", "Alacant", "03202", "Elx", "03065", "03", True, None),
    ("46001", "València", "València", "46001", "Valencia", "46250", "46", True, None),
    ("38001", "Santa Cruz de Tenerife", "S.C. Tenerife", "38001", "Santa Cruz de Tenerife", "38038",
     "38", True, None),
    ("35001", "Las Palmas", "Las Palmas", "35001", "Las Palmas de Gran Canaria", "35016", "35", True,
     None),
    ("08901", "HOSPITALET DE LLOBREGAT, L'", "B", "08901", "L'Hospitalet de Llobregat", "08101", "08",
     True, None),
    ("26001", "Logroño", "La Rioja", "26001", "Logroño", "26089", "26", True, None),
    ("33001", "OVIEDO", "Principado de Asturias", "33001", "Oviedo", "33044", "33", True, None),
    ("30001", "Murcia", "30", "30001", "Murcia", "30030", "30", True, None),
    ("50001", "ZARAGOZA", "Z", "50001", "Zaragoza", "50297", "50", True, None),
    ("28080", "Madrid", None, "28080", "Madrid", "28079", "28", True, None),
    ("01118", "Condado de Treviño", "Burgos", "01118", "Condado de Treviño", "09109", "09", True, None),
    (None, "Elche", "Alicante", None, "Elche", "03065", "03", None, None),
    (None, None, "Barcelona", None, None, None, "08", None, None),
    ("99001", "Madrid", "Madrid", "99001", "Madrid", "28079", "28", False, "invalid_postal_code"),
    ("28", "Madrid", None, "28", "Madrid", "28079", "28", False, "invalid_postal_code"),
    ("hola", None, None, "hola", None, None, None, False, "invalid_postal_code"),
    ("00000", None, None, "00000", None, None, None, False, "invalid_postal_code"),
    ("28000", "Madrid", None, "28000", "Madrid", "28079", "28", False, "unknown_postal_code"),
    ("28999", None, None, "28999", None, None, "28", False, "unknown_postal_code"),
    ("41001", "Barcelona", "Barcelona", "41001", "Barcelona", "08019", "08", False, "province_mismatch"),
    ("41001", None, "Barcelona", "41001", None, None, "08", False, "province_mismatch"),
    (None, None, None, None, None, None, None, None, None),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples(normaliser: RecordNormaliser, example) -> None:
    postal_code, city, province, *expected = example
    frame = pd.DataFrame(
        [{"postal_code": postal_code, "city": city, "province_name": province}], dtype="object"
    )
    row = normalise_places(frame, normaliser.places).iloc[0]
    names = [
        "postal_code", "city", "municipality_code", "province_code", "is_postal_code_valid",
        "postal_code_issue",
    ]  # fmt: skip
    assert [None if pd.isna(row[name]) else row[name] for name in names] == expected


def test_abroad_nothing_is_looked_up(normaliser: RecordNormaliser) -> None:
    frame = pd.DataFrame([{"postal_code": "1000-001", "city": "LISBOA", "country_code": "pt"}])
    row = normalise_places(frame, normaliser.places).iloc[0]
    assert (row["postal_code"], row["city"], row["country_code"]) == ("1000-001", "Lisboa", "PT")
    assert pd.isna(row["is_postal_code_valid"])
    assert row["province_code"] is None


@pytest.mark.parametrize("country", ["España", "ESPAÑA", "Spain", "ES", "esp"])
def test_spain_has_one_code(normaliser: RecordNormaliser, country: str) -> None:
    frame = pd.DataFrame([{"postal_code": "28001", "country_code": country}])
    assert normalise_places(frame, normaliser.places)["country_code"].tolist() == ["ES"]


def test_every_province_is_known_by_each_of_its_names(normaliser: RecordNormaliser) -> None:
    provinces = normaliser.reference.provinces
    rows = [
        (code, name)
        for code, names, letters in provinces[
            ["province_code", "province_name", "shopify_code"]
        ].itertuples(index=False)
        for name in (*names.split("/"), names, names.upper(), letters)
    ]
    frame = pd.DataFrame({"province_name": [name for _, name in rows]})
    found = normalise_places(frame, normaliser.places)["province_code"].tolist()
    assert found == [code for code, _ in rows]
