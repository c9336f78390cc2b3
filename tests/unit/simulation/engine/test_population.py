"""People: valid and unique numbers, families that hang together, names in INE's frequencies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stdnum.es import dni, nie

from simulation.population.name_lists import surnames, write_given_name, write_surname
from tests.unit.simulation.engine.conftest import CONFIG, History

DAYS_PER_YEAR = 365.2425


def age(people: pd.DataFrame) -> np.ndarray:
    return (pd.Timestamp(CONFIG.start) - people["birth_date"]).dt.days.to_numpy() / DAYS_PER_YEAR


def head_of(people: pd.DataFrame) -> np.ndarray:
    household = people["household_id"].to_numpy()
    return np.searchsorted(household, household)


def test_there_are_as_many_people_as_asked_for(people: pd.DataFrame) -> None:
    assert len(people) == CONFIG.people
    assert (people["person_id"] == np.arange(CONFIG.people)).all()
    assert people["household_id"].is_monotonic_increasing


def test_national_ids_are_valid_and_unique(people: pd.DataFrame) -> None:
    foreign = people["is_foreign"]
    assert all(dni.is_valid(number) for number in people.loc[~foreign, "national_id"])
    assert all(nie.is_valid(number) for number in people.loc[foreign, "national_id"])
    assert people["national_id"].is_unique
    assert 0.05 < foreign.mean() < 0.12


def test_codes_of_the_systems_are_unique(people: pd.DataFrame) -> None:
    for name in ("erp_code", "shopify_id", "dms_no"):
        assert people[name].is_unique
        assert (people[name] > 0).all()
    cards = people.loc[people["card_number"] >= 0, "card_number"]
    assert cards.is_unique
    assert (cards.astype(str).str.len() == 13).all()


def test_emails_are_valid_and_shared_only_where_said(people: pd.DataFrame) -> None:
    emails = people["email"].dropna()
    assert emails.str.fullmatch(r"[a-z0-9._]+@[a-z-]+\.[a-z.]+").all()
    own = people.loc[people["email"].notna() & ~people["is_email_shared"]]
    assert own["email"].is_unique
    shared = people["is_email_shared"].to_numpy()
    head = head_of(people)
    assert (
        people["email"][shared].to_numpy() == people["email"].iloc[head[shared]].to_numpy()
    ).all()
    assert 0.01 < shared.mean() < 0.05
    assert people.loc[age(people) < 14, "email"].isna().all()


def test_phones_follow_spanish_numbering(people: pd.DataFrame) -> None:
    assert people["mobile"].dropna().str.fullmatch(r"(6\d|7[1-4])\d{7}").all()
    own = people.loc[people["mobile"].notna() & ~people["is_mobile_shared"]]
    assert own["mobile"].is_unique
    landlines = people["landline"].dropna()
    assert landlines.str.fullmatch(r"9[1-8]\d{7}").all()
    of_madrid = people.loc[people["province_code"] == "28", "landline"].dropna()
    assert of_madrid.str.startswith("91").all()
    assert (people.groupby("household_id")["landline"].nunique() <= 1).all()


def test_families_live_together(people: pd.DataFrame) -> None:
    address = people[["street_name", "street_number", "postal_code", "municipality_code"]]
    for name in address:
        assert (people.groupby("household_id")[name].nunique() == 1).all()
    codes = people["postal_code"].astype(str).str[:2]
    # A few municipalities are served from the neighbouring province only.
    assert (codes == people["province_code"].astype(str)).mean() > 0.998
    moved = people["moved_on"].notna()
    assert people.loc[moved, "next_street_name"].notna().all()
    assert people.loc[~moved, "next_street_name"].isna().all()


def test_children_are_younger_than_their_parents_and_bear_their_names(people: pd.DataFrame) -> None:
    years = age(people)
    assert years.min() > 0
    assert years.max() < 102
    child = (people["household_role"] == "child").to_numpy()
    head = head_of(people)
    assert (years[head[child]] - years[child] > 16).all()
    partner = people["household_role"].eq("adult_2").to_numpy()
    with_both = child & partner[np.minimum(head + 1, len(people) - 1)]
    first = people["surname_1"].astype(str).to_numpy()
    second = people["surname_2"].astype(object).to_numpy()
    rows = np.flatnonzero(with_both)
    parents = [{first[h], first[h + 1]} for h in head[rows]]
    assert all(first[row] in names for row, names in zip(rows, parents, strict=True))
    born_here = [row for row in rows if not people["is_foreign"].iloc[row]]
    by_parents = [
        {first[row], second[row]} == {first[head[row]], first[head[row] + 1]} for row in born_here
    ]
    assert np.mean(by_parents) == 1.0


def test_the_fathers_surname_comes_first_mostly(people: pd.DataFrame) -> None:
    head = head_of(people)
    child = np.flatnonzero(people["household_role"] == "child")
    couple = child[people["household_role"].iloc[head[child] + 1].eq("adult_2").to_numpy()]
    gender = people["gender"].to_numpy()
    first = people["surname_1"].astype(str).to_numpy()
    father = np.where(gender[head[couple]] == "M", head[couple], head[couple] + 1)
    assert 0.92 < (first[couple] == first[father]).mean() < 0.99


def test_surnames_have_the_frequencies_of_ine(people: pd.DataFrame) -> None:
    natives = people[~people["is_foreign"] & (people["household_role"] != "child")]
    found = natives["surname_1"].value_counts(normalize=True)
    listed = surnames()
    expected = pd.Series(listed.bearers / listed.bearers.sum(), index=listed.written)
    for name in expected.nlargest(10).index:
        share, count = expected[name], len(natives)
        assert found[name] == pytest.approx(share, abs=5 * np.sqrt(share / count))


def test_given_names_follow_gender_and_birth_cohort(people: pd.DataFrame) -> None:
    names = people["given_name"].astype(str)
    years = age(people)
    assert (people.loc[names == "Antonio", "gender"] == "M").mean() > 0.99
    assert (people.loc[names == "María del Carmen", "gender"] == "F").mean() > 0.99
    assert years[(names == "Josefa").to_numpy()].mean() > 55
    assert years[(names == "Hugo").to_numpy()].mean() < 35
    counts = names.value_counts()
    assert {"Antonio", "María", "José", "Manuel", "María del Carmen"} <= set(counts.index[:12])


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("garcia", "García"),
        ("rodriguez", "Rodríguez"),
        ("dominguez", "Domínguez"),
        ("vazquez", "Vázquez"),
        ("pelaez", "Peláez"),
        ("suarez", "Suárez"),
        ("gutierrez", "Gutiérrez"),
        ("dieguez", "Diéguez"),
        ("alvarez", "Álvarez"),
        ("jerez", "Jerez"),
        ("muñoz", "Muñoz"),
        ("de la fuente", "de la Fuente"),
        ("ponce de leon", "Ponce de León"),
    ],
)
def test_surnames_are_written_as_people_write_them(plain: str, written: str) -> None:
    assert write_surname(plain) == written


def test_given_names_are_written_as_people_write_them() -> None:
    assert write_given_name("jose maria") == "José María"
    assert write_given_name("angel") == "Ángel"


def test_lines_of_business_attract_the_same_families(history: History) -> None:
    truth = history.market.true_people
    household = truth["household_id"]
    flags = truth[["shops_groceries", "shops_electronics", "drives_cars"]].groupby(household).max()
    lift = (
        flags["shops_electronics"][flags["drives_cars"]].mean() / flags["shops_electronics"].mean()
    )
    assert lift > 1.15
    lift = flags["shops_groceries"][flags["drives_cars"]].mean() / flags["shops_groceries"].mean()
    assert lift > 1.1
    drivers = truth.loc[truth["drives_cars"], "income_index"].median()
    assert drivers > 1.1 * truth["income_index"].median()
