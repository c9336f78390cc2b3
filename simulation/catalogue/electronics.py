"""The electronics brand's products: main products, accessories that fit them, consumables.

Renewal and repurchase are planted here by category; buying is `simulation.behaviour`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from simulation.catalogue.groceries import with_check_digit
from simulation.frames import PRODUCTS
from simulation.randomness import stream


@dataclass(frozen=True)
class MainCategory:
    """A category of main products with its planted renewal.

    ``renewal_shape`` and ``renewal_years`` are the Weibull's shape and scale; ``owned`` is the
    share of the brand's customers who own one.
    """

    name: str
    noun: str
    products: int
    price: float
    weight_g: int
    renewal_shape: float
    renewal_years: float
    owned: float
    attributes: tuple[str, tuple[str, ...]]


MAIN_CATEGORIES: Final = (
    MainCategory("smartphones", "Móvil", 20, 460, 190, 3.0, 2.2, 0.75, ("screen", ("6.1", "6.4", "6.7"))),
    MainCategory("headphones", "Auriculares", 14, 85, 220, 2.0, 1.6, 0.55, ("type", ("in-ear", "diadema"))),
    MainCategory("laptops", "Portátil", 14, 790, 1500, 2.8, 4.2, 0.45, ("screen", ("13", "14", "15.6"))),
    MainCategory("tablets", "Tablet", 8, 320, 500, 2.5, 3.8, 0.30, ("screen", ("8", "10.4", "11"))),
    MainCategory("smartwatches", "Reloj inteligente", 8, 190, 60, 2.2, 2.5, 0.25, ("size", ("40", "44"))),
    MainCategory("televisions", "Televisor", 12, 560, 14000, 2.6, 6.5, 0.45, ("screen", ("43", "55", "65"))),
    MainCategory("speakers", "Altavoz", 8, 95, 900, 1.8, 3.2, 0.20, ("power_w", ("10", "30", "60"))),
    MainCategory("vacuums", "Aspirador", 8, 230, 3200, 2.2, 4.0, 0.25, ("type", ("robot", "escoba"))),
    MainCategory("coffee machines", "Cafetera", 8, 140, 4500, 2.2, 4.2, 0.25, ("type", ("dosis", "brazo"))),
    MainCategory("printers", "Impresora", 6, 130, 6500, 2.0, 4.5, 0.22, ("type", ("tinta", "láser"))),
    MainCategory("monitors", "Monitor", 8, 210, 5200, 2.0, 5.0, 0.18, ("screen", ("24", "27", "32"))),
    MainCategory("washing machines", "Lavadora", 6, 470, 68000, 3.0, 9.0, 0.20, ("load_kg", ("7", "8", "9"))),
    MainCategory("fridges", "Frigorífico", 6, 690, 72000, 3.0, 11.0, 0.18, ("height_cm", ("185", "203"))),
    MainCategory("cameras", "Cámara", 5, 520, 600, 2.0, 6.0, 0.08, ("sensor", ("APS-C", "1 pulgada"))),
    MainCategory("e-readers", "Lector electrónico", 4, 140, 180, 2.2, 4.0, 0.12, ("screen", ("6", "7"))),
)  # fmt: skip
MAIN_NAMES: Final = tuple(category.name for category in MAIN_CATEGORIES)


@dataclass(frozen=True)
class AccessoryCategory:
    """Accessories of a main category; consumables are bought again every ``mean_days``."""

    name: str
    noun: str
    products: int
    price: float
    fits: str
    attach_share: float
    mean_days: float = 0.0
    regularity: float = 0.0


ACCESSORY_CATEGORIES: Final = (
    AccessoryCategory("phone cases", "Funda de móvil", 10, 19, "smartphones", 0.45),
    AccessoryCategory("chargers", "Cargador", 4, 25, "smartphones", 0.20),
    AccessoryCategory("ear pads", "Almohadillas", 3, 14, "headphones", 0.10),
    AccessoryCategory("laptop bags", "Maletín", 4, 39, "laptops", 0.35),
    AccessoryCategory("tablet covers", "Funda de tablet", 4, 29, "tablets", 0.40),
    AccessoryCategory("watch straps", "Correa", 4, 24, "smartwatches", 0.25),
    AccessoryCategory("tv mounts", "Soporte de televisor", 3, 45, "televisions", 0.30),
    AccessoryCategory("vacuum filters", "Filtro de aspirador", 4, 22, "vacuums", 0.20, 150.0, 6.0),
    AccessoryCategory("descalers", "Descalcificador", 2, 12, "coffee machines", 0.30, 110.0, 5.0),
    AccessoryCategory("ink cartridges", "Cartucho de tinta", 6, 33, "printers", 0.35, 90.0, 6.0),
    AccessoryCategory("memory cards", "Tarjeta de memoria", 3, 28, "cameras", 0.50),
)
_VENDORS: Final = ("Nebra", "Kaltron", "Orbix", "Lumea", "Vantor", "Sonara")
_COLOURS: Final = ("negro", "blanco", "plata", "azul", "grafito")
_MARKS: Final = ("S", "X", "Pro", "Lite", "Air", "Max", "Neo", "One", "Plus", "Ultra")


def _letters(name: str) -> str:
    """Return a name's letters: codes hold no blanks, hyphens or digits."""
    return "".join(letter for letter in name if letter.isalpha())


def build_products(seed: int, start: date) -> pd.DataFrame:
    """Return main products, sorted by category, then accessories (PRODUCTS)."""
    rng = stream(seed, "products")
    rows = [
        *(row for category in MAIN_CATEGORIES for row in _main_rows(rng, category)),
    ]
    by_category = {name: [row for row in rows if row["category"] == name] for name in MAIN_NAMES}
    for accessory in ACCESSORY_CATEGORIES:
        rows.extend(_accessory_rows(rng, accessory, by_category[accessory.fits]))
    frame = pd.DataFrame(rows)
    count = len(frame)
    listed = np.datetime64(start, "us") - rng.integers(20, 900, count) * np.timedelta64(1, "D")
    is_reduced = rng.random(count) < 0.25
    before = np.round(frame["price"] * rng.uniform(1.08, 1.25, count))
    return PRODUCTS.build(
        {
            **{name: frame[name] for name in frame.columns},
            "product_id": np.arange(count),
            "compare_at_price": np.where(is_reduced, before, np.nan),
            "inventory": rng.integers(0, 400, count),
            "barcode": [with_check_digit(843_500_000_000 + 97 * n) for n in range(count)],
            "listed_on": listed,
        }
    )


def _main_rows(rng: np.random.Generator, category: MainCategory) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(category.products):
        vendor = _VENDORS[0 if rng.random() < 0.5 else int(rng.integers(1, len(_VENDORS)))]
        colour = _COLOURS[int(rng.integers(0, len(_COLOURS)))]
        key, values = category.attributes
        value = values[number % len(values)]
        mark = f"{_MARKS[number % len(_MARKS)]}{number // len(_MARKS) * 10 + 10}"
        price = float(np.round(category.price * rng.lognormal(0.0, 0.35))) - 0.01
        rows.append(
            {
                # SPH and SWA: smartphones and smartwatches begin alike.
                "sku": f"NB-{_letters(category.name.replace('smart', 's'))[:3].upper()}-{number + 1:03d}",
                "title": f"{category.noun} {vendor} {mark} {value} {colour}",
                "category": category.name,
                "kind": "main",
                "vendor": vendor,
                "price": max(price, 14.99),
                "weight_g": category.weight_g,
                "attributes": f"{key}={value};color={colour}",
                "compatible_skus": None,
            }
        )
    return rows


def _accessory_rows(
    rng: np.random.Generator, accessory: AccessoryCategory, mains: list[dict[str, object]]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(accessory.products):
        # Every main product fits some accessory, every accessory some main products.
        fitting = [str(m["sku"]) for place, m in enumerate(mains) if place % 2 == number % 2]
        colour = _COLOURS[int(rng.integers(0, len(_COLOURS)))]
        price = float(np.round(accessory.price * rng.lognormal(0.0, 0.2))) - 0.05
        rows.append(
            {
                "sku": f"NB-AC{_letters(accessory.name)[:3].upper()}-{number + 1:03d}",
                "title": f"{accessory.noun} {_MARKS[number]}{number + 1} {colour}",
                "category": accessory.name,
                "kind": "consumable" if accessory.mean_days else "accessory",
                "vendor": "Nebra",
                "price": max(price, 4.95),
                "weight_g": 120,
                "attributes": f"color={colour}",
                "compatible_skus": "|".join(fitting),
            }
        )
    return rows


@dataclass(frozen=True)
class Topic:
    """What customers ask after buying: how often, and the day after purchase it peaks."""

    name: str
    subtopics: tuple[str, ...]
    questions_per_purchase: float
    peak_days: float


# Days since purchase of a question are gamma distributed with this shape and the mode given.
TOPIC_SHAPE: Final = 4.0
COMMON_TOPICS: Final = (
    Topic("Pedido y entrega", ("Dónde está mi pedido", "Entrega incompleta"), 0.05, 2.0),
    Topic("Devolución", ("Cómo devolver", "Reembolso pendiente"), 0.03, 9.0),
)
TOPICS: Final[dict[str, tuple[Topic, ...]]] = {
    "smartphones": (
        Topic("Configuración", ("Pasar datos", "Cuenta"), 0.08, 3.0),
        Topic("Batería", ("Dura poco", "No carga"), 0.09, 240.0),
        Topic("Pantalla", ("Rota", "No responde"), 0.05, 120.0),
    ),
    "laptops": (
        Topic("Configuración", ("Sistema operativo", "Red"), 0.09, 4.0),
        Topic("Rendimiento", ("Va lento", "Ventilador"), 0.07, 180.0),
    ),
    "televisions": (
        Topic("Instalación", ("Canales", "Mandos"), 0.12, 5.0),
        Topic("Conexión", ("Wifi", "Aplicaciones"), 0.08, 40.0),
    ),
    "printers": (
        Topic("Instalación", ("Controlador", "Wifi"), 0.15, 3.0),
        Topic("Consumibles", ("Cartucho no reconocido", "Dónde comprar"), 0.12, 75.0),
    ),
    "coffee machines": (Topic("Mantenimiento", ("Descalcificar", "Gotea"), 0.14, 90.0),),
    "vacuums": (Topic("Mantenimiento", ("Filtro", "Cepillo"), 0.12, 120.0),),
    "washing machines": (
        Topic("Instalación", ("Desagüe", "Ruido"), 0.12, 6.0),
        Topic("Avería", ("No centrifuga", "Código de error"), 0.06, 330.0),
    ),
    "headphones": (Topic("Conexión", ("Bluetooth", "Micrófono"), 0.07, 7.0),),
}
