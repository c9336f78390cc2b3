"""Names as they stand in customer files."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.identity.normalise import RecordNormaliser
from ml.identity.normalise.names import normalise_names

# full name as delivered; given name, first and second surname
FULL_NAMES = [
    ("María del Carmen García López", "María del Carmen", "García", "López"),
    ("JOSÉ LUIS DE LA FUENTE MARTÍN", "José Luis", "de la Fuente", "Martín"),
    ("garcía lópez, antonio", "Antonio", "García", "López"),
    ("García López Antonio", "Antonio", "García", "López"),
    ("DE LA FUENTE GIL, MARÍA JOSÉ", "María José", "de la Fuente", "Gil"),
    ("Juan de Dios Pérez Gil", "Juan de Dios", "Pérez", "Gil"),
    ("María de los Ángeles Ruiz", "María de los Ángeles", "Ruiz", None),
    ("Mª Ángeles Ruiz de Gauna Pérez", "María Ángeles", "Ruiz de Gauna", "Pérez"),
    ("Fco. Javier Gómez", "Francisco Javier", "Gómez", None),
    ("Ana Mª Glez. Fdez.", "Ana María", "González", "Fernández"),
    ("J. L. Rodríguez", "J. L.", "Rodríguez", None),
    ("J.L. Rodríguez Zapatero", "J. L.", "Rodríguez", "Zapatero"),
    ("Ana García-Lorca San Martín", "Ana", "García-Lorca", "San Martín"),
    ("Pedro Santa Cruz Gil", "Pedro", "Santa Cruz", "Gil"),
    ("Don Antonio Machado Ruiz", "Antonio", "Machado", "Ruiz"),
    ("D. Miguel de Unamuno y Jugo", "Miguel", "de Unamuno", "Jugo"),
    ("Santiago Ramón y Cajal", "Santiago", "Ramón", "Cajal"),
    ("Josep Puig i Cadafalch", "Josep", "Puig", "Cadafalch"),
    ("José María Aznar López", "José María", "Aznar", "López"),
    ("María Teresa Fernández de la Vega Sanz", "María Teresa", "Fernández de la Vega", "Sanz"),
    ("MARIA JOSE", "Maria Jose", None, None),
    ("Lucía", "Lucía", None, None),
    ("MARIA DE SA", "Maria", "de Sa", None),
    ("Martín Alonso", "Martín", "Alonso", None),
    ("John McDonald", "John", "McDonald", None),
    ("SEAN O'CONNOR", "Sean", "O'Connor", None),
    ("Mohamed El Amrani", "Mohamed", "El Amrani", None),
    ("Ion Popescu", "Ion", "Popescu", None),
    ("GarcÃ\xada LÃ³pez, JosÃ©", "José", "García", "López"),
    ("Mu¤oz Pérez, Begoña", "Begoña", "Muñoz", "Pérez"),
    ("Begoña Mu�oz P�rez", "Begoña", "Muñoz", "Pérez"),
    ("Iker  Etxeberria   Agirre", "Iker", "Etxeberria", "Agirre"),
    ("María\u200b García", "María", "García", None),
    ("Rocío Jurado (viuda de Gil)", "Rocío", "Jurado", None),
]
# given name, surnames, surname 1, surname 2 as delivered; given name, first and second surname, issue
FIELDS = [
    ("Antonio", "García López", None, None, "Antonio", "García", "López", None),
    ("ANTONIO", None, "GARCÍA", "LÓPEZ", "Antonio", "García", "López", None),
    ("ana", "gil", None, None, "Ana", "Gil", None, None),
    ("García", "Antonio", None, None, "Antonio", "García", None, "swapped_name_fields"),
    ("LÓPEZ GARCÍA", "María", None, None, "María", "López", "García", "swapped_name_fields"),
    ("Martín", "Alonso", None, None, "Martín", "Alonso", None, None),
    ("Alonso", "Martín", None, None, "Alonso", "Martín", None, None),
    ("María García López", None, None, None, "María", "García", "López", "names_in_one_field"),
    ("Martina Colombo", None, None, None, "Martina", "Colombo", None, "names_in_one_field"),
    ("García López, María", None, None, None, "María", "García", "López", "names_in_one_field"),
    (None, "García López, María", None, None, "María", "García", "López", "names_in_one_field"),
    (None, "García López", None, None, None, "García", "López", None),
    ("José Luis", None, None, None, "José Luis", None, None, None),
    ("Paco", "San Martín Gil", None, None, "Paco", "San Martín", "Gil", None),
    ("Manuel", "Santa Ramírez", None, None, "Manuel", "Santa", "Ramírez", None),
    ("Ana", "Ruiz de Gauna Pérez", None, None, "Ana", "Ruiz de Gauna", "Pérez", None),
    (
        "Lola",
        "FERNÁNDEZ DE CÓRDOBA LÓPEZ",
        None,
        None,
        "Lola",
        "Fernández de Córdoba",
        "López",
        None,
    ),
    ("María", "de la Fuente", None, None, "María", "de la Fuente", None, None),
    ("J. Manuel", "Puig i Cadafalch", None, None, "J. Manuel", "Puig", "Cadafalch", None),
    ("Dª Rosa", "Gil", None, None, "Rosa", "Gil", None, "mended"),
    ("Pablo", "Doña Gómez", None, None, "Pablo", "Doña", "Gómez", None),
    ("Antonio José", None, "GONZÁLEZ", "SAU", "Antonio José", "González", "Sau", None),
]
COMPANIES = [
    "Talleres Pérez, S.L.", "TALLERES PEREZ SL", "Gil y Asociados S.A.", "Hnos. Gil, S.C.",
    "Comunidad de Propietarios Calle Mayor 3", "Ayuntamiento de Burgos", "Fundación La Caixa",
    "Panadería López C.B.",
]  # fmt: skip
NO_NAMES = [
    ("xxx", "placeholder_name"), ("NO CONSTA", "placeholder_name"), ("Test", "placeholder_name"),
    ("Cliente contado", "placeholder_name"), ("desconocido", "placeholder_name"),
    ("sin nombre", "placeholder_name"), ("12345", "invalid_name"), ("Pedro 2", "invalid_name"),
    ("ana@gmail.com", "invalid_name"), ("A", "invalid_name"),
]  # fmt: skip
ROOTS = [
    ("Paco", "francisco"), ("Pepe", "jose"), ("Lola", "dolores"), ("Maite", "teresa"),
    ("Mª Carmen", "carmen"), ("María del Carmen", "carmen"), ("Chema", "jose maria"),
    ("Nacho", "ignacio"), ("Toñi", "antonia"), ("Jose Luis", "jose luis"), ("María", "maria"),
    ("María José", "maria jose"), ("Montse", "montserrat"), ("Begoña", "begoña"),
]  # fmt: skip


def normalise(normaliser: RecordNormaliser, **fields: str | None) -> pd.Series:
    return normalise_names(pd.DataFrame([fields], dtype="object"), normaliser.names).iloc[0]


@pytest.mark.parametrize(("delivered", "given", "first", "second"), FULL_NAMES)
def test_full_names(normaliser, delivered, given, first, second) -> None:
    row = normalise(normaliser, full_name=delivered)
    assert [row["given_name"], row["surname_1"], row["surname_2"]] == [given, first, second]
    assert row["is_name_valid"]
    assert not row["is_company"]


@pytest.mark.parametrize("example", FIELDS)
def test_names_in_several_fields(normaliser, example) -> None:
    given, surnames, first, second, *expected = example
    row = normalise(
        normaliser, given_name=given, surnames=surnames, surname_1=first, surname_2=second
    )
    assert [row["given_name"], row["surname_1"], row["surname_2"], row["name_issue"]] == expected


@pytest.mark.parametrize("delivered", COMPANIES)
def test_companies_are_no_people(normaliser, delivered) -> None:
    row = normalise(normaliser, full_name=delivered)
    assert row["is_company"]
    assert row["given_name"] is None
    assert row["surname_1"] == delivered.rstrip(".") or row["surname_1"] == delivered


@pytest.mark.parametrize(("delivered", "issue"), NO_NAMES)
def test_what_is_no_name(normaliser, delivered, issue) -> None:
    row = normalise(normaliser, full_name=delivered)
    assert (bool(row["is_name_valid"]), row["name_issue"]) == (False, issue)


@pytest.mark.parametrize(("delivered", "root"), ROOTS)
def test_the_name_to_compare_by(normaliser, delivered, root) -> None:
    assert normalise(normaliser, given_name=delivered)["given_name_root"] == root


def test_nothing_delivered_is_neither_valid_nor_invalid(normaliser) -> None:
    assert normalise(normaliser, given_name=None, surnames="-").isna().all()
