"""Plays, channels and the policy refuse what can't be planned, in sentences.

Belongs here: validation of definitions. Does not: plans.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from ml.contact_plan import (
    EXPLANATIONS,
    EXPLANATIONS_ES,
    ChannelDefinition,
    DefinitionError,
    PlanPolicy,
    PlayDefinition,
    in_play_holdout,
    in_universal_holdout,
)
from ml.contact_plan.reasons import DECISION_REASONS, SUPPRESSION_REASONS
from tests.unit.ml.contact_plan_examples import KEY, META, make_play


def test_meta_becomes_a_definition() -> None:
    play = PlayDefinition.from_meta("play_welcome", META)
    assert play.name == "play_welcome"
    assert play.channels == ("email", "sms", "post")
    assert play.prior_incremental_response_share == 0.1


def test_one_legal_basis_is_that_of_every_channel() -> None:
    assert make_play().legal_basis == dict.fromkeys(["email", "sms", "post"], "consent")
    bases = {"email": "soft_opt_in", "sms": "consent", "post": "legitimate_interest"}
    assert make_play(legal_basis=bases).legal_basis == bases


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"legal_basis": "soft_opt_in"},
            "is soft_opt_in for the channel 'post', which it can't carry; it is for email, sms.",
        ),
        ({"legal_basis": {"email": "consent"}}, "give one basis for each of the play's channels"),
        (
            {"legal_basis": "legitimate_interest", "channels": ["email", "phone"]},
            "is legitimate_interest for the channel 'email'",
        ),
        ({"legal_basis": "contract"}, "have the basis contract on every channel"),
        ({"consent_purpose": "service"}, "have the basis contract on every channel"),
        (
            {
                "consent_purpose": "service",
                "legal_basis": {"email": "contract", "sms": "contract", "post": "consent"},
            },
            "have the basis contract on every channel",
        ),
        (
            {
                "consent_purpose": "third_parties",
                "channels": ["email"],
                "legal_basis": "soft_opt_in",
            },
            "must be consent on every channel for the purpose 'third_parties'",
        ),
        (
            {
                "consent_purpose": "profiling",
                "channels": ["post"],
                "legal_basis": "legitimate_interest",
            },
            "must be consent on every channel for the purpose 'profiling'",
        ),
    ],
)
def test_a_basis_that_the_law_does_not_know_is_refused(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DefinitionError, match=re.escape(sentence)):
        make_play(**fields)


def test_whole_number_share_is_read_as_a_share() -> None:
    assert make_play(prior_incremental_response_share=1).prior_incremental_response_share == 1.0


@pytest.mark.parametrize(
    ("field", "value", "wish"),
    [
        ("title", " ", "a text that is not empty"),
        ("template", None, "a text that is not empty"),
        ("category", "Cycle", "one of Ciclo, Producto-precio"),
        ("category", ["Ciclo"], "one of Ciclo, Producto-precio"),
        ("channels", ["email", "fax"], "of email, sms, whatsapp, push, phone, post"),
        ("channels", ["email", "email"], "without repeats"),
        ("channels", [], "in order of preference"),
        ("channels", "email", "in order of preference"),
        ("channels", [{"email": 1}], "in order of preference"),
        ("consent_purpose", "advertising", "one of marketing, profiling, third_parties, service"),
        ("legal_basis", "because", "one of consent, soft_opt_in, contract, legitimate_interest"),
        ("legal_basis", {"email": "because"}, "a mapping from each channel of the play"),
        ("legal_basis", {}, "a mapping from each channel of the play"),
        ("legal_basis", ["consent"], "a mapping from each channel of the play"),
        ("uses_profiling", "yes", "true or false"),
        ("offer_is_discount", "no", "true or false"),
        ("is_automatic", 1, "true or false"),
        ("priority", 0, "a whole number from 1 to 100"),
        ("priority", 101, "a whole number from 1 to 100"),
        ("priority", True, "a whole number from 1 to 100"),
        ("cooldown_days", -1, "a whole number of 0 or more"),
        ("validity_days", 0, "a whole number of 1 or more"),
        ("validity_days", 2.5, "a whole number of 1 or more"),
        ("prior_incremental_response_share", 1.01, "a share from 0 to 1"),
        ("prior_incremental_response_share", -0.01, "a share from 0 to 1"),
        ("prior_incremental_response_share", float("nan"), "a share from 0 to 1"),
        ("prior_incremental_response_share", "10 %", "a share from 0 to 1"),
    ],
)
def test_wrong_field_is_named_with_play_and_wish(field: str, value: object, wish: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make_play(**{field: value})
    assert f"Play 'play_welcome': field '{field}' is {value!r}; it must be" in str(caught.value)
    assert wish in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    meta = {key: value for key, value in META.items() if key != "goal"}
    with pytest.raises(DefinitionError) as caught:
        PlayDefinition.from_meta("play_x", {**meta, "cool_down_days": 3, "priority": 500})
    message = str(caught.value)
    assert "Play 'play_x': field 'goal' is missing." in message
    assert "Play 'play_x': field 'cool_down_days' is unknown; remove it" in message
    assert "Play 'play_x': field 'priority' is 500" in message


def test_definition_made_without_meta_is_checked_too() -> None:
    fields: dict[str, Any] = {**META, "channels": ("email",), "priority": 0}
    with pytest.raises(DefinitionError, match="field 'priority' is 0"):
        PlayDefinition(name="play_x", **fields)


def test_play_name_must_be_plain() -> None:
    with pytest.raises(DefinitionError, match="Play 'Play, 1': the name must be"):
        make_play("Play, 1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fax", 1.0), "Channel 'fax' is unknown; use one of email"),
        (("sms", -0.1), "unit_cost is -0.1"),
        (("sms", float("nan")), "unit_cost is nan"),
        (("sms", float("inf")), "unit_cost is inf"),
        (("sms", 0.1, -1), "daily_capacity is -1"),
    ],
)
def test_wrong_channel_is_refused(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        ChannelDefinition(*arguments)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"max_contacts_per_day": 0}, "caps per day"),
        ({"max_contacts_per_day": 3}, "makes another unreachable"),
        ({"max_contacts_per_7d": 9}, "makes another unreachable"),
        ({"universal_holdout_share": 1.0}, "universal_holdout_share is 1.0"),
        ({"play_holdout_share": -0.1}, "play_holdout_share is -0.1"),
        ({"default_send_hour": 8}, "in this order"),
        ({"latest_send_hour": 24}, "in 0..23"),
        ({"suppression_rules": ("play_cooldown",)}, "each of these rules once"),
    ],
)
def test_contradictory_policy_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        PlanPolicy(**fields)


def test_every_reason_code_is_explained() -> None:
    assert set(EXPLANATIONS) == {*SUPPRESSION_REASONS, *DECISION_REASONS}
    assert list(EXPLANATIONS_ES) == list(EXPLANATIONS)


def test_holdouts_are_pinned() -> None:
    """A change of the hash would move customers between groups and ruin running measurements."""
    ids = [f"C{number}" for number in range(40)]
    universal = in_universal_holdout(ids, 0.1, KEY)
    welcome = in_play_holdout("play_welcome", ids, 0.1, KEY)
    assert [name for name, member in zip(ids, universal, strict=True) if member] == [
        "C0",
        "C6",
        "C20",
        "C34",
    ]
    assert [name for name, member in zip(ids, welcome, strict=True) if member] == [
        "C3",
        "C5",
        "C18",
        "C25",
        "C29",
    ]


def test_short_holdout_key_is_refused() -> None:
    with pytest.raises(DefinitionError, match="has 5 bytes; give a secret of at least 16"):
        in_universal_holdout(["C1"], 0.1, b"short")


def test_larger_share_keeps_the_members_of_a_smaller_one() -> None:
    ids = [f"C{number}" for number in range(2000)]
    small = in_universal_holdout(ids, 0.05, KEY)
    large = in_universal_holdout(ids, 0.10, KEY)
    assert small.sum() < large.sum()
    assert (large | ~small).all()
