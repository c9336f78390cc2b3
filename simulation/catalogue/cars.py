"""The dealers and the versions of cars they sell.

The offer only; owning, servicing and renewing are `simulation.behaviour.cars`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.catalogue.groceries import building_columns
from simulation.frames import DEALERS, VEHICLE_MODELS
from simulation.population.contacts import draw_landlines
from simulation.population.geography import Geography
from simulation.randomness import stream

# make, model, body, list price of the entry version
_MODELS: Final = (
    ("SEAT", "Ibiza", "urbano", 18_900),
    ("SEAT", "Arona", "SUV", 22_400),
    ("SEAT", "León", "compacto", 25_100),
    ("SEAT", "Ateca", "SUV", 31_300),
    ("SEAT", "Alhambra", "monovolumen", 36_800),
    ("CUPRA", "Formentor", "SUV", 36_500),
    ("CUPRA", "Born", "compacto", 40_200),
    ("Škoda", "Fabia", "urbano", 18_300),
    ("Škoda", "Scala", "compacto", 23_000),
    ("Škoda", "Kamiq", "SUV", 24_200),
    ("Škoda", "Octavia", "familiar", 28_400),
    ("Škoda", "Karoq", "SUV", 31_900),
    ("Škoda", "Superb", "berlina", 41_500),
    ("Škoda", "Enyaq", "SUV", 47_900),
)
_ELECTRIC: Final = frozenset(["Born", "Enyaq"])
_VERSIONS: Final = (
    ("1.0 TSI Reference", "gasolina", 1.0),
    ("1.5 TSI Style", "gasolina", 1.12),
    ("2.0 TDI Style", "diésel", 1.22),
    ("1.5 eTSI FR", "híbrido", 1.27),
    ("1.4 e-Hybrid FR", "híbrido enchufable", 1.45),
)
_PEOPLE_PER_DEALER: Final = 12_000
_MINIMUM_DEALERS, _MAXIMUM_DEALERS = 14, 60


def build_vehicle_models() -> pd.DataFrame:
    """Return the versions (VEHICLE_MODELS)."""
    rows = []
    for make, model, body, price in _MODELS:
        if model in _ELECTRIC:
            rows.append((make, model, "58 kWh", "eléctrico", body, float(price)))
            rows.append((make, model, "77 kWh", "eléctrico", body, round(price * 1.12, -2)))
            continue
        for version, fuel, factor in _VERSIONS:
            rows.append((make, model, version, fuel, body, round(price * factor, -2)))
    make_, model_, version_, fuel_, body_, price_ = zip(*rows, strict=True)
    return VEHICLE_MODELS.build(
        {
            "model_id": range(len(rows)),
            "make": list(make_),
            "model": list(model_),
            "version": list(version_),
            "fuel": list(fuel_),
            "body": list(body_),
            "list_price": list(price_),
        }
    )


def build_dealers(seed: int, people: int, geography: Geography) -> pd.DataFrame:
    """Return the dealers, in the larger towns (DEALERS)."""
    rng = stream(seed, "dealers")
    count = int(np.clip(people // _PEOPLE_PER_DEALER, _MINIMUM_DEALERS, _MAXIMUM_DEALERS))
    towns = np.argsort(-geography.population, kind="stable")[: count * 2]
    municipality = np.sort(rng.choice(towns, count, replace=False))
    province = geography.municipality_province[municipality]
    return DEALERS.build(
        {
            "dealer_id": np.arange(count),
            "name": [
                f"Automoción Albera {geography.municipality_names[place]}" for place in municipality
            ],
            **building_columns(rng, geography, municipality),
            "phone": draw_landlines(rng, province, np.full(count, True)).array,
        }
    )
