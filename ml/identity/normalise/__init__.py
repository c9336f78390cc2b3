"""Normalise what sources wrote of a customer: names, e-mails, telephones, ids, addresses, dates.

Pure functions, one a field: a Series or frame in, a frame with the same index out, with the normalised
value, whether it is valid, and a code that says what is wrong. Each row is judged by itself alone.
"""

from ml.identity.normalise.records import (
    NORMALISER_VERSION,
    RecordNormaliser,
    normalise_customer_records,
)
from ml.identity.normalise.reference import Reference

__all__ = [
    "NORMALISER_VERSION",
    "RecordNormaliser",
    "Reference",
    "normalise_customer_records",
]
