"""Customers whom the steward ties together or keeps apart, on top of what the linking found."""

from __future__ import annotations

import pytest

from ml.identity.golden.decided import unite

FOUND = {"a": "a", "b": "a", "c": "c", "d": "c", "e": "e", "f": "e"}


@pytest.mark.parametrize(
    ("always", "never", "expected"),
    [
        ([], [], "ab cd ef"),
        # the other records of both come along
        ([("a", "c")], [], "abcd ef"),
        ([("a", "c"), ("d", "e")], [], "abcdef"),
        # who must stay apart stays where he was found
        ([("a", "c")], [("a", "d")], "abc d ef"),
        ([("a", "c")], [("b", "d")], "abc d ef"),
        ([("a", "c")], [("b", "c")], "acd b ef"),
        # d can't go with c, who is tied to the person of e
        ([("a", "c"), ("b", "e")], [("d", "e")], "abcef d"),
    ],
)
def test_decisions_about_two_are_about_their_customers(always, never, expected) -> None:
    united = unite(FOUND, always, never)
    groups: dict[str, str] = {}
    for record in sorted(united):
        groups[united[record]] = groups.get(united[record], "") + record
    found = {frozenset(group) for group in groups.values()}
    for one, other in always:
        assert united[one] == united[other]
    for one, other in never:
        assert united[one] != united[other]
    assert found == {frozenset(group) for group in expected.split()}
    assert united == unite(dict(reversed(FOUND.items())), always[::-1], never[::-1])
