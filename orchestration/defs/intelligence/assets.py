"""Customer models: read the sufficient statistics, estimate, write predictions and their record."""

from collections.abc import Iterator

import dagster as dg

from ml.lifetime_value import MODEL_VERSION, LifetimeValueConfig, estimate_lifetime_value
from orchestration.lib.plots import calibration_plot, to_markdown_image
from orchestration.lib.preview import markdown_table
from orchestration.resources import WarehouseResource

OWNERS = ["team:data-science"]
UPSTREAM = [
    dg.AssetKey(["intermediate", name])
    for name in (
        "int_customers__btyd_summary",
        "int_customers__calibration_holdout",
        "int_customers__channels",
        "int_customers__legal_standing",
    )
]
DESCRIPTIONS = {
    "customer_predictions": (
        "Purchase and dropout predictions (BTYD and Gamma-Gamma), the champion of a holdout test. "
        "One row per customer and as-of date, none of who objected to profiling or is under 14; NULL "
        "where the model abstains."
    ),
    "model_runs": "What was fitted and how it did against naive baselines. One row per model and date.",
    "calibration": "Predicted and observed purchases of the holdout. One row per model, date and bin.",
}


LEGAL_STANDING = "intermediate.int_customers__legal_standing"
PROFILED = f"select customer_id from {LEGAL_STANDING} where is_profiling_allowed"
OBJECTORS = f"select customer_id from {LEGAL_STANDING} where not is_profiling_allowed"
OBJECTORS_PREDICTED = (
    f"select count(*) as rows from ml.customer_predictions where customer_id in ({OBJECTORS})"
)


def forget_objectors(warehouse: WarehouseResource) -> None:
    """Delete what earlier runs predicted of customers who may not be profiled now."""
    with warehouse.connect() as connection:
        connection.execute(
            f"delete from ml.customer_predictions where customer_id in ({OBJECTORS})"
        )


def _specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            ["ml", name],
            deps=UPSTREAM,
            group_name="intelligence",
            owners=OWNERS,
            kinds={"python", "lifetimes"},
            description=description,
            code_version=MODEL_VERSION,
        )
        for name, description in DESCRIPTIONS.items()
    ]


@dg.multi_asset(
    name="lifetime_value",
    specs=_specs(),
    check_specs=[
        dg.AssetCheckSpec(
            "one_prediction_per_customer",
            asset=["ml", "customer_predictions"],
            blocking=True,
            description="A plan without a row for a customer would pass over that customer unseen.",
        ),
        dg.AssetCheckSpec(
            "nobody_is_profiled_who_objects",
            asset=["ml", "customer_predictions"],
            blocking=True,
            description="Art. 21 GDPR, art. 7 LOPDGDD: no prediction of any date for these customers.",
        ),
    ],
)
def lifetime_value(
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Backtest, choose the champion, refit it on everything known and predict every customer."""
    as_of = warehouse.as_of_date()
    result = estimate_lifetime_value(
        warehouse.read("from intermediate.int_customers__btyd_summary"),
        warehouse.read("from intermediate.int_customers__calibration_holdout"),
        as_of,
        LifetimeValueConfig(
            margin_share=warehouse.settings.margin_share,
            annual_discount_rate=warehouse.settings.annual_discount_rate,
        ),
    )
    channels = warehouse.read(
        "select customer_id, best_channel from intermediate.int_customers__channels"
    )
    # The estimation may use what all customers did together; a prediction is of one of them.
    profiled = warehouse.read(PROFILED)
    predictions = result.predictions.merge(profiled, on="customer_id", validate="one_to_one").merge(
        channels, on="customer_id", how="left", validate="one_to_one"
    )
    frames = {
        "customer_predictions": predictions,
        "model_runs": result.model_runs,
        "calibration": result.calibration,
    }
    for name, frame in frames.items():
        warehouse.write_as_of("ml", name, frame, key="as_of_date")
    runs = result.model_runs
    record = ["model", "grade", "skill_share", "is_champion", "is_abstaining"]
    table = markdown_table(record, list(runs[record].itertuples(index=False, name=None)))
    plot = to_markdown_image(calibration_plot(result.calibration), "Calibration of the holdout")
    extra: dict[str, dict[str, str | dg.MarkdownMetadataValue]] = {
        "customer_predictions": {"as_of_date": str(as_of)},
        "model_runs": {"models": dg.MetadataValue.md(table)},
        "calibration": {"plot": dg.MetadataValue.md(plot)},
    }
    for name, frame in frames.items():
        yield dg.MaterializeResult(
            asset_key=["ml", name], metadata={"dagster/row_count": len(frame), **extra[name]}
        )
    forget_objectors(warehouse)
    summary = warehouse.read(
        f"select count(*) as customers from intermediate.int_customers__btyd_summary "
        f"where customer_id in ({PROFILED})"
    )
    profiled_objectors = warehouse.read(OBJECTORS_PREDICTED)
    yield dg.AssetCheckResult(
        asset_key=["ml", "customer_predictions"],
        check_name="one_prediction_per_customer",
        passed=bool(
            predictions["customer_id"].is_unique
            and len(predictions) == int(summary["customers"].iloc[0])
        ),
        metadata={"customers": len(predictions)},
    )
    yield dg.AssetCheckResult(
        asset_key=["ml", "customer_predictions"],
        check_name="nobody_is_profiled_who_objects",
        passed=int(profiled_objectors["rows"].iloc[0]) == 0,
    )


@dg.definitions
def intelligence() -> dg.Definitions:
    """Return the models' assets."""
    return dg.Definitions(assets=[lifetime_value])
