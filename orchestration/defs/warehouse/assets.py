"""The dbt layers, in order: staging, intermediate, marts, plays, serving.

Python stands between them (normalised customers after staging, models after marts, the plan after
plays), hence one definition a layer.
"""

import dagster as dg

from orchestration.lib.dbt_layers import build_dbt_layer
from orchestration.lib.dbt_project import read_manifest
from orchestration.lib.translator import CadenciaTranslator
from orchestration.resources import disabled_systems
from orchestration.settings import DBT_PROJECT_DIR

LAYERS = ("staging", "intermediate", "marts", "plays", "serving")


@dg.definitions
def warehouse() -> dg.Definitions:
    """Return one asset definition a layer."""
    manifest = read_manifest(DBT_PROJECT_DIR)
    translator = CadenciaTranslator(disabled_systems())
    return dg.Definitions(
        assets=[
            build_dbt_layer(f"dbt_{name}", f"layer_{name}", manifest, translator) for name in LAYERS
        ]
    )
