"""Ingestion: from what a source delivers to typed raw tables, with every row accounted for.

Belongs here: finding, reading, typing, merging, the ledger. Does not: assets, and dbt's models.
"""
