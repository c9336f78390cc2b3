"""What is planted in behaviour can be recovered from what the frames show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simulation.behaviour import electronics, workshop
from simulation.behaviour.daytime import GROCERY_MONTHS, GROCERY_WEEKDAYS, OperationalClock
from simulation.catalogue.electronics import ACCESSORY_CATEGORIES, MAIN_CATEGORIES
from simulation.catalogue.grocery_categories import MISSIONS
from tests.unit.simulation.engine.conftest import CONFIG, History

ORIGIN = np.datetime64(CONFIG.start, "us")
DAY = np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def shoppers(history: History) -> pd.DataFrame:
    return history.latent[history.latent["line"] == "groceries"].set_index("person_id")


@pytest.fixture(scope="module")
def sales(history: History) -> pd.DataFrame:
    tickets = history["tickets"]
    regular = (tickets["operation"] == "sale") & (tickets["campaign_id"] < 0)
    return tickets[regular].sort_values(["person_id", "opened_at"], kind="stable")


def gaps_on_the_shops_clock(sales: pd.DataFrame) -> pd.DataFrame:
    """Gaps between purchases, weekday and season taken out."""
    clock = OperationalClock(ORIGIN, GROCERY_WEEKDAYS, GROCERY_MONTHS)
    day = ((sales["opened_at"].to_numpy() - ORIGIN) // DAY).astype(int)
    middle = np.array([(clock.elapsed(d) + clock.elapsed(d + 1)) / 2 for d in range(day.max() + 1)])
    elapsed = pd.Series(middle[day], index=sales.index)
    same = sales["person_id"].eq(sales["person_id"].shift())
    return pd.DataFrame({"person_id": sales["person_id"], "gap": elapsed.diff()})[same]


def test_regularity_and_rate_of_purchases(sales: pd.DataFrame, shoppers: pd.DataFrame) -> None:
    gaps = gaps_on_the_shops_clock(sales).join(
        shoppers[["purchase_rate_per_day", "regularity_k"]], on="person_id"
    )
    # Gaps of at most 12 days on average: the window cuts off few of them.
    gaps = gaps[gaps["purchase_rate_per_day"].between(1 / 12, 1 / 5)]
    relative = gaps["gap"] * gaps["purchase_rate_per_day"]
    for k, values in relative.groupby(gaps["regularity_k"]):
        assert len(values) > 500
        assert values.mean() == pytest.approx(1.0, abs=0.06)
        assert values.mean() ** 2 / values.var() == pytest.approx(k, rel=0.2)


def test_purchases_stop_at_the_planted_dropout(
    history: History, sales: pd.DataFrame, shoppers: pd.DataFrame
) -> None:
    expected = (shoppers["dropout_probability"] * shoppers["purchases"]).sum()
    churned = shoppers["churned_at"].notna()
    assert churned.sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    counted = sales.groupby("person_id").size().reindex(shoppers.index, fill_value=0)
    assert (counted == shoppers["purchases"]).all()
    last = sales.groupby("person_id")["opened_at"].max().dt.normalize()
    gone = shoppers[churned]
    assert (last[gone.index] == gone["churned_at"]).all()


def test_heterogeneous_rates_are_gamma(shoppers: pd.DataFrame) -> None:
    rates = shoppers["purchase_rate_per_day"]
    shape = rates.mean() ** 2 / rates.var()
    assert shape == pytest.approx(1.4, rel=0.15)
    assert rates.mean() == pytest.approx(0.038, rel=0.06)


def test_people_spend_around_their_own_mean(sales: pd.DataFrame, shoppers: pd.DataFrame) -> None:
    spent = sales.groupby("person_id")["total"].agg(["mean", "size"])
    many = spent[spent["size"] >= 15].join(shoppers["mean_spend"])
    assert np.corrcoef(np.log(many["mean"]), np.log(many["mean_spend"]))[0, 1] > 0.85
    assert (many["mean"] / many["mean_spend"]).median() == pytest.approx(0.95, abs=0.15)


def test_saturdays_and_december_are_busy_and_nobody_shops_at_night(sales: pd.DataFrame) -> None:
    weekday = sales["opened_at"].dt.weekday.value_counts()
    assert weekday[5] > weekday[1] * 1.3
    assert weekday[6] < weekday[1] * 0.5
    months = sales["opened_at"].dt.month.value_counts()
    assert months[12] > 1.15 * months[8]
    assert sales["opened_at"].dt.hour.between(9, 21).all()


def test_missions_make_categories_meet(history: History) -> None:
    lines, items = history["ticket_lines"], history.market.items
    category = items["category"].astype(str).to_numpy()[lines["item_id"]]
    baskets = pd.crosstab(lines["ticket_id"], category) > 0
    for mission in ("pasta", "barbacoa", "desayuno"):
        one, other = MISSIONS[mission][:2]
        both = (baskets[one] & baskets[other]).mean()
        size_effect = (baskets[one] & baskets["Vacuno"]).mean() / (
            baskets[one].mean() * baskets["Vacuno"].mean()
        )
        assert both / (baskets[one].mean() * baskets[other].mean()) > 1.15 * size_effect


def test_amounts_add_up(history: History) -> None:
    lines, tickets = history["ticket_lines"], history["tickets"]
    computed = (lines["quantity"] * lines["unit_price"] - lines["discount"]).round(2)
    assert np.allclose(computed, lines["amount"], atol=0.011)
    totals = lines.groupby("ticket_id")["amount"].sum().round(2)
    assert np.allclose(totals[tickets["ticket_id"]].to_numpy(), tickets["total"], atol=0.005)
    refunds = tickets[tickets["operation"] == "refund"]
    assert len(refunds) > 50
    assert (refunds["total"] < 0).all()
    original = tickets.set_index("ticket_id")["total"][refunds["original_ticket_id"]].to_numpy()
    assert (-refunds["total"].to_numpy() <= original + 0.005).all()


def test_renewal_is_weibull_with_a_share_lost(history: History) -> None:
    renewals = history["renewals"]
    for category in MAIN_CATEGORIES[:2]:
        bought = renewals[renewals["category"] == category.name]
        lost = bought["next_at"].isna().mean()
        assert lost == pytest.approx(
            electronics.LOST_AT_RENEWAL, abs=4 * np.sqrt(0.2 * 0.8 / len(bought))
        )
        years = (bought["next_at"] - bought["bought_at"]).dropna() / pd.Timedelta(days=365.25)
        shape, _, scale = stats.weibull_min.fit(years, floc=0)
        assert shape == pytest.approx(category.renewal_shape, rel=0.15)
        assert scale == pytest.approx(category.renewal_years, rel=0.08)


def test_planned_renewals_become_orders(history: History) -> None:
    lines = history["shop_order_lines"].merge(
        history["shop_orders"][["order_id", "person_id", "created_at"]], on="order_id"
    )
    category = history.market.products["category"].astype(str).to_numpy()
    lines["category"] = category[lines["product_id"]]
    bought = history["renewals"].astype({"category": str})
    end = pd.Timestamp(CONFIG.start) + pd.Timedelta(days=CONFIG.days)
    electronic = bought[(bought["line"] == "electronics") & (bought["bought_at"] < end)]
    found = electronic.merge(lines, on=["person_id", "category"])
    minutes = (found["created_at"] - found["bought_at"]).dt.total_seconds() / 60
    ordered = found[minutes.between(-1, 120)]
    keys = ["person_id", "category", "bought_at"]
    assert ordered[keys].drop_duplicates().shape[0] == electronic[keys].drop_duplicates().shape[0]


def test_accessories_fit_the_product_of_their_order(history: History) -> None:
    products, lines = history.market.products, history["shop_order_lines"]
    kind = products["kind"].astype(str).to_numpy()[lines["product_id"]]
    sku = products["sku"].astype(str).to_numpy()[lines["product_id"]]
    fitting = products["compatible_skus"].astype(object).to_numpy()[lines["product_id"]]
    mains = dict(zip(lines["order_id"][kind == "main"], sku[kind == "main"], strict=True))
    together = [
        mains[order] in text.split("|")
        for order, text in zip(lines["order_id"], fitting, strict=True)
        if isinstance(text, str) and order in mains
    ]
    assert len(together) > 200
    assert all(together)
    assert not lines.duplicated(["order_id", "product_id"]).any()


def test_accessories_are_attached_as_often_as_planted(history: History) -> None:
    products, lines = history.market.products, history["shop_order_lines"]
    category = products["category"].astype(str).to_numpy()[lines["product_id"]]
    by_order = pd.crosstab(lines["order_id"], category) > 0
    for accessory in ACCESSORY_CATEGORIES:
        with_main = by_order[by_order[accessory.fits]]
        share = accessory.attach_share * electronics._SAME_ORDER_SHARE
        error = np.sqrt(share / len(with_main))
        assert with_main[accessory.name].mean() == pytest.approx(share, abs=4 * error)


def test_consumables_are_bought_again_regularly(history: History) -> None:
    lines = history["shop_order_lines"].merge(
        history["shop_orders"][["order_id", "person_id", "created_at", "driving_campaign_id"]],
        on="order_id",
    )
    name = history.market.products["category"].astype(str).to_numpy()[lines["product_id"]]
    ink = lines[(name == "ink cartridges") & (lines["driving_campaign_id"] < 0)]
    ink = ink.sort_values(["person_id", "created_at"])
    gaps = ink.groupby("person_id")["created_at"].diff().dropna().dt.days
    assert len(gaps) > 60
    assert gaps.median() == pytest.approx(88, abs=22)


def test_visits_come_before_purchases(history: History) -> None:
    orders, visits = history["shop_orders"], history["web_sessions"]
    main = history["renewals"]
    main = main[main["line"] == "electronics"]
    merged = main.merge(visits[["person_id", "started_at", "session_id"]], on="person_id")
    lead = (merged["bought_at"] - merged["started_at"]) / pd.Timedelta(days=1)
    before = merged[lead.between(0.0, 28)].groupby(["person_id", "bought_at"]).size()
    assert before.sum() / len(main) > 1.5
    assert (lead.between(0, 7).sum()) > 2 * (lead.between(14, 21).sum())
    events = history["web_events"]
    purchases = events[events["event_name"] == "purchase"]
    assert set(purchases["order_id"]) == set(orders["order_id"])
    assert set(orders["session_id"]) == set(purchases["session_id"])


def test_inspections_follow_the_spanish_rule(history: History) -> None:
    visits = history["workshop_visits"]
    vehicles = history["vehicles"].groupby("vehicle_id")["registered_on"].first()
    inspections = visits[visits["kind"] == "inspection"]
    registered = vehicles[inspections["vehicle_id"]].to_numpy()
    days = (inspections["opened_at"].to_numpy() - registered) / DAY
    years = np.ceil(days / 365.25 - 0.01)
    early = years * 365.25 - days
    assert len(inspections) > 100
    assert set(years.astype(int)) <= {4, 6, 8, *range(10, 25)}
    assert (early < workshop._ITV_EARLY_DAYS + 3).all()


@pytest.mark.parametrize(
    ("age", "due"),
    [(0.0, 4), (3.9, 4), (4.1, 6), (7.9, 8), (8.2, 10), (9.99, 10), (10.5, 11), (14.2, 15)],
)
def test_age_of_the_next_inspection(age: float, due: float) -> None:
    assert workshop.next_inspection_age(np.array([age]))[0] == due


def test_maintenance_comes_once_a_year(history: History) -> None:
    visits = history["workshop_visits"]
    regular = visits[(visits["kind"] == "maintenance") & (visits["campaign_id"] < 0)]
    regular = regular.sort_values(["vehicle_id", "opened_at"])
    gaps = regular.groupby("vehicle_id")["opened_at"].diff().dropna().dt.days
    assert len(gaps) > 100
    assert gaps.median() == pytest.approx(365, abs=15)
    assert (gaps > 180).mean() > 0.97


def test_cars_change_hands(history: History) -> None:
    orders, vehicles = history["vehicle_orders"], history["vehicles"]
    delivered = orders[orders["status"] == "delivered"]
    assert len(delivered) > 40
    assert (delivered["kind"] == "used").any()
    newest = vehicles.sort_values("updated_at").groupby("vehicle_id").last()
    owner = newest["owner_person_id"][delivered["vehicle_id"]].to_numpy()
    kept = newest["sold_at"][delivered["vehicle_id"]].isna().to_numpy()
    assert (owner[kept] == delivered["person_id"].to_numpy()[kept]).mean() > 0.98
    assert vehicles["vin"].str.fullmatch(r"[A-HJ-NPR-Z0-9]{17}").all()
    assert newest["vin"].is_unique
    won = history["leads"].query("status == 'won'")
    assert set(orders["lead_id"]) <= set(won["lead_id"])


def test_questions_peak_days_after_purchase(history: History) -> None:
    cases = history["cases"]
    asked = cases[cases["product_id"] >= 0]
    days = (asked["opened_at"] - asked["purchased_at"]) / pd.Timedelta(days=1)
    assert (days > 0).all()
    topics = history.market.service_questions.drop_duplicates("topic").set_index("topic")
    for topic in ("Pedido y entrega", "Devolución"):
        own = days[asked["topic"] == topic]
        shape, peak = topics.loc[topic, "shape"], topics.loc[topic, "peak_days"]
        mode = own.mean() * (shape - 1) / shape
        assert mode == pytest.approx(peak, abs=4 * own.std() / np.sqrt(len(own)) + 0.25)


def test_questions_are_as_frequent_as_planted(history: History) -> None:
    lines = history["shop_order_lines"]
    main = lines["serial_number"].notna().sum()
    asked = (history["cases"]["topic"] == "Pedido y entrega").sum()
    assert asked / main == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / main))
