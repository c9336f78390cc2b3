"""Which facts stop which play by which channel, and what the ledger says of it.

Belongs here: the legal bases. Does not: where the facts come from (the dbt models' unit tests and
`tests/property/test_consent_properties`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.contact_plan import EVERY_FACT, FACT_COLUMNS, FACTS_OF, ContactPlanResult, Fact
from ml.contact_plan.legal import REASON_OF, reasons_of
from ml.contact_plan.reasons import LEGAL_REASONS, SUPPRESSION_REASONS
from tests.unit.ml.contact_plan_examples import (
    make_candidates,
    make_customers,
    make_play,
    outcomes,
    plan,
)

C1 = {"customer_id": "C1"}
SELECTED = "selected: selected"


def decide(facts: Any, **play: Any) -> str:
    """Plan one candidate of a play by e-mail, or as its fields say; give outcome and reasons."""
    result = made(facts, **play)
    return outcomes(result)["C1", "play_welcome"]


def made(facts: Any, **play: Any) -> ContactPlanResult:
    """Make the plan of one candidate worth any cost."""
    candidates = make_candidates({**C1, "expected_order_value": 1e6})
    customers = make_customers({**C1, "has_push": True, "facts": facts})
    result = plan(candidates, customers, [make_play(**{"channels": ["email"], **play})])
    assert result.arbitration_run.loc[0, "violations"] == 0
    return result


NEVER_ASKED = (
    Fact.IS_NOT_GRANTED | Fact.IS_THIRD_PARTIES_NOT_GRANTED | Fact.IS_PROFILING_NOT_GRANTED
)


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (Fact.IS_CHILD | Fact.IS_MINOR, "under_14,minor"),
        (Fact.IS_MINOR, "minor"),
        (Fact.IS_ON_OWN_LIST, "suppressed_own_list"),
        (Fact.IS_ON_OPT_OUT_LIST, "suppressed_robinson"),
        (Fact.HAS_COMPLAINED, "complained"),
        (Fact.IS_WITHDRAWN, "withdrawn"),
        (Fact.IS_UNDELIVERABLE, "undeliverable"),
        (Fact.HAS_OBJECTED_TO_PROFILING, "objection_to_profiling"),
    ],
)
@pytest.mark.parametrize(
    ("basis", "channel"),
    [
        ("consent", "email"),
        ("consent", "push"),
        ("soft_opt_in", "sms"),
        ("legitimate_interest", "post"),
        ("legitimate_interest", "phone"),
    ],
)
def test_these_stop_advertising_on_any_basis(
    fact: Fact, code: str, basis: str, channel: str
) -> None:
    """Although the customer consented to everything."""
    assert decide(fact, channels=[channel], legal_basis=basis) == f"suppressed: {code}"


@pytest.mark.parametrize(
    ("basis", "channel", "facts", "found"),
    [
        ("consent", "email", NEVER_ASKED, "suppressed: no_consent"),
        ("soft_opt_in", "email", NEVER_ASKED, SELECTED),
        ("soft_opt_in", "sms", NEVER_ASKED, SELECTED),
        ("soft_opt_in", "email", NEVER_ASKED | Fact.IS_NO_CUSTOMER, "suppressed: not_a_customer"),
        # Consent is enough where a purchase is missing.
        ("soft_opt_in", "email", Fact.IS_NO_CUSTOMER, SELECTED),
        ("soft_opt_in", "email", NEVER_ASKED | Fact.IS_REFUSED, "suppressed: consent_refused"),
        (
            "consent",
            "email",
            NEVER_ASKED | Fact.IS_REFUSED,
            "suppressed: consent_refused,no_consent",
        ),
        ("consent", "email", Fact.IS_NO_CUSTOMER, SELECTED),
        ("legitimate_interest", "post", NEVER_ASKED | Fact.IS_NO_CUSTOMER, SELECTED),
        ("legitimate_interest", "phone", NEVER_ASKED, SELECTED),
        (
            "legitimate_interest",
            "phone",
            NEVER_ASKED | Fact.IS_NO_CUSTOMER,
            "suppressed: not_a_customer",
        ),
        (
            "legitimate_interest",
            "post",
            NEVER_ASKED | Fact.IS_REFUSED,
            "suppressed: consent_refused",
        ),
    ],
)
def test_what_each_basis_asks(basis: str, channel: str, facts: Fact, found: str) -> None:
    assert decide(facts, channels=[channel], legal_basis=basis) == found


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (
            Fact.IS_WITHDRAWN
            | NEVER_ASKED
            | Fact.IS_ON_OPT_OUT_LIST
            | Fact.IS_MINOR
            | Fact.IS_NO_CUSTOMER,
            SELECTED,
        ),
        (Fact.LACKS_CONTRACT, "suppressed: no_contract"),
        (Fact.IS_ON_OWN_LIST, "suppressed: suppressed_own_list"),
        (Fact.HAS_COMPLAINED, "suppressed: complained"),
        (Fact.IS_UNDELIVERABLE, "suppressed: undeliverable"),
    ],
)
def test_what_a_contract_needs_is_no_advertisement(facts: Fact, found: str) -> None:
    play = {"legal_basis": "contract", "consent_purpose": "service", "uses_profiling": False}
    assert decide(facts, **play) == found


@pytest.mark.parametrize(
    ("play", "facts", "found"),
    [
        ({"uses_profiling": False}, Fact.HAS_OBJECTED_TO_PROFILING, SELECTED),
        ({"uses_profiling": True}, Fact.IS_PROFILING_NOT_GRANTED, SELECTED),
        (
            {"consent_purpose": "profiling", "uses_profiling": False},
            Fact.IS_PROFILING_NOT_GRANTED,
            "suppressed: no_profiling_consent",
        ),
        (
            {"consent_purpose": "profiling", "uses_profiling": False},
            Fact.HAS_OBJECTED_TO_PROFILING | Fact.IS_PROFILING_NOT_GRANTED,
            "suppressed: objection_to_profiling,no_profiling_consent",
        ),
        (
            {"consent_purpose": "third_parties"},
            Fact.IS_THIRD_PARTIES_NOT_GRANTED,
            "suppressed: no_third_parties_consent",
        ),
        # Whoever wants no advertising at all wants none of third parties.
        ({"consent_purpose": "third_parties"}, Fact.IS_WITHDRAWN, "suppressed: withdrawn"),
        ({"consent_purpose": "marketing"}, Fact.IS_THIRD_PARTIES_NOT_GRANTED, SELECTED),
    ],
)
def test_purposes_need_their_own_consent(play: dict[str, Any], facts: Fact, found: str) -> None:
    assert decide(facts, **play) == found


def test_the_next_channel_is_taken_where_the_law_allows_it() -> None:
    play = {
        "channels": ["email", "sms", "post"],
        "legal_basis": {"email": "consent", "sms": "soft_opt_in", "post": "legitimate_interest"},
    }
    facts = {"email": Fact.IS_WITHDRAWN | Fact.IS_NOT_GRANTED, "sms": Fact.IS_ON_OPT_OUT_LIST}
    planned = made(facts, **play).contact_plan
    assert planned["channel"].tolist() == ["post"]


@pytest.mark.parametrize(
    ("facts", "basis", "relied_on"),
    [
        (Fact(0), "soft_opt_in", "consent"),
        (NEVER_ASKED, "soft_opt_in", "soft_opt_in"),
        (Fact(0), "consent", "consent"),
        (Fact(0), "contract", "contract"),
        (Fact.IS_WITHDRAWN, "consent", None),
    ],
)
def test_the_ledger_keeps_what_a_contact_rests_on(
    facts: Fact, basis: str, relied_on: str | None
) -> None:
    purpose = "service" if basis == "contract" else "marketing"
    result = made(facts, legal_basis=basis, consent_purpose=purpose)
    assert result.decisions["legal_basis"].fillna("").tolist() == [relied_on or ""]
    assert result.contact_plan["legal_basis"].tolist() == ([relied_on] if relied_on else [])


def test_all_channels_with_an_address_say_why_they_may_not_be_used() -> None:
    play = {"channels": ["email", "sms", "push"]}
    facts = {
        "email": Fact.IS_WITHDRAWN | Fact.IS_NOT_GRANTED,
        "sms": Fact.IS_ON_OPT_OUT_LIST,
        # Without an address the rest does not matter.
        "push": Fact.LACKS_CONTACT_POINT | Fact.HAS_COMPLAINED,
    }
    assert decide(facts, **play) == "suppressed: suppressed_robinson,withdrawn,no_consent"
    nowhere = dict.fromkeys(["email", "sms", "push"], Fact.LACKS_CONTACT_POINT | Fact.IS_WITHDRAWN)
    assert decide(nowhere, **play) == "suppressed: no_reachable_channel"


def test_a_customer_of_whom_no_right_is_known_is_not_contacted() -> None:
    customers = make_customers(C1).assign(**dict.fromkeys(FACTS_OF.values(), None))
    result = plan(make_candidates(C1), customers)
    assert (
        outcomes(result)["C1", "play_welcome"] == "suppressed: under_14,minor,no_reachable_channel"
    )


def test_every_fact_has_a_reason_of_its_own_and_a_column() -> None:
    assert set(REASON_OF) == set(Fact) == set(FACT_COLUMNS.values())
    assert len(set(REASON_OF.values())) == len(Fact)
    assert set(REASON_OF.values()) <= set(SUPPRESSION_REASONS)
    assert SUPPRESSION_REASONS[: len(LEGAL_REASONS)] == LEGAL_REASONS
    flags = pd.DataFrame(reasons_of(np.array([EVERY_FACT, 0], dtype=np.int64)))
    assert flags.loc[0].all()
    assert not flags.loc[1].any()
