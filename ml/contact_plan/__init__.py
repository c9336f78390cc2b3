"""The contact plan: who is contacted today, with what, how and when, and why others are not.

Belongs here: rules, control groups, arbitration and the decision ledger, as pure functions of
frames. Does not: reading or writing tables, delivery, and measuring what came of it.
"""

from ml.contact_plan.arbitration import ArbitrationProblem, ArbitrationSolution, arbitrate
from ml.contact_plan.definitions import ChannelDefinition, PlanPolicy, PlayDefinition
from ml.contact_plan.errors import ContactPlanError, DefinitionError, PlanInputError
from ml.contact_plan.holdout import in_play_holdout, in_universal_holdout
from ml.contact_plan.inputs import (
    CANDIDATE_COLUMNS,
    CUSTOMER_COLUMNS,
    FACTS_OF,
    HISTORY_COLUMNS,
    PlanContext,
    make_context,
)
from ml.contact_plan.legal import EVERY_FACT, FACT_COLUMNS, Fact
from ml.contact_plan.plan import ContactPlanResult, build_contact_plan
from ml.contact_plan.play_meta import CONTACT_CHANNELS, LEGAL_BASES, PLAY_CATEGORIES
from ml.contact_plan.reasons import EXPLANATIONS, EXPLANATIONS_ES
from ml.contact_plan.verification import count_violations, violations_by_rule

__all__ = [
    "CANDIDATE_COLUMNS",
    "CONTACT_CHANNELS",
    "CUSTOMER_COLUMNS",
    "EVERY_FACT",
    "EXPLANATIONS",
    "EXPLANATIONS_ES",
    "FACTS_OF",
    "FACT_COLUMNS",
    "HISTORY_COLUMNS",
    "LEGAL_BASES",
    "PLAY_CATEGORIES",
    "ArbitrationProblem",
    "ArbitrationSolution",
    "ChannelDefinition",
    "ContactPlanError",
    "ContactPlanResult",
    "DefinitionError",
    "Fact",
    "PlanContext",
    "PlanInputError",
    "PlanPolicy",
    "PlayDefinition",
    "arbitrate",
    "build_contact_plan",
    "count_violations",
    "in_play_holdout",
    "in_universal_holdout",
    "make_context",
    "violations_by_rule",
]
