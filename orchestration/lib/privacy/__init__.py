"""Privacy by construction: who is in which column, and what follows from it.

Belongs here: the registry of personal columns, finding a person, erasure, export, retention, the
audit log, the search for leaks. Does not: what may be sent to whom (SQL in `dbt_project`, `ml`).
"""
