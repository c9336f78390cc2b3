"""What follows from knowing who is one person: ids that last, the steward's word, the best values.

Belongs here: stable ids and their ledger, steward decisions, survivorship, the review queue. Does not:
finding out which records are one person (`ml/identity/linking`), or when it runs (`orchestration`).
"""

from ml.identity.golden.customers import GOLDEN_CUSTOMERS, write_golden_customers
from ml.identity.golden.decided import cluster_by_key, restore_found, unite_decided
from ml.identity.golden.errors import ContradictoryDecisionsError, GoldenError, RuleSetError
from ml.identity.golden.evidence import write_evidence
from ml.identity.golden.members import is_looking_back, recognise
from ml.identity.golden.records import create_usable_records
from ml.identity.golden.review import write_review_queue
from ml.identity.golden.stable_ids import IdCounts, assign_ids
from ml.identity.golden.steward import (
    DecisionCounts,
    expand_unmerges,
    forgetting_unmerges,
    prepare_decisions,
)
from ml.identity.golden.survivorship import golden_columns, survivorship_sql
from ml.identity.golden.survivorship_rules import RuleSet, parse_rule_set

__all__ = [
    "GOLDEN_CUSTOMERS",
    "ContradictoryDecisionsError",
    "DecisionCounts",
    "GoldenError",
    "IdCounts",
    "RuleSet",
    "RuleSetError",
    "assign_ids",
    "cluster_by_key",
    "create_usable_records",
    "expand_unmerges",
    "forgetting_unmerges",
    "golden_columns",
    "is_looking_back",
    "parse_rule_set",
    "prepare_decisions",
    "recognise",
    "restore_found",
    "survivorship_sql",
    "unite_decided",
    "write_evidence",
    "write_golden_customers",
    "write_review_queue",
]
