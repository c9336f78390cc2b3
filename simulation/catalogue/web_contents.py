"""Pages of the electronics web that are no products.

The list of pages; visits to them are `simulation.behaviour.browsing`.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from simulation.catalogue.electronics import ACCESSORY_CATEGORIES, MAIN_CATEGORIES
from simulation.frames import CONTENTS

_PAGES: Final = (
    ("/", "Nebra", "home", None),
    ("/ayuda", "Ayuda", "help", None),
    ("/ayuda/envios", "Envíos y plazos", "help", None),
    ("/ayuda/devoluciones", "Devoluciones", "help", None),
    ("/ayuda/garantia", "Garantía", "help", None),
    ("/ayuda/registrar-producto", "Registra tu producto", "help", None),
    ("/newsletter", "Suscríbete", "landing", None),
    ("/sorteo", "Sorteo", "landing", None),
    ("/encuesta", "Tu opinión", "landing", None),
    ("/ofertas", "Ofertas", "landing", None),
    ("/black-friday", "Black Friday", "landing", None),
    ("/cita-prueba", "Pide tu prueba de conducción", "landing", None),
)


def build_contents() -> pd.DataFrame:
    """Return the pages (CONTENTS)."""
    rows: list[tuple[str, str, str, str | None]] = list(_PAGES)
    for category in MAIN_CATEGORIES:
        slug = category.name.replace(" ", "-")
        rows.append((f"/c/{slug}", f"{category.noun}: todos", "category", category.name))
        rows.append((f"/guias/{slug}", f"Guía de compra: {category.noun}", "guide", category.name))
        rows.append((f"/guias/{slug}-cuidado", f"Cuida tu {category.noun}", "guide", category.name))
        rows.append((f"/promo/{slug}", f"{category.noun} en oferta", "landing", category.name))
    for accessory in ACCESSORY_CATEGORIES:
        slug = accessory.name.replace(" ", "-")
        rows.append((f"/c/{slug}", f"{accessory.noun}: todos", "category", accessory.name))
    path, title, group, about = zip(*rows, strict=True)
    return CONTENTS.build(
        {
            "content_id": range(len(rows)),
            "path": list(path),
            "title": list(title),
            "content_group": list(group),
            "category": list(about),
        }
    )
