"""Recommendations in made shops: habits found, rules kept, no future, nothing claimed in noise."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

from ml.recommendations import (
    RecommendationConfig,
    RecommendationError,
    RecommendationInputs,
    RecommendationResult,
    recommend,
)
from tests.unit.ml.recommendations.shops import AS_OF, FAST, electronics, grocer


def run(inputs: RecommendationInputs, as_of: dt.date = AS_OF) -> RecommendationResult:
    return recommend(inputs, as_of, seed=3, config=FAST)


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, RecommendationResult]:
    purchases = grocer(120, 1)
    customers = pd.DataFrame(
        {"customer_id": [f"C{number:03}" for number in range(120)] + ["new one", "new two"]}
    )
    customers["segment"] = ["taste A" if number % 2 == 0 else "taste B" for number in range(122)]
    customers.loc[121, "segment"] = None
    return purchases, run(RecommendationInputs(purchases, customers=customers))


def test_what_is_bought_now_comes_before_what_was_bought_more_often(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    result = shop[1]
    champion = result.model_runs[result.model_runs["is_champion"]].iloc[0]
    metrics = json.loads(champion["metrics"])
    baselines = json.loads(champion["baseline_metrics"])
    assert metrics["ndcg_at_10"] > baselines["personal_frequency"]["ndcg_at_10"]
    assert metrics["ndcg_at_10"] > 1.5 * baselines["popularity"]["ndcg_at_10"]
    first = result.recommendations.query("rank == 1 and customer_id < 'D'")
    taste = first["customer_id"].str[1:].astype(int).mod(2).map({0: "A", 1: "B"})
    assert (first["product_id"].str[0] == taste).mean() > 0.9
    assert not first["is_abstaining"].any()


def test_every_row_is_complete_and_has_a_reason_in_both_languages(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    rows = shop[1].recommendations
    assert not rows.isna().any().any()
    assert (rows.groupby("customer_id")["rank"].max() == 10).all()
    assert not rows.duplicated(["customer_id", "product_id"]).any()
    repeat = rows[rows["evidence"] == "repeat"].iloc[0]
    assert repeat["reason"].startswith("Bought ") and repeat["reason_es"].startswith("Comprado ")
    assert rows["customer_id"].nunique() == 122


def test_customers_without_purchases_get_what_their_segment_buys(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    rows = shop[1].recommendations
    in_segment = rows[rows["customer_id"] == "new one"]
    assert (in_segment["evidence"] == "segment_popular").all()
    assert in_segment["reason"].str.contains("segment taste A").all()
    assert (rows.loc[rows["customer_id"] == "new two", "evidence"] == "popular").all()


def test_the_future_and_the_order_of_rows_change_nothing(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    purchases, _ = shop
    known = RecommendationInputs(purchases.query("purchased_at < '2025-05-01'"))
    later = purchases.assign(product_id=purchases["product_id"] + " later").query(
        "purchased_at >= '2025-05-01'"
    )
    shuffled = pd.concat([later, known.purchases]).sample(frac=1, random_state=5)
    first = run(known, dt.date(2025, 5, 1))
    second = run(RecommendationInputs(shuffled), dt.date(2025, 5, 1))
    pd.testing.assert_frame_equal(first.recommendations, second.recommendations)
    pd.testing.assert_frame_equal(first.product_affinities, second.product_affinities)
    pd.testing.assert_frame_equal(first.model_runs, second.model_runs)


def test_nothing_is_claimed_where_everybody_buys_at_random() -> None:
    result = run(RecommendationInputs(grocer(80, 2, habits=False)))
    assert result.recommendations["is_abstaining"].all()
    assert set(result.recommendations["model"]) <= {"personal_frequency", "popularity"}
    assert not result.model_runs["is_champion"].any()
    assert result.model_runs["reason"].str.contains("not surely better").all()


def test_owned_durables_are_not_offered_again_and_what_fits_them_is() -> None:
    products = pd.DataFrame(
        {
            "product_id": [f"{kind} {model}" for kind in ("phone", "case") for model in range(3)],
            "product_name": [
                f"{kind} no. {model}" for kind in ("Phone", "Case") for model in range(3)
            ],
            "category": ["phones"] * 3 + ["cases"] * 3,
            "renewal_days": [730.0] * 3 + [None] * 3,
        }
    )
    fits = pd.DataFrame(
        {
            "product_id": [f"phone {model}" for model in range(3)],
            "compatible_product_id": [f"case {model}" for model in range(3)],
        }
    )
    inputs = RecommendationInputs(electronics(90, 4), products=products, compatibility=fits)
    rows = run(inputs).recommendations
    assert not rows["product_id"].str.startswith("phone").any()
    owner = rows[rows["customer_id"] == "C003"].iloc[0]
    assert owner["evidence"] == "compatible"
    assert owner["reason"].startswith("Goes with Phone no. ")
    assert owner["reason_es"].startswith("Va con Phone no. ")
    later = run(inputs, dt.date(2028, 7, 1)).recommendations
    assert later["product_id"].str.startswith("phone").any()
    pairs = run(inputs).product_affinities.query("kind == 'compatible'")
    assert len(pairs) == 3


def test_closed_products_are_never_offered(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    purchases, result = shop
    best = result.recommendations.query("rank <= 2").set_index("customer_id")["product_id"]
    one, other = best.loc["C000"]
    products = pd.DataFrame(
        {"product_id": ["R1", "R2", other, one], "category": ["r", "r", "gone", "stays"]}
    )
    products["is_recommendable"] = [False, True, True, True]
    products["is_in_stock"] = [True, False, True, None]
    embargoes = pd.DataFrame(
        {
            "customer_id": ["C000", "C000", "nobody"],
            "product_id": [one, None, "R3"],
            "category": [None, "gone", None],
            "until": ["2025-08-01", None, None],
        }
    )
    rows = run(
        RecommendationInputs(purchases, products=products, embargoes=embargoes)
    ).recommendations
    assert not rows["product_id"].isin(["R1", "R2"]).any()
    assert not rows.query("customer_id == 'C000'")["product_id"].isin([one, other]).any()
    over = embargoes.assign(until=["2025-06-01", "2025-06-01", None])
    rows = run(RecommendationInputs(purchases, products=products, embargoes=over)).recommendations
    assert set(rows.query("customer_id == 'C000'")["product_id"]) >= {one, other}


def test_nothing_is_offered_when_nothing_is_in_stock(
    shop: tuple[pd.DataFrame, RecommendationResult],
) -> None:
    purchases, _ = shop
    products = pd.DataFrame({"product_id": purchases["product_id"].unique(), "is_in_stock": False})
    assert run(RecommendationInputs(purchases, products=products)).recommendations.empty


def test_what_was_looked_at_is_offered_and_later_views_are_not_seen() -> None:
    purchases = grocer(60, 5)
    views = pd.DataFrame(
        {
            "customer_id": ["stranger", "stranger", "stranger", "C001"],
            "product_id": ["R7", "never bought", "R8", "never bought"],
            "viewed_at": ["2025-06-29 10:00", "2025-06-30 10:00", "2025-07-02", "2025-06-30"],
        }
    )
    customers = pd.DataFrame({"customer_id": ["stranger"]})
    rows = run(
        RecommendationInputs(purchases, browsing=views, customers=customers)
    ).recommendations.query("customer_id == 'stranger'")
    assert rows["product_id"].head(2).tolist() == ["never bought", "R7"]
    assert rows["reason"].iloc[0] == "Looked at once lately, last today."
    assert (rows["evidence"] == "viewed").sum() == 2


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_hardly_any_purchases(rows: int) -> None:
    purchases = pd.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(rows)],
            "product_id": ["P1"] * rows,
            "purchased_at": pd.to_datetime(["2025-06-01"] * rows),
        }
    )
    result = run(RecommendationInputs(purchases))
    assert len(result.recommendations) == rows
    assert result.recommendations["is_abstaining"].all()
    assert result.model_runs["is_abstaining"].all()
    assert result.model_runs["reason"].notna().all()
    early = run(RecommendationInputs(purchases), dt.date(2020, 1, 1))
    assert early.recommendations.empty
    assert "no purchase before 2020-01-01" in early.model_runs["reason"].iloc[0]


def test_input_that_cannot_be_understood() -> None:
    purchases = grocer(3, 1)
    with pytest.raises(RecommendationError, match="purchases lack the column 'product_id'"):
        run(RecommendationInputs(purchases.drop(columns="product_id")))
    with pytest.raises(RecommendationError, match="is no date"):
        run(RecommendationInputs(purchases.assign(purchased_at="yesterday")))
    with pytest.raises(RecommendationError, match="compatible products lack"):
        run(RecommendationInputs(purchases, compatibility=pd.DataFrame({"product_id": ["A"]})))
    with pytest.raises(RecommendationError, match="factors is 0"):
        RecommendationConfig(factors=0)
    with pytest.raises(RecommendationError, match="short_days"):
        RecommendationConfig(short_days=100)
