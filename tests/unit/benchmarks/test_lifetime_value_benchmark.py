"""The lifetime-value benchmark reads any file and answers bad ones with a sentence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.lifetime_value.__main__ import main
from benchmarks.lifetime_value.reading import ReadingError, read_transactions

WINDOW = ["--calibration-end", "2020-06-30", "--holdout-end", "2020-12-31"]
COLUMNS = ["--customer", "who", "--date", "day", "--amount", "paid", "--plain-seconds", "0"]
DAYS = pd.to_datetime(["2020-01-13", "2020-02-03", "2020-11-25"])


def _run(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = main(["--transactions", str(path), *COLUMNS, *WINDOW, *more])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("who,day,paid\na,2020-01-13,1.5\na,2020-02-03,-2\nb,2020-11-25,1234.5\n", "iso.csv"),
        (
            "who;day;paid\na;13/01/2020;1,50 €\na;03/02/2020;-2,00 €\nb;25/11/2020;1.234,50 €\n",
            "es",
        ),
        (
            "who\tday\tpaid\na\t1/13/2020\t$1.50\na\t2/3/2020\t($2.00)\nb\t11/25/2020\t$1,234.50\n",
            "us",
        ),
        (
            "who day paid\n a  20200113  1.5\n a  20200203 -2.0\n b  20201125  1234.5\n",
            "blanks.txt",
        ),
        ("who,day,paid\na,1578917400,1.5\na,1580731800,-2\nb,1606306200,1234.5\n", "epoch.csv"),
        (
            "who,day,paid\na,2020-01-13T10:00:00Z,1.5\na,2020-02-03T11:00:00Z,-2\n"
            "b,2020-11-25T09:00:00Z,1234.5\n",
            "zone.csv",
        ),
    ],
)
def test_layouts_of_dates_numbers_and_separators(text: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    frame = read_transactions(path, "who", "day", "paid").frame

    assert frame["customer_id"].tolist() == ["a", "a", "b"]
    assert frame["purchase_date"].tolist() == list(DAYS)
    assert frame["net_amount"].tolist() == [1.5, -2.0, 1234.5]


def test_no_header_positions_parquet_and_products(tmp_path: Path) -> None:
    bare = tmp_path / "bare.txt"
    bare.write_text(" 7 a 20200113 2 3.0\n 8 b 20200203 1 4.0\n")
    by_position = read_transactions(bare, "2", "3", "4*5").frame
    packed = tmp_path / "rows.parquet"
    pd.DataFrame({"Who ": [13085.0, np.nan], "day": DAYS[:2], "paid": [1.0, 2.0]}).to_parquet(
        packed
    )
    read = read_transactions(packed, "who", "day", "paid")

    assert by_position["customer_id"].tolist() == ["a", "b"]
    assert by_position["net_amount"].tolist() == [6.0, 4.0]
    assert read.frame["customer_id"].tolist() == ["13085"]
    assert "1 of 2 rows without customer are left out" in read.notes[0]


def test_currencies_are_not_added_up(tmp_path: Path) -> None:
    path = tmp_path / "mix.csv"
    path.write_text("who,day,paid,unit\na,2020-01-13,€1.50,EUR\nb,2020-02-03,$2.00,USD\n")
    by_sign = read_transactions(path, "who", "day", "paid")
    by_column = read_transactions(path, "who", "day", "paid", currency="unit")

    for read in (by_sign, by_column):
        assert "net_amount" not in read.frame
        assert "2 currencies" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "can't be read"),
        ("who,when,paid\na,2020-01-01,1\n", "has no column 'day'; it has who, when, paid"),
        ("who,day,paid\na,soon,1\n", "No value of the date column is a date; the first is 'soon'"),
    ],
)
def test_unusable_files_get_a_sentence(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(ReadingError, match=message):
        read_transactions(path, "who", "day", "paid")
    with pytest.raises(ReadingError, match="does not exist"):
        read_transactions(tmp_path / "none.csv", "who", "day")


def _rows(customers: list[str], days: list[dt.date], paid: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"who": customers, "day": days, "paid": paid})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (_rows([], [], []), "nothing to learn from. Abstains"),
        (_rows(["a"], [dt.date(2020, 1, 1)], [5.0]), "Nobody who was known then bought"),
        (
            _rows(["a", "b", "a"], [dt.date(2020, 1, 1)] * 2 + [dt.date(2020, 9, 1)], [5.0] * 3),
            "The champion abstains: Only 0 of 2 customers have a repeat purchase",
        ),
        (_rows(["a", "b"], [dt.date(2020, 1, 1)] * 2, [-5.0] * 2), "nothing to learn from"),
        (_rows(["a", "b"], [dt.date(2030, 1, 1)] * 2, [5.0] * 2), "2 rows after 2020-12-31"),
        (
            _rows(["a", "a"], [dt.date(2000, 1, 1), dt.date(2020, 9, 1)], [5.0] * 2),
            "a gap of 7,549 days",
        ),
    ],
)
def test_odd_logs_abstain_with_a_sentence(
    frame: pd.DataFrame, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    code, said = _run(path, capsys)

    assert code == 0
    assert message in said
    assert "nan" not in said.lower()


def test_a_missing_file_is_an_exit_code_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _run(tmp_path / "none.csv", capsys)

    assert code == 2
    assert "none.csv does not exist" in said
