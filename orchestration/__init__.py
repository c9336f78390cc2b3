"""Thin Dagster layer: when, where and with which connection; the only package that imports dagster."""

import warnings

# dagster-dbt asks for sqlglot[rs], which the pinned sqlglot no longer uses; nobody can act on it.
warnings.filterwarnings("ignore", message=r"sqlglot\[rs\] is deprecated")
