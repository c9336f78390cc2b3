"""Readers, one module a family of formats; each makes ``_delivered`` as `staging` describes it.

Belongs here: reading a format. Does not: types, keys, the ledger.
"""
