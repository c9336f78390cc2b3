"""Street lines as they stand in customer files."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.identity.normalise.addresses import normalise_addresses

# delivered; type, name, number, block, staircase, floor, door
EXAMPLES = [
    ("Calle Mayor, 12, 3º B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("C/ Mayor 12, 3º B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("C/Mayor,12 3-B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("C\\ Mayor 12 3ºB", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("CALLE MAYOR 12 3 B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("c. mayor nº12 - 3º - b", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("CL MAYOR 12 PLANTA 3 PTA B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("Calle Mayor 12, piso 3, puerta B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("Calle Mayor 12, tercero B", "Calle", "Mayor", "12", None, None, "3", "B"),
    ("12 Calle Mayor", "Calle", "Mayor", "12", None, None, None, None),
    ("Cl. de la Fuente, nº 7, 1º izda.", "Calle", "de la Fuente", "7", None, None, "1", "izquierda"),
    ("Calle de la Torre 5", "Calle", "de la Torre", "5", None, None, None, None),
    ("Calle Real 5 2ºDcha", "Calle", "Real", "5", None, None, "2", "derecha"),
    ("Calle Duque de Alba, 9, 5 Ext.", "Calle", "Duque de Alba", "9", None, None, "5", "exterior"),
    ("Avda. de la Constitución 45, Entlo. 2ª", "Avenida", "de la Constitución", "45", None, None,
     "Entresuelo", "2"),
    ("Avda Constitución 45 Bajo", "Avenida", "Constitución", "45", None, None, "Bajo", None),
    ("AV DIAGONAL 640 6 2", "Avenida", "Diagonal", "640", None, None, "6", "2"),
    ("Av. Pío XII, 3 semisótano", "Avenida", "Pío XII", "3", None, None, "Semisótano", None),
    ("Avenida 8 de Marzo 3 4ºC", "Avenida", "8 de Marzo", "3", None, None, "4", "C"),
    ("Pza. España s/n", "Plaza", "España", "s/n", None, None, None, None),
    ("Plaza Mayor, S/N.", "Plaza", "Mayor", "s/n", None, None, None, None),
    ("Plaza Mayor sin número", "Plaza", "Mayor", "s/n", None, None, None, None),
    ("Plaza 2 de Mayo 14, ático", "Plaza", "2 de Mayo", "14", None, None, "Ático", None),
    ("Plaça de Catalunya 3, àtic", "Plaza", "de Catalunya", "3", None, None, "Ático", None),
    ("Praza do Obradoiro 1", "Plaza", "do Obradoiro", "1", None, None, None, None),
    ("Pº de la Castellana 12-14, 3º dcha", "Paseo", "de la Castellana", "12-14", None, None, "3",
     "derecha"),
    ("Passeig de Gràcia, 92, principal 1ª", "Paseo", "de Gràcia", "92", None, None, "Principal", "1"),
    ("Ctra. N-340 km 3,5", "Carretera", "N-340", "km 3,5", None, None, None, None),
    ("CTRA. N-VI KM. 12", "Carretera", "N-VI", "km 12", None, None, None, None),
    ("Carretera de Burgos, km. 12.300", "Carretera", "de Burgos", "km 12,300", None, None, None, None),
    ("Camino Viejo de Leganés 12 local 3", "Camino", "Viejo de Leganés", "12", "Local 3", None, None,
     None),
    ("Ronda de Atocha 35 8º Dcha.", "Ronda", "de Atocha", "35", None, None, "8", "derecha"),
    ("Rda. Sant Pere 12, 1-2", "Ronda", "Sant Pere", "12", None, None, "1", "2"),
    ("Travesía de la Iglesia 4-6", "Travesía", "de la Iglesia", "4-6", None, None, None, None),
    ("Urb. Los Pinos, parcela 23", "Urbanización", "Los Pinos", None, "Parcela 23", None, None, None),
    ("Pol. Ind. Las Cañas, nave 5", "Polígono", "Las Cañas", None, "Nave 5", None, None, None),
    ("Carrer d'Aragó, 255, 3r 2a", "Calle", "d'Aragó", "255", None, None, "3", "2"),
    ("Avinguda Meridiana 10, 4t 1a", "Avenida", "Meridiana", "10", None, None, "4", "1"),
    ("Rúa do Franco 12, 1º A", "Calle", "do Franco", "12", None, None, "1", "A"),
    ("R/ Real 3", "Calle", "Real", "3", None, None, None, None),
    ("Autonomia kalea 12, 3. A", "Calle", "Autonomia", "12", None, None, "3", "A"),
    ("Gran Vía 28", None, "Gran Vía", "28", None, None, None, None),
    ("Calle Gran Vía 28, 2º", "Calle", "Gran Vía", "28", None, None, "2", None),
    ("C/ Alcalá 12 bis 2º C", "Calle", "Alcalá", "12 bis", None, None, "2", "C"),
    ("Calle Alcalá, 12-B, 4º D", "Calle", "Alcalá", "12 B", None, None, "4", "D"),
    ("c/ Sta. María 3, esc. 2, 4º 1ª", "Calle", "Sta. María", "3", None, "2", "4", "1"),
    ("Calle Mayor 12 escalera izquierda 3 A", "Calle", "Mayor", "12", None, "izquierda", "3", "A"),
    ("C/ Mayor 12, portal 3, 2º B", "Calle", "Mayor", "12", "Portal 3", None, "2", "B"),
    ("C/ Mayor, bloque 3, 12, 2º B", "Calle", "Mayor", "12", "Bloque 3", None, "2", "B"),
    ("C/ 15 nº 12", "Calle", "15", "12", None, None, None, None),
    ("Bº La Paz 3, 2 izq", "Barrio", "La Paz", "3", None, None, "2", "izquierda"),
    ("Calle Raved 3", "Calle", "Raved", "3", None, None, None, None),
    ("Calle Mayor", "Calle", "Mayor", None, None, None, None, None),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples(example) -> None:
    delivered, *expected = example
    row = normalise_addresses(pd.Series([delivered])).iloc[0]
    names = ["street_type", "street_name", "street_number", "block", "staircase", "floor", "door"]
    assert [row[name] for name in names] == expected
    assert row["address_rest"] is None
    has_number = expected[2] is not None or expected[3] is not None
    assert bool(row["is_address_parsed"]) == has_number
    assert row["address_issue"] == (None if has_number else "no_street_number")


def test_one_line_as_on_an_envelope() -> None:
    row = normalise_addresses(pd.Series(["C/MAYOR 12 ESC 2 3 IZDA"])).iloc[0]
    assert row["street"] == "Calle Mayor, 12, escalera 2, 3º izquierda"


def test_what_is_not_understood_is_kept() -> None:
    row = normalise_addresses(pd.Series(["C/ Mayor, 12. 28001 Madrid"])).iloc[0]
    assert (row["street_number"], row["address_rest"]) == ("12", "28001 Madrid")
    assert row["address_issue"] == "unparsed_rest"


@pytest.mark.parametrize("delivered", [None, "", "-", " "])
def test_nothing_delivered_is_neither_parsed_nor_unparsed(delivered) -> None:
    row = normalise_addresses(pd.Series([delivered], dtype="object")).iloc[0]
    assert row.isna().all()
