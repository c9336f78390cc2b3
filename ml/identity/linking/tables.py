"""What the steps of a run share: the tables that they leave, the options, the run itself.

Belongs here: names. Does not: what is in the tables, which the step that writes one says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from ml.identity.linking.comparisons import FieldComparison
from ml.identity.linking.features import FeatureSet
from ml.identity.linking.roles import RecordFields

FEATURES = "identity.linkage_features"
KEYS = "identity.linkage_keys"
TERMS = "identity.linkage_terms"
LINKS = "identity.linkage_pairs"
PARTS = "identity.linkage_parts"
DECIDED = "identity.linkage_decided"
HOUSEHOLD_PAIRS = "identity.linkage_household_pairs"
MODELS = "identity.linking_models"
CLUSTERS = "identity.record_clusters"
# What the groups were made with, written last.
OPTIONS = "identity.linkage_options"
DECISIONS = "identity.pair_decisions"
# Pairs below this say no more than a pair that was never compared.
LEAST_KEPT_WEIGHT = -10.0


@dataclass(frozen=True)
class LinkingOptions:
    """What may be set.

    Attributes
    ----------
    least_match_weight : float
        Log2 odds above which a pair is taken for one person; 0 is even odds.
    veto_fields : tuple of str
        Comparisons whose last level (another valid national id) no evidence overcomes.
    is_retraining : bool
        Whether to train anew though there is a model.
    is_scored_by_splink : bool
        Whether Splink itself computes the weights; they are the same, and take longer.
    most_growth : float
        Train anew when there are this many times more, or fewer, records than at the last training.
    """

    least_match_weight: float = 0.0
    veto_fields: tuple[str, ...] = ()
    is_retraining: bool = False
    is_scored_by_splink: bool = False
    most_growth: float = 1.5


@dataclass
class LinkingRun:
    """What every step is given.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
        Where the records are and the tables are written.
    records : str
        Relation with the records.
    fields : RecordFields
        Roles of its columns.
    options : LinkingOptions
        As given.
    seed : int
        Of the random pairs.
    count : int
        How many records there are.
    features, comparisons
        That the columns give.
    """

    connection: duckdb.DuckDBPyConnection
    records: str
    fields: RecordFields
    options: LinkingOptions
    seed: int
    count: int = 0
    features: FeatureSet = field(default_factory=FeatureSet)
    comparisons: list[FieldComparison] = field(default_factory=list)
