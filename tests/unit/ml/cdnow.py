"""CDNOW, real purchases of 1997-98, collapsed and split in SQL for the tests.

Reads the files inside the installed lifetimes wheel; importing lifetimes itself is not needed.
"""

from __future__ import annotations

import datetime as dt
import functools
from importlib import util
from pathlib import Path

import duckdb
import pandas as pd

FIRST_DAY = dt.date(1997, 1, 1)
# 39 weeks of calibration, 39 of holdout: the split of all published results.
CALIBRATION_END = dt.date(1997, 10, 1)
AS_OF_DATE = dt.date(1998, 7, 1)
HOLDOUT_DAYS = 273

# The sample's lines are: master id, sample id, date, CDs, dollars, separated by runs of blanks.
_SPLIT = """
with lines as (
    select regexp_split_to_array(trim(line), ' +') as fields
    from read_csv(
        $path, columns = {'line': 'varchar'}, delim = '\x01', header = false,
        quote = '', escape = ''
    )
),

purchase_days as (
    select
        fields[1] as customer_id,
        strptime(fields[3], '%Y%m%d')::date as purchased_on,
        sum(fields[5]::double) as amount,
    from lines
    group by all
),

ranked as (
    select
        *,
        min(purchased_on) over (partition by customer_id) as first_on,
        purchased_on < $until as is_known,
    from purchase_days
)

select
    customer_id,
    count(*) filter (where is_known) - 1 as repeat_frequency,
    max(purchased_on) filter (where is_known) - min(first_on) as age_at_last_purchase_days,
    $until - 1 - min(first_on) as t_days,
    avg(amount) filter (where is_known and purchased_on > first_on) as repeat_monetary_value,
    $as_of - $until as holdout_days,
    count(*) filter (where not is_known) as holdout_purchases,
    coalesce(sum(amount) filter (where not is_known), 0) as holdout_value,
from ranked
where first_on < $until
group by customer_id
order by customer_id
"""


def sample_file() -> Path:
    """Return the path of the 1/10 sample."""
    spec = util.find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("lifetimes is not installed; install requirements.lock first.")
    return Path(spec.origin).parent / "datasets" / "CDNOW_sample.txt"


def _split(until: dt.date) -> pd.DataFrame:
    parameters = {"path": str(sample_file()), "until": until, "as_of": AS_OF_DATE}
    with duckdb.connect() as connection:
        return connection.execute(_SPLIT, parameters).df()


@functools.cache
def _calibration_holdout() -> pd.DataFrame:
    return _split(CALIBRATION_END)


@functools.cache
def _summary() -> pd.DataFrame:
    columns = ["holdout_days", "holdout_purchases", "holdout_value"]
    return _split(AS_OF_DATE).drop(columns=columns)


def calibration_holdout() -> pd.DataFrame:
    """Return the 39/39-week split of the 1/10 sample, one row a customer."""
    return _calibration_holdout().copy()


def summary() -> pd.DataFrame:
    """Return the statistics of the 1/10 sample as of the end of the data."""
    return _summary().copy()
