"""Link records of one person and of one household, from whatever fields there are, without labels.

Use :func:`resolve`; it works on any relation of a DuckDB connection.
"""

from ml.identity.linking.explain import FieldEvidence, PairExplanation, explain_pair, link_path
from ml.identity.linking.resolve import LinkingReport, resolve
from ml.identity.linking.roles import ROLES, LinkingError, RecordFields
from ml.identity.linking.scoring import splink_settings
from ml.identity.linking.tables import LinkingOptions

__all__ = [
    "ROLES",
    "FieldEvidence",
    "LinkingError",
    "LinkingOptions",
    "LinkingReport",
    "PairExplanation",
    "RecordFields",
    "explain_pair",
    "link_path",
    "resolve",
    "splink_settings",
]
