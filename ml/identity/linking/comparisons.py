"""How two records are compared, field by field, as levels of agreement for Splink.

Belongs here: the levels of each field and which fields the members of a household share. Does not: what a
level is worth (`training`).

A comparison is there only when the records have its features. Levels go from most to least alike; the
first that holds counts (Fellegi & Sunter 1969; Winkler 1990 for the partial levels).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import splink.comparison_library as cl

from ml.identity.linking.features import FeatureSet


@dataclass(frozen=True)
class Level:
    """A level of agreement.

    Attributes
    ----------
    label : str
        In words, without values: `same birth date`.
    sql : str
        Condition over <feature>_l and <feature>_r; 'else' for the last level.
    frequency : str or None
        Feature whose commonness the weight is adjusted by.
    """

    label: str
    sql: str
    frequency: str | None = None


@dataclass(frozen=True)
class FieldComparison:
    """A field of two records, compared.

    Attributes
    ----------
    name : str
        Of the field.
    null_sql : str
        When one side says nothing.
    levels : tuple of Level
        From most alike to not alike.
    features : frozenset of str
        Features read; a candidate key made of them says nothing new through this field.
    is_of_household : bool
        Whether the people of a household share it.
    may_be_of_household : bool
        Whether the records shall tell if the people of a household share it.
    is_multiple : bool
        Whether a person may have several, so that another one is no conflict with somebody who also has
        the same.
    """

    name: str
    null_sql: str
    levels: tuple[Level, ...]
    features: frozenset[str]
    is_of_household: bool = False
    may_be_of_household: bool = False
    is_multiple: bool = False


def _either_null(*features: str) -> str:
    return " or ".join(f"{name}_l is null or {name}_r is null" for name in features)


def _jw(feature: str, at_least: float) -> str:
    return f"jaro_winkler_similarity({feature}_l, {feature}_r) >= {at_least}"


def _edit(feature: str, at_most: int, shortest: int) -> str:
    # the cheap conditions first: an edit distance costs thirty times as much
    return (
        f"(case when least(length({feature}_l), length({feature}_r)) >= {shortest} and "
        f"abs(length({feature}_l) - length({feature}_r)) <= {at_most} then "
        f"case when jaro_winkler_similarity({feature}_l, {feature}_r) >= 0.75 then "
        f"damerau_levenshtein({feature}_l, {feature}_r) <= {at_most} else false end else false end)"
    )


ELSE = "else"


def _given(features: FeatureSet) -> FieldComparison:
    levels = [Level("same given name", "given_l = given_r", "given")]
    if features.has("given_root"):
        levels.append(
            Level("same given name in another form", "given_root_l = given_root_r", "given_root")
        )
    if features.has("surname"):
        levels.append(
            Level(
                "given name and surname turned",
                "given_l = surname_r and surname_l = given_r",
            )
        )
    levels += [
        Level("same first given name", "given_first_l = given_first_r", "given_first"),
        Level("given name with one slip", _edit("given_first", 1, 4)),
        Level("similar given name", _jw("given", 0.88)),
        Level(
            "initial of the given name",
            "least(length(given_first_l), length(given_first_r)) <= 2 "
            "and given_first_l[1] = given_first_r[1]",
        ),
        Level("given name alike in parts", _jw("given_first", 0.75)),
        Level("other given name", ELSE),
    ]
    return FieldComparison("given_name", _either_null("given"), tuple(levels), frozenset({"given"}))


def _surname() -> FieldComparison:
    shared = "list_has_any(string_split(surname_l, ' '), string_split(surname_r, ' '))"
    levels = (
        Level("same surnames", "surname_l = surname_r", "surname"),
        Level(
            "same first surname, one second surname missing",
            "surname_1_l = surname_1_r and (surname_2_l is null or surname_2_r is null)",
            "surname_1",
        ),
        Level(
            "surnames in another order", "surname_1_l = surname_2_r and surname_2_l = surname_1_r"
        ),
        Level("surname with one slip", _edit("surname", 1, 4)),
        Level("similar surnames", _jw("surname", 0.92)),
        Level("same first surname, other second", "surname_1_l = surname_1_r"),
        Level("one surname in common", shared),
        Level("surnames alike in parts", _jw("surname", 0.8)),
        Level("other surnames", ELSE),
    )
    return FieldComparison(
        "surname", _either_null("surname"), levels, frozenset({"surname"}), is_of_household=True
    )


def _name() -> FieldComparison:
    common = "len(list_intersect(name_words_l, name_words_r))"
    smaller = "least(len(name_words_l), len(name_words_r))"
    larger = "greatest(len(name_words_l), len(name_words_r))"
    levels = (
        Level("same name", "name_l = name_r", "name"),
        Level("same words in another order", "name_words_l = name_words_r"),
        Level("name with one slip", _edit("name", 1, 6)),
        Level("one name within the other", f"{common} = {smaller} and {smaller} >= 2"),
        Level("nearly all words in common", f"{common} >= 0.66 * {larger} and {common} >= 2"),
        Level("similar name", _jw("name", 0.92)),
        Level("half of the words in common", f"{common} >= 0.5 * {smaller} and {common} >= 2"),
        Level("similar beginnings", _jw("name", 0.82)),
        Level("some word in common", f"{common} >= 1"),
        Level("other name", ELSE),
    )
    return FieldComparison("name", _either_null("name"), levels, frozenset({"name"}))


def _birth() -> FieldComparison:
    levels = (
        Level("same birth date", "birth_l = birth_r", "birth"),
        Level(
            "day and month turned",
            "length(birth_l) = 8 and length(birth_r) = 8 and left(birth_l, 4) = left(birth_r, 4) "
            "and birth_l[5:6] = birth_r[7:8] and birth_l[7:8] = birth_r[5:6]",
        ),
        Level("birth date with one slip", _edit("birth", 1, 8)),
        Level(
            "two parts of the birth date",
            "length(birth_l) = 8 and length(birth_r) = 8 and "
            "(cast(left(birth_l, 4) = left(birth_r, 4) as integer) "
            "+ cast(birth_l[5:6] = birth_r[5:6] as integer) "
            "+ cast(birth_l[7:8] = birth_r[7:8] as integer)) >= 2",
        ),
        Level("same birth year", "birth_year_l = birth_year_r"),
        Level(
            "birth years near each other",
            "abs(try_cast(birth_year_l as integer) - try_cast(birth_year_r as integer)) <= 2",
        ),
        Level("other birth date", ELSE),
    )
    return FieldComparison("birth_date", _either_null("birth"), levels, frozenset({"birth"}))


def _identifier(feature: str, words: str) -> FieldComparison:
    levels = (
        Level(f"same {words}", f"{feature}_l = {feature}_r", feature),
        Level(f"{words} with one slip", _edit(feature, 1, 6)),
        Level(f"other {words}", ELSE),
    )
    return FieldComparison(feature, _either_null(feature), levels, frozenset({feature}))


def _email_null(features: FeatureSet) -> str:
    """Return when e-mails say nothing: also when two are alike because both are made of the name."""
    nothing = _either_null("email")
    if features.has("surname"):
        made_of_name = " and ".join(
            f"contains(email_local_{side}, surname_1_{side})" for side in "lr"
        )
        nothing += (
            f" or (email_l <> email_r and {made_of_name} "
            "and jaro_winkler_similarity(email_local_l, email_local_r) >= 0.85)"
        )
    return nothing


def _email(features: FeatureSet) -> FieldComparison:
    levels = (
        Level("same e-mail", "email_l = email_r", "email"),
        Level("same e-mail name", "email_local_l = email_local_r", "email_local"),
        Level("e-mail with slips", _edit("email", 2, 8)),
        Level("similar e-mail name", _jw("email_local", 0.9)),
        Level("other e-mail", ELSE),
    )
    return FieldComparison(
        "email", _email_null(features), levels, frozenset({"email"}), is_multiple=True
    )


def _phone() -> FieldComparison:
    def crossed(condition: str) -> str:
        return " or ".join(
            f"({condition.format(a=a, b=b)})"
            for a in ("phone", "phone_2")
            for b in ("phone", "phone_2")
        )

    levels = (
        Level("same telephone", "list_has_any(phones_l, phones_r)", "phone"),
        Level(
            "same telephone without its area",
            crossed(
                "length({a}_l) >= 7 and length({b}_r) >= 7 and length({a}_l) <> length({b}_r) "
                "and right({a}_l, 7) = right({b}_r, 7)"
            ),
        ),
        Level("telephone with one slip", _edit("phone", 1, 7)),
        Level("other telephone", ELSE),
    )
    return FieldComparison(
        "phone",
        _either_null("phones"),
        levels,
        frozenset({"phones"}),
        is_of_household=True,
        is_multiple=True,
    )


def _street() -> FieldComparison:
    same_number = "nullif(street_number_l, '') = street_number_r"
    words = "list_has_any(string_split(street_words_l, ' '), string_split(street_words_r, ' '))"
    levels = (
        Level("same address", "street_l = street_r", "street"),
        Level("same street and number", "street_key_l = street_key_r", "street_key"),
        Level("similar street, same number", f"{same_number} and {_jw('street_words', 0.88)}"),
        Level("same street, other number", "street_words_l = street_words_r"),
        Level("similar street", _jw("street_words", 0.9)),
        Level("same number, a word in common", f"{same_number} and {words}"),
        Level("a word of the street in common", words),
        Level("other street", ELSE),
    )
    return FieldComparison(
        "street",
        _either_null("street"),
        levels,
        frozenset({"street"}),
        is_of_household=True,
        is_multiple=True,
    )


def _place(features: FeatureSet) -> FieldComparison:
    levels: list[Level] = []
    used = [name for name in ("postal", "city", "province") if features.has(name)]
    if features.has("postal"):
        levels.append(Level("same postal code", "postal_l = postal_r", "postal"))
    if features.has("city"):
        levels.append(Level("same city", "city_l = city_r", "city"))
        levels.append(Level("similar city", _jw("city", 0.9)))
    if features.has("postal"):
        levels.append(Level("postal code with one slip", _edit("postal", 1, 4)))
        levels.append(Level("postal code of the same area", "postal_area_l = postal_area_r"))
    if features.has("province"):
        levels.append(Level("same province", "province_l = province_r", "province"))
    levels.append(Level("other place", ELSE))
    nothing = " and ".join(f"({name}_l is null or {name}_r is null)" for name in used)
    return FieldComparison("place", nothing, tuple(levels), frozenset(used), is_of_household=True)


def _gender() -> FieldComparison:
    levels = (Level("same gender", "gender_l = gender_r"), Level("other gender", ELSE))
    return FieldComparison("gender", _either_null("gender"), levels, frozenset({"gender"}))


def _other(feature: str, column: str) -> FieldComparison:
    levels = (
        Level(f"same {column}", f"{feature}_l = {feature}_r", feature),
        Level(f"similar {column}", _jw(feature, 0.9)),
        Level(
            f"{column} with a word in common",
            f"list_has_any(string_split({feature}_l, ' '), string_split({feature}_r, ' '))",
        ),
        Level(f"other {column}", ELSE),
    )
    return FieldComparison(
        feature, _either_null(feature), levels, frozenset({feature}), may_be_of_household=True
    )


def choose_comparisons(features: FeatureSet) -> list[FieldComparison]:
    """Return the comparisons that these features allow."""
    chosen: list[FieldComparison] = []
    if features.has("given"):
        chosen.append(_given(features))
    if features.has("surname"):
        chosen.append(_surname())
    if features.has("name"):
        chosen.append(_name())
    if features.has("birth"):
        chosen.append(_birth())
    if features.has("national_id"):
        chosen.append(_identifier("national_id", "national id"))
    if features.has("loyalty_card"):
        chosen.append(_identifier("loyalty_card", "loyalty card"))
    if features.has("email"):
        chosen.append(_email(features))
    if features.has("phones"):
        chosen.append(_phone())
    if features.has("street"):
        chosen.append(_street())
    if any(features.has(name) for name in ("postal", "city", "province")):
        chosen.append(_place(features))
    if features.has("gender"):
        chosen.append(_gender())
    chosen += [_other(name, column) for name, column in features.others.items()]
    if len(chosen) == 1:
        # one field cannot tell the people of a household apart
        return [replace(chosen[0], is_of_household=False)]
    return chosen


def splink_comparison(
    comparison: FieldComparison,
    m: list[float] | None = None,
    u: list[float] | None = None,
) -> cl.CustomComparison:
    """Return a comparison as Splink's, with the probabilities of its levels when they are known."""
    levels: list[Any] = [
        {"sql_condition": comparison.null_sql, "label_for_charts": "missing", "is_null_level": True}
    ]
    for number, level in enumerate(comparison.levels):
        entry: dict[str, Any] = {
            "sql_condition": "ELSE" if level.sql == ELSE else level.sql,
            "label_for_charts": level.label,
        }
        if level.frequency is not None:
            entry["tf_adjustment_column"] = level.frequency
            entry["tf_adjustment_weight"] = 1.0
            # the column holds the commonness relative to the level's own u: see features.with_frequencies
            entry["disable_tf_exact_match_detection"] = True
        if m is not None and u is not None:
            entry["m_probability"] = m[number]
            entry["u_probability"] = u[number]
        levels.append(entry)
    return cl.CustomComparison(
        output_column_name=comparison.name,
        comparison_description=comparison.name,
        comparison_levels=levels,
    )
